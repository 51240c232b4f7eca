"""Roles: identities that others act as, for as long as a session lasts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from iam import operations
from iam.access import check_may
from iam.accounts import account_of, one_at_a_time
from iam.entities import EntityKind, arn_of, change, find_role, only, rows_of
from iam.models import Identity, IdentityKind
from iam.naming import (
    check_between,
    check_description,
    check_name,
    check_path,
    check_tags,
)
from iam.pages import FIRST_PAGE, Page, Paging, page_of
from iam.policy import PolicyKind, parse_policy
from iam.principals import Principal
from iam.quotas import check_quota
from iam.users import check_deletable
from kernel import auditing
from kernel.auditing import audited

SHORTEST_SESSION = 3600
LONGEST_SESSION = 12 * 3600


@audited()
def create_role(
    principal: Principal,
    name: str,
    trust_policy: str,
    *,
    path: str = "/",
    description: str = "",
    max_session_seconds: int = SHORTEST_SESSION,
    tags: Mapping[str, str] | None = None,
    now: datetime,
) -> Identity:
    """Create a role that those may assume whom its trust policy names.

    Raises MalformedPolicyDocument, EntityAlreadyExists, ValidationError and
    LimitExceeded.
    """
    check_name("roleName", name)
    check_path(path)
    check_description(description)
    check_between(
        "maxSessionDuration", max_session_seconds, SHORTEST_SESSION, LONGEST_SESSION
    )
    check_tags(tags or {})
    check_may(
        principal, "iam:CreateRole", arn_of(principal, EntityKind.ROLE, path, name)
    )
    parse_policy(trust_policy, kind=PolicyKind.TRUST)
    account = account_of(principal)

    def record() -> Identity:
        one_at_a_time(account.pk)
        check_quota("RolesQuota", rows_of(principal, EntityKind.ROLE).count())
        return operations.create_identity(
            account,
            name,
            kind=IdentityKind.ROLE,
            path=path,
            trust_policy=trust_policy,
            description=description,
            max_session_seconds=max_session_seconds,
            tags=dict(tags or {}),
            now=now,
        )

    return change(record)


def get_role(principal: Principal, name: str) -> Identity:
    """Give a role with its trust policy. Raises NoSuchEntity."""
    return find_role(principal, name, "iam:GetRole")


@audited()
def update_role(
    principal: Principal,
    name: str,
    *,
    description: str | None = None,
    max_session_seconds: int | None = None,
    action: str = "iam:UpdateRole",
) -> Identity:
    """Change a role's description and how long its sessions may last."""
    role = find_role(principal, name, action)
    if description is not None:
        check_description(description)
        role.description = description
    if max_session_seconds is not None:
        check_between(
            "maxSessionDuration", max_session_seconds, SHORTEST_SESSION, LONGEST_SESSION
        )
        role.max_session_seconds = max_session_seconds
    change(lambda: role.save(update_fields=["description", "max_session_seconds"]))
    return role


@audited()
def update_assume_role_policy(
    principal: Principal, name: str, trust_policy: str
) -> None:
    """Change who may assume a role. Raises MalformedPolicyDocument."""
    role = find_role(principal, name, "iam:UpdateAssumeRolePolicy")
    parse_policy(trust_policy, kind=PolicyKind.TRUST)
    auditing.tell(before=role.trust_policy, after=trust_policy)
    role.trust_policy = trust_policy
    change(lambda: role.save(update_fields=["trust_policy"]))


@audited()
def delete_role(principal: Principal, name: str) -> None:
    """Delete a role that has no policies; its sessions end. Raises DeleteConflict."""
    role = find_role(principal, name, "iam:DeleteRole")
    row = only(role)

    def record() -> None:
        check_deletable(role)
        row.delete()

    change(record)


def list_roles(
    principal: Principal, *, path_prefix: str = "/", paging: Paging = FIRST_PAGE
) -> Page[Identity]:
    """List the account's roles whose path begins so, by name."""
    check_may(
        principal, "iam:ListRoles", arn_of(principal, EntityKind.ROLE, path_prefix, "")
    )
    rows = rows_of(principal, EntityKind.ROLE).filter(path__startswith=path_prefix)
    return page_of(rows, paging)
