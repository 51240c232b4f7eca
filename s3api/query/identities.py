"""Calls about users, their keys, groups and roles."""

from __future__ import annotations

from iam import access_keys, federation, groups, quotas, roles, tagging, users
from iam.entities import EntityKind
from iam.models import Identity, IdentityKind
from kernel.errors import NotImplemented
from s3api.query import shapes
from s3api.query.answers import Entries
from s3api.query.calls import Call
from s3api.query.shapes import Shape


def refuse_boundary(call: Call) -> None:
    """Refuse a permissions boundary, which nothing here would enforce."""
    if call.text("PermissionsBoundary"):
        raise NotImplemented("Permissions boundaries are not implemented.")


# Users


def create_user(call: Call) -> Shape:
    refuse_boundary(call)
    made = users.create_user(
        call.principal,
        call.needed("UserName"),
        path=call.text("Path", "/"),
        tags=call.tags(),
        now=call.now,
    )
    return {"User": shapes.user_in_full(made)}


def get_user(call: Call) -> Shape:
    found = users.get_user(call.principal, call.text("UserName"))
    return {"User": shapes.user_in_full(found)}


def update_user(call: Call) -> None:
    users.update_user(
        call.principal,
        call.needed("UserName"),
        new_name=call.text("NewUserName"),
        new_path=call.text("NewPath"),
    )


def delete_user(call: Call) -> None:
    users.delete_user(call.principal, call.needed("UserName"))


def list_users(call: Call) -> Shape:
    page = users.list_users(
        call.principal, path_prefix=call.text("PathPrefix", "/"), paging=call.paging
    )
    return shapes.page("Users", page, shapes.user)


# Tags


def tag(kind: EntityKind, call: Call) -> None:
    tagging.tag(call.principal, kind, call.needed(f"{kind}Name"), call.tags())


def untag(kind: EntityKind, call: Call) -> None:
    keys = call.members("TagKeys")
    tagging.untag(call.principal, kind, call.needed(f"{kind}Name"), keys)


def list_tags(kind: EntityKind, call: Call) -> Shape:
    found = tagging.list_tags(call.principal, kind, call.needed(f"{kind}Name"))
    return {"Tags": shapes.tags(found), "IsTruncated": False}


# Keys


def name_of(owner: Identity) -> str | None:
    return None if owner.kind == IdentityKind.ROOT else owner.name


def create_access_key(call: Call) -> Shape:
    made = access_keys.create_access_key(
        call.principal, call.text("UserName"), now=call.now
    )
    owner = name_of(made.key.identity)
    return {"AccessKey": shapes.new_access_key(owner, made)}


def update_access_key(call: Call) -> None:
    access_keys.update_access_key(
        call.principal,
        call.needed("AccessKeyId"),
        call.needed("Status"),
        user_name=call.text("UserName"),
    )


def delete_access_key(call: Call) -> None:
    access_keys.delete_access_key(
        call.principal, call.needed("AccessKeyId"), user_name=call.text("UserName")
    )


def list_access_keys(call: Call) -> Shape:
    owner, page = access_keys.list_access_keys(
        call.principal, call.text("UserName"), paging=call.paging
    )
    name = name_of(owner)
    return shapes.page(
        "AccessKeyMetadata", page, lambda key: shapes.access_key(name, key)
    )


def get_access_key_last_used(call: Call) -> Shape:
    key = access_keys.get_access_key_last_used(
        call.principal, call.needed("AccessKeyId")
    )
    return {
        "UserName": name_of(key.identity),
        "AccessKeyLastUsed": {
            "LastUsedDate": key.last_used_at,
            "ServiceName": "N/A" if key.last_used_at is None else "s3",
            "Region": "N/A",
        },
    }


# Groups


def create_group(call: Call) -> Shape:
    made = groups.create_group(
        call.principal,
        call.needed("GroupName"),
        path=call.text("Path", "/"),
        now=call.now,
    )
    return {"Group": shapes.group(made)}


def get_group(call: Call) -> Shape:
    group, members = groups.get_group(
        call.principal, call.needed("GroupName"), paging=call.paging
    )
    page = shapes.page("Users", members, shapes.user)
    return {"Group": shapes.group(group), **page}


def update_group(call: Call) -> None:
    groups.update_group(
        call.principal,
        call.needed("GroupName"),
        new_name=call.text("NewGroupName"),
        new_path=call.text("NewPath"),
    )


def delete_group(call: Call) -> None:
    groups.delete_group(call.principal, call.needed("GroupName"))


def list_groups(call: Call) -> Shape:
    page = groups.list_groups(
        call.principal, path_prefix=call.text("PathPrefix", "/"), paging=call.paging
    )
    return shapes.page("Groups", page, shapes.group)


def list_groups_for_user(call: Call) -> Shape:
    page = groups.list_groups_for_user(
        call.principal, call.needed("UserName"), paging=call.paging
    )
    return shapes.page("Groups", page, shapes.group)


def add_user_to_group(call: Call) -> None:
    groups.add_user_to_group(
        call.principal, call.needed("GroupName"), call.needed("UserName")
    )


def remove_user_from_group(call: Call) -> None:
    groups.remove_user_from_group(
        call.principal, call.needed("GroupName"), call.needed("UserName")
    )


# Roles


def create_role(call: Call) -> Shape:
    refuse_boundary(call)
    longest = call.number("MaxSessionDuration")
    made = roles.create_role(
        call.principal,
        call.needed("RoleName"),
        call.needed("AssumeRolePolicyDocument"),
        path=call.text("Path", "/"),
        description=call.text("Description"),
        max_session_seconds=roles.SHORTEST_SESSION if longest is None else longest,
        tags=call.tags(),
        now=call.now,
    )
    return {"Role": shapes.role_in_full(made)}


def get_role(call: Call) -> Shape:
    found = roles.get_role(call.principal, call.needed("RoleName"))
    return {"Role": shapes.role_in_full(found)}


def update_role(call: Call) -> Shape:
    roles.update_role(
        call.principal,
        call.needed("RoleName"),
        description=call.parameters.get("Description"),
        max_session_seconds=call.number("MaxSessionDuration"),
    )
    return {}


def update_role_description(call: Call) -> Shape:
    role = roles.update_role(
        call.principal,
        call.needed("RoleName"),
        description=call.text("Description"),
        action="iam:UpdateRoleDescription",
    )
    return {"Role": shapes.role(role)}


def update_assume_role_policy(call: Call) -> None:
    roles.update_assume_role_policy(
        call.principal, call.needed("RoleName"), call.needed("PolicyDocument")
    )


def delete_role(call: Call) -> None:
    roles.delete_role(call.principal, call.needed("RoleName"))


def list_roles(call: Call) -> Shape:
    page = roles.list_roles(
        call.principal, path_prefix=call.text("PathPrefix", "/"), paging=call.paging
    )
    return shapes.page("Roles", page, shapes.role)


# The account


def get_account_summary(call: Call) -> Shape:
    summary = quotas.get_account_summary(call.principal)
    return {"SummaryMap": Entries(summary)}


def list_open_id_connect_providers(call: Call) -> Shape:
    arns = federation.list_open_id_connect_providers(call.principal)
    return {"OpenIDConnectProviderList": [{"Arn": arn} for arn in arns]}
