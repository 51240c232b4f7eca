"""Spans: made cheaply while a request is answered, drawn as OpenTelemetry's at its end.

The SDK's own spans take 15 us each, which with six of them would double a small GET.
These keep names and times alone; the sampler, the resource, the queue and the sending
are the SDK's.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random, SystemRandom
from time import monotonic, time_ns
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler, TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from kernel.telemetry import current
from observability.logs import without_token
from observability.requests import Outcome

SCOPE = InstrumentationScope("objectstore")
SAMPLED = TraceFlags(TraceFlags.SAMPLED)
PROPAGATOR = TraceContextTextMapPropagator()
# Spans inside one request or task that are kept: a sweep asks queries without end.
MOST_INNER = 200
# Names, not secrets: they tell traces apart. One seed from the system suffices.
chance = Random(SystemRandom().getrandbits(128))  # noqa: S311


class Span:
    """A span that goes on, or one that ended inside it."""

    __slots__ = (
        "attributes",
        "began",
        "ended",
        "error",
        "inner",
        "name",
        "parent",
        "root",
        "span_id",
        "trace_id",
    )

    def __init__(self, name: str, trace_id: int, parent: Span | None) -> None:
        self.name = name
        self.trace_id = trace_id
        self.span_id = chance.getrandbits(64)
        self.parent = parent
        self.root: Span = self if parent is None else parent.root
        self.inner: list[Span] = []
        self.error: BaseException | None = None
        self.attributes: Mapping[str, Any] = {}
        self.ended = 0
        self.began = time_ns()


class Tracer:
    """Makes the spans of requests and tasks, and hands those that are sampled on."""

    def __init__(
        self,
        sampler: Sampler,
        resource: Resource,
        processor: SpanProcessor,
        *,
        most_a_second: int | None = None,
    ) -> None:
        self._sampler = sampler
        self._bound = bound_of(sampler)
        self._most = most_a_second
        self._second = 0
        self._begun = 0
        self._resource = resource
        self._processor = processor

    def begin(self, name: str, attributes: Mapping[str, Any]) -> Span:
        """Begin a span inside the thread's own; after very many they are not kept."""
        outer: Span = current.span
        span = current.span = Span(name, outer.trace_id, outer)
        span.attributes = attributes
        if len(outer.root.inner) < MOST_INNER:
            outer.root.inner.append(span)
        return span

    def end(self, span: Span, error: BaseException | None = None) -> None:
        span.ended = time_ns()
        span.error = error
        current.span = span.parent

    def begin_request(self, request: Any) -> Root | None:
        """Begin a request's trace, or go on with its sender's; None: not sampled."""
        meta = request.META
        carrier = (
            {
                "traceparent": meta["HTTP_TRACEPARENT"],
                "tracestate": meta.get("HTTP_TRACESTATE", ""),
            }
            if "HTTP_TRACEPARENT" in meta
            else {}
        )
        return self._begin_root(request.method or "", SpanKind.SERVER, carrier)

    def end_request(self, root: Root, request: Any, outcome: Outcome) -> None:
        principal = getattr(request, "principal", None)
        root.span.name = f"{outcome.dialect} {outcome.operation}"
        root.span.attributes = {
            "http.request.method": request.method or "",
            "http.response.status_code": outcome.status,
            "http.request.body.size": outcome.received,
            "http.response.body.size": outcome.sent,
            "url.scheme": request.scheme or "",
            "url.path": without_token(request.path),
            "aws.request_id": getattr(request, "request_id", ""),
            "objectstore.dialect": outcome.dialect,
            "objectstore.operation": outcome.operation,
            "objectstore.principal": "" if principal is None else principal.arn,
        }
        self._end_root(root, is_error=outcome.status >= 500)

    def begin_task(self, task: Any) -> Root | None:
        carrier = {"traceparent": task.request.get("traceparent") or ""}
        return self._begin_root(task.name, SpanKind.CONSUMER, carrier)

    def end_task(self, root: Root, state: str) -> None:
        root.span.attributes = {
            "messaging.system": "celery",
            "messaging.operation.type": "process",
            "objectstore.task": root.span.name,
            "objectstore.task.state": state.lower(),
        }
        self._end_root(root, is_error=state == "FAILURE")

    def _begin_root(
        self, name: str, kind: SpanKind, carrier: Mapping[str, str]
    ) -> Root | None:
        current.span = None
        sender = sender_in(carrier) if carrier else None
        trace_id = chance.getrandbits(128) if sender is None else sender.trace_id
        if not self._is_sampled(trace_id, sender, name, kind):
            return None
        root = Root(Span(name, trace_id, None), kind, sender)
        current.span = root.span
        return root

    def _is_sampled(
        self, trace_id: int, sender: SpanContext | None, name: str, kind: SpanKind
    ) -> bool:
        """Ask the sampler; a plain ratio is compared here, which is 6 us cheaper."""
        if sender is None and self._most is not None:
            return self._is_among_the_first(self._most)
        if sender is None and self._bound is not None:
            return trace_id & TraceIdRatioBased.TRACE_ID_LIMIT < self._bound
        context = set_span_in_context(NonRecordingSpan(sender)) if sender else Context()
        result = self._sampler.should_sample(context, trace_id, name, kind)
        return result.decision.is_sampled()

    def _is_among_the_first(self, most: int) -> bool:
        """Tell whether this second has had fewer traces; threads may add one or two."""
        second = int(monotonic())
        if second != self._second:
            self._second, self._begun = second, 0
        self._begun += 1
        return self._begun <= most

    def _end_root(self, root: Root, *, is_error: bool) -> None:
        span = root.span
        span.ended = time_ns()
        if current.span is not None and current.span.root is span:
            current.span = None
        status = Status(StatusCode.ERROR if is_error else StatusCode.UNSET)
        for inner in span.inner:
            parent = context_of(inner.parent)
            self._hand_on(inner, parent, SpanKind.INTERNAL, status_of(inner.error))
        self._hand_on(span, root.sender, root.kind, status)

    def _hand_on(
        self, span: Span, parent: SpanContext | None, kind: SpanKind, status: Status
    ) -> None:
        self._processor.on_end(
            ReadableSpan(
                name=span.name,
                context=context_of(span),
                parent=parent,
                resource=self._resource,
                attributes={**span.attributes, **error_attributes(span.error)},
                kind=kind,
                status=status,
                start_time=span.began,
                # One whose answer was not read to its end ends with the whole.
                end_time=span.ended or span.root.ended,
                instrumentation_scope=SCOPE,
            )
        )


def bound_of(sampler: Sampler) -> int | None:
    """Give the number below which trace ids are sampled, where that decides alone."""
    own = getattr(sampler, "_root", sampler)
    if own is ALWAYS_ON:
        return TraceIdRatioBased.get_bound_for_rate(1.0)
    return own.bound if isinstance(own, TraceIdRatioBased) else None


class Root:
    """The outermost span of a request or task, and whose trace it goes on with."""

    __slots__ = ("kind", "sender", "span")

    def __init__(self, span: Span, kind: SpanKind, sender: SpanContext | None) -> None:
        self.span = span
        self.kind = kind
        self.sender = sender


def sender_in(carrier: Mapping[str, str]) -> SpanContext | None:
    """Read W3C's traceparent; what is not one begins a trace of its own."""
    found = get_current_span(PROPAGATOR.extract(dict(carrier))).get_span_context()
    return found if found.is_valid else None


def context_of(span: Span | None) -> SpanContext | None:
    if span is None:
        return None
    return SpanContext(span.trace_id, span.span_id, False, SAMPLED)


def error_attributes(error: BaseException | None) -> dict[str, str]:
    """Name the refusal or failure; its text may hold what is not for others' eyes."""
    return {} if error is None else {"error.type": type(error).__name__}


def status_of(error: BaseException | None) -> Status:
    """Tell failures from refusals, which are answers."""
    is_failure = error is not None and getattr(error, "status", 500) >= 500
    return Status(StatusCode.ERROR if is_failure else StatusCode.UNSET)
