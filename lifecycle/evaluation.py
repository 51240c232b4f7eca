"""What rules do to the versions of one key, today and on the days to come.

Run and preview ask the same function, `decide`. It goes on to where nothing more is
due, so that a second run at the same moment finds nothing. Pure: no Django.

Where rules meet (AWS, "Lifecycle configuration conflicts"): permanent deletion comes
before transition, transition before a delete marker, the colder class before the
warmer, and the earlier expiration before the later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from kernel.days import NEVER
from lifecycle.rules import Action, Clause, RuleSet, may_abort


class Version(NamedTuple):
    """What rules ask about a version or delete marker. `id` is its row's, or 0."""

    id: int
    key: str
    version_id: str
    created_at: datetime
    size: int
    storage_class: str
    is_null: bool
    is_delete_marker: bool
    tags: Mapping[str, str]
    retain_until: datetime | None
    has_legal_hold: bool

    def is_locked(self, now: datetime) -> bool:
        """Tell whether object lock keeps it from being deleted for good."""
        return self.has_legal_hold or (
            self.retain_until is not None and self.retain_until > now
        )


class Decision(NamedTuple):
    """One action on one version."""

    clause: Clause
    version: Version


def decide(
    rules: RuleSet, versions: Sequence[Version], versioning: str, now: datetime
) -> list[Decision]:
    """Give what is due at `now` on a key, newest version first, in doing order."""
    newest, older = versions[0], versions[1:]
    decisions: list[Decision] = []
    expiration = None
    if not newest.is_delete_marker:
        expiration = first_due(rules, Action.EXPIRATION, newest, newest.created_at, now)
        if expiration is None or keeps_bytes(newest, versioning):
            decisions += transition(
                rules, Action.TRANSITION, newest, newest.created_at, now
            )
    if expiration is not None:
        decisions.append(Decision(expiration, newest))
        newest, *older = after_expiration(versions, versioning, now)
        if not versioning:
            return decisions
    removed = decide_noncurrent(rules, newest, older, now)
    decisions += removed
    left = len(older) - sum(
        one.clause.action is Action.NONCURRENT_EXPIRATION for one in removed
    )
    if newest.is_delete_marker and not left:
        marker = marker_clause(rules, newest, now)
        if marker is not None:
            decisions.append(Decision(marker, newest))
    return decisions


def keeps_bytes(newest: Version, versioning: str) -> bool:
    """Tell whether expiration leaves the version under a delete marker."""
    return versioning == "Enabled" or (bool(versioning) and not newest.is_null)


def after_expiration(
    versions: Sequence[Version], versioning: str, now: datetime
) -> list[Version]:
    """Give a key's versions once its current one has expired."""
    marker = versions[0]._replace(
        id=0,
        version_id="",
        created_at=now,
        size=0,
        is_null=versioning != "Enabled",
        is_delete_marker=True,
        tags={},
        retain_until=None,
        has_legal_hold=False,
    )
    if versioning == "Enabled":
        return [marker, *versions]
    return [marker, *(one for one in versions if not one.is_null)]


def decide_noncurrent(
    rules: RuleSet, newest: Version, older: Sequence[Version], now: datetime
) -> list[Decision]:
    """Give what is due on versions that others have replaced.

    A version is noncurrent since its successor came; those that stay count as newer
    noncurrent versions of those below.
    """
    decisions: list[Decision] = []
    newer, successor = 0, newest
    for version in older:
        since = max(successor.created_at, version.created_at)
        successor = version
        clause = None
        if not version.is_locked(now):
            clause = first_due(
                rules, Action.NONCURRENT_EXPIRATION, version, since, now, newer
            )
        if clause is not None:
            decisions.append(Decision(clause, version))
            continue
        if not version.is_delete_marker:
            decisions += transition(
                rules, Action.NONCURRENT_TRANSITION, version, since, now, newer
            )
        newer += 1
    return decisions


def marker_clause(rules: RuleSet, marker: Version, now: datetime) -> Clause | None:
    """Give the rule that removes a delete marker under which nothing is left.

    AWS: expiration by days does it too, once the marker itself is old enough.
    """
    since = marker.created_at
    return first_due(
        rules, Action.DELETE_MARKER_EXPIRATION, marker, since, now
    ) or first_due(rules, Action.EXPIRATION, marker, since, now)


def first_due(
    rules: RuleSet,
    action: Action,
    version: Version,
    since: datetime,
    now: datetime,
    newer: int = 0,
) -> Clause | None:
    """Give the clause that fell due first; of two at once, the one given first."""
    found, earliest = None, NEVER
    for clause in rules.of(action):
        if newer < clause.newer_noncurrent:
            continue
        due = clause.due(since, rules.day)
        if due <= now and due < earliest and matches(clause, version):
            found, earliest = clause, due
    return found


def transition(
    rules: RuleSet,
    action: Action,
    version: Version,
    since: datetime,
    now: datetime,
    newer: int = 0,
) -> list[Decision]:
    """Give the move to the coldest class that is due, if it is colder than now."""
    clauses = rules.of(action)
    if not clauses or version.storage_class not in rules.classes:
        return []
    found, coldest = None, rules.classes.index(version.storage_class)
    for clause in clauses:
        if (
            newer >= clause.newer_noncurrent
            and clause.storage_class in rules.classes
            and rules.classes.index(clause.storage_class) > coldest
            and clause.due(since, rules.day) <= now
            and matches(clause, version)
        ):
            found, coldest = clause, rules.classes.index(clause.storage_class)
    return [] if found is None else [Decision(found, version)]


def matches(clause: Clause, version: Version) -> bool:
    return clause.conditions.hold(version.key, version.size, version.tags)


def abort_clause(
    rules: RuleSet, key: str, created_at: datetime, now: datetime
) -> Clause | None:
    """Give the rule by which an unfinished upload is aborted, if one is due."""
    due = [
        (clause.due(created_at, rules.day), clause)
        for clause in rules.of(Action.ABORT)
        if may_abort(clause, key)
    ]
    due = [one for one in due if one[0] <= now]
    return min(due, key=lambda one: one[0])[1] if due else None


# The days to come


def forecast(
    rules: RuleSet,
    versions: Sequence[Version],
    versioning: str,
    now: datetime,
    days: int,
) -> Iterator[tuple[int, Decision]]:
    """Give what a run would do to a key on each day: 0 is `now`, then `days` more.

    Each day begins with what the day before left.
    """
    state, number = list(versions), 0
    while state and number <= days:
        moment = now + number * rules.day
        decisions = decide(rules, state, versioning, moment)
        for decision in decisions:
            yield number, decision
        state = applied(decisions, state, versioning, moment)
        if state:
            # Up to the day of the first run that finds anything new to be due.
            number = -((now - next_due(rules, state, moment)) // rules.day)


def applied(
    decisions: Sequence[Decision],
    versions: Sequence[Version],
    versioning: str,
    now: datetime,
) -> list[Version]:
    """Give a key's versions as a run would leave them."""
    if not decisions:
        return list(versions)
    state = list(versions)
    for clause, version in decisions:
        if clause.storage_class:
            place = state.index(version)
            state[place] = version._replace(storage_class=clause.storage_class)
        elif clause.action is Action.EXPIRATION and not version.is_delete_marker:
            state = after_expiration(state, versioning, now) if versioning else []
        elif clause.action is Action.NONCURRENT_EXPIRATION:
            state.remove(version)
        else:
            state = []
    return state


NONCURRENT_ACTIONS = (Action.NONCURRENT_EXPIRATION, Action.NONCURRENT_TRANSITION)
CURRENT_ACTIONS = (Action.EXPIRATION, Action.TRANSITION)


def next_due(rules: RuleSet, versions: Sequence[Version], now: datetime) -> datetime:
    """Give the next time at which anything can fall due if nobody writes."""
    earliest, since = NEVER, versions[0].created_at
    actions = CURRENT_ACTIONS
    for version in versions:
        since = max(since, version.created_at)
        if version.retain_until is not None and now < version.retain_until < earliest:
            earliest = version.retain_until
        for action in actions:
            for clause in rules.of(action):
                due = clause.due(since, rules.day)
                if now < due < earliest and matches(clause, version):
                    earliest = due
        actions, since = NONCURRENT_ACTIONS, version.created_at
    return earliest
