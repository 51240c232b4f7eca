"""A preview says exactly what the run then does, day by day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blobs.models import Blob
from buckets.access import find_bucket
from buckets.operations import create_bucket, put_bucket_versioning
from buckets.queries import usage
from iam.operations import create_account
from iam.queries import principal_of
from kernel.errors import AccessDenied, NoSuchLifecycleConfiguration
from lifecycle.previews import preview_lifecycle
from tests.lifecycle.conftest import NOW, Shelf, counted, rules_of

pytestmark = pytest.mark.django_db


def test_samples_counts_and_days(plain):
    for number in range(15):
        plain.put(f"key-{number:02}", 40)
    plain.put("later", 1)
    plain.rules({"Expiration": {"Days": 10}})
    preview = plain.preview()
    assert counted(preview.tallies) == {("rule-0", "Expiration", ""): (15, 60)}
    assert preview.tallies[0].samples == [
        (f"key-{number:02}", "null") for number in range(10)
    ]
    assert preview.versions_seen == 16
    # Put on the 14th, ten days, rounded up: the run of the 25th.
    assert [
        (day.date.day, counted(day.tallies)) for day in preview.days if day.tallies
    ] == [(25, {("rule-0", "Expiration", ""): (1, 4)})]
    assert len(preview.days) == 30
    assert len(plain.keys) == 16


def test_rules_that_are_not_saved_and_another_date(plain):
    plain.put("key", 1)
    with pytest.raises(NoSuchLifecycleConfiguration):
        plain.preview()
    rules = rules_of({"Expiration": {"Days": 10}})
    assert plain.preview(rules=rules).tallies == []
    later = plain.preview(rules=rules, date=NOW + timedelta(days=20))
    assert counted(later.tallies) == {("rule-0", "Expiration", ""): (1, 4)}


def test_what_follows_from_a_days_run_is_foreseen(kept):
    kept.put("key", 1)
    kept.rules(
        {
            "Transitions": [{"Days": 3, "StorageClass": "cold"}],
            "Expiration": {"Days": 5},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
        },
        {"Expiration": {"ExpiredObjectDeleteMarker": True}},
    )
    days = {
        day.date.day: sorted(one.action for one in day.tallies)
        for day in kept.preview().days
        if day.tallies
    }
    # March the 14th and 3 days, 5 days; hidden on the 20th, and 7 days.
    assert days == {
        18: ["Transition"],
        20: ["Expiration"],
        28: ["ExpiredObjectDeleteMarker", "NoncurrentVersionExpiration"],
    }


def test_it_shows_keys_only_to_those_who_may_list_them(plain, make_principal):
    plain.rules({"Expiration": {"Days": 1}})
    policy = """{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Action": "s3:GetLifecycleConfiguration", "Resource": "*"}}"""
    with pytest.raises(AccessDenied):
        preview_lifecycle(make_principal("reader", policy), plain.name, date=NOW)


PREFIXES = st.sampled_from(["", "a", "a/", "b", "c"])
DAYS = st.integers(1, 12)
CLASSES = st.sampled_from(["cold", "archive"])
TAG = {"Key": "k", "Value": "v"}


@st.composite
def filters(draw):
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return {"Tag": TAG}
    if kind == 1:
        return {"ObjectSizeGreaterThan": draw(st.integers(0, 4))}
    if kind == 2:
        return {"And": {"Prefix": draw(PREFIXES), "ObjectSizeLessThan": 4}}
    return {"Prefix": draw(PREFIXES)}


def before(expiration):
    """Draw when a rule moves what it deletes later."""
    if "Date" in expiration:
        return st.builds(
            lambda day: {"Date": f"2030-03-{day}T00:00:00Z"}, st.integers(10, 17)
        )
    last = expiration.get("Days", 13) - 1
    return st.builds(lambda days: {"Days": days}, st.integers(0, last))


@st.composite
def rules(draw):
    rule = {"Filter": draw(filters())}
    if draw(st.booleans()):
        rule["Expiration"] = draw(
            st.one_of(
                st.builds(lambda days: {"Days": days}, DAYS),
                st.just({"Date": "2030-03-18T00:00:00Z"}),
                st.just({"ExpiredObjectDeleteMarker": True}),
            )
        )
        if "Tag" in rule["Filter"]:
            rule["Expiration"] = {"Days": 3}
    if draw(st.booleans()):
        element = {"NoncurrentDays": draw(DAYS)}
        if draw(st.booleans()):
            element["NewerNoncurrentVersions"] = draw(st.integers(1, 2))
        if draw(st.integers(0, 3)) == 0:
            element = {"NewerNoncurrentVersions": draw(st.integers(1, 2))}
        rule["NoncurrentVersionExpiration"] = element
    if draw(st.booleans()):
        when = draw(before(rule.get("Expiration", {})))
        rule["Transitions"] = [{**when, "StorageClass": draw(CLASSES)}]
    last = rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays", 13) - 1
    if last and draw(st.booleans()):
        days = draw(st.integers(1, last))
        rule["NoncurrentVersionTransitions"] = [
            {"NoncurrentDays": days, "StorageClass": draw(CLASSES)}
        ]
    if len(rule) == 1:
        rule["Expiration"] = {"Days": draw(DAYS)}
    return rule


WRITES = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "tagged", "delete", "locked"]),
        st.sampled_from(["a", "a/1", "b", "c/2"]),
        st.integers(0, 5),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=12,
)


def fill(shelf: Shelf, writes) -> None:
    """Write as long ago as the writes together say, oldest first."""
    age = float(sum(days for *_, days in writes))
    for kind, key, size, days in writes:
        if kind == "delete":
            shelf.delete(key, age)
        else:
            more = {"tags": {"k": "v"}} if kind == "tagged" else {}
            if kind == "locked" and shelf.name == "locked":
                more = {
                    "lock_mode": "GOVERNANCE",
                    "retain_until": NOW + timedelta(days=size, hours=3),
                }
            shelf.put(key, age, b"x" * size, **more)
        age -= days


@settings(
    max_examples=150,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    kind=st.sampled_from(["plain", "versioned", "suspended", "locked"]),
    drawn=st.lists(rules(), min_size=1, max_size=3),
    writes=WRITES,
    more=WRITES,
)
def test_preview_equals_run(kind, drawn, writes, more):
    with transaction.atomic():
        check_preview_equals_run(kind, drawn, writes, more)
        transaction.set_rollback(True)


def check_preview_equals_run(kind, drawn, writes, more):
    _, identity = create_account("hypothesis", now=timezone.now())
    root = principal_of(identity)
    create_bucket(
        root,
        kind,
        is_versioned=kind in ("versioned", "suspended"),
        has_object_lock=kind == "locked",
        now=NOW,
    )
    shelf = Shelf(root, kind)
    fill(shelf, writes)
    if kind == "suspended":
        put_bucket_versioning(root, kind, "Suspended")
        fill(shelf, more)
    shelf.rules(*drawn)
    preview = shelf.preview(days_ahead=20)
    assert shelf.run() == counted(preview.tallies)
    left, held = shelf.versions, usage(find_bucket(kind).id)
    assert shelf.run() == {}
    assert (shelf.versions, usage(find_bucket(kind).id)) == (left, held)
    for day in preview.days:
        assert shelf.run(day.date) == counted(day.tallies)
    live = Blob.objects.filter(state="live")
    assert not live.filter(versions=None, places=None, uploads=None).exists()
