"""What was answered over time: read from counters, kept by minute, hour and day.

The counters only grow. Each look takes what came since the last one of the same
machine and adds it to the minutes between; hours are summed from minutes and days from
hours, anew each time, so that a sum made twice is the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db.models import Exists, OuterRef, Sum
from django.db.models.functions import Coalesce

from buckets.models import Bucket
from iam.models import Account
from kernel.database.commit import commit
from monitoring.models import Capacity, Reading, Span, Traffic

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LENGTH = {Span.MINUTE: MINUTE, Span.HOUR: HOUR, Span.DAY: DAY}
KEPT = {
    Span.MINUTE: timedelta(days=2),
    Span.HOUR: timedelta(days=60),
    Span.DAY: timedelta(days=3 * 365),
}
# What came over a longer time is told of its last hour: sums are made anew up to there.
MOST_MINUTES = 60
MOST_OPERATIONS = 12
# Seconds by which counters sort requests; what is slower than the last has its own.
BOUNDS = (
    *(0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
OTHERS = "other"
# What is kept of an account, and the buckets' counter it is the sum of.
MEASURED = {
    "objects_count": "objects_count",
    "current_size": "objects_size",
    "earlier_size": "versions_size",
}

# dialect, operation and class of status, as one text; then counts by bound of seconds,
# bytes received and bytes sent.
Series = str
Totals = Mapping[Series, Sequence[float]]


@dataclass(slots=True)
class Tally:
    """What was answered within some time."""

    requests: int = 0
    refused: int = 0
    failed: int = 0
    received: int = 0
    sent: int = 0
    latency: list[int] = field(default_factory=list)
    operations: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally | Traffic) -> None:
        self.requests += other.requests
        self.refused += other.refused
        self.failed += other.failed
        self.received += other.received
        self.sent += other.sent
        self.latency = added(self.latency, other.latency)
        self.operations.update(other.operations)

    def columns(self) -> dict[str, object]:
        return {
            "requests": self.requests,
            "refused": self.refused,
            "failed": self.failed,
            "received": self.received,
            "sent": self.sent,
            "latency": self.latency,
            "operations": few(self.operations),
        }

    def share(self, number: int, count: int) -> Tally:
        """Give one of `count` parts that add up to the whole."""

        def part(value: int) -> int:
            return value * (number + 1) // count - value * number // count

        return Tally(
            part(self.requests),
            part(self.refused),
            part(self.failed),
            part(self.received),
            part(self.sent),
            [part(value) for value in self.latency],
            Counter({name: part(value) for name, value in self.operations.items()}),
        )


def added(left: Sequence[int], right: Sequence[int]) -> list[int]:
    if len(left) < len(right):
        left, right = right, left
    return [value + (right[i] if i < len(right) else 0) for i, value in enumerate(left)]


def few(operations: Counter[str]) -> dict[str, int]:
    """Keep the commonest operations by name; sum up the others."""
    named = {name: count for name, count in operations.items() if name != OTHERS}
    commonest = Counter(named).most_common(MOST_OPERATIONS)
    kept = {name: count for name, count in commonest if count}
    rest = operations.total() - sum(kept.values())
    return {**kept, OTHERS: rest} if rest else kept


def since(before: Totals, after: Totals) -> Tally:
    """Tell what came between two looks; counters that fell had begun anew."""
    tally = Tally()
    for series, values in after.items():
        earlier = before.get(series, ())
        if len(earlier) != len(values) or any(
            a < b for a, b in zip(values, earlier, strict=False)
        ):
            earlier = [0.0] * len(values)
        count(tally, series, [a - b for a, b in zip(values, earlier, strict=True)])
    return tally


def count(tally: Tally, series: Series, values: Sequence[float]) -> None:
    _, operation, status = series.split(" ")
    *spread, received, sent = (int(value) for value in values)
    requests = sum(spread)
    tally.requests += requests
    tally.refused += requests if status == "4xx" else 0
    tally.failed += requests if status == "5xx" else 0
    tally.received += received
    tally.sent += sent
    tally.latency = added(tally.latency, spread)
    if requests:
        tally.operations[operation] += requests


def record(node: str, totals: Totals, now: datetime) -> None:
    """Take what a machine's counters say since they were last read."""

    def add() -> None:
        reading = Reading.objects.select_for_update().filter(node=node).first()
        if reading is None:
            Reading.objects.create(node=node, read_at=now, totals=totals)
            return
        if reading.read_at >= now:
            return
        spread_out(since(reading.totals, totals), reading.read_at, now)
        Reading.objects.filter(pk=reading.pk).update(read_at=now, totals=totals)

    commit(add)


def spread_out(tally: Tally, begin: datetime, end: datetime) -> None:
    """Add what came to the minutes it came in, the same to each."""
    if not tally.requests and not tally.sent and not tally.received:
        return
    minutes = minutes_between(begin, end)
    for number, minute in enumerate(minutes):
        whole = Tally()
        row = (
            Traffic.objects.select_for_update()
            .filter(span=Span.MINUTE, begun_at=minute)
            .first()
        )
        if row is not None:
            whole.add(row)
        whole.add(tally.share(number, len(minutes)))
        keep(Span.MINUTE, minute, whole)


def minutes_between(begin: datetime, end: datetime) -> list[datetime]:
    """List the minutes that ended since `begin`, and the one at hand if none did."""
    last = start_of(Span.MINUTE, end)
    first = max(start_of(Span.MINUTE, begin), last - MINUTE * MOST_MINUTES)
    return [first + MINUTE * n for n in range(int((last - first) / MINUTE))] or [last]


def start_of(span: str, moment: datetime) -> datetime:
    moment = moment.astimezone(UTC).replace(second=0, microsecond=0)
    if span == Span.MINUTE:
        return moment
    return moment.replace(minute=0, hour=0 if span == Span.DAY else moment.hour)


def keep(span: str, begun_at: datetime, tally: Tally) -> None:
    Traffic.objects.update_or_create(
        span=span, begun_at=begun_at, defaults=tally.columns()
    )


def roll_up(now: datetime) -> None:
    """Sum this hour and the last from their minutes, then the days from their hours."""

    def record() -> None:
        for part, whole in ((Span.MINUTE, Span.HOUR), (Span.HOUR, Span.DAY)):
            latest = start_of(whole, now)
            # Minutes may still have come to the hour before; not to those before it.
            for begin in (latest - LENGTH[whole], latest):
                sum_up(part, whole, begin)

    commit(record)


def sum_up(part: str, whole: Span, begin: datetime) -> None:
    rows = Traffic.objects.filter(
        span=part, begun_at__gte=begin, begun_at__lt=begin + LENGTH[whole]
    )
    tally = total(rows)
    if tally.requests:
        keep(whole, begin, tally)


def total(rows: Iterable[Traffic]) -> Tally:
    tally = Tally()
    for row in rows:
        tally.add(row)
    return tally


def measure_capacity(now: datetime) -> None:
    """Keep what each account holds, by the buckets' own exact counters."""
    # From the accounts, not the buckets: who has none any more holds nothing.
    measured = Account.objects.filter(
        Exists(Bucket.objects.filter(owner=OuterRef("pk")))
        | Exists(Capacity.objects.filter(account=OuterRef("pk")))
    )
    held = measured.values("pk").annotate(
        **{
            column: Coalesce(Sum(f"buckets__usage__{counter}"), 0)
            for column, counter in MEASURED.items()
        }
    )

    def record() -> None:
        rows = [
            Capacity(
                account_id=row.pop("pk"),
                span=span,
                begun_at=start_of(span, now),
                **row,
            )
            for span in (Span.HOUR, Span.DAY)
            for row in map(dict, held)
        ]
        Capacity.objects.bulk_create(
            rows,
            batch_size=100,
            update_conflicts=True,
            unique_fields=["account", "span", "begun_at"],
            update_fields=[*MEASURED],
        )

    commit(record)


def forget_old(now: datetime) -> None:
    """Forget figures that are kept in coarser ones."""

    def record() -> None:
        for span, kept in KEPT.items():
            for model in (Traffic, Capacity):
                model.objects.filter(span=span, begun_at__lt=now - kept).delete()  # type: ignore[attr-defined]

    commit(record)


def quantile(
    latency: Sequence[int], bounds: Sequence[float], part: float
) -> float | None:
    """Estimate the time within which this part of the requests was answered.

    None where there were no requests.
    """
    wanted, passed = part * sum(latency), 0
    if not wanted:
        return None
    for number, count_ in enumerate(latency):
        if passed + count_ >= wanted:
            low = bounds[number - 1] if number else 0.0
            high = bounds[number] if number < len(bounds) else bounds[-1]
            return low + (high - low) * (wanted - passed) / count_
        passed += count_
    return bounds[-1]
