"""The dashboard's charts, from the figures that are kept by minute, hour and day."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.charts import NOTHING, Chart, Line, Series, bars, cell, lines
from console.templatetags.console import number, size
from iam.principals import Principal
from monitoring.models import Capacity, Span, Traffic
from monitoring.traffic import BOUNDS, Tally, quantile, start_of

MOST_OPERATIONS = 8


@dataclass(frozen=True, slots=True)
class Range:
    """A stretch of time that charts show: so many steps of so long."""

    name: str
    title: str
    span: Span
    step: timedelta
    steps: int
    clock: str


RANGES = (
    Range("1h", "1 hour", Span.MINUTE, timedelta(minutes=1), 60, "%H:%M"),
    Range("24h", "24 hours", Span.MINUTE, timedelta(minutes=20), 72, "%d %b, %H:%M"),
    Range("7d", "7 days", Span.HOUR, timedelta(hours=2), 84, "%d %b, %H:%M"),
    Range("90d", "90 days", Span.DAY, timedelta(days=1), 90, "%d %b"),
)
BY_NAME = {one.name: one for one in RANGES}
DEFAULT = "24h"


@dataclass(frozen=True, slots=True)
class Figures:
    """What was answered in a range: charts, sums and the commonest operations."""

    range: Range
    charts: list[Chart]
    whole: Tally
    operations: list[tuple[str, int, float]]
    middle: str
    slow: str
    failed_percent: str


def figures_of(name: str, now: datetime) -> Figures:
    """Gather what the charts of a range show."""
    asked = BY_NAME.get(name, BY_NAME[DEFAULT])
    moments, tallies = by_step(asked, now)
    whole = Tally()
    for tally in tallies:
        whole.add(tally)
    shown = few(whole.operations)
    most = max((count for _, count in shown), default=1)
    return Figures(
        range=asked,
        charts=charts_of(asked, moments, tallies),
        whole=whole,
        operations=[
            (operation, count, round(100 * count / most, 1))
            for operation, count in shown
        ],
        middle=cell(quantile(whole.latency, BOUNDS, 0.5), duration),
        slow=cell(quantile(whole.latency, BOUNDS, 0.95), duration),
        failed_percent=f"{100 * whole.failed / whole.requests:.2f} %"
        if whole.requests
        else NOTHING,
    )


def few(operations: Counter[str]) -> list[tuple[str, int]]:
    return operations.most_common(MOST_OPERATIONS)


def by_step(asked: Range, now: datetime) -> tuple[list[datetime], list[Tally]]:
    """Sum the rows that fall into each step of a range."""
    end = start_of(asked.span, now) + timedelta(**{f"{asked.span}s": 1})
    begin = end - asked.step * asked.steps
    tallies = [Tally() for _ in range(asked.steps)]
    rows = Traffic.objects.filter(
        span=asked.span, begun_at__gte=begin, begun_at__lt=end
    )
    for row in rows:
        tallies[int((row.begun_at - begin) / asked.step)].add(row)
    return [begin + asked.step * n for n in range(asked.steps)], tallies


def charts_of(
    asked: Range, moments: list[datetime], tallies: list[Tally]
) -> list[Chart]:
    fine = [tally.requests - tally.refused - tally.failed for tally in tallies]
    return [
        bars(
            "Requests",
            moments,
            [
                Series("answered", "good", fine),
                Series("refused", "warn", [tally.refused for tally in tallies]),
                Series("failed", "bad", [tally.failed for tally in tallies]),
            ],
            count_text,
            asked.clock,
        ),
        lines(
            "Latency",
            moments,
            [
                Line("half within", "one", latencies(tallies, 0.5)),
                Line("95 % within", "two", latencies(tallies, 0.95)),
            ],
            duration,
            asked.clock,
        ),
        lines(
            "Traffic",
            moments,
            [
                Line("sent", "one", [tally.sent for tally in tallies]),
                Line("received", "two", [tally.received for tally in tallies]),
            ],
            size_text,
            asked.clock,
        ),
    ]


def latencies(tallies: list[Tally], part: float) -> list[float | None]:
    return [quantile(tally.latency, BOUNDS, part) for tally in tallies]


def growth_of(principal: Principal, now: datetime) -> Chart:
    """Draw what the account held, day by day; by hour in its first days."""
    rows = list(
        Capacity.objects.filter(
            account_id=principal.account_id,
            span=Span.DAY,
            begun_at__gte=now - timedelta(days=90),
        ).order_by("begun_at")
    )
    clock = "%d %b"
    if len(rows) < 4:
        clock = "%d %b, %H:%M"
        rows = list(
            Capacity.objects.filter(
                account_id=principal.account_id,
                span=Span.HOUR,
                begun_at__gte=now - timedelta(days=4),
            ).order_by("begun_at")
        )
    return bars(
        "Capacity",
        [row.begun_at for row in rows],
        [
            Series("current", "one", [row.current_size for row in rows]),
            Series("earlier versions", "two", [row.earlier_size for row in rows]),
        ],
        size_text,
        clock,
    )


def count_text(value: float) -> str:
    return number(round(value))


def size_text(value: float) -> str:
    return size(round(value))


def duration(seconds: float) -> str:
    """Write a time as people read it: 3 ms, 1.2 s."""
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s"
