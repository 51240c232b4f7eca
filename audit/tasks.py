"""Celery tasks of the audit log."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from audit import operations


@shared_task  # type: ignore[untyped-decorator]
def forget_old_events() -> int:
    return operations.forget_old_events(now=timezone.now())
