"""What a bucket holds by folder, type, age and class: counted in steps, by key order.

A step reads so many rows by the index of keys. What was counted so far is a small
document that goes along, so that a survey that was cut off goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from buckets.access import get_bucket
from iam.principals import Principal
from kernel.database.fields import column_time
from kernel.database.rows import fetch_all
from objects.bulk import Step
from objects.queries import EVERY

ROWS_PER_STEP = 10_000
# Days that bound the ages; what is older than the last has a place of its own.
AGES = (1, 7, 30, 90, 365)
# Names that are kept apart; the smallest of more are summed up.
MOST_FOLDERS, MOST_INSIDE, MOST_TYPES = 200, 24, 40
# Folders end in a slash, so neither can be one.
LOOSE, OTHERS = "", "*"

Document = dict[str, Any]

ROWS = f"""
    SELECT key, version_id, is_latest, is_delete_marker, size, content_type,
        storage_class,
        CASE WHEN created_at > %s THEN 0 WHEN created_at > %s THEN 1
            WHEN created_at > %s THEN 2 WHEN created_at > %s THEN 3
            WHEN created_at > %s THEN 4 ELSE 5 END
    FROM {EVERY} v
    WHERE bucket_id = %s AND (key, version_id) > (%s, %s)
    ORDER BY key, version_id LIMIT %s
"""  # noqa: S608 - joined from a constant


def new_document() -> Document:
    return {
        "count": 0,
        "size": 0,
        "states": {"current": [0, 0], "earlier": [0, 0]},
        "types": {},
        "classes": {},
        "ages": [[0, 0] for _ in range(len(AGES) + 1)],
        "folders": {},
    }


def check_may_survey(principal: Principal, bucket_name: str) -> None:
    """Raise AccessDenied to those who may not list the whole bucket."""
    get_bucket(principal, "s3:ListBucket", bucket_name, context={"s3:prefix": ""})


def survey(
    principal: Principal,
    bucket_name: str,
    *,
    marker: Mapping[str, Any],
    now: datetime,
) -> Iterator[Step]:
    """Count a bucket step by step; each step's marker has all that was counted.

    Raises NoSuchBucket, and AccessDenied to those who may not list the whole bucket.
    """
    context = {"s3:prefix": ""}
    bucket = get_bucket(principal, "s3:ListBucket", bucket_name, context=context)
    document: Document = marker.get("document") or new_document()
    after = tuple(marker.get("after") or ("", ""))
    bounds = [column_time(now - timedelta(days=days)) for days in AGES]
    while True:
        rows = fetch_all(ROWS, [*bounds, bucket.id, *after, ROWS_PER_STEP])
        before = document["count"], document["size"]
        for row in rows:
            add(document, row)
        is_last = len(rows) < ROWS_PER_STEP
        prune(document, at="" if is_last else rows[-1][0])
        if rows:
            after = rows[-1][0], rows[-1][1]
        yield Step(
            done_count=document["count"] - before[0],
            done_size=document["size"] - before[1],
            marker={"after": list(after), "document": document},
        )
        if is_last:
            return


def add(document: Document, row: Any) -> None:
    key, _, is_latest, is_marker, size, content_type, storage_class, age = row
    if is_marker:
        return
    document["count"] += 1
    document["size"] += size
    folder, inside = folders_of(key)
    outer = document["folders"].setdefault(folder, [0, 0, {}])
    grow(outer, size)
    if folder:
        grow(outer[2].setdefault(inside, [0, 0]), size)
    kind = content_type.partition(";")[0].strip().lower()
    grow(document["types"].setdefault(kind, [0, 0]), size)
    grow(document["classes"].setdefault(storage_class, [0, 0]), size)
    grow(document["ages"][age], size)
    grow(document["states"]["current" if is_latest else "earlier"], size)


def folders_of(key: str) -> tuple[str, str]:
    """Give the folder that a key lies in, and the one in that."""
    folder, slash, rest = key.partition("/")
    inside, deeper, _ = rest.partition("/")
    return (
        folder + slash if slash else LOOSE,
        inside + deeper if deeper else LOOSE,
    )


def grow(pair: list[Any], size: int) -> None:
    pair[0] += 1
    pair[1] += size


def prune(document: Document, *, at: str) -> None:
    """Sum up the smallest, but what keys are still to come for.

    Keys come in order, so all folders but those of the key `at` are whole.
    """
    folders: dict[str, list[Any]] = document["folders"]
    at_hand, open_one = folders_of(at)
    for name, outer in folders.items():
        kept = {LOOSE, open_one} if name == at_hand else {LOOSE}
        sum_up(outer[2], MOST_INSIDE, kept=kept)
    sum_up(folders, MOST_FOLDERS, kept={LOOSE, at_hand})
    sum_up(document["types"], MOST_TYPES, kept=set())


def sum_up(named: dict[str, list[Any]], most: int, *, kept: set[str]) -> None:
    if len(named) <= most:
        return
    free = [name for name in named if name not in kept and name != OTHERS]
    free.sort(key=lambda name: named[name][1])
    for name in free[: len(named) - most]:
        count, size, *_ = named.pop(name)
        others = named.setdefault(OTHERS, [0, 0, {}])
        others[0] += count
        others[1] += size
