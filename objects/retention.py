"""Retention and legal hold of a version (AWS, "Locking objects with Object Lock")."""

from __future__ import annotations

from datetime import datetime

from buckets.object_lock import (
    MODES,
    check_retention,
    hold_conditions,
    in_whole_seconds,
    retention_conditions,
)
from iam.principals import Principal
from kernel import auditing
from kernel.auditing import audited
from kernel.database.commit import commit
from kernel.database.fields import column_time
from kernel.errors import MalformedXML, NoSuchKey, NoSuchObjectLockConfiguration
from kernel.results import ObjectInfo
from objects import queries
from objects.operations import (
    Found,
    check_has_object_lock,
    check_may_bypass,
    find_object,
)


def get_object_retention(
    principal: Principal,
    bucket_name: str,
    key: str,
    *,
    version_id: str = "",
    expected_owner: str = "",
) -> ObjectInfo:
    """Find a version for its retention.

    Raises InvalidRequest where the bucket has no object lock, and
    NoSuchObjectLockConfiguration where the version has no retention.
    """
    found = find_object(
        principal,
        bucket_name,
        key,
        version_id=version_id,
        action="s3:GetObjectRetention",
        expected_owner=expected_owner,
    )
    check_has_object_lock(found.bucket)
    if not found.info.lock_mode:
        raise NoSuchObjectLockConfiguration()
    return found.info


@audited()
def put_object_retention(
    principal: Principal,
    bucket_name: str,
    key: str,
    mode: str,
    until: datetime | None,
    *,
    version_id: str = "",
    bypass_governance: bool = False,
    expected_owner: str = "",
    now: datetime,
) -> ObjectInfo:
    """Protect a version until a time; "" and None take governance off.

    What is protected can only be protected longer, but for those who may bypass
    governance. Raises AccessDenied, InvalidArgument and MalformedXML.
    """
    if mode and mode not in MODES:
        raise MalformedXML()
    found = find_object(
        principal,
        bucket_name,
        key,
        version_id=version_id,
        action="s3:PutObjectRetention",
        context=retention_conditions(mode, until, now),
        expected_owner=expected_owner,
    )
    check_has_object_lock(found.bucket)
    check_retention(mode, until, now)

    def record() -> None:
        info = locked_version(found)
        if weakens(info, mode, until, now):
            check_may_bypass(principal, found.bucket, info, bypass_governance)
        queries.update_version(
            info.id,
            lock_mode=mode,
            retain_until=column_time(in_whole_seconds(until)),
        )

    auditing.tell(before=retention_of(found.info), after={"mode": mode, "until": until})
    commit(record)
    return found.info


def locked_version(found: Found) -> ObjectInfo:
    """Find the version again inside a transaction, and keep deletions from it.

    Raises NoSuchKey when it has gone: nothing is protected that is not there.
    """
    queries.lock_key(found.bucket.id, found.info.key)
    info = queries.by_row(found.info.id)
    if info is None:
        raise NoSuchKey(key=found.info.key)
    return info


def retention_of(info: ObjectInfo) -> dict[str, object]:
    return {"mode": info.lock_mode, "until": info.retain_until}


def weakens(info: ObjectInfo, mode: str, until: datetime | None, now: datetime) -> bool:
    """Tell whether a version would be protected for less time, or less well."""
    if not info.lock_mode or info.retain_until is None or info.retain_until <= now:
        return False
    return until is None or until < info.retain_until or mode != info.lock_mode


def get_object_legal_hold(
    principal: Principal,
    bucket_name: str,
    key: str,
    *,
    version_id: str = "",
    expected_owner: str = "",
) -> ObjectInfo:
    """Find a version for its legal hold.

    Raises InvalidRequest where the bucket has no object lock, and
    NoSuchObjectLockConfiguration where the hold was never set.
    """
    found = find_object(
        principal,
        bucket_name,
        key,
        version_id=version_id,
        action="s3:GetObjectLegalHold",
        expected_owner=expected_owner,
    )
    check_has_object_lock(found.bucket)
    if found.info.stated_hold is None:
        raise NoSuchObjectLockConfiguration()
    return found.info


@audited()
def put_object_legal_hold(
    principal: Principal,
    bucket_name: str,
    key: str,
    *,
    is_held: bool,
    version_id: str = "",
    expected_owner: str = "",
) -> ObjectInfo:
    """Put a version under legal hold, or release it."""
    found = find_object(
        principal,
        bucket_name,
        key,
        version_id=version_id,
        action="s3:PutObjectLegalHold",
        context=hold_conditions(is_held),
        expected_owner=expected_owner,
    )
    check_has_object_lock(found.bucket)
    auditing.tell(before=bool(found.info.has_legal_hold), after=is_held)
    commit(
        lambda: queries.update_version(
            locked_version(found).id, has_legal_hold=is_held, is_hold_stated=True
        )
    )
    return found.info
