"""Archived objects: closed to reading until they are restored for a time.

AWS, "Restoring an archived object". A job copies the bytes from the archive once the
tier is due, and the copy is what is read until its days are over. Small objects are in
the database, whatever their class: their restore only opens them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.utils import timezone

from blobs import queries as blob_queries
from blobs.queries import BlobInfo
from kernel.errors import InvalidObjectState
from kernel.kept_settings import settings
from kernel.results import ObjectInfo, ObjectSummary
from objects import queries


@dataclass(frozen=True, slots=True)
class Restoration:
    """A restore under way or done. It has no end before its job is done."""

    ready_at: datetime
    expires_at: datetime | None
    blob_id: int | None

    def is_ongoing(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.ready_at

    def is_open(self, now: datetime) -> bool:
        return self.expires_at is not None and self.ready_at <= now < self.expires_at


def is_archived(info: ObjectInfo | ObjectSummary) -> bool:
    return info.storage_class in settings.OBJECTSTORE_ARCHIVE_CLASSES


def restoration_of(info: ObjectInfo) -> Restoration | None:
    return restoration_in(info.restore)


def restoration_in(facts: Mapping[str, Any]) -> Restoration | None:
    """Read what a version's row keeps of its restore."""
    if not facts:
        return None
    expires_at = facts.get("expires_at")
    return Restoration(
        datetime.fromisoformat(facts["ready_at"]),
        None if expires_at is None else datetime.fromisoformat(expires_at),
        facts.get("blob_id"),
    )


def open_restoration(info: ObjectInfo, now: datetime) -> Restoration | None:
    """Give the restore that a version can be read by now, if there is one."""
    restoration = restoration_of(info)
    is_open = restoration is not None and restoration.is_open(now)
    return restoration if is_open else None


def is_closed(info: ObjectInfo, now: datetime) -> bool:
    """Tell whether a version is archived and not open to reading."""
    return is_archived(info) and open_restoration(info, now) is None


class ArchiveState(StrEnum):
    """How an archived object stands."""

    CLOSED = "closed"
    ONGOING = "ongoing"
    OPEN = "open"

    @property
    def is_ongoing(self) -> bool:
        return self is ArchiveState.ONGOING

    @property
    def is_closed(self) -> bool:
        """Tell whether it cannot be read, be it under way to that or not."""
        return self is not ArchiveState.OPEN


def state_of(restoration: Restoration | None, now: datetime) -> ArchiveState:
    if restoration is None:
        return ArchiveState.CLOSED
    if restoration.is_ongoing(now):
        return ArchiveState.ONGOING
    return ArchiveState.OPEN if restoration.is_open(now) else ArchiveState.CLOSED


def archive_states(
    bucket_id: int, rows: Sequence[ObjectInfo | ObjectSummary], now: datetime
) -> list[ArchiveState | None]:
    """Tell how each row of a listing stands; None of one that is not archived.

    What restores current objects have takes a query, where any of them is archived.
    """
    current = [
        one.key for one in rows if isinstance(one, ObjectSummary) and is_archived(one)
    ]
    kept = queries.restores_of(bucket_id, current)
    return [
        state_of(restoration_in(restore_in(one, kept)), now)
        if is_archived(one)
        else None
        for one in rows
    ]


def restore_in(
    row: ObjectInfo | ObjectSummary, kept: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Give what a row keeps of its restore; a summary's stands apart."""
    return row.restore if isinstance(row, ObjectInfo) else kept.get(row.key, {})


def facts_of(
    ready_at: datetime, expires_at: datetime | None = None, blob_id: int | None = None
) -> dict[str, Any]:
    """Give a restoration as its version's row keeps it."""
    facts: dict[str, Any] = {"ready_at": ready_at.isoformat()}
    if expires_at is not None:
        facts["expires_at"] = expires_at.isoformat()
    if blob_id is not None:
        facts["blob_id"] = blob_id
    return facts


def readable_blob(info: ObjectInfo, blob: BlobInfo) -> BlobInfo:
    """Give the blob to read a version from: its own, or the restored copy.

    Raises InvalidObjectState for an archived version that is not restored.
    """
    if not is_archived(info):
        return blob
    restoration = open_restoration(info, timezone.now())
    if restoration is None:
        raise InvalidObjectState(storage_class=info.storage_class)
    if restoration.blob_id is None:
        return blob
    return blob_queries.get(restoration.blob_id) or blob
