"""Calls about policies: an entity's own, and managed ones."""

from __future__ import annotations

from iam import inline_policies, managed_policies
from iam.entities import EntityKind
from iam.managed_policies import Scope
from kernel.errors import NotImplemented, ValidationError
from s3api.query import shapes
from s3api.query.calls import Call
from s3api.query.shapes import Shape

# An entity's own


def put(kind: EntityKind, call: Call) -> None:
    inline_policies.put_policy(
        call.principal,
        kind,
        call.needed(f"{kind}Name"),
        call.needed("PolicyName"),
        call.needed("PolicyDocument"),
    )


def get(kind: EntityKind, call: Call) -> Shape:
    entity, policy = inline_policies.get_policy(
        call.principal, kind, call.needed(f"{kind}Name"), call.needed("PolicyName")
    )
    return {
        f"{kind}Name": entity.name,
        "PolicyName": policy.name,
        "PolicyDocument": shapes.encoded(policy.document),
    }


def delete(kind: EntityKind, call: Call) -> None:
    inline_policies.delete_policy(
        call.principal, kind, call.needed(f"{kind}Name"), call.needed("PolicyName")
    )


def list_own(kind: EntityKind, call: Call) -> Shape:
    page = inline_policies.list_policies(
        call.principal, kind, call.needed(f"{kind}Name"), paging=call.paging
    )
    return shapes.page("PolicyNames", page, str)


# Attached ones


def attach(kind: EntityKind, call: Call) -> None:
    managed_policies.attach_policy(
        call.principal, kind, call.needed(f"{kind}Name"), call.needed("PolicyArn")
    )


def detach(kind: EntityKind, call: Call) -> None:
    managed_policies.detach_policy(
        call.principal, kind, call.needed(f"{kind}Name"), call.needed("PolicyArn")
    )


def list_attached(kind: EntityKind, call: Call) -> Shape:
    page = managed_policies.list_attached_policies(
        call.principal,
        kind,
        call.needed(f"{kind}Name"),
        path_prefix=call.text("PathPrefix", "/"),
        paging=call.paging,
    )
    return shapes.page("AttachedPolicies", page, shapes.attached_policy)


# Managed ones


def create_policy(call: Call) -> Shape:
    if call.tags():
        raise NotImplemented("Tags of policies are not implemented.")
    made = managed_policies.create_policy(
        call.principal,
        call.needed("PolicyName"),
        call.needed("PolicyDocument"),
        path=call.text("Path", "/"),
        description=call.text("Description"),
        now=call.now,
    )
    return {"Policy": shapes.policy(made)}


def get_policy(call: Call) -> Shape:
    found = managed_policies.get_policy(call.principal, call.needed("PolicyArn"))
    return {"Policy": shapes.policy_in_full(found)}


def delete_policy(call: Call) -> None:
    managed_policies.delete_policy(call.principal, call.needed("PolicyArn"))


def list_policies(call: Call) -> Shape:
    scope = call.text("Scope", "All")
    if scope not in list(Scope):
        raise ValidationError(f"{scope[:32]} is no scope of policies.")
    page = managed_policies.list_policies(
        call.principal,
        scope=Scope(scope),
        only_attached=call.truth("OnlyAttached"),
        path_prefix=call.text("PathPrefix", "/"),
        paging=call.paging,
    )
    return shapes.page("Policies", page, shapes.policy)


def list_entities_for_policy(call: Call) -> Shape:
    found = managed_policies.list_entities_for_policy(
        call.principal,
        call.needed("PolicyArn"),
        path_prefix=call.text("PathPrefix", "/"),
    )
    return {
        "PolicyUsers": [
            {"UserName": one.name, "UserId": one.unique_id} for one in found.users
        ],
        "PolicyGroups": [
            {"GroupName": one.name, "GroupId": one.unique_id} for one in found.groups
        ],
        "PolicyRoles": [
            {"RoleName": one.name, "RoleId": one.unique_id} for one in found.roles
        ],
        "IsTruncated": False,
    }


# Their versions


def create_policy_version(call: Call) -> Shape:
    changed = managed_policies.create_policy_version(
        call.principal,
        call.needed("PolicyArn"),
        call.needed("PolicyDocument"),
        is_default=call.truth("SetAsDefault"),
        now=call.now,
    )
    return {"PolicyVersion": shapes.policy_version(changed)}


def get_policy_version(call: Call) -> Shape:
    found = managed_policies.get_policy_version(
        call.principal, call.needed("PolicyArn"), call.needed("VersionId")
    )
    document = shapes.encoded(found.document)
    return {"PolicyVersion": {"Document": document, **shapes.policy_version(found)}}


def list_policy_versions(call: Call) -> Shape:
    found = managed_policies.list_policy_versions(
        call.principal, call.needed("PolicyArn")
    )
    return {"Versions": [shapes.policy_version(found)], "IsTruncated": False}


def set_default_policy_version(call: Call) -> None:
    managed_policies.set_default_policy_version(
        call.principal, call.needed("PolicyArn"), call.needed("VersionId")
    )


def delete_policy_version(call: Call) -> None:
    managed_policies.delete_policy_version(
        call.principal, call.needed("PolicyArn"), call.needed("VersionId")
    )
