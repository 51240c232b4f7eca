"""Lifecycle rules: the grammar, its limits, and combinations that AWS refuses."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buckets.lifecycle import (
    ACTIONS,
    AND_ELEMENTS,
    FILTER_ELEMENTS,
    RULE_ELEMENTS,
    check_lifecycle,
)
from kernel.errors import InvalidArgument, InvalidRequest, InvalidTag, MalformedXML

CLASSES = ["standard", "cold", "archive"]
REFUSALS = (MalformedXML, InvalidArgument, InvalidRequest, InvalidTag)

DAYS = st.integers(1, 10_000)
# A rule moves before it deletes, and says both in days or both by date.
WHEN = {
    "Days": (st.integers(0, 99), st.integers(100, 10_000)),
    "Date": tuple(
        years.map(lambda year: f"{year}-02-28T00:00:00Z")
        for years in (st.integers(1000, 1999), st.integers(2000, 9999))
    ),
}
SOONER, LATER = (
    st.fixed_dictionaries(
        {"NoncurrentDays": days}, optional={"NewerNoncurrentVersions": DAYS}
    )
    for days in (st.integers(1, 99), st.integers(100, 10_000))
)
TAGS = st.fixed_dictionaries(
    {"Key": st.sampled_from(["team", "stage"]), "Value": st.sampled_from(["", "a b"])}
)
FILTERS = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"Prefix": st.text(max_size=10)}),
    st.fixed_dictionaries({"ObjectSizeGreaterThan": st.integers(0, 10**9)}),
    st.fixed_dictionaries(
        {
            "And": st.fixed_dictionaries(
                {"Prefix": st.text(max_size=10)},
                optional={"ObjectSizeLessThan": st.integers(1, 10**9)},
            )
        }
    ),
)


def moves(when):
    return st.tuples(when, st.sampled_from(CLASSES)).map(
        lambda pair: {**pair[0], "StorageClass": pair[1]}
    )


def rules_in(unit):
    """Draw rules that name times in days, or by date."""
    early, late = (st.fixed_dictionaries({unit: times}) for times in WHEN[unit])
    actions = {
        "Transitions": st.lists(
            moves(early), max_size=3, unique_by=lambda one: one["StorageClass"]
        ),
        "Expiration": late | st.just({"ExpiredObjectDeleteMarker": True}),
        "NoncurrentVersionTransitions": st.lists(moves(SOONER), max_size=3),
        "NoncurrentVersionExpiration": LATER,
        "AbortIncompleteMultipartUpload": st.fixed_dictionaries(
            {"DaysAfterInitiation": DAYS}
        ),
    }
    return st.fixed_dictionaries(
        {"Status": st.sampled_from(["Enabled", "Disabled"]), "Filter": FILTERS},
        optional=actions,
    ).filter(lambda rule: any(rule.get(action) for action in ACTIONS))


RULES = st.sampled_from(sorted(WHEN)).flatmap(rules_in)
KNOWN = sorted(
    RULE_ELEMENTS
    | FILTER_ELEMENTS
    | AND_ELEMENTS
    | {"Days", "Date", "StorageClass", "Key", "Value", "NoncurrentDays"}
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KNOWN), inner, max_size=4)
    ),
    max_leaves=12,
)


def check(*rules):
    return check_lifecycle({"Rules": list(rules)}, CLASSES)


def rule(**changed):
    return {"Status": "Enabled", "Expiration": {"Days": 1}, **changed}


@given(RULES)
def test_a_normal_form_is_its_own_normal_form(given_rule):
    normal = check(given_rule)
    assert check_lifecycle(json.loads(json.dumps(normal)), CLASSES) == normal


@given(RULES)
def test_a_rule_without_an_id_is_given_the_same_one_each_time(given_rule):
    assert check(given_rule) == check(json.loads(json.dumps(given_rule)))
    assert check(given_rule)["Rules"][0]["ID"]


@given(VALUES, st.sampled_from(sorted(RULE_ELEMENTS)))
def test_any_document_is_taken_or_refused_by_name(value, element):
    candidates = (
        value,
        {"Rules": value},
        {"Rules": [value]},
        {"Rules": [rule(**{element: value})]},
        {"Rules": [rule(Transitions=[value])]},
        {"Rules": [rule(Filter={"And": value})]},
        {"Rules": [rule(Filter={"Tag": value})]},
        {"Rules": [rule(Expiration={"Date": value})]},
    )
    for candidate in candidates:
        try:
            check_lifecycle(candidate, CLASSES)
        except REFUSALS:
            continue


@pytest.mark.parametrize(
    "malformed",
    [
        {},
        rule(Status="enabled"),
        rule(Unknown=1),
        rule(Prefix="a", Filter={}),
        rule(Filter={"Prefix": "a", "ObjectSizeLessThan": 1}),
        rule(Filter={"Tag": {"Key": "a"}}),
        rule(Filter={"Tag": {"Key": 1, "Value": "a"}}),
        rule(Filter={"Tag": {"Key": "a", "Value": None}}),
        rule(Filter={"And": {"Tags": []}}),
        rule(Filter={"ObjectSizeLessThan": "1"}),
        rule(Filter={"Prefix": "p" * 1025}),
        rule(ID=7),
        rule(Expiration={"Days": 1, "Date": "2030-01-01"}),
        rule(Expiration={"Days": "1"}),
        rule(Expiration={"Date": "tomorrow"}),
        rule(Expiration={"Date": "0001-01-01T00:00:00+01:00"}),
        rule(Expiration={"ExpiredObjectDeleteMarker": "true"}),
        rule(Transitions={"Days": 1, "StorageClass": "cold"}),
        rule(Transitions=[{"Days": 1}]),
        rule(Transitions=[{"StorageClass": "cold"}]),
        rule(Transitions=[{"Days": 1, "StorageClass": "no-such-class"}]),
        rule(NoncurrentVersionExpiration={"Days": 1}),
        rule(AbortIncompleteMultipartUpload={"Days": 1}),
    ],
)
def test_what_is_not_of_the_published_form(malformed):
    with pytest.raises(MalformedXML):
        check(malformed)


@pytest.mark.parametrize(
    "changed",
    [
        {"Expiration": {"Days": 0}},
        {"Expiration": {"Days": 2**63}},
        {"Expiration": {"Date": "2030-01-01T12:00:00Z"}},
        {"ID": "i" * 256},
        {"Transitions": [{"Days": 1, "StorageClass": "cold"}]},
        {
            "Expiration": {"Date": "2030-01-31"},
            "Transitions": [{"Date": "2030-01-31", "StorageClass": "cold"}],
        },
        {
            "NoncurrentVersionExpiration": {"NoncurrentDays": 5},
            "NoncurrentVersionTransitions": [
                {"NoncurrentDays": 2, "StorageClass": "cold"},
                {"NoncurrentDays": 7, "StorageClass": "archive"},
            ],
        },
    ],
)
def test_values_that_are_not_allowed(changed):
    with pytest.raises(InvalidArgument):
        check(rule(**changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"Expiration": None},
        {
            "Filter": {"Tag": {"Key": "a", "Value": "b"}},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        },
        {
            "Filter": {"And": {"Tags": [{"Key": "a", "Value": "b"}]}},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
        },
        {"Filter": {"And": {"ObjectSizeGreaterThan": 5, "ObjectSizeLessThan": 5}}},
        {
            "Transitions": [
                {"Days": 1, "StorageClass": "cold"},
                {"Days": 2, "StorageClass": "cold"},
            ]
        },
        {"Transitions": [{"Date": "2030-01-01", "StorageClass": "cold"}]},
        {
            "Expiration": {"ExpiredObjectDeleteMarker": True},
            "Transitions": [
                {"Days": 1, "StorageClass": "cold"},
                {"Date": "2030-01-01", "StorageClass": "archive"},
            ],
        },
    ],
)
def test_combinations_that_are_refused(changed):
    with pytest.raises(InvalidRequest):
        check(rule(**changed))


def test_what_is_moved_is_deleted_later_and_the_refusal_says_which_rule():
    moves = [{"Days": 30, "StorageClass": "cold"}]
    late = rule(Filter={"Prefix": "a/"}, Expiration={"Days": 30}, Transitions=moves)
    with pytest.raises(InvalidArgument) as refusal:
        check(late)
    assert refusal.value.text == (
        "'Days' in the Expiration action for filter '(prefix=a/)' must be greater than "
        "'Days' in the Transition action"
    )
    check({**late, "Expiration": {"Days": 31}})


def test_rules_are_bounded_and_their_ids_differ():
    with pytest.raises(InvalidArgument):
        check(rule(ID="same"), rule(ID="same"))
    with pytest.raises(MalformedXML):
        check_lifecycle({"Rules": []}, CLASSES)
    with pytest.raises(MalformedXML):
        check(*(rule(ID=str(number)) for number in range(1001)))


def test_the_old_prefix_stays_as_it_was_written():
    (checked,) = check(rule(Prefix="logs/"))["Rules"]
    assert checked["Prefix"] == "logs/"
    assert "Filter" not in checked


@pytest.mark.parametrize(
    "date", ["2030-01-01", "2030-01-01T00:00:00Z", "2030-01-01T01:00:00+01:00"]
)
def test_dates_are_kept_as_midnight_in_utc(date):
    (checked,) = check(rule(Expiration={"Date": date}))["Rules"]
    assert checked["Expiration"] == {"Date": "2030-01-01T00:00:00Z"}
