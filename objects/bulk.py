"""Work on all keys under a prefix, in steps that can be stopped and gone on with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from os.path import commonprefix
from typing import Any

from django.db import connection
from django.db.models import Count, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from buckets.access import find_bucket, get_bucket
from iam.principals import Principal
from kernel.database.fields import column_time
from kernel.errors import InvalidRequest
from kernel.listing import page_bounds, start_after
from kernel.results import BucketInfo, ObjectInfo, ObjectSummary, UploadInfo
from objects import queries
from objects.models import MultipartUpload
from objects.operations import (
    FailedDeletion,
    ObjectIdentifier,
    delete_object,
    delete_objects,
)
from objects.searches import (
    Matches,
    State,
    Wanted,
    check_is_same,
    matching_pages,
    weigh_matches,
)

STEP = 500
# What a job does between two signs of life where each object is a commit of its own.
STEP_OF_EDITS = 50
# Above so many versions a prefix is not counted to its end: 100,000 take 0.2 s.
MOST_WEIGHED = 100_000


class PurgeScope(StrEnum):
    """What a purge takes: what is current, or every version and marker."""

    CURRENT = "current"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Weight:
    """What lies under a prefix, counted up to a bound."""

    current_count: int = 0
    current_size: int = 0
    versions_count: int = 0
    versions_size: int = 0
    markers_count: int = 0
    locked_count: int = 0
    is_whole: bool = True
    # The rest may be counted by other means, that know nothing of locks.
    locks_are_whole: bool = True

    @property
    def total_count(self) -> int:
        return self.current_count + self.versions_count + self.markers_count

    @property
    def total_size(self) -> int:
        return self.current_size + self.versions_size


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did, and the place to go on after it."""

    done_count: int = 0
    done_size: int = 0
    failures: list[FailedDeletion] = field(default_factory=list)
    marker: Mapping[str, Any] = field(default_factory=dict)


# Rows that a job works on, and the place to go on after them.
Row = ObjectInfo | ObjectSummary
Page = tuple[Sequence[Row], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Targets:
    """What a job works on: keys, all under folders, or all that a search finds."""

    keys: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    prefix: str = ""
    wanted: Wanted | None = None


def target_pages(
    principal: Principal,
    bucket_name: str,
    targets: Targets,
    marker: Mapping[str, Any],
    *,
    per_page: int = STEP,
) -> Iterator[Page]:
    """Give the current objects that a job works on, from where it was left."""
    if targets.wanted is not None:
        found = matching_pages(
            principal,
            bucket_name,
            targets.wanted,
            prefix=targets.prefix,
            after_key=marker.get("after", ""),
            per_page=per_page,
            now=timezone.now(),
        )
        for rows, after in found:
            yield rows, {"after": after}
        return
    first, after = marker.get("folder", -1), marker.get("after", "")
    if first < 0:
        if targets.keys:
            yield from chosen_pages(
                principal, bucket_name, targets.keys, after, per_page
            )
        first, after = 0, ""
    for number, folder in enumerate(targets.folders):
        if number < first:
            continue
        left = {"after": after} if number == first else {}
        for rows, _, place in purged_objects(
            principal, bucket_name, folder, left, per_page=per_page
        ):
            yield rows, {**place, "folder": number}


def chosen_pages(
    principal: Principal,
    bucket_name: str,
    keys: Sequence[str],
    after: str,
    per_page: int,
) -> Iterator[Page]:
    bucket = bucket_of_keys(principal, bucket_name, keys)
    left = sorted(key for key in keys if key > after)
    for begin in range(0, len(left), per_page):
        check_is_same(bucket, bucket_of_keys(principal, bucket_name, keys))
        some = left[begin : begin + per_page]
        rows = queries.latest_of_keys(bucket.id, some)
        yield [row for row in rows if not row.is_delete_marker], {"after": some[-1]}


def bucket_of_keys(
    principal: Principal,
    bucket_name: str,
    keys: Sequence[str],
    action: str = "s3:ListBucket",
) -> BucketInfo:
    """Find the bucket for who may list the folder that all these keys lie in."""
    context = {"s3:prefix": shared_folder(keys)}
    return get_bucket(principal, action, bucket_name, context=context)


def shared_folder(keys: Sequence[str]) -> str:
    """Give the deepest folder that all these keys lie in."""
    shared = commonprefix(list(keys))  # noqa: RUF071 - cut to whole folders next
    return shared[: shared.rfind("/") + 1]


def listed_again(
    principal: Principal, action: str, bucket: BucketInfo, prefix: str
) -> None:
    """Ask the door for a listing's next page, since its answer may have changed."""
    context = {"s3:prefix": prefix}
    check_is_same(bucket, get_bucket(principal, action, bucket.name, context=context))


def weigh_targets(
    principal: Principal, bucket_name: str, targets: Targets, *, now: datetime
) -> Matches:
    """Count what a job will work on, as far as the time allows."""
    if targets.wanted is not None:
        return weigh_matches(
            principal, bucket_name, targets.wanted, prefix=targets.prefix, now=now
        )
    weights = [weigh(principal, bucket_name, one, now=now) for one in targets.folders]
    if targets.keys:
        weights.append(weigh_keys(principal, bucket_name, list(targets.keys), now=now))
    count = sum(one.current_count for one in weights)
    size = sum(one.current_size for one in weights)
    is_whole = all(one.is_whole for one in weights)
    return Matches(count, size, count, stopped_early=not is_whole)


WEIGH = """
    SELECT count(CASE WHEN is_latest AND NOT is_delete_marker THEN 1 END),
        coalesce(sum(CASE WHEN is_latest THEN size END), 0),
        count(CASE WHEN NOT is_latest AND NOT is_delete_marker THEN 1 END),
        coalesce(sum(CASE WHEN NOT is_latest THEN size END), 0),
        count(CASE WHEN is_delete_marker THEN 1 END),
        count(CASE WHEN has_legal_hold OR retain_until > %s THEN 1 END),
        count(*)
    FROM (
        SELECT key, is_latest, is_delete_marker, size, has_legal_hold, retain_until
        FROM {every} v
        WHERE bucket_id = %s AND key >= %s {end} ORDER BY key LIMIT %s
    ) AS weighed
"""


def weigh(
    principal: Principal, bucket_name: str, prefix: str = "", *, now: datetime
) -> Weight:
    """Count what lies under a prefix, up to a bound. Raises AccessDenied."""
    bucket = get_bucket(
        principal, "s3:ListBucket", bucket_name, context={"s3:prefix": prefix}
    )
    start, end = page_bounds(prefix, "")
    values: list[Any] = [column_time(now), bucket.id, start]
    values += [end] if end else []
    with connection.cursor() as cursor:
        cursor.execute(
            WEIGH.format(every=queries.EVERY, end="AND key < %s" if end else ""),
            [*values, MOST_WEIGHED + 1],
        )
        *counts, weighed = cursor.fetchone()
    return Weight(*(int(count) for count in counts), weighed <= MOST_WEIGHED)


def weigh_keys(
    principal: Principal, bucket_name: str, keys: list[str], *, now: datetime
) -> Weight:
    """Count the versions of some keys. Raises AccessDenied."""
    bucket = bucket_of_keys(principal, bucket_name, keys)
    rows = queries.versions_of_keys(bucket.id, keys, MOST_WEIGHED)
    return weight_of(rows, now)


def weigh_versions(
    principal: Principal,
    bucket_name: str,
    identifiers: Sequence[ObjectIdentifier],
    *,
    now: datetime,
) -> Weight:
    """Count some versions and markers; those that are gone weigh nothing.

    Raises AccessDenied.
    """
    keys = [one.key for one in identifiers]
    action = "s3:ListBucketVersions"
    bucket = bucket_of_keys(principal, bucket_name, keys, action)
    places = [(one.key, one.version_id) for one in identifiers]
    return weight_of(queries.look_up_each(bucket.id, places), now)


def weight_of(rows: list[ObjectInfo], now: datetime) -> Weight:
    current = [row for row in rows if row.is_latest and not row.is_delete_marker]
    earlier = [row for row in rows if not row.is_latest and not row.is_delete_marker]
    return Weight(
        len(current),
        sum(row.size for row in current),
        len(earlier),
        sum(row.size for row in earlier),
        sum(1 for row in rows if row.is_delete_marker),
        sum(1 for row in rows if is_locked(row, now)),
    )


def locked_keys(
    principal: Principal, bucket_name: str, keys: Sequence[str], *, now: datetime
) -> set[str]:
    """Tell which of some keys are held or retained now. Raises AccessDenied."""
    bucket = bucket_of_keys(principal, bucket_name, keys)
    rows = queries.latest_of_keys(bucket.id, keys)
    return {row.key for row in rows if is_locked(row, now)}


def is_locked(row: ObjectInfo, now: datetime) -> bool:
    return bool(row.has_legal_hold) or (
        row.retain_until is not None and row.retain_until > now
    )


# Purge


def purge(
    principal: Principal,
    bucket_name: str,
    *,
    prefix: str,
    scope: PurgeScope,
    bypass_governance: bool = False,
    marker: Mapping[str, Any],
) -> Iterator[Step]:
    """Delete what lies under a prefix, a page at a time, past what is locked.

    Where the bucket keeps versions, what is current gets a delete marker, and
    everything goes for good.
    """
    find_bucket(bucket_name)
    pages = purged_objects if scope is PurgeScope.CURRENT else purged_versions
    for rows, identifiers, place in pages(principal, bucket_name, prefix, marker):
        outcomes = delete_objects(
            principal,
            bucket_name,
            identifiers,
            bypass_governance=bypass_governance,
            now=timezone.now(),
        )
        failures = [one for one in outcomes if isinstance(one, FailedDeletion)]
        lost = {(one.key, one.version_id) for one in failures}
        gone = [
            row.size
            for row, one in zip(rows, identifiers, strict=True)
            if (one.key, one.version_id) not in lost
        ]
        yield Step(len(gone), sum(gone), failures, place)


Purged = Iterator[tuple[list[ObjectInfo], list[ObjectIdentifier], dict[str, str]]]


def purged_objects(
    principal: Principal,
    bucket_name: str,
    prefix: str,
    marker: Mapping[str, Any],
    *,
    per_page: int = STEP,
) -> Purged:
    bucket = get_bucket(
        principal, "s3:ListBucket", bucket_name, context={"s3:prefix": prefix}
    )
    after = marker.get("after", "")
    while True:
        start, end = page_bounds(prefix, start_after(after, "", "") if after else "")
        rows = queries.current_versions(bucket.id, start, end, per_page)
        if not rows:
            return
        after = rows[-1].key
        yield rows, [ObjectIdentifier(row.key) for row in rows], {"after": after}
        listed_again(principal, "s3:ListBucket", bucket, prefix)


def purged_versions(
    principal: Principal, bucket_name: str, prefix: str, marker: Mapping[str, Any]
) -> Purged:
    """Walk every version by its stored id: a null version's place outlives it."""
    bucket = get_bucket(
        principal, "s3:ListBucketVersions", bucket_name, context={"s3:prefix": prefix}
    )
    place = (marker["key"], marker["version_id"]) if marker else None
    while True:
        start, end = page_bounds(prefix, place[0] if place else "")
        rows = queries.page_of_versions(bucket.id, start, end, STEP, after=place)
        if not rows:
            return
        place = (rows[-1].key, rows[-1].stored_version_id)
        yield (
            rows,
            [ObjectIdentifier(row.key, row.version_id) for row in rows],
            {"key": place[0], "version_id": place[1]},
        )
        listed_again(principal, "s3:ListBucketVersions", bucket, prefix)


def delete_matches(
    principal: Principal, bucket_name: str, targets: Targets, marker: Mapping[str, Any]
) -> Iterator[Step]:
    """Delete the current objects that a search finds, or bring back its deleted ones.

    Where the bucket keeps versions, an object gets a delete marker; a deleted key
    loses its own.
    """
    is_undelete = targets.wanted is not None and targets.wanted.state is State.DELETED
    for rows, place in target_pages(principal, bucket_name, targets, marker):
        if is_undelete:
            yield uncover(principal, bucket_name, rows, place)
            continue
        outcomes = delete_objects(
            principal,
            bucket_name,
            [ObjectIdentifier(row.key) for row in rows],
            now=timezone.now(),
        )
        failures = [one for one in outcomes if isinstance(one, FailedDeletion)]
        lost = {one.key for one in failures}
        gone = [row.size for row in rows if row.key not in lost]
        yield Step(len(gone), sum(gone), failures, place)


# Unfinished uploads


@dataclass(frozen=True, slots=True)
class Parts:
    """What has come of an unfinished upload."""

    count: int = 0
    size: int = 0


def weigh_uploads(uploads: Sequence[UploadInfo]) -> dict[str, Parts]:
    """Count the parts of listed uploads, by upload id."""
    rows = (
        MultipartUpload.objects.filter(upload_id__in=[one.upload_id for one in uploads])
        .annotate(
            parts_count=Count("blob__parts"),
            parts_size=Coalesce(Sum("blob__parts__size"), 0),
        )
        .values_list("upload_id", "parts_count", "parts_size")
    )
    return {upload_id: Parts(count, size) for upload_id, count, size in rows}


# Undelete


def undelete(
    principal: Principal,
    bucket_name: str,
    *,
    prefix: str,
    marker: Mapping[str, Any],
) -> Iterator[Step]:
    """Take the delete markers off all deleted keys under a prefix."""
    for rows, _, place in purged_versions(principal, bucket_name, prefix, marker):
        hidden = [row for row in rows if row.is_latest and row.is_delete_marker]
        yield uncover(principal, bucket_name, hidden, place)


def uncover(
    principal: Principal,
    bucket_name: str,
    hidden: Sequence[Row],
    place: Mapping[str, Any],
) -> Step:
    """Take the delete markers off some keys, as many as lie on one another.

    What shows then is done; a key that held nothing but markers is not brought back.
    """
    bucket = find_bucket(bucket_name)
    sizes: list[int] = []
    failures: list[FailedDeletion] = []
    while hidden:
        markers = [ObjectIdentifier(row.key, row.version_id) for row in hidden]
        outcomes = delete_objects(principal, bucket_name, markers, now=timezone.now())
        failures += [one for one in outcomes if isinstance(one, FailedDeletion)]
        left = {row.key for row in hidden} - {one.key for one in failures}
        latest = queries.latest_of_keys(bucket.id, left)
        sizes += [row.size for row in latest if not row.is_delete_marker]
        hidden = [row for row in latest if row.is_delete_marker]
    return Step(len(sizes), sum(sizes), failures, place)


def undelete_key(
    principal: Principal, bucket_name: str, key: str, *, now: datetime
) -> int:
    """Take the delete markers off a key until a version shows; give how many.

    Raises InvalidRequest where there is nothing to bring back.
    """
    removed = 0
    while True:
        marker = latest_marker(principal, bucket_name, key)
        if marker is None:
            break
        delete_object(
            principal, bucket_name, key, version_id=marker.version_id, now=now
        )
        removed += 1
    if not removed:
        raise InvalidRequest("This key is not deleted.")
    return removed


def latest_marker(
    principal: Principal, bucket_name: str, key: str
) -> ObjectInfo | None:
    rows = versions_of_key(principal, bucket_name, key)
    is_hidden = bool(rows) and rows[0].is_delete_marker
    has_version = any(not row.is_delete_marker for row in rows)
    return rows[0] if is_hidden and has_version else None


def versions_of_key(
    principal: Principal, bucket_name: str, key: str, *, most: int = 1000
) -> list[ObjectInfo]:
    """List the versions and markers of one key, newest first."""
    bucket: BucketInfo = get_bucket(
        principal, "s3:ListBucketVersions", bucket_name, context={"s3:prefix": key}
    )
    return queries.versions_of_keys(bucket.id, [key], most)
