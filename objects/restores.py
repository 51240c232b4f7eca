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
from kernel.days import after_days
from kernel.errors import (
    InvalidArgument,
    InvalidObjectState,
    RestoreAlreadyInProgress,
)
from kernel.results import ObjectInfo
from objects import queries
from objects.archives import Restoration, facts_of, is_archived, restoration_of
from objects.models import RestoreJob
from objects.operations import Found, find_object
from objects.retention import locked_version

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
    found = find_object(
        principal,
        bucket_name,
        key,
        version_id=version_id,
        action="s3:RestoreObject",
        expected_owner=expected_owner,
    )
    if not is_archived(found.info):
        raise InvalidObjectState(
            "Restore is not allowed for the object's current storage class",
            storage_class=found.info.storage_class,
        )
    was_open = commit(partial(record_request, found, days, tier, now))
    return found.info, was_open


def record_request(found: Found, days: int, tier: str, now: datetime) -> bool:
    """Write down what was asked for; what is open already only gets another end.

    Of several requests at once one begins the restore, and the others are told so.
    """
    info = locked_version(found)
    earlier = restoration_of(info)
    if earlier is not None and earlier.is_ongoing(now):
        raise RestoreAlreadyInProgress()
    opened = earlier if earlier is not None and earlier.is_open(now) else None
    end = after_days(now, days)
    was_open = opened is not None and extend(info, opened, end)
    if opened is not None and was_open:
        asked = facts_of(opened.ready_at, end, opened.blob_id)
    else:
        asked = begun(info, days, tier, now + delay_of(tier))
    queries.update_version(info.id, restore=queries.as_json({"tier": tier, **asked}))
    return was_open


def extend(info: ObjectInfo, opened: Restoration, end: datetime) -> bool:
    """Keep the copy that is open until another end; False where it has just gone."""
    if opened.blob_id is None:
        return True
    jobs = RestoreJob.objects.filter(version_row_id=info.id, blob=opened.blob_id)
    return bool(jobs.update(due_at=end))


def begun(info: ObjectInfo, days: int, tier: str, ready_at: datetime) -> dict[str, Any]:
    """Leave the copy to a job; bytes in the database need none."""
    end = after_days(ready_at, days)
    if Blob.objects.filter(pk=info.blob_id, kind=BlobKind.INLINE).exists():
        return facts_of(ready_at, end)
    jobs = RestoreJob.objects.select_for_update().filter(version_row_id=info.id)
    job = jobs.first()
    if job is not None and job.blob_id is not None:
        # The days of an earlier restore are over and its copy is not removed yet, or
        # another request's copy has just been made.
        jobs.update(due_at=end)
        return facts_of(ready_at, end, job.blob_id)
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
