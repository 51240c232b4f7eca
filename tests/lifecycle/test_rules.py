"""When rules fall due, and what they ask of an object."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kernel.days import NEVER, ONE_DAY, after_days
from kernel.results import ObjectInfo
from lifecycle.rules import (
    Action,
    Clause,
    Conditions,
    abort_of,
    clauses_of,
    compile_rules,
    expiration_of,
    key_ranges,
)
from tests.lifecycle.conftest import CLASSES, NOW, rules_of


def info(**changes):
    base = dict.fromkeys(ObjectInfo._fields, None) | {
        "key": "logs/one",
        "is_latest": True,
        "is_delete_marker": False,
        "size": 5,
        "tags_text": "{}",
        "created": NOW,
    }
    return ObjectInfo(**{**base, **changes})


@pytest.mark.parametrize(
    ("created", "days", "due"),
    [
        # The example of AWS, "Lifecycle rules: based on an object's age".
        ("2014-01-15T10:30", 3, "2014-01-19"),
        ("2014-01-15T00:00", 3, "2014-01-19"),
        ("2014-01-15T23:59:59.999999", 1, "2014-01-17"),
        ("2014-01-15T10:30", 0, "2014-01-16"),
        ("2016-02-28T12:00", 1, "2016-03-01"),
    ],
)
def test_days_are_rounded_up_to_midnight(created, days, due):
    since = datetime.fromisoformat(created).replace(tzinfo=UTC)
    assert after_days(since, days) == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_midnight_is_utcs_whatever_the_zone():
    since = datetime.fromisoformat("2014-01-15T23:30-05:00")
    assert after_days(since, 1) == datetime(2014, 1, 18, tzinfo=UTC)


def test_a_shorter_day_does_not_wait_for_midnight():
    day = timedelta(seconds=10)
    assert after_days(NOW, 3, day) == NOW + timedelta(seconds=30)


def test_more_days_than_the_calendar_has_are_never_due():
    assert after_days(NOW, 2**62) == NEVER
    clause = Clause("rule", Action.EXPIRATION, Conditions(), days=2**62)
    assert clause.cutoff(NOW, ONE_DAY) is None


@pytest.mark.parametrize("day", [ONE_DAY, timedelta(seconds=10)])
@pytest.mark.parametrize("days", [0, 1, 7])
@pytest.mark.parametrize("minutes", [0, 1, 629, 630, 631, 1439])
def test_the_cutoff_is_just_what_is_due(day, days, minutes):
    clause = Clause("rule", Action.EXPIRATION, Conditions(), days=days)
    for around in (-2, -1, 0, 1, 2):
        since = NOW - days * day - timedelta(minutes=minutes) + around * ONE_DAY
        for created in (since, since + timedelta(microseconds=1)):
            cutoff = clause.cutoff(NOW, day)
            assert cutoff is not None
            assert (created < cutoff) == (clause.due(created, day) <= NOW)


@pytest.mark.parametrize(
    ("filter_", "holds", "fails"),
    [
        ({"Prefix": "logs/"}, ("logs/a", 1, {}), ("log", 1, {})),
        ({}, ("anything", 0, {}), None),
        (
            {"Tag": {"Key": "k", "Value": "v"}},
            ("a", 1, {"k": "v", "more": "1"}),
            ("a", 1, {"k": "w"}),
        ),
        ({"ObjectSizeGreaterThan": 10}, ("a", 11, {}), ("a", 10, {})),
        ({"ObjectSizeLessThan": 10}, ("a", 9, {}), ("a", 10, {})),
        (
            {
                "And": {
                    "Prefix": "x",
                    "Tags": [
                        {"Key": "k", "Value": "v"},
                        {"Key": "l", "Value": "w"},
                    ],
                    "ObjectSizeGreaterThan": 1,
                    "ObjectSizeLessThan": 9,
                }
            },
            ("xy", 5, {"k": "v", "l": "w"}),
            ("xy", 5, {"k": "v"}),
        ),
    ],
)
def test_filters(filter_, holds, fails):
    (rule,) = rules_of({"Filter": filter_, "Expiration": {"Days": 1}})
    (clause,) = clauses_of(rule)
    assert clause.conditions.hold(*holds)
    assert fails is None or not clause.conditions.hold(*fails)


def test_disabled_rules_fall_out():
    rules = rules_of({"Status": "Disabled", "Expiration": {"Days": 1}})
    assert compile_rules(rules, classes=CLASSES).all == ()


def test_ranges_of_keys_are_disjoint():
    prefixes = ["b/", "a/x", "a/", "c", "a/xy"]
    clauses = [
        Clause("rule", Action.EXPIRATION, Conditions(prefix=prefix), days=1)
        for prefix in prefixes
    ]
    assert key_ranges(clauses) == [("a/", "a0"), ("b/", "b0"), ("c", "d")]
    everything = Clause("rule", Action.EXPIRATION, Conditions(), days=1)
    assert key_ranges([*clauses, everything]) == [("", "")]


def test_the_expiration_of_an_object_is_the_earliest():
    rules = rules_of(
        {"ID": "late", "Expiration": {"Days": 9}},
        {"ID": "early", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 2}},
        {"ID": "off", "Status": "Disabled", "Expiration": {"Days": 1}},
        {"ID": "others", "Filter": {"Prefix": "x"}, "Expiration": {"Days": 1}},
    )
    due = datetime(2030, 3, 18, tzinfo=UTC)
    assert expiration_of(rules, info(), NOW) == (due, "early")
    assert expiration_of(rules, info(is_latest=False), NOW) is None
    assert expiration_of(rules, info(is_delete_marker=True), NOW) is None
    assert expiration_of([], info(), NOW) is None


def test_the_expiration_by_date_is_that_date():
    rules = rules_of({"Expiration": {"Date": "2031-01-01T00:00:00Z"}})
    assert expiration_of(rules, info(), NOW) == (
        datetime(2031, 1, 1, tzinfo=UTC),
        "rule-0",
    )


def test_an_upload_has_no_size_and_no_tags_to_be_filtered_by():
    abort = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}}
    by_prefix = rules_of({"Filter": {"Prefix": "a"}, **abort})
    by_size = rules_of({"Filter": {"ObjectSizeGreaterThan": 1}, **abort})
    due = datetime(2030, 3, 18, tzinfo=UTC)
    assert abort_of(by_prefix, "abc", NOW) == (due, "rule-0")
    assert abort_of(by_prefix, "xyz", NOW) is None
    assert abort_of(by_size, "abc", NOW) is None
