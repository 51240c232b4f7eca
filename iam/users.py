"""Users, as the IAM API manages them (AWS, "IAM API reference")."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as WeakPassword

from iam import operations
from iam.access import check_may
from iam.accounts import account_id_of, account_of, one_at_a_time
from iam.entities import (
    EntityKind,
    arn_of,
    change,
    find_user,
    only,
    rename,
    rows_of,
)
from iam.models import Identity, IdentityKind
from iam.naming import check_name, check_path, check_tags
from iam.pages import FIRST_PAGE, Page, Paging, page_of
from iam.principals import Principal, PrincipalKind
from iam.quotas import check_quota
from kernel.auditing import audited
from kernel.errors import (
    DeleteConflict,
    EntityAlreadyExists,
    InvalidArgument,
    ValidationError,
)


@audited()
def create_user(
    principal: Principal,
    name: str,
    *,
    path: str = "/",
    tags: Mapping[str, str] | None = None,
    kind: IdentityKind = IdentityKind.USER,
    display_name: str = "",
    description: str = "",
    password: str = "",
    now: datetime,
) -> Identity:
    """Create a user or service account, who may do nothing yet.

    With a password it can sign in to the console. Raises EntityAlreadyExists,
    ValidationError, LimitExceeded and, for a weak password, InvalidArgument.
    """
    check_name("userName", name)
    check_path(path)
    check_tags(tags or {})
    arn = arn_of(principal, EntityKind.USER, path, name)
    check_may(principal, "iam:CreateUser", arn)
    if password:
        check_may(principal, "iam:CreateLoginProfile", arn)
        check_password_strength(password)
    account = account_of(principal)

    def record() -> Identity:
        one_at_a_time(account.pk)
        check_quota("UsersQuota", rows_of(principal, EntityKind.USER).count())
        return operations.create_identity(
            account,
            name,
            kind=kind,
            path=path,
            tags=dict(tags or {}),
            display_name=display_name,
            description=description,
            user=new_sign_in(name, password) if password else None,
            now=now,
        )

    return change(record)


def new_sign_in(name: str, password: str) -> Any:
    """Make what a user signs in to the console with. Raises EntityAlreadyExists."""
    sign_ins = get_user_model().objects
    if sign_ins.filter(username=name).exists():
        raise EntityAlreadyExists(f"A sign-in called {name} already exists.")
    return sign_ins.create_user(username=name, password=password, is_staff=True)


def check_password_strength(password: str) -> None:
    try:
        validate_password(password)
    except WeakPassword as error:
        raise InvalidArgument(" ".join(error.messages)) from None


def get_user(principal: Principal, name: str = "") -> Identity:
    """Give a user; without a name, the one who asks. Raises NoSuchEntity."""
    return user_or_caller(principal, name, "iam:GetUser")


def user_or_caller(principal: Principal, name: str, action: str) -> Identity:
    """Find a user by name, or whose credentials sign, and ask the door.

    Raises ValidationError where no name is given and a role asks.
    """
    if name:
        return find_user(principal, name, action)
    if principal.kind is PrincipalKind.ROLE:
        raise ValidationError(
            "Must specify userName when calling with non-User credentials"
        )
    caller = Identity.objects.select_related("account").get(
        pk=principal.identity_id or 0, account_id=account_id_of(principal)
    )
    check_may(principal, action, caller.arn)
    return caller


@audited()
def update_user(
    principal: Principal, name: str, *, new_name: str = "", new_path: str = ""
) -> None:
    """Give a user another name or path; keys and policies stay."""
    user = find_user(principal, name, "iam:UpdateUser")
    if new_name:
        check_name("newUserName", new_name)
    if new_path:
        check_path(new_path)
    rename(
        principal,
        EntityKind.USER,
        user,
        action="iam:UpdateUser",
        name=new_name or user.name,
        path=new_path or user.path,
    )


@audited()
def delete_user(principal: Principal, name: str) -> None:
    """Delete a user who has no keys, policies and groups any more.

    A console sign-in and bearer keys, which the IAM API does not show, go with the
    user; in Ceph's gateway, group memberships do. Raises DeleteConflict.
    """
    user = find_user(principal, name, "iam:DeleteUser")

    def record() -> None:
        check_deletable(user)
        if user.iam_groups.exists() and settings.OBJECTSTORE_S3_FLAVOUR != "rgw":
            raise DeleteConflict("Cannot delete entity, must remove users from group.")
        remove(user)

    change(record)


def remove(user: Identity) -> None:
    """Take a user away, with all that is its own and its sign-in."""
    sign_ins = get_user_model()._default_manager.filter(pk=user.user_id or 0)
    only(user).delete()
    sign_ins.delete()


def check_deletable(identity: Identity) -> None:
    """Raise DeleteConflict for an identity that something still belongs to."""
    for noun, rows in (
        ("access keys", identity.access_keys),
        ("policies", identity.inline_policies),
        ("attached policies", identity.managed_policies),
    ):
        if rows.exists():
            raise DeleteConflict(f"Cannot delete entity, must remove {noun} first.")


def list_users(
    principal: Principal, *, path_prefix: str = "/", paging: Paging = FIRST_PAGE
) -> Page[Identity]:
    """List the account's users whose path begins so, by name."""
    check_may(
        principal, "iam:ListUsers", arn_of(principal, EntityKind.USER, path_prefix, "")
    )
    rows = rows_of(principal, EntityKind.USER).filter(path__startswith=path_prefix)
    return page_of(rows, paging)
