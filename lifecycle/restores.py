"""Jobs of RestoreObject: copies of archived bytes, made when due, removed at the end.

A copy is written, read back and compared as a transition's is, and the version's row
names it in the commit that ends the job. Each step may run twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db.models import (
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
)

from blobs import queries as blob_queries
from kernel.database.commit import commit
from kernel.days import after_days
from kernel.errors import ObjectStoreError
from kernel.results import ObjectInfo
from lifecycle.transitions import (
    Clock,
    DamagedBytesError,
    VersionChangedError,
    copy_blob,
)
from objects import queries as object_queries
from objects.archives import facts_of
from objects.models import ObjectVersion, RestoreJob

logger = logging.getLogger("objectstore.lifecycle")

MOST_AT_ONCE = 5000
# A job that is still due after so long has lost its worker.
TOLD_AGAIN_AFTER = timedelta(minutes=15)
# One that has failed is tried again after as long as it is due already, at most this.
LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RestoresDone:
    """How many restored copies were made and removed, and how many jobs failed."""

    made: int = 0
    removed: int = 0
    failed: int = 0


def due_jobs(now: datetime) -> list[int]:
    """List the jobs that have something to do, those that wait longest first."""
    return ids_of(due(now))


def failing_jobs() -> QuerySet[RestoreJob]:
    """Give the jobs that failed when they were last tried."""
    return RestoreJob.objects.exclude(error="")


def take_due_jobs(now: datetime) -> list[int]:
    """List the due jobs of which no worker was told lately, and note that one is.

    What has failed is left alone for twice as long each time.
    """
    told = Q(error="") & sent_within(TOLD_AGAIN_AFTER, now)
    paused = sent_within(LONGEST_PAUSE, now) & Q(
        ~Q(error=""),
        due_at__lt=ExpressionWrapper(
            F("sent_at") - (Value(now) - F("sent_at")), DateTimeField()
        ),
    )

    def take() -> list[int]:
        job_ids = ids_of(due(now).exclude(told | paused))
        RestoreJob.objects.filter(pk__in=job_ids).update(sent_at=now)
        return job_ids

    return commit(take)


def sent_within(time: timedelta, now: datetime) -> Q:
    """Ask for what was sent lately; a clock that was wrong may have said later."""
    return Q(sent_at__gt=now - time, sent_at__lt=now + time)


def due(now: datetime) -> QuerySet[RestoreJob]:
    version = ObjectVersion.objects.filter(pk=OuterRef("version_row_id"))
    return RestoreJob.objects.filter(Q(due_at__lte=now) | ~Exists(version))


def ids_of(jobs: QuerySet[RestoreJob]) -> list[int]:
    return list(jobs.order_by("due_at").values_list("pk", flat=True)[:MOST_AT_ONCE])


def carry_out_restores(
    job_ids: Iterable[int], *, now: datetime, clock: Clock | None = None
) -> RestoresDone:
    """Make and remove restored copies; what fails is noted and tried another time.

    `clock` dates what is written.
    """
    clock = clock or (lambda: now)
    made = removed = failed = 0
    for job in RestoreJob.objects.filter(pk__in=list(job_ids)).order_by("due_at"):
        version = object_queries.by_row(job.version_row_id)
        try:
            if version is None or job.is_over(now):
                removed += commit(partial(remove_copy, job, clock))
            elif job.is_to_be_made(now):
                made += make_copy(job, version, clock)
        except (DamagedBytesError, ObjectStoreError, OSError) as error:
            note_failure(job, error)
            failed += 1
    return RestoresDone(made, removed, failed)


def make_copy(job: RestoreJob, version: ObjectInfo, clock: Clock) -> bool:
    """Copy the version's bytes to the nearest class and open it; False if too late.

    Raises DamagedBytesError where there are none.
    """
    blob = blob_queries.get(version.blob_id) if version.blob_id else None
    if blob is None:
        raise DamagedBytesError("The version's bytes are not known to the store.")
    try:
        copied = copy_blob(blob, settings.OBJECTSTORE_STORAGE_CLASSES[0], clock)
    except VersionChangedError:
        return False
    return copied.commit(partial(open_version, job, version, clock))


def open_version(
    job: RestoreJob, version: ObjectInfo, clock: Clock, blob_id: int
) -> None:
    """Let a version name its copy, inside the transaction that makes it live."""
    ready_at = clock()
    end = after_days(ready_at, job.days)
    waiting = RestoreJob.objects.filter(pk=job.pk, blob=None)
    if not waiting.update(blob_id=blob_id, due_at=end, sent_at=None, error=""):
        raise VersionChangedError
    facts = {"tier": job.tier, **facts_of(ready_at, end, blob_id)}
    object_queries.update_version(version.id, restore=object_queries.as_json(facts))


def remove_copy(job: RestoreJob, clock: Clock) -> int:
    """Forget a restore, inside a transaction; its copy is freed."""
    gone, _ = RestoreJob.objects.filter(pk=job.pk, due_at=job.due_at).delete()
    if gone:
        blob_queries.free([job.blob_id], clock())
        object_queries.update_version(job.version_row_id, restore=None)
    return gone


def note_failure(job: RestoreJob, error: Exception) -> None:
    logger.error("%s could not be carried out", job, exc_info=error)
    text = str(error)[:1024]
    jobs = RestoreJob.objects.filter(pk=job.pk)
    commit(lambda: jobs.update(error=text))
