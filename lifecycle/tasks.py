"""Celery tasks of lifecycle and housekeeping: each may run twice."""

from __future__ import annotations

from dataclasses import asdict

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from kernel.errors import NoSuchBucket
from lifecycle import housekeeping, operations, restores

RESTORES_PER_MESSAGE = 100


@shared_task  # type: ignore[untyped-decorator]
def start_lifecycle() -> int:
    """Send one message for each bucket whose rules are to be carried out today."""
    names = operations.buckets_to_run(timezone.now())
    for name in names:
        run_bucket.delay(bucket_name=name)
    return len(names)


@shared_task  # type: ignore[untyped-decorator]
def run_bucket(bucket_name: str) -> int | None:
    """Carry out one bucket's rules, or the rest of them, if nobody has meanwhile."""
    if operations.is_done(bucket_name, timezone.now()):
        return None
    try:
        run = operations.run_lifecycle(
            bucket_name, now=timezone.now(), clock=timezone.now
        )
    except NoSuchBucket:
        return None
    return None if run is None else run.pk


@shared_task  # type: ignore[untyped-decorator]
def start_restores() -> int:
    """Send messages for the restored copies that are to be made or removed."""
    job_ids = restores.take_due_jobs(timezone.now())
    for begin in range(0, len(job_ids), RESTORES_PER_MESSAGE):
        carry_out_restores.delay(job_ids=job_ids[begin : begin + RESTORES_PER_MESSAGE])
    return len(job_ids)


@shared_task  # type: ignore[untyped-decorator]
def carry_out_restores(job_ids: list[int]) -> dict[str, int]:
    done = restores.carry_out_restores(job_ids, now=timezone.now(), clock=timezone.now)
    return asdict(done)


@shared_task  # type: ignore[untyped-decorator]
def scrub_blobs() -> dict[str, int]:
    done = housekeeping.scrub(
        now=timezone.now(), most_bytes=settings.OBJECTSTORE_SCRUB_BYTES
    )
    return {"blobs": done.blobs, "size": done.size, "damaged": done.damaged}


@shared_task  # type: ignore[untyped-decorator]
def verify_bucket_counters() -> int:
    return len(housekeeping.verify_counters())


@shared_task  # type: ignore[untyped-decorator]
def purge_records() -> dict[str, int]:
    purged = housekeeping.purge_records(now=timezone.now())
    return asdict(purged)
