"""Copying and moving objects and folders, and what becomes of keys that are taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.utils import timezone

from buckets.access import get_bucket
from iam.principals import Principal
from kernel.conditions import (
    IF_NONE_MATCH,
    NO_CONDITIONS,
    Conditions,
    unless_changed,
)
from kernel.errors import InvalidRequest, ObjectStoreError, PreconditionFailed
from kernel.results import ObjectInfo
from objects import queries
from objects.bulk import STEP_OF_EDITS, Step, Targets, bucket_of_keys, target_pages
from objects.copies import CopySource, copy_object, rename_object
from objects.operations import FailedDeletion, delete_object
from objects.taken import taken_keys

MOST_TRIES = 5


class Taken(StrEnum):
    """What is done where the target's key has an object: it is written over, nothing
    is done, or a free name is found beside it."""

    OVERWRITE = "overwrite"
    SKIP = "skip"
    KEEP = "keep"


class TargetTakenError(PreconditionFailed):
    """The target's key has an object, which was to stay."""

    s3_code = "PreconditionFailed"
    message = "There is an object at the target already."


class StaysInsideError(InvalidRequest):
    """The new key lies in the folder that is being copied or moved."""

    s3_code = "InvalidRequest"
    message = (
        "Its new key would lie in the folder that is copied or moved. Copy or move the "
        "folder inside by itself."
    )


def copy_prefix(
    principal: Principal,
    bucket_name: str,
    *,
    prefix: str,
    target_bucket: str,
    target_prefix: str,
    removes_source: bool,
    taken: Taken = Taken.OVERWRITE,
    marker: Mapping[str, Any],
    targets: Targets | None = None,
    began_at: datetime | None = None,
) -> Iterator[Step]:
    """Copy or move all current objects under a prefix to another, or those of them
    that are the targets; of these, what lies at the target already stays.

    `began_at` is when a worker began that has died since, if one has.
    Raises InvalidRequest for a target inside the source, which would never end.
    """
    is_inside = target_bucket == bucket_name and target_prefix.startswith(prefix)
    if is_inside and (targets is None or target_prefix == prefix):
        raise InvalidRequest("A folder cannot be copied into itself.")
    # What came to lie in the source would be met again, or meet what still lies there.
    is_around = target_bucket == bucket_name and not is_inside
    sources = targets or Targets(folders=(prefix,))
    left = {"folder": 0, **marker}
    for all_rows, place in target_pages(
        principal, bucket_name, sources, left, per_page=STEP_OF_EDITS
    ):
        rows = [
            row
            for row in all_rows
            if not (is_inside and row.key.startswith(target_prefix))
        ]
        failures: list[FailedDeletion] = []
        sizes: list[int] = []
        for row in rows:
            target = target_prefix + row.key.removeprefix(prefix)
            try:
                if is_around and target.startswith(prefix):
                    raise StaysInsideError()
                transfer(
                    principal,
                    bucket_name,
                    row.key,
                    target_bucket,
                    target,
                    removes_source=removes_source,
                    taken=taken,
                    began_at=began_at,
                    now=timezone.now(),
                )
                sizes.append(row.size)
            except ObjectStoreError as error:
                failures.append(FailedDeletion(row.key, "", error))
        yield Step(len(sizes), sum(sizes), failures, place)


def transfer(
    principal: Principal,
    bucket_name: str,
    key: str,
    target_bucket: str,
    target_key: str,
    *,
    removes_source: bool,
    taken: Taken = Taken.OVERWRITE,
    began_at: datetime | None = None,
    now: datetime,
) -> ObjectInfo:
    """Copy one object, or move it; inside a bucket a move is a rename.

    What a worker that `began_at` a time had copied when it died is removed, if it was
    to be moved. Raises TargetTakenError, and what copying, reading and deleting raise.
    """
    wanted = target_key
    for _ in range(MOST_TRIES):
        try:
            return transfer_once(
                principal,
                bucket_name,
                key,
                target_bucket,
                wanted,
                removes_source=removes_source,
                conditions=NO_CONDITIONS
                if taken is Taken.OVERWRITE
                else Conditions(if_none_match="*"),
                now=now,
            )
        except PreconditionFailed as refusal:
            if refusal.details.get("condition") != IF_NONE_MATCH:
                raise
        # A job that is done again finds what it has copied.
        there = same_at(principal, bucket_name, key, target_bucket, wanted)
        if there is not None and not removes_source:
            return there
        if there is not None and began_at is not None and there.created_at > began_at:
            remove_copied(principal, bucket_name, key, there.etag, now)
            return there
        if taken is Taken.SKIP:
            break
        # A name that has just become free is taken as it is.
        found = taken_keys(principal, target_bucket, [target_key])
        wanted = found.get(target_key, target_key)
        if not wanted:
            break
    raise TargetTakenError()


def same_at(
    principal: Principal,
    bucket_name: str,
    key: str,
    target_bucket: str,
    target_key: str,
) -> ObjectInfo | None:
    """Find what is at the target, if it is already all that the source is."""
    [source, target] = (
        current_of(principal, *one)
        for one in ((bucket_name, key), (target_bucket, target_key))
    )
    if source is None or target is None:
        return None
    is_same = (source.etag, source.size) == (target.etag, target.size) and (
        described(source) == described(target)
    )
    return target if is_same else None


def current_of(principal: Principal, bucket_name: str, key: str) -> ObjectInfo | None:
    bucket = bucket_of_keys(principal, bucket_name, [key])
    rows = queries.latest_of_keys(bucket.id, [key])
    return next((row for row in rows if not row.is_delete_marker), None)


def described(info: ObjectInfo) -> tuple[Any, ...]:
    """Give what a copy takes over beside the bytes."""
    given = (info.headers, info.metadata, info.tags)
    return (info.content_type, *(dict(one) for one in given))


def transfer_once(
    principal: Principal,
    bucket_name: str,
    key: str,
    target_bucket: str,
    target_key: str,
    *,
    removes_source: bool,
    conditions: Conditions,
    now: datetime,
) -> ObjectInfo:
    if removes_source and target_bucket == bucket_name:
        return rename_object(
            principal, bucket_name, key, target_key, conditions=conditions, now=now
        )
    if removes_source:
        # Who may not take it away gets no copy of it either.
        get_bucket(principal, "s3:DeleteObject", bucket_name, key)
    read, copied = copy_object(
        principal,
        CopySource(bucket_name, key),
        target_bucket,
        target_key,
        conditions=conditions,
        now=now,
    )
    if removes_source:
        remove_copied(principal, bucket_name, key, read.etag, now)
    return copied


def remove_copied(
    principal: Principal, bucket_name: str, key: str, etag: str, now: datetime
) -> None:
    """Remove what was copied; what was written meanwhile was not, and stays."""
    is_same = unless_changed(etag)
    delete_object(principal, bucket_name, key, conditions=is_same, now=now)
