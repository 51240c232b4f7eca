"""S3 key pairs of users, as the IAM API manages them.

Without a user's name, each operation speaks of whoever's credentials sign.
"""

from __future__ import annotations

from datetime import datetime

from iam import operations
from iam.administration import get_key
from iam.entities import change, only
from iam.models import AccessKey, Identity, KeyStatus
from iam.operations import NewAccessKey
from iam.pages import FIRST_PAGE, Page, Paging, page_of
from iam.principals import Principal
from iam.users import user_or_caller
from kernel.auditing import audited
from kernel.errors import NoSuchEntity, ValidationError


@audited()
def create_access_key(
    principal: Principal, user_name: str = "", *, now: datetime
) -> NewAccessKey:
    """Create a key pair for a user. Raises LimitExceeded for a third one."""
    user = user_or_caller(principal, user_name, "iam:CreateAccessKey")
    return change(lambda: operations.create_access_key(user, now=now))


@audited()
def update_access_key(
    principal: Principal, access_key_id: str, status: str, *, user_name: str = ""
) -> None:
    """Let a key pair be used, or not. Raises NoSuchEntity."""
    if status not in KeyStatus.values:
        raise ValidationError(f"{status[:32]} is no status of an access key.")
    user = user_or_caller(principal, user_name, "iam:UpdateAccessKey")
    key = key_of(user, access_key_id)
    key.status = KeyStatus(status)
    change(lambda: key.save(update_fields=["status"]))


@audited()
def delete_access_key(
    principal: Principal, access_key_id: str, *, user_name: str = ""
) -> None:
    """Delete a key pair for good. Raises NoSuchEntity."""
    user = user_or_caller(principal, user_name, "iam:DeleteAccessKey")
    row = only(key_of(user, access_key_id))
    change(row.delete)


def key_of(user: Identity, access_key_id: str) -> AccessKey:
    key = user.access_keys.filter(access_key_id=access_key_id).first()
    if key is None:
        raise NoSuchEntity(f"The Access Key with id {access_key_id} cannot be found.")
    return key


def list_access_keys(
    principal: Principal, user_name: str = "", *, paging: Paging = FIRST_PAGE
) -> tuple[Identity, Page[AccessKey]]:
    """List a user's key pairs, without their secrets."""
    user = user_or_caller(principal, user_name, "iam:ListAccessKeys")
    return user, page_of(user.access_keys.all(), paging, by="access_key_id")


def get_access_key_last_used(principal: Principal, access_key_id: str) -> AccessKey:
    """Tell when a key pair of the account was used. Raises NoSuchEntity."""
    key = get_key(principal, access_key_id, "iam:GetAccessKeyLastUsed")
    if not isinstance(key, AccessKey):
        raise NoSuchEntity(f"The Access Key with id {access_key_id} cannot be found.")
    return key
