"""Lifecycle rules, compiled: what each asks of an object, and when it is due.

AWS, "Managing the lifecycle of objects". Pure: no Django, the time is an argument.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from buckets.lifecycle import MINIMUM, VARIES_BY_CLASS, filter_of
from kernel.days import ONE_DAY, after_days, midnight
from kernel.names import next_name
from kernel.results import ObjectInfo

LONG_AGO = datetime.min.replace(tzinfo=UTC)
JUST_AFTER = timedelta(microseconds=1)
# What is smaller is not moved unless a rule's filter names a size.
SMALLEST_MOVED = 128 * 1024
TRANSITIONS = ("Transitions", "NoncurrentVersionTransitions")


class Action(StrEnum):
    """What a rule does, by the name of its element."""

    EXPIRATION = "Expiration"
    DELETE_MARKER_EXPIRATION = "ExpiredObjectDeleteMarker"
    TRANSITION = "Transition"
    NONCURRENT_EXPIRATION = "NoncurrentVersionExpiration"
    NONCURRENT_TRANSITION = "NoncurrentVersionTransition"
    ABORT = "AbortIncompleteMultipartUpload"


@dataclass(frozen=True, slots=True)
class Conditions:
    """A rule's filter: all of it must hold."""

    prefix: str = ""
    tags: frozenset[tuple[str, str]] = frozenset()
    larger_than: int | None = None
    smaller_than: int | None = None

    def hold(self, key: str, size: int, tags: Mapping[str, str]) -> bool:
        return (
            key.startswith(self.prefix)
            and (self.larger_than is None or size > self.larger_than)
            and (self.smaller_than is None or size < self.smaller_than)
            and (not self.tags or self.tags <= tags.items())
        )

    @property
    def asks_of_objects(self) -> bool:
        """Tell whether they ask what an unfinished upload does not have yet."""
        return bool(self.tags) or self.name_a_size

    @property
    def name_a_size(self) -> bool:
        return (self.larger_than, self.smaller_than) != (None, None)

    def at_least(self, size: int | None) -> Conditions:
        """Give the same conditions for objects of this size or more."""
        return self if size is None else replace(self, larger_than=size - 1)


@dataclass(frozen=True, slots=True)
class Clause:
    """One action of one rule. With neither days nor a date it is due at once."""

    rule_id: str
    action: Action
    conditions: Conditions
    days: int | None = None
    date: datetime | None = None
    storage_class: str = ""
    newer_noncurrent: int = 0

    def due(self, since: datetime, day: timedelta) -> datetime:
        """Give when the action falls due for what has been so `since`."""
        if self.date is not None:
            return self.date
        return since if self.days is None else after_days(since, self.days, day)

    def cutoff(self, moment: datetime, day: timedelta) -> datetime | None:
        """Give the time before which a thing must have begun to be due at `moment`.

        None where nothing is due then.
        """
        if self.date is not None and self.date > moment:
            return None
        if self.days is None:
            return moment + JUST_AFTER
        try:
            if day == ONE_DAY:
                return midnight(moment) - self.days * day
            return moment - self.days * day + JUST_AFTER
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A bucket's enabled rules, by action, each in the order it was given.

    `classes` are the storage classes from warm to cold; `day` is shorter than a day
    only for trials, which then do not wait for midnight either.
    """

    clauses: Mapping[Action, tuple[Clause, ...]]
    classes: tuple[str, ...]
    day: timedelta = ONE_DAY

    def of(self, action: Action) -> tuple[Clause, ...]:
        return self.clauses.get(action, ())

    @property
    def all(self) -> tuple[Clause, ...]:
        return tuple(one for clauses in self.clauses.values() for one in clauses)


def rules_of(document: Mapping[str, Any], archives: Collection[str]) -> list[Any]:
    """Give a configuration's rules, each transition with its smallest size.

    `archives` are the classes that `varies_by_storage_class` lets small objects into.
    """
    minimum = document.get(MINIMUM)
    if minimum is None:
        return list(document["Rules"])
    spared = archives if minimum == VARIES_BY_CLASS else ()
    return [with_smallest(rule, spared) for rule in document["Rules"]]


def with_smallest(
    rule: Mapping[str, Any], spared: Collection[str]
) -> Mapping[str, Any]:
    if conditions_of(filter_of(rule)).name_a_size:
        return rule
    return {
        **rule,
        **{
            name: [
                element
                if element["StorageClass"] in spared
                else {**element, "SmallestSize": SMALLEST_MOVED}
                for element in rule[name]
            ]
            for name in TRANSITIONS
            if name in rule
        },
    }


def compile_rules(
    rules: Iterable[Mapping[str, Any]],
    *,
    classes: Sequence[str],
    day: timedelta = ONE_DAY,
) -> RuleSet:
    """Compile enabled rules, of the form that `check_lifecycle` gives."""
    clauses: dict[Action, list[Clause]] = {}
    for rule in rules:
        if rule["Status"] == "Enabled":
            for clause in clauses_of(rule):
                clauses.setdefault(clause.action, []).append(clause)
    return RuleSet(
        {action: tuple(found) for action, found in clauses.items()},
        tuple(classes),
        day,
    )


def clauses_of(rule: Mapping[str, Any]) -> Iterator[Clause]:
    """Take a rule apart into its actions."""
    conditions = conditions_of(filter_of(rule))

    def clause(action: Action, element: Mapping[str, Any]) -> Clause:
        date = element.get("Date")
        days = ("Days", "NoncurrentDays", "DaysAfterInitiation")
        return Clause(
            rule_id=rule["ID"],
            action=action,
            conditions=conditions.at_least(element.get("SmallestSize")),
            days=next((element[name] for name in days if name in element), None),
            date=None if date is None else datetime.fromisoformat(date),
            storage_class=element.get("StorageClass", ""),
            newer_noncurrent=element.get("NewerNoncurrentVersions", 0),
        )

    expiration = rule.get("Expiration", {})
    if "ExpiredObjectDeleteMarker" not in expiration and expiration:
        yield clause(Action.EXPIRATION, expiration)
    if expiration.get("ExpiredObjectDeleteMarker"):
        yield clause(Action.DELETE_MARKER_EXPIRATION, {})
    for element in rule.get("Transitions", ()):
        yield clause(Action.TRANSITION, element)
    if "NoncurrentVersionExpiration" in rule:
        yield clause(Action.NONCURRENT_EXPIRATION, rule["NoncurrentVersionExpiration"])
    for element in rule.get("NoncurrentVersionTransitions", ()):
        yield clause(Action.NONCURRENT_TRANSITION, element)
    if "AbortIncompleteMultipartUpload" in rule:
        yield clause(Action.ABORT, rule["AbortIncompleteMultipartUpload"])


def conditions_of(element: Mapping[str, Any]) -> Conditions:
    """Read a filter, whether it has one condition or an And of several."""
    stated = element.get("And", element)
    tags = [stated["Tag"]] if "Tag" in stated else stated.get("Tags", [])
    return Conditions(
        prefix=stated.get("Prefix", ""),
        tags=frozenset((tag["Key"], tag["Value"]) for tag in tags),
        larger_than=stated.get("ObjectSizeGreaterThan"),
        smaller_than=stated.get("ObjectSizeLessThan"),
    )


def key_ranges(clauses: Iterable[Clause]) -> list[tuple[str, str]]:
    """Give the ranges of keys that the clauses' prefixes cover, disjoint, in order.

    Each is from its start up to its end; "" as an end is open.
    """
    ranges: list[tuple[str, str]] = []
    for prefix in sorted({clause.conditions.prefix for clause in clauses}):
        if not ranges or not prefix.startswith(ranges[-1][0]):
            ranges.append((prefix, next_name(prefix)))
    return ranges


def expiration_of(
    bucket_rules: Iterable[Mapping[str, Any]],
    info: ObjectInfo,
    now: datetime,
    *,
    day: timedelta = ONE_DAY,
) -> tuple[datetime, str] | None:
    """Give when a current object expires and the rule's id (x-amz-expiration).

    The earliest wins where several rules would expire it.
    """
    if info.is_delete_marker or not info.is_latest:
        return None
    found = [
        (clause.due(info.created_at, day), clause.rule_id)
        for clause in clauses_in(bucket_rules, Action.EXPIRATION)
        if clause.conditions.hold(info.key, info.size, info.tags)
    ]
    return min(found, key=lambda one: one[0]) if found else None


def abort_of(
    bucket_rules: Iterable[Mapping[str, Any]],
    key: str,
    created_at: datetime,
    *,
    day: timedelta = ONE_DAY,
) -> tuple[datetime, str] | None:
    """Give when an upload will be aborted and the rule's id (x-amz-abort-date)."""
    found = [
        (clause.due(created_at, day), clause.rule_id)
        for clause in clauses_in(bucket_rules, Action.ABORT)
        if may_abort(clause, key)
    ]
    return min(found, key=lambda one: one[0]) if found else None


def may_abort(clause: Clause, key: str) -> bool:
    """Tell whether an upload of `key` is a rule's: it has no size and no tags yet."""
    return not clause.conditions.asks_of_objects and key.startswith(
        clause.conditions.prefix
    )


def clauses_in(
    bucket_rules: Iterable[Mapping[str, Any]], action: Action
) -> Iterator[Clause]:
    for rule in bucket_rules:
        if rule["Status"] == "Enabled":
            yield from (one for one in clauses_of(rule) if one.action is action)
