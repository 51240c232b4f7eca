"""How the tasks of the schedule came out: kept, so that people can see it."""

from __future__ import annotations

import logging
from datetime import timedelta
from time import perf_counter
from typing import Any

from celery import signals
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from kernel.database.commit import commit
from kernel.errors import ObjectStoreError
from monitoring.models import TaskOutcome

logger = logging.getLogger("objectstore")
BEGAN = "objectstore_outcome_began"


def watch_tasks() -> None:
    """Keep the outcomes of scheduled tasks from now on."""
    signals.task_prerun.connect(note_begin)
    signals.task_postrun.connect(note_end)


def is_scheduled(task: str) -> bool:
    return any(
        entry["task"] == task for entry in settings.CELERY_BEAT_SCHEDULE.values()
    )


def note_begin(task: Any, **_: Any) -> None:
    setattr(task.request, BEGAN, perf_counter())


def note_end(task: Any, state: str | None = None, retval: Any = None, **_: Any) -> None:
    began = getattr(task.request, BEGAN, None)
    if began is None or not is_scheduled(task.name):
        return
    error = "" if state == "SUCCESS" else f"{type(retval).__name__}: {retval}"
    try:
        keep(task.name, perf_counter() - began, error)
    except (DatabaseError, ObjectStoreError) as away:
        logger.warning("the outcome of %s was not kept: %s", task.name, away)


def keep(task: str, seconds: float, error: str) -> None:
    now = timezone.now()
    when = {"failed_at": now} if error else {"succeeded_at": now}
    facts = {
        **when,
        "began_at": now - timedelta(seconds=seconds),
        "seconds": seconds,
        "error": error[:1024].replace("\0", ""),
    }
    commit(lambda: TaskOutcome.objects.update_or_create(task=task, defaults=facts))
