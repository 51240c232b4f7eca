"""Celery tasks of shares."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from shares import operations


@shared_task  # type: ignore[untyped-decorator]
def forget_old_shares() -> int:
    return operations.forget_old_shares(now=timezone.now())
