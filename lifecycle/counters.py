"""The buckets' counters against what the versions table holds."""

from __future__ import annotations

from typing import NamedTuple

from kernel.database.rows import execute, fetch_all
from objects.queries import EVERY, TABLE

# By counter, as the triggers on the versions table have it.
COUNTED = {
    "objects_count": "is_latest AND NOT is_delete_marker",
    "versions_count": "NOT is_latest AND NOT is_delete_marker",
    "markers_count": "is_delete_marker",
}
SIZES = {"objects_size": "objects_count", "versions_size": "versions_count"}


class Difference(NamedTuple):
    """A counter that is not what its bucket holds; `by` is what it lacks."""

    bucket_id: int
    bucket_name: str
    counter: str
    by: int


def sums() -> str:
    counted = [
        f"COALESCE(sum(CASE WHEN {rule} THEN 1 ELSE 0 END), 0) AS {name}"
        for name, rule in COUNTED.items()
    ]
    sized = [
        f"COALESCE(sum(CASE WHEN {COUNTED[rule]} THEN size ELSE 0 END), 0) AS {name}"
        for name, rule in SIZES.items()
    ]
    return ", ".join(counted + sized)


NAMES = [*COUNTED, *SIZES]
LACKING = ", ".join(f"COALESCE(held.{n}, 0) - counted.{n}" for n in NAMES)
# One statement sees one moment: writers need not stop.


def compared(where: str, versions: str) -> str:
    return f"""
        SELECT b.id, b.name, {LACKING}
        FROM buckets_bucket b
        JOIN (SELECT bucket_id, {", ".join(f"sum({n}) AS {n}" for n in NAMES)}
              FROM buckets_bucketusage {where} GROUP BY bucket_id) counted
            ON counted.bucket_id = b.id
        LEFT JOIN (SELECT bucket_id, {sums()}
                   FROM {versions} v {where} GROUP BY bucket_id) held
            ON held.bucket_id = b.id
        ORDER BY b.name
    """  # noqa: S608 - joined from the constants above


ALL_COMPARED = compared("", TABLE)
ONE_COMPARED = compared("WHERE bucket_id = %s", EVERY)


def differences(bucket_id: int | None = None) -> list[Difference]:
    """List the counters that are off, of one bucket or of all."""
    rows = (
        fetch_all(ALL_COMPARED, [])
        if bucket_id is None
        else fetch_all(ONE_COMPARED, [bucket_id, bucket_id])
    )
    return [
        Difference(bucket_id, name, counter, int(by))
        for bucket_id, name, *lacking in rows
        for counter, by in zip(NAMES, lacking, strict=True)
        if by
    ]


def repair() -> None:
    """Add to each counter what it lacks, inside a transaction.

    What is added stays right whatever the triggers add meanwhile.
    """
    for one in differences():
        execute(
            f"UPDATE buckets_bucketusage SET {one.counter} = {one.counter} + %s"  # noqa: S608
            " WHERE bucket_id = %s AND shard = 0",
            [one.by, one.bucket_id],
        )
