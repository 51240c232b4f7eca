"""The blobs table: add, hold, free and find what can be swept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from blobs.models import Blob, BlobKind, BlobState
from kernel.database.fields import column_time
from kernel.database.rows import execute, insert
from kernel.database.vendor import is_postgresql

UNNAMED = """
    NOT EXISTS (SELECT 1 FROM objects_objectversion WHERE blob_id = blobs_blob.id)
    AND NOT EXISTS (SELECT 1 FROM blobs_part WHERE blob_id = blobs_blob.id)
    AND NOT EXISTS (SELECT 1 FROM objects_multipartupload
                    WHERE blob_id = blobs_blob.id)
    AND NOT EXISTS (SELECT 1 FROM objects_restorejob WHERE blob_id = blobs_blob.id)
"""


FREED_TOGETHER = 100


class BlobInfo(NamedTuple):
    """Where a blob's bytes are, as one row."""

    id: int
    kind: str
    storage_class: str
    path: str
    size: int
    data: bytes | None
    encryption_text: str | None


BLOB_COLUMNS = "id, kind, storage_class, path, size, data, encryption"


def add_pending(
    storage_class: str,
    path: str,
    now: datetime,
    encryption: Mapping[str, str] | None = None,
) -> int:
    """Add the row of a blob that is about to be written."""
    blob = Blob.objects.create(
        kind=BlobKind.STORED,
        state=BlobState.PENDING,
        storage_class=storage_class,
        path=path,
        encryption=None if encryption is None else dict(encryption),
        changed_at=now,
    )
    return blob.pk


def known_paths(paths: Iterable[str]) -> set[str]:
    """Tell which of these files have a row."""
    found = Blob.objects.filter(path__in=list(paths))
    return set(found.values_list("path", flat=True))


def add_inline(
    storage_class: str,
    size: int,
    data: bytes,
    md5: str,
    now: datetime,
    encryption: Mapping[str, str] | None = None,
) -> int:
    """Add a blob whose bytes are in its row (raw: 20 us, by the ORM 160 us)."""
    added = insert(
        "INSERT INTO blobs_blob (kind, state, storage_class, path, size, md5,"
        " data, encryption, changed_at)"
        " VALUES ('inline', 'live', %s, '', %s, %s, %s, %s, %s)",
        [
            storage_class,
            size,
            md5,
            data,
            None if encryption is None else json.dumps(encryption),
            column_time(now),
        ],
    )
    assert added is not None
    return added


def add_composite(storage_class: str, now: datetime) -> int:
    """Add the blob that an upload's parts will make up."""
    blob = Blob.objects.create(
        kind=BlobKind.COMPOSITE, storage_class=storage_class, changed_at=now
    )
    return blob.pk


def make_live(blob_id: int, size: int, md5: str, now: datetime) -> bool:
    """Let a written blob be named; False when the sweep took it for abandoned."""
    return bool(
        Blob.objects.filter(pk=blob_id, state=BlobState.PENDING).update(
            state=BlobState.LIVE, size=size, md5=md5, changed_at=now
        )
    )


def hold(blob_id: int) -> bool:
    """Keep a live blob from being freed until the transaction ends."""
    lock = " FOR KEY SHARE" if is_postgresql() else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM blobs_blob WHERE id = %s AND state = 'live'" + lock,
            [blob_id],
        )
        return cursor.fetchone() is not None


def free(blob_ids: Iterable[int | None], now: datetime) -> None:
    """Give up the blobs among these that nothing names any more.

    Inline ones go at once, with their row; the others are marked, and the sweep
    removes their bytes when readers have had time to finish.
    """
    ids = sorted({blob_id for blob_id in blob_ids if blob_id is not None})
    for begin in range(0, len(ids), FREED_TOGETHER):
        some = ids[begin : begin + FREED_TOGETHER]
        _wait_for_others(some)
        if _delete_inline(some) < len(some):
            _mark_freed(some, now)


def _among(ids: Sequence[int]) -> str:
    return f"id IN ({', '.join(['%s'] * len(ids))})"


def _wait_for_others(ids: Sequence[int]) -> None:
    """Let those who are about to name the blobs, or to free them, commit first.

    PostgreSQL decides whether a blob is named by what was committed when a statement
    began: the lock has to be a statement of its own, before that one.
    """
    if is_postgresql():
        execute(
            f"SELECT 1 FROM blobs_blob WHERE {_among(ids)} ORDER BY id FOR UPDATE",
            ids,
        )


def _delete_inline(ids: Sequence[int]) -> int:
    return execute(
        f"DELETE FROM blobs_blob WHERE {_among(ids)} AND kind = 'inline' AND {UNNAMED}",
        ids,
    )


def _mark_freed(ids: Sequence[int], now: datetime) -> None:
    execute(
        "UPDATE blobs_blob SET state = 'freed', changed_at = %s"
        f" WHERE {_among(ids)} AND kind <> 'inline' AND state <> 'freed' AND {UNNAMED}",
        [column_time(now), *ids],
    )


def discard_pending(blob_id: int, now: datetime) -> bool:
    """Give up a blob whose writing failed; False when the sweep already has."""
    blob = Blob.objects.filter(pk=blob_id)
    given_up = blob.filter(state=BlobState.PENDING).update(
        state=BlobState.FREED, changed_at=now
    )
    # A commit whose outcome was lost with its connection may have made it live.
    return bool(given_up) or blob.filter(state=BlobState.LIVE).exists()


def give_up_pending(blob_ids: Iterable[int]) -> list[int]:
    """Take abandoned blobs for the sweep: from here on none of them goes live.

    Gives those that its writer has not made live meanwhile.
    """
    given_up = Blob.objects.filter(pk__in=list(blob_ids)).exclude(state=BlobState.LIVE)
    given_up.filter(state=BlobState.PENDING).update(state=BlobState.FREED)
    return list(given_up.values_list("pk", flat=True))


def get(blob_id: int) -> BlobInfo | None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {BLOB_COLUMNS} FROM blobs_blob WHERE id = %s",
            [blob_id],
        )
        row = cursor.fetchone()
    return None if row is None else BlobInfo._make(row)


class PlacedBlob(NamedTuple):
    """One blob of a composite and where in the whole it stands."""

    offset: int
    id: int
    kind: str
    storage_class: str
    path: str
    size: int
    data: bytes | None
    encryption_text: str | None

    @property
    def blob(self) -> BlobInfo:
        return BlobInfo._make(self[1:])


def places_between(
    whole_id: int, start: int, end: int, after: int, limit: int
) -> list[PlacedBlob]:
    """List the parts of a composite that hold bytes from `start` up to `end`."""
    columns = ", ".join(f"b.{name}" for name in BLOB_COLUMNS.split(", "))
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT p."offset", {columns} FROM blobs_part p'
            " JOIN blobs_blob b ON b.id = p.blob_id"
            ' WHERE p.whole_id = %s AND p."offset" < %s AND p."offset" > %s'
            ' AND p."offset" + p.size > %s AND p.size > 0'
            ' ORDER BY p."offset" LIMIT %s',
            [whole_id, end, after, start, limit],
        )
        return [PlacedBlob._make(row) for row in cursor.fetchall()]


def place_parts(whole_id: int | None) -> None:
    """Number a composite's parts and set where each begins, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            'UPDATE blobs_part SET position = w.position, "offset" = w.first FROM ('
            " SELECT id, row_number() OVER (ORDER BY number) AS position,"
            " sum(size) OVER (ORDER BY number) - size AS first"
            " FROM blobs_part WHERE whole_id = %s) w WHERE blobs_part.id = w.id",
            [whole_id],
        )


def sweepable(
    freed_before: datetime,
    pending_before: datetime,
    limit: int,
    *,
    without: Iterable[int] = (),
    without_classes: Iterable[str] = (),
) -> Sequence[Blob]:
    """List blobs whose bytes may go: freed, or pending for too long."""
    blobs = Blob.objects.exclude(pk__in=list(without)).exclude(
        storage_class__in=list(without_classes)
    )
    freed = blobs.filter(state=BlobState.FREED, changed_at__lte=freed_before)
    pending = blobs.filter(state=BlobState.PENDING, changed_at__lte=pending_before)
    found = list(freed.defer("data").order_by("changed_at")[:limit])
    found += pending.defer("data").order_by("changed_at")[: limit - len(found)]
    return found
