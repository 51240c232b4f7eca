"""What is noted of each of the workers' tasks."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from celery import signals

from kernel.telemetry import current
from observability import watching

BEGAN = "objectstore_began"
SPAN = "objectstore_span"


def watch_tasks() -> None:
    """Count and trace tasks from now on, where settings ask for it."""
    if watching.counters() is None and watching.exporting() is None:
        return
    signals.task_prerun.connect(note_begin, weak=False)
    signals.task_postrun.connect(note_end, weak=False)
    sender = watching.exporting()
    if sender is not None and sender.tracer is not None:
        signals.before_task_publish.connect(sender.tracer.send_along, weak=False)


def note_begin(task: Any, **_: Any) -> None:
    current.request = None
    setattr(task.request, BEGAN, perf_counter())
    sender = watching.exporting()
    if sender is not None and sender.tracer is not None:
        setattr(task.request, SPAN, sender.tracer.begin_task(task))


def note_end(task: Any, state: str | None = None, **_: Any) -> None:
    began = getattr(task.request, BEGAN, None)
    if began is None:
        return
    seconds = perf_counter() - began
    counted = watching.counters()
    if counted is not None:
        counted.count_task(task.name, (state or "unknown").lower(), seconds)
    span = getattr(task.request, SPAN, None)
    sender = watching.exporting()
    if span is not None and sender is not None and sender.tracer is not None:
        sender.tracer.end_task(span, state or "")
