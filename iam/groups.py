"""Groups of users, as the IAM API manages them."""

from __future__ import annotations

from datetime import datetime

from iam import operations
from iam.access import check_may
from iam.accounts import account_id_of, account_of, one_at_a_time
from iam.entities import (
    EntityKind,
    arn_of,
    change,
    find_group,
    find_user,
    only,
    rename,
    rows_of,
)
from iam.models import Group, Identity
from iam.naming import check_name, check_path
from iam.pages import FIRST_PAGE, Page, Paging, page_of
from iam.principals import Principal
from iam.quotas import check_quota
from kernel.auditing import audited
from kernel.errors import DeleteConflict, NoSuchEntity

LONGEST_NAME = 128


@audited()
def create_group(
    principal: Principal, name: str, *, path: str = "/", now: datetime
) -> Group:
    """Create an empty group. Raises EntityAlreadyExists and LimitExceeded."""
    check_name("groupName", name, LONGEST_NAME)
    check_path(path)
    check_may(
        principal, "iam:CreateGroup", arn_of(principal, EntityKind.GROUP, path, name)
    )
    account = account_of(principal)

    def record() -> Group:
        one_at_a_time(account.pk)
        check_quota("GroupsQuota", rows_of(principal, EntityKind.GROUP).count())
        return operations.create_group(account, name, path=path, now=now)

    return change(record)


def get_group(
    principal: Principal, name: str, *, paging: Paging = FIRST_PAGE
) -> tuple[Group, Page[Identity]]:
    """Give a group and a page of its members."""
    group = find_group(principal, name, "iam:GetGroup")
    return group, page_of(group.members.select_related("account"), paging)


@audited()
def update_group(
    principal: Principal, name: str, *, new_name: str = "", new_path: str = ""
) -> None:
    """Give a group another name or path; members and policies stay."""
    group = find_group(principal, name, "iam:UpdateGroup")
    if new_name:
        check_name("newGroupName", new_name, LONGEST_NAME)
    if new_path:
        check_path(new_path)
    rename(
        principal,
        EntityKind.GROUP,
        group,
        action="iam:UpdateGroup",
        name=new_name or group.name,
        path=new_path or group.path,
    )


@audited()
def delete_group(principal: Principal, name: str) -> None:
    """Delete a group that has no members and policies. Raises DeleteConflict."""
    group = find_group(principal, name, "iam:DeleteGroup")
    row = only(group)

    def record() -> None:
        for noun, rows in (
            ("users", group.members),
            ("policies", group.inline_policies),
            ("attached policies", group.managed_policies),
        ):
            if rows.exists():
                raise DeleteConflict(f"Cannot delete entity, must remove {noun} first.")
        row.delete()

    change(record)


def list_groups(
    principal: Principal, *, path_prefix: str = "/", paging: Paging = FIRST_PAGE
) -> Page[Group]:
    """List the account's groups whose path begins so, by name."""
    check_may(
        principal,
        "iam:ListGroups",
        arn_of(principal, EntityKind.GROUP, path_prefix, ""),
    )
    rows = rows_of(principal, EntityKind.GROUP).filter(path__startswith=path_prefix)
    return page_of(rows, paging)


def list_groups_for_user(
    principal: Principal, user_name: str, *, paging: Paging = FIRST_PAGE
) -> Page[Group]:
    """List the groups that a user is in, by name."""
    user = find_user(principal, user_name, "iam:ListGroupsForUser")
    return page_of(user.iam_groups.select_related("account"), paging)


@audited()
def add_user_to_group(principal: Principal, name: str, user_name: str) -> None:
    """Make a user a member; once more changes nothing. Raises LimitExceeded."""
    group = find_group(principal, name, "iam:AddUserToGroup")
    user = member(principal, user_name)

    def record() -> None:
        one_at_a_time(account_id_of(principal))
        others = user.iam_groups.exclude(pk=group.pk)
        check_quota("GroupsPerUserQuota", others.count())
        group.members.add(user)

    change(record)


@audited()
def remove_user_from_group(principal: Principal, name: str, user_name: str) -> None:
    """End a membership; one that there is not is ended already."""
    group = find_group(principal, name, "iam:RemoveUserFromGroup")
    user = member(principal, user_name)
    change(lambda: group.members.remove(user))


def member(principal: Principal, user_name: str) -> Identity:
    """Find a user whose membership changes: the group answers for the right."""
    users = rows_of(principal, EntityKind.USER).filter(name__iexact=user_name)
    found: Identity | None = users.first()
    if found is None:
        raise NoSuchEntity(f"The user with name {user_name} cannot be found.")
    return found
