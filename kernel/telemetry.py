"""The seam through which the storeys are watched; nobody watches unless told to."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Protocol


class Watcher(Protocol):
    """Who counts what the storeys below the dialects do."""

    def committed(self, writes: int, seconds: float) -> None: ...

    def swept(self, blobs: int, size: int) -> None: ...


class Tracer(Protocol):
    """Who makes spans; `end` takes what `begin` gave and what was raised, if any."""

    def begin(self, name: str, attributes: Mapping[str, Any]) -> Any: ...

    def end(self, span: Any, error: BaseException | None = None) -> None: ...


class _OfThread(threading.local):
    """What this thread is at work on, for log lines and spans."""

    request: Any = None
    span: Any = None


current = _OfThread()
watcher: Watcher | None = None
tracer: Tracer | None = None

SIGNALS = ("TRACES", "METRICS", "LOGS")
# The last is not of the standard, but people come with it.
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_HTTP_ENDPOINT")


def exports(signal: str, environ: Mapping[str, str]) -> bool:
    """Tell whether the standard's variables ask for a signal to be sent by OTLP."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environ.get(f"OTEL_{signal}_EXPORTER", "otlp").strip() != "otlp":
        return False
    return any(environ.get(name) for name in endpoints_of(signal))


def endpoints_of(signal: str) -> tuple[str, ...]:
    return (f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", *ENDPOINTS)


def traced[**P, T](
    name: str, first: str = ""
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Make each call of a function a span of the request or task it belongs to.

    `first` is the attribute that tells the first argument. Where no traces are sent
    the function stays as it is, so that it costs nothing.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        if not exports("TRACES", os.environ):
            return function
        return in_span(name, first, function)

    return decorate


def in_span[**P, T](name: str, first: str, function: Callable[P, T]) -> Callable[P, T]:
    @wraps(function)
    def call(*arguments: P.args, **named: P.kwargs) -> T:
        if tracer is None or current.span is None:
            return function(*arguments, **named)
        span = tracer.begin(name, {first: arguments[0]} if first else {})
        try:
            result = function(*arguments, **named)
        except BaseException as error:
            tracer.end(span, error)
            raise
        tracer.end(span)
        return result

    return call
