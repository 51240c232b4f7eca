"""SQLite answers what is asked of versions by its indexes, without sorting."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from buckets import queries as buckets
from buckets.access import find_bucket
from kernel.bodies import Body
from kernel.results import BucketInfo
from lifecycle.queries import batches
from lifecycle.rules import compile_rules
from objects import queries
from objects.bulk import weigh
from objects.operations import put_object
from objects.surveys import survey
from tests.lifecycle.conftest import CLASSES, rules_of

pytestmark = pytest.mark.skipif(
    "connection.vendor != 'sqlite'", reason="PostgreSQL plans by what it has counted"
)
READS = re.compile(rf"SCAN (v|n|{queries.TABLE})\b")
SORTS = "USE TEMP B-TREE FOR ORDER BY"
ID, LATER = "0" * 32, "f" * 32


@pytest.fixture
def kept(root: Any, versioned: str) -> BucketInfo:
    for data in (b"old", b"new"):
        body = Body.of(data)
        put_object(root, versioned, "a/key", body=body, now=timezone.now())
    return find_bucket(versioned)


class Asked:
    """The statements on versions that were run, to have them explained."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, Any]] = []

    def __call__(self, execute: Any, sql: str, values: Any, many: bool, to: Any) -> Any:
        if queries.TABLE in sql:
            self.statements.append((sql, values))
        return execute(sql, values, many, to)

    def plans(self) -> list[str]:
        assert self.statements
        steps: list[str] = []
        with connection.cursor() as cursor:
            for sql, values in self.statements:
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values)
                steps += [row[3] for row in cursor.fetchall()]
        return steps


FEW = {
    "the current one": lambda b: queries.open_version(b, "a/key"),
    "the latest where none is current": lambda b: queries.open_version(b, "nothing"),
    "one by its id": lambda b: queries.open_version(b, "a/key", ID),
    "the null one": lambda b: queries.open_version(b, "a/key", "null"),
    "the latest without its bytes": lambda b: queries.look_up(b.id, "a/key"),
    "some by their ids": lambda b: queries.look_up_each(
        b.id, [("a/key", ID), ("a/key", "null")]
    ),
    "what a new one displaces": lambda b: queries.displace(
        b._replace(versioning="Suspended"), "a/key"
    ),
    "those of keys": lambda b: queries.versions_of_keys(b.id, ["a", "b"], 9),
    "the latest of keys": lambda b: queries.latest_of_keys(b.id, ["a", "b"]),
    "their keys and prefixes": lambda b: queries.walk_keys(b.id, "", "", "", "/", 9),
    "folders of the past": lambda b: queries.walk_past(
        b.id, "", "", "", "/", 9, place=ID
    ),
    "the past of keys": lambda b: queries.past_of_keys(b.id, ["a", "b"], place=ID),
    "whether there is any": lambda b: buckets.has_versions(b.id),
}
PAGES = {
    "a page": lambda b: queries.page_of_versions(b.id, "a", "b", 9, after=None),
    "the next page": lambda b: queries.page_of_versions(
        b.id, "a", "b", 9, after=("a/key", ID)
    ),
    "a stretch of keys": lambda b: queries.step_of_keys(
        b.id, "", "", 9, among=queries.IN_EVERY_STATE
    ),
    "a stretch of what is hidden": lambda b: queries.step_of_keys(
        b.id, "", "", 9, is_down=True, among=queries.NOT_LISTED
    ),
    "a page of the past": lambda b: queries.page_of_past(b.id, "", "", 9, place=ID),
    "what has changed": lambda b: queries.changed_since(
        b.id, "", "", 9, place=LATER, until=ID
    ),
    "how much has changed": lambda b: queries.weigh_changed(
        b.id, "", "", 9, place=LATER, until=ID
    ),
}


@pytest.mark.parametrize("ask", FEW.values(), ids=FEW)
def test_few_versions_are_found_by_the_indexes(kept: BucketInfo, ask: Any) -> None:
    assert not reads_all(plan_of(lambda: ask(kept)))


@pytest.mark.parametrize("ask", PAGES.values(), ids=PAGES)
def test_pages_come_in_order_from_the_indexes(kept: BucketInfo, ask: Any) -> None:
    assert_in_order(lambda: ask(kept))


def test_surveys_and_weights_go_by_the_indexes(root: Any, kept: BucketInfo) -> None:
    now = timezone.now()
    assert_in_order(lambda: list(survey(root, kept.name, marker={}, now=now)))
    assert_in_order(lambda: weigh(root, kept.name, "a/", now=now))


def test_lifecycle_goes_by_the_indexes(kept: BucketInfo) -> None:
    rules = rules_of({"NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    compiled = compile_rules(rules, classes=CLASSES)
    horizon = timezone.now() + timedelta(days=9)
    assert_in_order(
        lambda: list(batches(kept.id, "Enabled", compiled, horizon=horizon, size=1))
    )


def plan_of(ask: Callable[[], Any]) -> list[str]:
    asked = Asked()
    with connection.execute_wrapper(asked):
        ask()
    return asked.plans()


def reads_all(plan: list[str]) -> list[str]:
    return [step for step in plan if READS.match(step)]


def assert_in_order(ask: Callable[[], Any]) -> None:
    plan = plan_of(ask)
    assert not reads_all(plan)
    assert SORTS not in plan
