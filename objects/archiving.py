"""A zip archive written into the store itself, part by part, by a job.

Its size is not known before its end, so it is an upload in parts: until the last one
is in, there is nothing at its key, and what is given up leaves nothing behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from buckets.access import find_bucket, get_bucket
from iam.principals import SYSTEM, Principal
from kernel.bodies import Body
from kernel.conditions import NO_CONDITIONS, Conditions
from kernel.errors import (
    InvalidRequest,
    NoSuchBucket,
    NoSuchUpload,
    PreconditionFailed,
)
from kernel.names import check_object_key
from kernel.results import CompletedPart, ObjectAttributes
from objects import multipart, zips
from objects.bulk import Step, Targets
from objects.operations import check_quota, current_etag
from objects.zips import Entry, Packed, Who

MIB = 1024 * 1024
MOST_PARTS = 10_000
# How long a job is not heard of at most, while it reads.
TOLD_EVERY = 2.0
TAKEN = "There is an object at this key already."


@dataclass(frozen=True, slots=True)
class Archive:
    """Where an archive goes, and whether it may take the place of what is there."""

    bucket_name: str
    key: str
    replaces: bool = False

    @property
    def conditions(self) -> Conditions:
        return NO_CONDITIONS if self.replaces else Conditions(if_none_match="*")


def size_of_part(number: int) -> int:
    """Give how large a part becomes: 8 MiB, and up to 64 in archives that need it.

    That is what is held in memory; 10,000 parts make 359 GiB.
    """
    return 8 * MIB << min(3, (number - 1) // 2000)


MOST_BYTES = sum(map(size_of_part, range(1, MOST_PARTS + 1)))


def check_archive(principal: Principal, archive: Archive, size: int | None) -> None:
    """Raise what writing an archive would be refused with, as far as it is known.

    AccessDenied, PreconditionFailed, QuotaExceeded, KeyTooLongError, InvalidRequest.
    """
    check_object_key(archive.key)
    bucket = get_bucket(principal, "s3:PutObject", archive.bucket_name, archive.key)
    if not archive.replaces and current_etag(bucket, archive.key) is not None:
        raise PreconditionFailed(TAKEN)
    check_quota(bucket, size or 0, [archive.key])
    if size is not None and size > MOST_BYTES:
        raise InvalidRequest(f"An archive takes {MOST_BYTES // 1024**3} GiB at most.")


def write_archive(
    who: Who,
    bucket_name: str,
    targets: Targets,
    archive: Archive,
    marker: Mapping[str, Any],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Step]:
    """Write what is chosen into an archive, and put that at its key.

    An archive that was begun cannot be gone on with: it is given up and begun anew.
    What cannot be read is told in the steps and named in the archive at its end.
    """
    if was_completed(marker):
        return
    give_up(marker)
    zips.check_fits(who(), bucket_name, targets)
    check_archive(who(), archive, None)
    upload = multipart.create_multipart_upload(
        who(),
        archive.bucket_name,
        archive.key,
        attributes=ObjectAttributes(content_type="application/zip"),
        now=timezone.now(),
    )
    place = {
        "bucket": archive.bucket_name,
        "key": archive.key,
        "upload_id": upload.upload_id,
    }
    yield Step(marker=place)
    writing = Writing(who, archive, upload.upload_id)
    packed = Packed()
    told, seen = clock(), Packed()
    chosen = without(archive, bucket_name, zips.entries(who, bucket_name, targets))
    for chunk in zips.pack(who, bucket_name, chosen, packed):
        has_written = writing.add(chunk)
        if has_written or clock() - told > TOLD_EVERY:
            yield step_of(packed, seen, place)
            told = clock()
    yield step_of(packed, seen, place)
    if not packed.count:
        raise InvalidRequest("Nothing of this could be read, so there is no archive.")
    # Nothing is heard of it after this: what is at its key stays.
    writing.complete()


def without(
    archive: Archive, bucket_name: str, entries: Iterator[Entry]
) -> Iterator[Entry]:
    """Leave out the archive's own key: what is there gives way to it."""
    is_here = archive.bucket_name == bucket_name
    return (one for one in entries if not (is_here and one[0] == archive.key))


def step_of(packed: Packed, seen: Packed, place: Mapping[str, Any]) -> Step:
    """Tell what has been packed since it was last told."""
    step = Step(
        packed.count - seen.count, packed.size - seen.size, packed.failures, place
    )
    seen.count, seen.size, packed.failures = packed.count, packed.size, []
    return step


class Writing:
    """The parts of an archive, sent as they become full."""

    def __init__(self, who: Who, archive: Archive, upload_id: str) -> None:
        self.who = who
        self.archive = archive
        self.upload_id = upload_id
        self.parts: list[CompletedPart] = []
        self.held = bytearray()

    def add(self, chunk: bytes) -> bool:
        """Take bytes, and tell whether a part was written."""
        self.held += chunk
        if len(self.held) < size_of_part(len(self.parts) + 1):
            return False
        self.send()
        return True

    def send(self) -> None:
        number = len(self.parts) + 1
        if number > MOST_PARTS:
            most = MOST_BYTES // 1024**3
            raise InvalidRequest(f"An archive takes {most} GiB at most.")
        part = multipart.upload_part(
            self.who(),
            self.archive.bucket_name,
            self.archive.key,
            self.upload_id,
            number,
            body=Body.of(self.held),
            now=timezone.now(),
        )
        self.parts.append(CompletedPart(number, part.etag))
        self.held = bytearray()

    def complete(self) -> None:
        if self.held:
            self.send()
        try:
            multipart.complete_multipart_upload(
                self.who(),
                self.archive.bucket_name,
                self.archive.key,
                self.upload_id,
                self.parts,
                conditions=self.archive.conditions,
                now=timezone.now(),
            )
        except PreconditionFailed:
            raise PreconditionFailed(TAKEN) from None


def was_completed(marker: Mapping[str, Any]) -> bool:
    """Tell whether a worker died between the last part and saying so."""
    if not marker:
        return False
    try:
        bucket = find_bucket(marker["bucket"])
    except NoSuchBucket:
        return False
    upload = multipart.any_upload(bucket, marker["key"], marker["upload_id"])
    return upload is not None and upload.completed_at is not None


def give_up(marker: Mapping[str, Any]) -> None:
    """Remove what an archive that will not be finished has left.

    The store does it: who began it may have lost the right to.
    """
    if not marker:
        return
    with suppress(NoSuchBucket, NoSuchUpload):
        multipart.abort_multipart_upload(
            SYSTEM,
            marker["bucket"],
            marker["key"],
            marker["upload_id"],
            now=timezone.now(),
        )
