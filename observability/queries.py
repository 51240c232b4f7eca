"""What the database knows: buckets, objects, jobs, and what waits to be swept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Sum
from django.db.models.functions import Coalesce

from buckets.models import Bucket, BucketUsage
from console.models import Job
from kernel.database.rows import fetch_all
from lifecycle.queries import damages

HELD = {
    "objects": "objects_count",
    "bytes": "objects_size",
    "versions": "versions_count",
    "versions_bytes": "versions_size",
    "markers": "markers_count",
}


@dataclass(frozen=True, slots=True)
class BucketHolds:
    """What one bucket holds."""

    name: str
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the store holds, by its counters, and what is still to be done."""

    buckets: int
    held: dict[str, int]
    largest: list[BucketHolds]
    jobs: dict[str, int]
    waiting_blobs: dict[str, int]
    damaged_blobs: int


def holdings(largest: int) -> Holdings:
    """Sum the counters; list the largest buckets one by one."""
    sums = {name: Coalesce(Sum(column), 0) for name, column in HELD.items()}
    return Holdings(
        buckets=Bucket.objects.count(),
        held=BucketUsage.objects.aggregate(**sums),
        largest=largest_buckets(largest),
        jobs=dict(Job.objects.values_list("state").annotate(Count("pk")).order_by()),
        waiting_blobs=waiting_blobs(),
        damaged_blobs=damages().count(),
    )


def largest_buckets(count: int) -> list[BucketHolds]:
    rows: Any = (
        BucketUsage.objects.values("bucket__name")
        .annotate(objects=Sum("objects_count"), size=Sum("objects_size"))
        .order_by("-size", "bucket__name")[:count]
    )
    return [
        BucketHolds(row["bucket__name"], row["objects"], row["size"]) for row in rows
    ]


# Written out, as its index is: a database cannot tell that a parameter means the same.
WAITING = "SELECT state, COUNT(*) FROM blobs_blob WHERE NOT (state = 'live') GROUP BY 1"


def waiting_blobs() -> dict[str, int]:
    """Count the blobs that the sweep will look at, by an index over just these."""
    return dict(fetch_all(WAITING, []))
