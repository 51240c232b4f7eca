"""Runs: a bucket's rules carried out, in batches that may be cut off and run twice."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from blobs import queries as blob_queries
from buckets.access import find_bucket, get_bucket
from buckets.configurations import Configuration, configurations_of
from iam.principals import SYSTEM, Principal
from kernel.database.commit import commit
from kernel.days import ONE_DAY, midnight
from kernel.errors import NoSuchBucket, ObjectStoreError
from kernel.results import BucketInfo, ObjectInfo
from lifecycle import queries
from lifecycle.evaluation import Decision, abort_clause, decide
from lifecycle.models import LifecycleRun
from lifecycle.rules import (
    Action,
    Clause,
    RuleSet,
    compile_rules,
    rules_of,
)
from lifecycle.transitions import Clock, DamagedBytesError, move_version
from objects import queries as object_queries
from objects.multipart import give_up
from objects.operations import (
    BucketChangedError,
    ObjectIdentifier,
    commit_version,
    note_deletion,
    record_deletion,
)

logger = logging.getLogger("objectstore.lifecycle")

VERSIONS_AT_ONCE = 1000
UPLOADS_AT_ONCE = 100
# Deletions that share a commit: other writers are let in between.
DELETED_PER_COMMIT = 100
# After so many failures without a success a storage is down, and a run moves nothing
# more. It still deletes, or what is full would stay full. The next one goes on behind
# what failed, or what is lost would keep the rest from being moved.
MOST_FAILURES = 10
MOST_RUNS = 1000
# A run that has not moved on for so long has lost its worker.
GIVEN_UP_AFTER = timedelta(minutes=15)


class RunStoppedError(Exception):
    """A run moves nothing more for now; what it has done is done."""


def rule_set(rules: Iterable[Any]) -> RuleSet:
    """Compile rules with this installation's storage classes and length of a day."""
    return compile_rules(
        rules, classes=settings.OBJECTSTORE_STORAGE_CLASSES, day=day_length()
    )


def day_length() -> timedelta:
    return timedelta(seconds=settings.OBJECTSTORE_LIFECYCLE_DAY_SECONDS)


def saved_rules(bucket: BucketInfo) -> list[Any]:
    """Give the rules of a bucket's configuration; none is an empty list."""
    document = configurations_of(bucket.configurations_text).get(
        Configuration.LIFECYCLE
    )
    return [] if document is None else rules_in(document)


def rules_in(document: Mapping[str, Any]) -> list[Any]:
    """Give the rules of a configuration as they are carried out."""
    return rules_of(document, settings.OBJECTSTORE_ARCHIVE_CLASSES)


def buckets_to_run(now: datetime) -> list[str]:
    """Name the buckets with rules that have not had today's run, or not all of it.

    A run that has moved on of late has its worker.
    """
    waited = min(GIVEN_UP_AFTER, day_length())
    done = buckets_done(now) | queries.buckets_being_run(now - waited, now + waited)
    return [name for name in queries.bucket_names_with_rules() if name not in done]


def is_done(bucket_name: str, now: datetime) -> bool:
    """Tell whether a bucket has had all of today's run."""
    return bucket_name in buckets_done(now)


def buckets_done(now: datetime) -> set[str]:
    return queries.buckets_done_since(day_began(now), now + day_length())


def day_began(now: datetime) -> datetime:
    day = day_length()
    return midnight(now) if day == ONE_DAY else now - day


def run_lifecycle(
    bucket_name: str, *, now: datetime, clock: Clock | None = None
) -> LifecycleRun | None:
    """Carry out what a bucket's rules say is due at `now`; None where it has no rules.

    Goes on with a run that was cut off. May run twice, also at once: each action is
    done only to what still is as it was found, and counted in its own transaction.
    `clock` dates what is written. Raises NoSuchBucket, and RunStoppedError when a
    storage keeps failing.
    """
    bucket = find_bucket(bucket_name)
    rules = saved_rules(bucket)
    if not rules:
        return None
    run = commit(lambda: queries.open_run(bucket.id, rules, now))
    Runner(bucket, rule_set(rules), run, now, clock or (lambda: now)).carry_on()
    kept = LifecycleRun.objects.filter(pk=run.pk).first()
    if kept is None:
        raise NoSuchBucket(bucket_name=bucket_name)
    return kept


class Runner:
    """One worker's part in a run."""

    def __init__(
        self,
        bucket: BucketInfo,
        rules: RuleSet,
        run: LifecycleRun,
        now: datetime,
        clock: Clock,
    ) -> None:
        self.bucket, self.rules, self.run = bucket, rules, run
        self.now, self.clock = now, clock
        self.failures_in_a_row = 0
        self.stopped_at = ""
        self.stopped_by = ""

    def carry_on(self) -> None:
        seen = 0
        for batch in queries.batches(
            self.bucket.id,
            self.bucket.versioning,
            self.rules,
            horizon=self.now,
            after=self.run.cursor,
            size=VERSIONS_AT_ONCE,
        ):
            is_beyond = self.stopped_at != ""
            self.carry_out(
                decision
                for versions in batch.keys
                for decision in decide(
                    self.rules, versions, self.bucket.versioning, self.now
                )
            )
            if is_beyond:
                continue
            seen += 0 if self.stopped_at else batch.seen
            if end := self.stopped_at or batch.end:
                self.advance(end, seen)
                seen = 0
        self.abort_uploads()
        if self.stopped_at:
            raise RunStoppedError(self.stopped_by)
        commit(lambda: queries.finish(self.run.pk, seen, self.clock()))

    def advance(self, cursor: str, seen: int) -> None:
        commit(lambda: queries.advance(self.run.pk, cursor, seen, self.clock()))

    def carry_out(self, decisions: Iterable[Decision]) -> None:
        """Move first and delete after, as `decide` orders the two on one version."""
        deletions = []
        for decision in decisions:
            if decision.clause.storage_class:
                self.move(decision)
            else:
                deletions.append(decision)
        for begin in range(0, len(deletions), DELETED_PER_COMMIT):
            self.delete(deletions[begin : begin + DELETED_PER_COMMIT])

    def count(self, done: Iterable[tuple[Clause, int]]) -> None:
        """Count what was done, in the transaction that did it."""
        counts: Counter[Clause] = Counter()
        sizes: Counter[Clause] = Counter()
        for clause, size in done:
            counts[clause] += 1
            sizes[clause] += size
        queries.note_progress(self.run.pk, self.clock())
        for clause, count in counts.items():
            queries.add_outcome(self.run.pk, clause, count, sizes[clause])

    # Transitions

    def move(self, decision: Decision) -> None:
        if self.stopped_at:
            return
        clause, version = decision
        found = object_queries.by_row(version.id)
        if found is None or found.blob_id is None:
            return
        if found.storage_class == clause.storage_class:
            return
        try:
            move_version(
                found.id,
                found.blob_id,
                clause.storage_class,
                clock=self.clock,
                also=lambda: self.count([(clause, version.size)]),
            )
        except (DamagedBytesError, ObjectStoreError, OSError) as error:
            self.note_failure(version.key, error)
        else:
            self.failures_in_a_row = 0

    def note_failure(self, key: str, error: Exception) -> None:
        """Leave the version to the next run, and stop moving where all of them fail."""
        logger.error("%s: %r could not be moved", self.bucket.name, key, exc_info=error)
        text = f"{key}: {error}"
        commit(lambda: queries.note_failure(self.run.pk, text, self.clock()))
        self.failures_in_a_row += 1
        if self.failures_in_a_row >= MOST_FAILURES:
            self.stopped_at, self.stopped_by = key, text

    # Deletions

    def delete(self, decisions: Sequence[Decision]) -> None:
        """Delete in one transaction, by the bucket's versioning as it is then."""

        def record(bucket: BucketInfo) -> None:
            self.bucket = bucket
            if queries.lock_versioning(bucket.id) != bucket.versioning:
                raise BucketChangedError
            keys = (one.version.key for one in decisions)
            object_queries.lock_keys(bucket.id, keys)
            single = [one for one in decisions if is_single(one, bucket.versioning)]
            others = [one for one in decisions if not is_single(one, bucket.versioning)]
            done = self.delete_together(bucket, single)
            done += [one for one in others if self.delete_one(bucket, one)]
            self.count((clause, version.size) for clause, version in done)

        commit_version(self.bucket, record)

    def delete_together(
        self, bucket: BucketInfo, decisions: Sequence[Decision]
    ) -> list[Decision]:
        """Delete in one statement what still is as it was found; give what was."""
        current: list[int] = []
        noncurrent: list[int] = []
        for clause, version in decisions:
            is_older = clause.action is Action.NONCURRENT_EXPIRATION
            (noncurrent if is_older else current).append(version.id)
        removed = queries.remove_noncurrent(bucket.id, noncurrent, self.now)
        removed |= queries.remove_current(bucket.id, current)
        blob_queries.free(removed.values(), self.clock())
        done = [one for one in decisions if one.version.id in removed]
        for _, version in done:
            version_id = version.version_id if version.id in noncurrent else ""
            identifier = ObjectIdentifier(version.key, version_id)
            note_deletion(SYSTEM, bucket, identifier)
        return done

    def delete_one(self, bucket: BucketInfo, decision: Decision) -> bool:
        """Delete what still is as it was found; the key is locked."""
        version = decision.version
        current = object_queries.look_up(bucket.id, version.key)
        # A marker that the run itself has just added was decided on without its row.
        if current is None or version.id not in (0, current.id):
            return False
        if version.is_delete_marker:
            return bool(current.is_delete_marker) and self.delete_marker(
                bucket, current
            )
        identifier = ObjectIdentifier(version.key)
        record_deletion(SYSTEM, bucket, identifier, now=self.clock())
        return True

    def delete_marker(self, bucket: BucketInfo, marker: ObjectInfo) -> bool:
        versions = object_queries.versions_of_keys(bucket.id, [marker.key], 2)
        if len(versions) != 1:
            return False
        return object_queries.remove_version(marker)

    # Uploads

    def abort_uploads(self) -> None:
        if not self.rules.of(Action.ABORT):
            return
        after = 0
        while uploads := queries.open_uploads(
            self.bucket.id, after=after, until=self.now, limit=UPLOADS_AT_ONCE
        ):
            for upload in uploads:
                clause = abort_clause(
                    self.rules, upload.key, upload.created_at, self.now
                )
                if clause is not None:
                    self.abort(upload, clause)
            after = uploads[-1].id

    def abort(self, upload: queries.OpenUpload, clause: Clause) -> None:
        def record() -> None:
            found = queries.lock_open_upload(upload.id)
            if found is not None:
                give_up(found, self.clock())
                self.count([(clause, upload.size)])

        commit(record)


def is_single(decision: Decision, versioning: str) -> bool:
    """Tell whether a deletion leaves the key's other versions as they are."""
    if decision.clause.action is Action.NONCURRENT_EXPIRATION:
        return True
    return not versioning and not decision.version.is_delete_marker


# What runs have done


def list_lifecycle_runs(
    principal: Principal, bucket_name: str, *, limit: int = 100
) -> list[LifecycleRun]:
    """List a bucket's runs with their outcomes, newest first."""
    bucket = get_bucket(principal, "s3:GetLifecycleConfiguration", bucket_name)
    return queries.runs_of(bucket.id, min(limit, MOST_RUNS))
