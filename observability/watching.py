"""Who watches this process: nobody, or what settings and the environment ask for."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from kernel import telemetry
from kernel.telemetry import SIGNALS, exports
from observability.counters import Counters
from observability.logs import log_access
from observability.requests import Observer

if TYPE_CHECKING:
    from observability.otlp import Telemetry


@lru_cache(maxsize=1)
def counters() -> Counters | None:
    """Give this process's counters, or None where nothing is counted."""
    if not settings.OBJECTSTORE_METRICS:
        return None
    return Counters(Path(settings.OBJECTSTORE_METRICS_DIR))


def is_exporting() -> bool:
    return any(exports(signal, os.environ) for signal in SIGNALS)


@lru_cache(maxsize=1)
def exporting() -> Telemetry | None:
    """Give what sends telemetry by OTLP; without it nothing of it is imported.

    It has threads, so it is first asked for where work is done: a parent that only
    forks and commands that end at once have none.
    """
    if not is_exporting():
        return None
    from observability.otlp import Telemetry

    sender = Telemetry(os.environ)
    telemetry.tracer = sender.tracer
    return sender


def observer() -> Observer | None:
    """Give who watches requests, or None where nobody wants to know."""
    sender = exporting()
    tracer = None if sender is None else sender.tracer
    log = log_access if settings.OBJECTSTORE_ACCESS_LOG else None
    is_told_to_logs = settings.LOG_FORMAT == "json" or exports("LOGS", os.environ)
    if not (counters() or tracer or log or is_told_to_logs):
        return None
    return Observer(counters(), tracer, log, is_told_to_logs=is_told_to_logs)


def begin() -> None:
    """Let the storeys be watched from now on."""
    telemetry.watcher = counters()
