"""The bucket in which an account keeps its keys, found or made."""

from __future__ import annotations

from datetime import datetime

from buckets import queries
from buckets.access import find_bucket
from buckets.operations import create_bucket
from iam.principals import Principal
from kernel.errors import (
    AccessDenied,
    BucketAlreadyExists,
    BucketAlreadyOwnedByYou,
)
from kernel.kept_settings import settings
from kernel.results import BucketInfo

# By account: the name of its bucket. A bucket that is deleted is looked for again.
_known: dict[int, str] = {}


def find_bucket_name(principal: Principal) -> str | None:
    """Name the caller's key-value bucket; None before the first write.

    Raises AccessDenied for nobody in particular.
    """
    account_id = account_of(principal)
    name = _known.get(account_id)
    if name is None:
        name = queries.key_value_bucket(account_id)
        if name is not None:
            _known[account_id] = name
    return name


def forget_bucket(principal: Principal) -> None:
    """Look the bucket up anew, once it turns out to be gone."""
    _known.pop(account_of(principal), None)


def account_of(principal: Principal) -> int:
    if principal.account_id is None:
        raise AccessDenied()
    return principal.account_id


def make_bucket(principal: Principal, now: datetime) -> str:
    """Make the caller's key-value bucket, under a name that is free."""
    name = settings.OBJECTSTORE_KEYVALUE_BUCKET
    try:
        bucket = create_or_find(principal, name, now)
    except BucketAlreadyExists:
        bucket = create_or_find(principal, f"{name}-{principal.account_number}", now)
    queries.set_key_value_bucket(account_of(principal), bucket.id)
    return bucket.name


def create_or_find(principal: Principal, name: str, now: datetime) -> BucketInfo:
    try:
        return create_bucket(principal, name, now=now)
    except BucketAlreadyOwnedByYou:
        return find_bucket(name)
