"""Celery tasks of monitoring."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from monitoring import traffic, usage


@shared_task  # type: ignore[untyped-decorator]
def forget_old_figures() -> None:
    now = timezone.now()
    traffic.forget_old(now)
    usage.forget_old_reports(now)
