"""How many traces are kept where the standard's variables leave it open."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from observability import otlp, spans

SENDER = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"


@pytest.fixture
def clock(monkeypatch: Any) -> list[float]:
    """What time it is: the first of the list."""
    now = [7.5]
    monkeypatch.setattr(spans, "monotonic", lambda: now[0])
    return now


def tracer(most: int | None) -> spans.Tracer:
    return spans.Tracer(
        ParentBased(ALWAYS_ON), Resource({}), SpanProcessor(), most_a_second=most
    )


def kept(tracer: spans.Tracer, requests: int, **headers: str) -> int:
    asked = [RequestFactory().get("/", headers=headers) for _ in range(requests)]
    return sum(tracer.begin_request(one) is not None for one in asked)


@pytest.mark.usefixtures("clock")
def test_all_are_kept_where_the_variable_says_so() -> None:
    assert kept(tracer(None), 40) == 40


def test_of_each_second_the_first_are_kept(clock: list[float]) -> None:
    some = tracer(otlp.TRACES_A_SECOND)
    assert kept(some, 40) == otlp.TRACES_A_SECOND
    clock[0] = 7.9
    assert kept(some, 1) == 0
    clock[0] = 8.0
    assert kept(some, 40) == otlp.TRACES_A_SECOND


@pytest.mark.usefixtures("clock")
def test_a_sender_is_heard_whatever_it_says() -> None:
    none = tracer(0)
    assert kept(none, 40, traceparent=f"00-{SENDER}-01") == 40
    assert kept(tracer(40), 40, traceparent=f"00-{SENDER}-00") == 0
