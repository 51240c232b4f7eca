"""RestoreObject: archived objects opened for a time (AWS, "RestoreObject").

What is asked for here is done by jobs: `lifecycle.restores`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings

from blobs.models import Blob, BlobKind
from iam.principals import Principal
from kernel.database.commit import commit
from kernel.errors import (
    InvalidArgument,
    InvalidObjectState,
    RestoreAlreadyInProgress,
)
from kernel.results import ObjectInfo
from objects import queries
from objects.archives import Restoration, facts_of, is_archived, restoration_of
from objects.models import RestoreJob
from objects.operations import find_object

TIERS = ("Expedited", "Standard", "Bulk")
LONGEST_DAYS = 36_500


def restore_object(
    principal: Principal,
    bucket_name: str,
    key: str,
    *,
    days: int,
    tier: str = "Standard",
    version_id: str = "",
    expected_owner: str = "",
    now: datetime,
) -> tuple[ObjectInfo, bool]:
    """Open an archived version for `days`; tell whether it was open already.

    Raises InvalidObjectState for what is not archived, RestoreAlreadyInProgress, and
    InvalidArgument.
    """
    check_request(days, tier)
    info = find_object(
        principal,
        bucket_name,
        key,
        version_id=version_id,
        action="s3:RestoreObject",
        expected_owner=expected_owner,
    ).info
    if not is_archived(info):
        raise InvalidObjectState(
            "Restore is not allowed for the object's current storage class",
            storage_class=info.storage_class.upper(),
        )
    earlier = restoration_of(info)
    if earlier is not None and earlier.is_ongoing(now):
        raise RestoreAlreadyInProgress()
    is_open = earlier is not None and earlier.is_open(now)
    commit(partial(record_request, info, earlier if is_open else None, days, tier, now))
    return info, is_open


def record_request(
    info: ObjectInfo, opened: Restoration | None, days: int, tier: str, now: datetime
) -> None:
    """Write down what was asked for; what is open already only gets another end."""
    if opened is not None:
        asked = extended(info, opened, now + timedelta(days=days))
    else:
        asked = begun(info, days, tier, now + delay_of(tier))
    queries.update_version(info.id, restore=queries.as_json({"tier": tier, **asked}))


def extended(info: ObjectInfo, opened: Restoration, end: datetime) -> dict[str, Any]:
    RestoreJob.objects.filter(version_row_id=info.id).update(due_at=end)
    return facts_of(opened.ready_at, end, opened.blob_id)


def begun(info: ObjectInfo, days: int, tier: str, ready_at: datetime) -> dict[str, Any]:
    """Leave the copy to a job; bytes in the database need none."""
    if Blob.objects.filter(pk=info.blob_id, kind=BlobKind.INLINE).exists():
        return facts_of(ready_at, ready_at + timedelta(days=days))
    # Where the days of an earlier restore are over and its copy is not removed yet.
    kept = RestoreJob.objects.filter(version_row_id=info.id, blob__isnull=False)
    end = ready_at + timedelta(days=days)
    if kept.update(due_at=end):
        return facts_of(ready_at, end, kept.values_list("blob_id", flat=True).get())
    RestoreJob.objects.update_or_create(
        version_row_id=info.id,
        defaults={"tier": tier, "days": days, "due_at": ready_at},
    )
    return facts_of(ready_at)


def check_request(days: int, tier: str) -> None:
    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidArgument(
            "restoration days should be at least 1",
            argument_name="Days",
            argument_value=str(days),
        )
    if tier not in TIERS:
        raise InvalidArgument(
            "The retrieval tier is not valid.",
            argument_name="Tier",
            argument_value=tier[:64],
        )


def delay_of(tier: str) -> timedelta:
    """Give how long a tier lets people wait."""
    return timedelta(seconds=settings.OBJECTSTORE_RESTORE_SECONDS[tier])
