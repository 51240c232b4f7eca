"""Archived objects: closed to reading until they are restored for a time.

AWS, "Restoring an archived object". The bytes stay where they are; a restore opens
them from when its tier is ready until its days are over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from kernel.errors import InvalidObjectState
from kernel.kept_settings import settings
from kernel.results import ObjectInfo


@dataclass(frozen=True, slots=True)
class Restoration:
    """A restore under way or done."""

    ready_at: datetime
    expires_at: datetime

    def is_ongoing(self, now: datetime) -> bool:
        return now < self.ready_at

    def is_open(self, now: datetime) -> bool:
        return self.ready_at <= now < self.expires_at


def is_archived(info: ObjectInfo) -> bool:
    return info.storage_class in settings.OBJECTSTORE_ARCHIVE_CLASSES


def restoration_of(info: ObjectInfo) -> Restoration | None:
    facts = info.restore
    if not facts:
        return None
    return Restoration(
        datetime.fromisoformat(facts["ready_at"]),
        datetime.fromisoformat(facts["expires_at"]),
    )


def check_may_read(info: ObjectInfo) -> None:
    """Raise InvalidObjectState for an archived version that is not restored."""
    if not is_archived(info):
        return
    restoration = restoration_of(info)
    if restoration is None or not restoration.is_open(timezone.now()):
        raise InvalidObjectState(storage_class=info.storage_class.upper())
