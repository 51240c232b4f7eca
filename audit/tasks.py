"""Celery tasks of the audit log."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from audit import operations, seals

MOST_TOLD = 5


class BrokenSeal(Exception):
    """The audit log is not as it was sealed."""


@shared_task  # type: ignore[untyped-decorator]
def seal_events() -> int:
    return seals.seal_events(now=timezone.now())


@shared_task  # type: ignore[untyped-decorator]
def verify_seals() -> None:
    """Fail where the log is not as it was sealed, so that the health page tells."""
    found = [str(flaw) for flaw in seals.flaws()]
    if found:
        raise BrokenSeal("; ".join(found[:MOST_TOLD]))


@shared_task  # type: ignore[untyped-decorator]
def forget_old_events() -> int:
    return operations.forget_old_events(now=timezone.now())
