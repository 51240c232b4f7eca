"""Celery tasks of monitoring."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from monitoring import traffic


@shared_task  # type: ignore[untyped-decorator]
def forget_old_figures() -> None:
    traffic.forget_old(timezone.now())
