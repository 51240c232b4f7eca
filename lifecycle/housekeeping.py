"""Jobs that keep the store in order: scrub, counters, records nobody needs."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import F, QuerySet

from blobs import queries as blob_queries
from blobs import store
from blobs.models import Blob, BlobKind, BlobState
from blobs.queries import BlobInfo
from kernel.database.commit import commit
from kernel.errors import ServiceUnavailable
from lifecycle import counters, queries
from lifecycle.counters import Difference
from lifecycle.integrity import problem_with
from lifecycle.models import Damage, LifecycleRun, ScrubRun
from objects.models import MultipartUpload
from objects.multipart import give_up

logger = logging.getLogger("objectstore.housekeeping")

BLOBS_AT_ONCE = 100
RUNS_KEPT = timedelta(days=90)
PURGED_TOGETHER = 1000


# Scrub


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """What one scrub read, how many blobs it found damaged, and who did not answer."""

    blobs: int
    size: int
    damaged: int
    is_finished: bool
    unanswered: tuple[str, ...] = ()


def scrub(
    *, now: datetime, most_bytes: int | None = None, anew: bool = False
) -> Scrubbed:
    """Read stored bytes back and compare them with their checksums.

    Goes on where the last one stopped, unless it is to begin `anew`; `most_bytes`
    bounds this one. What is damaged is reported and kept. A class that does not answer
    is left to the next pass; where none does, this one waits.
    """
    run = commit(partial(open_scrub, now, anew=anew))
    blobs = size = damaged = 0
    silent: set[str] = set()
    is_finished = False
    while found := live_blobs(run.cursor, without=silent):
        read, bad = read_all(found, silent, now)
        if not read:
            continue
        blobs, size = blobs + len(read), size + sum(one.size for one in read)
        damaged += bad
        run.cursor = found[-1][0].id
        commit(partial(advance_scrub, run, read, now))
        if most_bytes is not None and size >= most_bytes:
            break
    else:
        is_finished = bool(blobs) or not silent
    if is_finished:
        commit(partial(finish_scrub, run, now))
    return Scrubbed(blobs, size, damaged, is_finished, tuple(sorted(silent)))


def read_all(
    found: list[tuple[BlobInfo, str]], silent: set[str], now: datetime
) -> tuple[list[BlobInfo], int]:
    """Read blobs; give those that were read and how many of them are damaged.

    A class that does not answer is added to `silent`, and left alone from there on.
    """
    read, damaged = [], 0
    for blob, md5 in found:
        if blob.storage_class in silent:
            continue
        try:
            damaged += is_damaged(blob, md5, now)
        except ServiceUnavailable:
            logger.error("%s does not answer: it is not scrubbed", blob.storage_class)
            silent.add(blob.storage_class)
        else:
            read.append(blob)
    return read, damaged


def open_scrub(now: datetime, *, anew: bool) -> ScrubRun:
    open_runs = ScrubRun.objects.filter(finished_at=None)
    found = None if anew else open_runs.order_by("-id").first()
    return found or ScrubRun.objects.create(started_at=now, updated_at=now)


def live_blobs(
    after: int, *, without: Iterable[str] = ()
) -> list[tuple[BlobInfo, str]]:
    """List blobs that have bytes of their own, with their MD5, by row.

    A composite has none: its parts are blobs themselves.
    """
    rows = (
        Blob.objects.filter(id__gt=after, state=BlobState.LIVE)
        .exclude(kind=BlobKind.COMPOSITE)
        .exclude(storage_class__in=without)
        .order_by("id")
        .values_list("id", "kind", "storage_class", "path", "size", "md5")
    )
    return [
        (BlobInfo(*row[:5], data=None, encryption_text=None), row[5])
        for row in rows[:BLOBS_AT_ONCE]
    ]


def advance_scrub(run: ScrubRun, read: list[BlobInfo], now: datetime) -> None:
    ScrubRun.objects.filter(pk=run.pk).update(
        cursor=run.cursor,
        blobs=F("blobs") + len(read),
        size=F("size") + sum(blob.size for blob in read),
        updated_at=now,
    )


def finish_scrub(run: ScrubRun, now: datetime) -> None:
    ScrubRun.objects.filter(pk=run.pk).update(finished_at=now)
    Damage.objects.exclude(blob_id__in=Blob.objects.values("pk")).delete()


def is_damaged(listed: BlobInfo, md5: str, now: datetime) -> bool:
    """Read a blob. Raises ServiceUnavailable where its storage does not answer."""
    blob = blob_queries.get(listed.id)
    problem = "" if blob is None else problem_with(blob, md5)
    # It may have been freed while it was read: then nothing is missing.
    is_live = Blob.objects.filter(pk=listed.id, state=BlobState.LIVE)
    if blob is not None and problem and not store.answers(blob):
        raise ServiceUnavailable(problem)
    if problem and is_live.exists():
        logger.error("blob %s is damaged: %s", listed.id, problem)
        commit(partial(note_damage, listed.id, problem, now))
        return True
    if not problem:
        commit(lambda: Damage.objects.filter(blob_id=listed.id).delete())
    return False


def note_damage(blob_id: int, problem: str, now: datetime) -> None:
    Damage.objects.update_or_create(
        blob_id=blob_id, defaults={"problem": problem[:1024], "found_at": now}
    )


# Counters


def verify_counters(*, repair: bool = False) -> list[Difference]:
    """Compare the buckets' counters with what the buckets hold.

    They are the same unless someone changed tables by hand; `repair` sets them right.
    """
    differences = counters.differences()
    for one in differences:
        logger.error(
            "%s: counter %s is off by %s", one.bucket_name, one.counter, one.by
        )
    if repair and differences:
        commit(counters.repair)
    return differences


# Records


@dataclass(frozen=True, slots=True)
class Purged:
    """How many records have gone. Expired uploads took their parts with them."""

    uploads: int
    expired_uploads: int
    runs: int


def purge_records(*, now: datetime) -> Purged:
    """Forget uploads whose outcome nobody asks for any more, and old runs.

    An unfinished upload expires only where OBJECTSTORE_UPLOAD_EXPIRES_SECONDS says so:
    else it is aborted by its bucket's rules or by nobody, as with AWS.
    """
    outcome = timedelta(seconds=settings.OBJECTSTORE_UPLOAD_OUTCOME_SECONDS)
    uploads = MultipartUpload.objects.filter(completed_at__lt=now - outcome)
    runs = LifecycleRun.objects.filter(finished_at__lt=now - RUNS_KEPT)
    return Purged(
        uploads=purge(uploads), expired_uploads=expire_uploads(now), runs=purge(runs)
    )


def expire_uploads(now: datetime) -> int:
    """Abort unfinished uploads that were begun too long ago."""
    seconds = settings.OBJECTSTORE_UPLOAD_EXPIRES_SECONDS
    if not seconds:
        return 0
    unfinished = MultipartUpload.objects.filter(
        completed_at=None, created_at__lt=now - timedelta(seconds=seconds)
    )
    ids = list(unfinished.order_by("created_at").values_list("pk", flat=True))
    return sum(commit(partial(abort_upload, upload_id, now)) for upload_id in ids)


def abort_upload(upload_id: int, now: datetime) -> bool:
    """Abort one upload inside a transaction, unless it was completed meanwhile."""
    upload = queries.lock_open_upload(upload_id)
    if upload is not None:
        give_up(upload, now)
    return upload is not None


def purge(records: QuerySet[Any]) -> int:
    """Delete records in batches, so that other writers are let in between."""
    count = 0
    while ids := list(records.values_list("pk", flat=True)[:PURGED_TOGETHER]):
        commit(partial(delete_rows, records, ids))
        count += len(ids)
    return count


def delete_rows(records: QuerySet[Any], ids: list[int]) -> None:
    records.filter(pk__in=ids).delete()
