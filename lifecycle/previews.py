"""Previews: what rules would do, exactly, without doing it.

Measured by `bench.lifecycle` with five rules, 31 days, on one core: 1,000,000 versions
of as many keys take 14 s on SQLite, with 5 MiB on top of what the process has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from buckets.access import check_access, get_bucket
from iam.principals import Principal
from kernel.errors import NoSuchLifecycleConfiguration
from kernel.results import BucketInfo
from lifecycle import queries
from lifecycle.evaluation import abort_clause, forecast
from lifecycle.operations import rule_set, saved_rules
from lifecycle.rules import Action, Clause, RuleSet

VERSIONS_AT_ONCE = 1000
UPLOADS_AT_ONCE = 1000
MOST_SAMPLES = 10
DAYS_AHEAD = 30


type Label = tuple[str, str, str]


@dataclass(slots=True)
class Tally:
    """How many versions, and how many bytes, one action of one rule would touch."""

    rule_id: str
    action: str
    storage_class: str
    count: int = 0
    size: int = 0
    samples: list[tuple[str, str]] = field(default_factory=list)

    def add(self, size: int, key: str = "", version_id: str = "") -> None:
        self.count += 1
        self.size += size
        if key and len(self.samples) < MOST_SAMPLES:
            self.samples.append((key, version_id))


@dataclass(frozen=True, slots=True)
class DayTally:
    """What one day's run would do on top of the days before."""

    date: datetime
    tallies: list[Tally]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run at `date` would do, and the runs of the days after it.

    `samples` of a tally are keys and version ids. The days ahead hold if nobody
    writes.
    """

    bucket_name: str
    date: datetime
    versions_seen: int
    tallies: list[Tally]
    days: list[DayTally]


def preview_lifecycle(
    principal: Principal,
    bucket_name: str,
    *,
    rules: Sequence[Any] | None = None,
    date: datetime,
    days_ahead: int = DAYS_AHEAD,
) -> Preview:
    """Tell what rules, by default the saved ones, would do in a run at `date`.

    `rules` are of the form that `check_lifecycle` gives. It shows keys, so it asks
    for their listing too. Raises NoSuchBucket, AccessDenied, and
    NoSuchLifecycleConfiguration where none are given and none are saved.
    """
    bucket = get_bucket(principal, "s3:GetLifecycleConfiguration", bucket_name)
    check_access(principal, "s3:ListBucketVersions", bucket)
    given = saved_rules(bucket) if rules is None else rules
    if not given:
        raise NoSuchLifecycleConfiguration(bucket_name=bucket_name)
    return tallied(bucket, rule_set(given), date, days_ahead)


def tallied(
    bucket: BucketInfo, rules: RuleSet, date: datetime, days_ahead: int
) -> Preview:
    by_day: list[dict[Label, Tally]] = [{} for _ in range(days_ahead + 1)]

    def add(number: int, clause: Clause, size: int, key: str, version: str) -> None:
        label = (clause.rule_id, clause.action, clause.storage_class)
        tally = by_day[number].get(label)
        if tally is None:
            tally = by_day[number][label] = Tally(*label)
        tally.add(size, key if number == 0 else "", version)

    seen = 0
    horizon = date + days_ahead * rules.day
    for batch in queries.batches(
        bucket.id,
        bucket.versioning,
        rules,
        horizon=horizon,
        size=VERSIONS_AT_ONCE,
    ):
        seen += batch.seen
        for versions in batch.keys:
            for number, (clause, version) in forecast(
                rules, versions, bucket.versioning, date, days_ahead
            ):
                add(number, clause, version.size, version.key, version.version_id)
    for number, clause, upload in due_uploads(bucket, rules, date, days_ahead):
        add(number, clause, upload.size, upload.key, "")
    return Preview(
        bucket.name,
        date,
        seen,
        ordered(by_day[0]),
        [
            DayTally(date + number * rules.day, ordered(by_day[number]))
            for number in range(1, days_ahead + 1)
        ],
    )


def ordered(tallies: dict[Label, Tally]) -> list[Tally]:
    return [tallies[label] for label in sorted(tallies)]


def due_uploads(
    bucket: BucketInfo, rules: RuleSet, date: datetime, days_ahead: int
) -> Iterator[tuple[int, Clause, queries.OpenUpload]]:
    """Give the uploads that would be aborted, with the number of the day."""
    if not rules.of(Action.ABORT):
        return
    after = 0
    while uploads := queries.open_uploads(
        bucket.id,
        after=after,
        until=date + days_ahead * rules.day,
        limit=UPLOADS_AT_ONCE,
    ):
        for upload in uploads:
            for number in range(days_ahead + 1):
                moment = date + number * rules.day
                clause = abort_clause(rules, upload.key, upload.created_at, moment)
                if clause is not None:
                    yield number, clause, upload
                    break
        after = uploads[-1].id
