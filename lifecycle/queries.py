"""The versions that rules may be due for, found set-wise, in batches by key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db.models import F, Q, QuerySet, Sum

from blobs.models import BlobState, Part
from buckets.models import Bucket
from kernel.database.fields import column_time
from kernel.database.rows import Row, execute, fetch_all, fetch_one
from kernel.database.vendor import is_postgresql
from kernel.errors import NoSuchBucket
from kernel.names import next_name
from kernel.results import read_json, read_time
from kernel.versions import NULL_VERSION
from lifecycle.evaluation import Version
from lifecycle.models import Damage, LifecycleOutcome, LifecycleRun
from lifecycle.rules import Action, Clause, RuleSet, key_ranges
from objects.models import MultipartUpload, ObjectVersion, RestoreJob
from objects.queries import EVERY, PARTS, TABLE

COLUMNS = (
    "v.id, v.key, v.version_id, v.created_at, v.size, v.storage_class, v.is_null,"
    " v.is_delete_marker, v.tags, v.retain_until, v.has_legal_hold"
)
VERSION_ACTIONS = frozenset(Action) - {Action.ABORT}


@dataclass(frozen=True, slots=True)
class Batch:
    """A stretch of keys: how many versions it holds, and those rules may be due for.

    `versions` has each key whole, newest first. `end` is the last key of the stretch,
    or "" when no more follow.
    """

    end: str
    seen: int
    versions: list[Version]

    @property
    def keys(self) -> Iterator[list[Version]]:
        """Give the versions key by key."""
        for _, versions in groupby(self.versions, key=attrgetter("key")):
            yield list(versions)


def batches(
    bucket_id: int,
    versioning: str,
    rules: RuleSet,
    *,
    horizon: datetime,
    after: str = "",
    size: int,
) -> Iterator[Batch]:
    """Walk the keys that the rules' prefixes cover, about `size` versions at a time.

    A batch leaves out the keys for which nothing can be due until `horizon`.
    """
    clauses = [one for one in rules.all if one.action in VERSION_ACTIONS]
    condition = _may_be_due(clauses, rules, horizon)
    if condition is None:
        return
    for start, end in key_ranges(clauses):
        place = after
        if end and place >= end:
            continue
        while True:
            stretch = _stretch(bucket_id, start, end, place)
            last = _key_at(stretch, size)
            if last:
                stretch = _narrowed(stretch, last)
            yield _batch(stretch, versioning, condition, last)
            if not last:
                break
            place = last


type Condition = tuple[str, list[Any]]


def _stretch(bucket_id: int, start: str, end: str, after: str) -> Condition:
    """Write where keys of a range come after the last one that is done."""
    condition, values = "{v}.bucket_id = %s AND {v}.key >= %s", [bucket_id, start]
    if after >= start and after:
        condition, values = "{v}.bucket_id = %s AND {v}.key > %s", [bucket_id, after]
    if end:
        condition, values = condition + " AND {v}.key < %s", [*values, end]
    return condition, values


def _narrowed(stretch: Condition, last: str) -> Condition:
    condition, values = stretch
    return condition + " AND {v}.key <= %s", [*values, last]


def _key_at(stretch: Condition, number: int) -> str:
    """Give the key of the stretch's version at a number, "" when it has fewer."""
    condition, values = stretch
    row = fetch_one(
        f"SELECT v.key FROM {EVERY} v WHERE {condition.format(v='v')}"
        " ORDER BY v.key LIMIT 1 OFFSET %s",
        [*values, number - 1],
    )
    return "" if row is None else str(row[0])


def _batch(stretch: Condition, versioning: str, due: Condition, last: str) -> Batch:
    where, values = stretch
    due_sql, due_values = due
    within, is_due = where.format(v="v"), due_sql.format(v="v")
    parts = [f"FROM {TABLE} v WHERE {within} AND {part}" for part in PARTS]
    counts = " + ".join(f"(SELECT count(*) {part})" for part in parts)
    seen = fetch_one(f"SELECT {counts}", values * len(PARTS))
    if versioning:
        # A key with anything due comes whole: what its versions are is a matter of
        # those above and below them.
        keys = " UNION ".join(f"SELECT v.key {part} AND {is_due}" for part in parts)
        found, more = f"v.key IN ({keys})", [*values, *due_values] * len(PARTS)
    else:
        found, more = is_due, due_values
    rows = fetch_all(
        f"SELECT {COLUMNS} FROM {EVERY} v WHERE {within} AND {found}"
        " ORDER BY v.key, v.version_id",
        [*values, *more],
    )
    assert seen is not None
    return Batch(last, seen[0], [_version(row) for row in rows])


def _version(row: Row) -> Version:
    row_id, key, version_id, created_at, size, name, is_null, is_marker, *rest = row
    tags, retain_until, has_legal_hold = rest
    return Version(
        row_id,
        key,
        NULL_VERSION if is_null else version_id,
        read_time(created_at),
        size,
        name,
        is_null,
        is_marker,
        read_json(tags),
        None if retain_until is None else read_time(retain_until),
        has_legal_hold,
    )


def _may_be_due(
    clauses: Iterable[Clause], rules: RuleSet, horizon: datetime
) -> Condition | None:
    """Write what must hold of one of a key's versions for anything to be due."""
    found = [_clause_may_be_due(clause, rules, horizon) for clause in clauses]
    conditions = list(dict.fromkeys(map(_hashable, filter(None, found))))
    if not conditions:
        return None
    joined = " OR ".join(condition for condition, _ in conditions)
    return f"({joined})", [value for _, values in conditions for value in values]


def _hashable(condition: Condition) -> tuple[str, tuple[Any, ...]]:
    return condition[0], tuple(condition[1])


STATES = {
    Action.EXPIRATION: "{v}.is_latest",
    Action.DELETE_MARKER_EXPIRATION: "{v}.is_latest AND {v}.is_delete_marker",
    Action.TRANSITION: "{v}.is_latest AND NOT {v}.is_delete_marker",
    Action.NONCURRENT_EXPIRATION: "NOT {v}.is_latest",
    Action.NONCURRENT_TRANSITION: "NOT {v}.is_latest AND NOT {v}.is_delete_marker",
}


def _clause_may_be_due(
    clause: Clause, rules: RuleSet, horizon: datetime
) -> Condition | None:
    """Write what must hold of a version that a clause is due for.

    A version is noncurrent no longer than it exists, so its own age bounds that too.
    """
    cutoff = clause.cutoff(horizon, rules.day)
    if cutoff is None:
        return None
    conditions, values = [STATES[clause.action]], []
    if clause.days is not None:
        conditions.append("{v}.created_at < %s")
        values.append(column_time(cutoff))
    asked = clause.conditions
    for column, operator, value in (
        ("key", ">=", asked.prefix or None),
        ("key", "<", next_name(asked.prefix) or None),
        ("size", ">", asked.larger_than),
        ("size", "<", asked.smaller_than),
    ):
        if value is not None:
            conditions.append(f"{{v}}.{column} {operator} %s")
            values.append(value)
    if clause.storage_class:
        conditions.append("{v}.storage_class <> %s")
        values.append(clause.storage_class)
    if asked.tags:
        conditions.append("CAST({v}.tags AS text) <> '{{}}'")
    return f"({' AND '.join(conditions)})", values


# Uploads


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """An unfinished upload, and how many bytes its parts have."""

    id: int
    key: str
    created_at: datetime
    size: int


def open_uploads(
    bucket_id: int, *, after: int, until: datetime, limit: int
) -> list[OpenUpload]:
    """List unfinished uploads begun up to a time, by row."""
    uploads = MultipartUpload.objects.filter(
        bucket_id=bucket_id,
        completed_at__isnull=True,
        created_at__lte=until,
        id__gt=after,
    )
    rows = list(
        uploads.order_by("id").values_list("id", "key", "created_at", "blob_id")[:limit]
    )
    sizes = dict(
        Part.objects.filter(whole_id__in=[row[3] for row in rows])
        .values_list("whole_id")
        .annotate(Sum("size"))
    )
    return [
        OpenUpload(row_id, key, created_at, sizes.get(blob_id, 0))
        for row_id, key, created_at, blob_id in rows
    ]


def lock_open_upload(upload_id: int) -> MultipartUpload | None:
    """Find an upload by its row, if it is still open, and keep others from it."""
    return (
        MultipartUpload.objects.select_for_update()
        .filter(pk=upload_id, completed_at__isnull=True)
        .first()
    )


# Versions


def lock_versioning(bucket_id: int) -> str:
    """Give a bucket's versioning, and keep it so until the transaction ends.

    Raises NoSuchBucket where it has gone.
    """
    lock = " FOR SHARE" if is_postgresql() else ""
    found = fetch_one(
        "SELECT versioning FROM buckets_bucket WHERE id = %s" + lock, [bucket_id]
    )
    if found is None:
        raise NoSuchBucket()
    return str(found[0])


NONCURRENT = (
    "NOT is_latest AND NOT has_legal_hold"
    " AND (retain_until IS NULL OR retain_until <= %s)"
)
CURRENT = "is_latest AND NOT is_delete_marker"


def remove_noncurrent(
    bucket_id: int, row_ids: Sequence[int], now: datetime
) -> dict[int, int | None]:
    """Remove versions that are still noncurrent and not locked; give rows and blobs."""
    return _remove(bucket_id, row_ids, NONCURRENT, [column_time(now)])


def remove_current(bucket_id: int, row_ids: Sequence[int]) -> dict[int, int | None]:
    """Remove objects of a bucket without versions; give rows and blobs."""
    return _remove(bucket_id, row_ids, CURRENT, [])


def _remove(
    bucket_id: int, row_ids: Sequence[int], condition: str, values: list[Any]
) -> dict[int, int | None]:
    if not row_ids:
        return {}
    places = ", ".join(["%s"] * len(row_ids))
    rows = fetch_all(
        f"DELETE FROM {TABLE} WHERE bucket_id = %s AND id IN ({places})"
        f" AND {condition} RETURNING id, blob_id",
        [bucket_id, *row_ids, *values],
    )
    return dict(rows)


def switch_blob(
    version_row_id: int, old_blob_id: int, new_blob_id: int, storage_class: str
) -> bool:
    """Let a version name other bytes; False when it no longer names the old ones."""
    return bool(
        execute(
            f"UPDATE {TABLE} SET blob_id = %s, storage_class = %s"
            " WHERE id = %s AND blob_id = %s",
            [new_blob_id, storage_class, version_row_id, old_blob_id],
        )
    )


def damages() -> QuerySet[Damage]:
    """Give the damage that is known of bytes which something still names."""
    return Damage.objects.filter(blob__state=BlobState.LIVE)


def places_of(blob_id: int) -> list[str]:
    """Say which versions and uploads a blob's bytes are of, for an operator to read."""
    wholes = Part.objects.filter(blob_id=blob_id).values("whole_id")
    within = Q(blob_id=blob_id) | Q(blob_id__in=wholes)
    restored = RestoreJob.objects.filter(within).values("version_row_id")
    versions = ObjectVersion.objects.filter(within | Q(pk__in=restored))
    uploads = MultipartUpload.objects.filter(within)
    columns = "bucket__name", "key"
    return [
        *(
            f"bucket {bucket}, object {key!r}, version {version_id}"
            for bucket, key, version_id in versions.values_list(*columns, "version_id")
        ),
        *(
            f"bucket {bucket}, unfinished upload of {key!r}"
            for bucket, key in uploads.values_list(*columns)
        ),
    ]


# Runs


def bucket_names_with_rules() -> list[str]:
    return list(
        Bucket.objects.filter(configurations__has_key="lifecycle")
        .order_by("name")
        .values_list("name", flat=True)
    )


def buckets_being_run(since: datetime, until: datetime) -> set[str]:
    """Name the buckets whose run is not finished and has moved on since then.

    What is later than `until` was written by a clock that was wrong.
    """
    runs = LifecycleRun.objects.filter(
        finished_at=None, updated_at__gt=since, updated_at__lt=until
    )
    return set(runs.values_list("bucket__name", flat=True))


def open_run(bucket_id: int, rules: Any, now: datetime) -> LifecycleRun:
    """Give the bucket's unfinished run, or begin one; new rules begin anew.

    Raises NoSuchBucket where it was deleted since it was read.
    """
    # Locked: a foreign key that fails at the commit names no bucket.
    if not Bucket.objects.select_for_update(no_key=True).filter(pk=bucket_id).exists():
        raise NoSuchBucket()
    found = LifecycleRun.objects.filter(bucket_id=bucket_id, finished_at=None).first()
    if found is not None:
        if found.rules == rules:
            return found
        found.finished_at = now
        found.error = "The rules were changed."
        found.save(update_fields=["finished_at", "error"])
    run, _ = LifecycleRun.objects.get_or_create(
        bucket_id=bucket_id,
        finished_at=None,
        defaults={"rules": rules, "started_at": now, "updated_at": now},
    )
    return run


def buckets_done_since(moment: datetime, until: datetime) -> set[str]:
    """Name the buckets whose last run began since then and came to its end.

    What is later than `until` was written by a clock that was wrong.
    """
    done = LifecycleRun.objects.filter(started_at__gte=moment, started_at__lt=until)
    left = LifecycleRun.objects.filter(finished_at=None)
    names = "bucket__name"
    return set(done.values_list(names, flat=True)) - set(
        left.values_list(names, flat=True)
    )


def advance(run_id: int, cursor: str, seen: int, now: datetime) -> None:
    """Note that a run is done up to a key; another worker may be further."""
    LifecycleRun.objects.filter(pk=run_id, cursor__lt=cursor).update(
        cursor=cursor, versions_seen=F("versions_seen") + seen, updated_at=now
    )


def finish(run_id: int, seen: int, now: datetime) -> None:
    LifecycleRun.objects.filter(pk=run_id, finished_at=None).update(
        finished_at=now, updated_at=now, versions_seen=F("versions_seen") + seen
    )


def note_failure(run_id: int, error: str, now: datetime) -> None:
    LifecycleRun.objects.filter(pk=run_id).update(
        failures=F("failures") + 1, error=error[:1024], updated_at=now
    )


def note_progress(run_id: int, now: datetime) -> None:
    LifecycleRun.objects.filter(pk=run_id).update(updated_at=now)


def add_outcome(run_id: int, clause: Clause, count: int, size: int) -> None:
    """Count what was done, in the transaction that does it."""
    outcome, _ = LifecycleOutcome.objects.get_or_create(
        run_id=run_id,
        rule_id=clause.rule_id,
        action=clause.action,
        storage_class=clause.storage_class,
    )
    LifecycleOutcome.objects.filter(pk=outcome.pk).update(
        count=F("count") + count, size=F("size") + size
    )


def runs_of(bucket_id: int, limit: int) -> list[LifecycleRun]:
    """List a bucket's runs with their outcomes, newest first."""
    return list(
        LifecycleRun.objects.filter(bucket_id=bucket_id)
        .prefetch_related("outcomes")
        .order_by("-started_at", "-id")[:limit]
    )
