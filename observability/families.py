"""What is measured, family by family: drawn the same for Prometheus and for OTLP."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError

from kernel.release import release
from observability import counters, queries
from observability.ledger import Name, Numbers, read_all

logger = logging.getLogger("objectstore.metrics")

Labels = Mapping[str, str]
Totals = Mapping[Name, list[float]]


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a counter or gauge."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Spread:
    """One histogram: how many values fell under each bound, and their sum."""

    labels: Labels
    bounds: tuple[float, ...]
    counts: list[int]
    sum: float


@dataclass(frozen=True, slots=True)
class Family:
    """A metric: `kind` is counter, gauge or histogram, `unit` is UCUM's word."""

    name: str
    kind: str
    text: str
    samples: list[Sample | Spread]
    unit: str = "1"


def all_families() -> Iterator[Family]:
    """Measure everything there is to measure, over all processes of this machine."""
    numbers = read_all(Path(settings.OBJECTSTORE_METRICS_DIR))
    totals = numbers.total()
    yield from families_of_requests(totals)
    yield gauge(
        "requests_in_flight",
        "Requests that are being answered.",
        [Sample({}, in_flight(numbers))],
    )
    yield gauge("build_info", "The release.", [Sample({"version": release()}, 1)])
    yield gauge("processes", "Processes that count.", [Sample({}, len(numbers.living))])
    yield from families_of_work(totals)
    yield from families_of_database()


def counter(name: str, text: str, samples: Iterable[Sample], unit: str = "1") -> Family:
    return Family(f"objectstore_{name}", "counter", text, list(samples), unit)


def gauge(name: str, text: str, samples: Iterable[Sample], unit: str = "1") -> Family:
    return Family(f"objectstore_{name}", "gauge", text, list(samples), unit)


def histogram(
    name: str, text: str, samples: Iterable[Spread], unit: str = "s"
) -> Family:
    return Family(f"objectstore_{name}", "histogram", text, list(samples), unit)


def in_flight(numbers: Numbers) -> float:
    return sum(process_in_flight(process) for process in numbers.living)


def process_in_flight(numbers: Totals) -> float:
    started = numbers.get(counters.STARTED, [0.0])[0]
    ended = sum(
        sum(values[: counters.SUM])
        for name, values in numbers.items()
        if name[0] == counters.REQUESTS
    )
    return max(started - ended, 0.0)


def families_of_requests(totals: Totals) -> Iterator[Family]:
    series = sorted(
        (name[1:], values)
        for name, values in totals.items()
        if name[0] == counters.REQUESTS
    )
    yield counter(
        "requests_total",
        "Requests answered, by dialect, operation and class of status.",
        [
            Sample(
                {"dialect": dialect, "operation": operation, "status": status},
                sum(values[: counters.SUM]),
            )
            for (dialect, operation, status), values in series
        ],
    )
    by_operation = summed_over_status(series)
    yield histogram(
        "request_duration_seconds",
        "Time from a request's arrival until its answer was given out whole.",
        [spread(labels, counters.SECONDS, values) for labels, values in by_operation],
    )
    for name, text, place in (
        ("received_bytes_total", "Bytes read of bodies.", counters.RECEIVED),
        ("sent_bytes_total", "Bytes sent in bodies.", counters.SENT),
    ):
        samples = [Sample(labels, values[place]) for labels, values in by_operation]
        yield counter(name, text, samples, "By")


def summed_over_status(
    series: Iterable[tuple[Name, list[float]]],
) -> list[tuple[Labels, list[float]]]:
    sums: dict[tuple[str, str], list[float]] = {}
    for (dialect, operation, _), values in series:
        before = sums.get((dialect, operation))
        sums[dialect, operation] = (
            values
            if before is None
            else [a + b for a, b in zip(before, values, strict=True)]
        )
    return [
        ({"dialect": dialect, "operation": operation}, values)
        for (dialect, operation), values in sums.items()
    ]


def spread(labels: Labels, bounds: tuple[float, ...], values: list[float]) -> Spread:
    counts = [int(value) for value in values[: len(bounds) + 1]]
    return Spread(labels, bounds, counts, values[len(bounds) + 1])


def families_of_work(totals: Totals) -> Iterator[Family]:
    """What is done beneath the requests and beside them."""
    yield histogram(
        "commit_duration_seconds",
        "Time of a commit; on SQLite waiting writes share one.",
        spreads({}, counters.SECONDS, totals.get(counters.COMMITS)),
    )
    yield histogram(
        "commit_writes",
        "Writes that one commit made durable.",
        spreads({}, counters.WRITES, totals.get(counters.GROUPS)),
        "1",
    )
    sweeps, blobs, size = totals.get(counters.SWEEPS, [0.0, 0.0, 0.0])
    yield counter("sweeps_total", "Sweeps carried out.", [Sample({}, sweeps)])
    yield counter("swept_blobs_total", "Blobs swept away.", [Sample({}, blobs)])
    yield counter("swept_bytes_total", "Bytes swept away.", [Sample({}, size)], "By")
    yield histogram(
        "task_duration_seconds",
        "Time of the workers' tasks, by what became of them.",
        [
            spread({"task": name[1], "state": name[2]}, counters.TASK_SECONDS, values)
            for name, values in sorted(totals.items())
            if name[0] == counters.TASKS
        ],
    )


def spreads(
    labels: Labels, bounds: tuple[float, ...], values: list[float] | None
) -> list[Spread]:
    return [spread(labels, bounds, values or [0.0] * (len(bounds) + 2))]


def families_of_database() -> Iterator[Family]:
    """What the database knows; where it does not answer, only that."""
    try:
        holdings = queries.holdings(settings.OBJECTSTORE_METRICS_BUCKETS)
    except DatabaseError as error:
        logger.error("the database was not measured", exc_info=error)
        holdings = None
    answers = Sample({}, 0.0 if holdings is None else 1.0)
    yield gauge("database_up", "Whether the database answers.", [answers])
    if holdings is not None:
        yield from families_of_holdings(holdings)


def families_of_holdings(holdings: queries.Holdings) -> Iterator[Family]:
    held = holdings.held
    for name, text, value, unit in (
        ("buckets", "Buckets.", holdings.buckets, "1"),
        ("objects", "Current objects.", held["objects"], "1"),
        ("object_bytes", "Bytes of current objects.", held["bytes"], "By"),
        ("noncurrent_versions", "Noncurrent versions.", held["versions"], "1"),
        ("noncurrent_bytes", "Their bytes.", held["versions_bytes"], "By"),
        ("delete_markers", "Delete markers.", held["markers"], "1"),
        ("damaged_blobs", "Blobs found damaged.", holdings.damaged_blobs, "1"),
    ):
        yield gauge(name, text, [Sample({}, value)], unit)
    for name, text, counts, label in (
        ("jobs", "Jobs of the console, by state.", holdings.jobs, "state"),
        ("waiting_blobs", "Blobs to sweep.", holdings.waiting_blobs, "state"),
    ):
        yield gauge(name, text, [Sample({label: k}, v) for k, v in counts.items()])
    yield gauge(
        "bucket_objects",
        "Current objects of the largest buckets.",
        [Sample({"bucket": one.name}, one.objects) for one in holdings.largest],
    )
    yield gauge(
        "bucket_bytes",
        "Bytes of current objects of the largest buckets.",
        [Sample({"bucket": one.name}, one.bytes) for one in holdings.largest],
        "By",
    )
