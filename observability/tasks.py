"""What is noted of each of the workers' tasks."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from celery import shared_task, signals

from kernel.telemetry import current
from observability import figures, watching

if TYPE_CHECKING:
    from observability.spans import Tracer

BEGAN = "objectstore_began"
SPAN = "objectstore_span"


@shared_task  # type: ignore[untyped-decorator]
def roll_up_figures() -> int:
    return figures.roll_up()


def watch_tasks() -> None:
    """Count and trace tasks from now on, where settings ask for it."""
    if watching.counters() is None and not watching.is_exporting():
        return
    signals.task_prerun.connect(note_begin)
    signals.task_postrun.connect(note_end)
    signals.before_task_publish.connect(send_along)


def note_begin(task: Any, **_: Any) -> None:
    setattr(task.request, BEGAN, perf_counter())
    traces = tracer()
    if traces is not None:
        setattr(task.request, SPAN, traces.begin_task(task))


def note_end(task: Any, state: str | None = None, **_: Any) -> None:
    began = getattr(task.request, BEGAN, None)
    if began is None:
        return
    counted = watching.counters()
    if counted is not None:
        counted.count_task(task.name, (state or "").lower(), perf_counter() - began)
    traces, span = tracer(), getattr(task.request, SPAN, None)
    if traces is not None and span is not None:
        traces.end_task(span, state or "")


def send_along(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Let a task that is sent be part of the trace it is sent in."""
    span = current.span
    if span is not None and headers is not None:
        headers["traceparent"] = f"00-{span.trace_id:032x}-{span.span_id:016x}-01"


def tracer() -> Tracer | None:
    sender = watching.exporting()
    return None if sender is None else sender.tracer
