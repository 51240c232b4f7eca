"""Figures over time: nothing is lost, nothing counts twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from buckets.operations import delete_bucket
from kernel.bodies import Body
from monitoring import traffic
from monitoring.models import Capacity, Reading, Span, Traffic
from objects.operations import delete_object, put_object
from observability import counters, figures

NOON = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
BOUNDS = (0.1, 1.0, 10.0)


def totals(**counts: int) -> dict[str, list[float]]:
    """Counters as a machine keeps them: all requests within the first bound."""
    return {
        f"s3 {name.partition('_')[0]} {name.partition('_')[2]}": [
            *(float(count), 0.0, 0.0, 0.0),
            10.0 * count,
            100.0 * count,
        ]
        for name, count in counts.items()
    }


def rows(span: str = Span.MINUTE) -> list[Traffic]:
    return list(Traffic.objects.filter(span=span).order_by("begun_at"))


@pytest.mark.django_db
class TestRecording:
    def test_the_first_look_only_notes_where_counters_stand(self) -> None:
        traffic.record("a", totals(Get_2xx=1000), NOON)
        assert rows() == []

    def test_what_came_since_is_told_of_the_minute_it_came_in(self) -> None:
        traffic.record("a", totals(Get_2xx=10, Put_5xx=1), NOON)
        after = totals(Get_2xx=15, Put_5xx=3, Put_4xx=2)
        traffic.record("a", after, NOON + timedelta(minutes=1))
        (row,) = rows()
        assert row.begun_at == NOON.replace(second=0)
        assert (row.requests, row.refused, row.failed) == (9, 2, 2)
        assert (row.received, row.sent) == (90, 900)
        assert row.latency == [9, 0, 0, 0]
        assert row.operations == {"Get": 5, "Put": 4}

    def test_what_came_over_minutes_is_spread_and_adds_up(self) -> None:
        traffic.record("a", totals(Get_2xx=0), NOON)
        traffic.record("a", totals(Get_2xx=10), NOON + timedelta(minutes=3))
        assert [row.requests for row in rows()] == [3, 3, 4]
        assert sum(row.sent for row in rows()) == 1000

    def test_machines_add_up(self) -> None:
        for node in ("a", "b"):
            traffic.record(node, totals(Get_2xx=0), NOON)
        for node in ("a", "b"):
            traffic.record(node, totals(Get_2xx=4), NOON + timedelta(minutes=1))
        assert [row.requests for row in rows()] == [8]

    def test_the_same_look_twice_counts_once(self) -> None:
        traffic.record("a", totals(Get_2xx=0), NOON)
        for _ in range(2):
            traffic.record("a", totals(Get_2xx=4), NOON + timedelta(minutes=1))
        assert [row.requests for row in rows()] == [4]
        assert Reading.objects.count() == 1

    def test_counters_that_began_anew_are_counted_from_nothing(self) -> None:
        traffic.record("a", totals(Get_2xx=1000), NOON)
        traffic.record("a", totals(Get_2xx=7), NOON + timedelta(minutes=1))
        assert [row.requests for row in rows()] == [7]

    def test_sums_made_twice_are_the_same(self) -> None:
        later = NOON + timedelta(minutes=50)
        traffic.record("a", totals(Get_2xx=0), NOON)
        traffic.record("a", totals(Get_2xx=100), later)
        for _ in range(2):
            traffic.roll_up(later)
        assert [row.requests for row in rows(Span.HOUR)] == [100]
        assert [row.requests for row in rows(Span.DAY)] == [100]
        assert rows(Span.DAY)[0].begun_at == NOON.replace(hour=0, second=0)

    def test_old_minutes_go_and_their_hours_stay(self) -> None:
        later = NOON + timedelta(minutes=2)
        traffic.record("a", totals(Get_2xx=0), NOON)
        traffic.record("a", totals(Get_2xx=5), later)
        traffic.roll_up(later)
        traffic.forget_old(NOON + timedelta(days=3))
        assert rows() == []
        assert len(rows(Span.HOUR)) == 1
        traffic.forget_old(NOON + timedelta(days=61))
        assert rows(Span.HOUR) == []
        assert [row.requests for row in rows(Span.DAY)] == [5]


def test_capacity_is_what_accounts_hold(root: Any, bucket: str) -> None:
    put_object(root, bucket, "a", body=Body.of(b"12345"), now=timezone.now())
    now = timezone.now()
    traffic.measure_capacity(now)
    put_object(root, bucket, "b", body=Body.of(b"67"), now=timezone.now())
    traffic.measure_capacity(now)
    (day,) = Capacity.objects.filter(span=Span.DAY)
    assert (day.account_id, day.objects_count, day.current_size) == (
        root.account_id,
        2,
        7,
    )


def test_capacity_of_an_account_without_buckets_is_nothing(
    root: Any, other_root: Any, bucket: str
) -> None:
    put_object(root, bucket, "a", body=Body.of(b"12345"), now=timezone.now())
    now = timezone.now()
    traffic.measure_capacity(now)
    delete_object(root, bucket, "a", now=timezone.now())
    delete_bucket(root, bucket, now=timezone.now())
    traffic.measure_capacity(now)
    held = {row.account_id: row.current_size for row in Capacity.objects.all()}
    assert held == {root.account_id: 0}


def test_counters_of_another_form_begin_anew() -> None:
    before, after = {"s3 Get 2xx": [5.0] * 3}, {"s3 Get 2xx": [1.0] * 20}
    assert traffic.since(before, after).requests == 18


def test_quantiles_lie_within_their_bounds() -> None:
    assert traffic.quantile([0, 0, 0, 0], BOUNDS, 0.5) is None
    assert traffic.quantile([100, 0, 0, 0], BOUNDS, 0.5) == pytest.approx(0.05)
    assert traffic.quantile([50, 50, 0, 0], BOUNDS, 0.95) == pytest.approx(0.91)
    assert traffic.quantile([0, 0, 0, 5], BOUNDS, 0.5) == 10.0


def test_only_the_commonest_operations_are_named() -> None:
    many = traffic.Counter({f"op{n}": 100 - n for n in range(30)})
    kept = traffic.few(many)
    assert len(kept) == traffic.MOST_OPERATIONS + 1
    assert sum(kept.values()) == many.total()


def test_console_and_probes_are_nobodys_use() -> None:
    cells = [1.0] * counters.REQUEST_CELLS
    cells[counters.SUM] = 99.0
    numbers = {
        ("requests", "s3", "GetObject", "2xx"): cells,
        ("requests", "console", "Page", "2xx"): cells,
        ("requests", "site", "Ready", "2xx"): cells,
        ("commits",): [5.0],
    }
    series = figures.series_of(numbers)
    assert list(series) == ["s3 GetObject 2xx"]
    assert 99.0 not in series["s3 GetObject 2xx"]
    assert len(series["s3 GetObject 2xx"]) == counters.SUM + 2


def test_the_scheduled_task_reads_counters_of_real_requests(
    db: Any, settings: Any, tmp_path: Any
) -> None:
    from observability.tasks import roll_up_figures

    settings.OBJECTSTORE_METRICS = True
    settings.OBJECTSTORE_METRICS_DIR = tmp_path
    counted = counters.Counters(tmp_path)
    cells = counted.begin_series(("s3", "GetObject", 2))
    roll_up_figures()
    cells[0] += 3
    cells[counters.SENT] += 30
    Reading.objects.update(read_at=timezone.now() - timedelta(minutes=1))
    roll_up_figures()
    assert sum(row.requests for row in rows()) == 3
    assert sum(row.sent for row in rows(Span.DAY)) == 30


def test_the_bounds_are_those_that_counters_sort_by() -> None:
    assert counters.SECONDS == traffic.BOUNDS
