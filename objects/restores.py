"""RestoreObject: archived objects opened for a time (AWS, "RestoreObject")."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from iam.principals import Principal
from kernel.database.commit import commit
from kernel.errors import (
    InvalidArgument,
    InvalidObjectState,
    RestoreAlreadyInProgress,
)
from kernel.results import ObjectInfo
from objects import queries
from objects.archives import is_archived, restoration_of
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
    ready_at = now if is_open else now + delay_of(tier)
    facts = {
        "tier": tier,
        "ready_at": ready_at.isoformat(),
        "expires_at": (ready_at + timedelta(days=days)).isoformat(),
    }
    commit(lambda: queries.update_version(info.id, restore=queries.as_json(facts)))
    return info, is_open


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
