"""How the query API shows users, groups, roles, policies and keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from iam.managed_policies import version_id
from iam.models import AccessKey, Group, Identity, IdentityKind, ManagedPolicy
from iam.operations import NewAccessKey
from iam.pages import Page

Shape = dict[str, Any]


def user(one: Identity) -> Shape:
    """Show a user; the root user has no name and no path (AWS, "GetUser")."""
    is_root = one.kind == IdentityKind.ROOT
    return {
        "Path": None if is_root else one.path,
        "UserName": None if is_root else one.name,
        "UserId": one.unique_id,
        "Arn": one.arn,
        "CreateDate": one.created_at,
    }


def user_in_full(one: Identity) -> Shape:
    return {**user(one), **tags_shown(one)}


def group(one: Group) -> Shape:
    return {
        "Path": one.path,
        "GroupName": one.name,
        "GroupId": one.unique_id,
        "Arn": one.arn,
        "CreateDate": one.created_at,
    }


def role(one: Identity) -> Shape:
    return {
        "Path": one.path,
        "RoleName": one.name,
        "RoleId": one.unique_id,
        "Arn": one.arn,
        "CreateDate": one.created_at,
        "AssumeRolePolicyDocument": encoded(trust_text(one)),
        "Description": one.description or None,
        "MaxSessionDuration": one.max_session_seconds,
    }


def role_in_full(one: Identity) -> Shape:
    return {**role(one), **tags_shown(one)}


def trust_text(one: Identity) -> str:
    policy = one.trust_policy or ""
    return policy if isinstance(policy, str) else json.dumps(policy)


def encoded(document: str) -> str:
    """Encode a document as IAM does: percent-encoded, as RFC 3986 has it."""
    return quote(document, safe="-_.~")


def tags_shown(one: Identity) -> Shape:
    return {"Tags": tags(one.tags)} if one.tags else {}


def tags(found: Mapping[str, str]) -> list[Shape]:
    return [{"Key": key, "Value": value} for key, value in found.items()]


def policy(one: Any) -> Shape:
    """Show a managed policy whose attachments were counted, or are none yet."""
    return {
        "PolicyName": one.name,
        "PolicyId": one.unique_id,
        "Arn": one.arn,
        "Path": one.path,
        "DefaultVersionId": version_id(one),
        "AttachmentCount": getattr(one, "attached_count", 0),
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "CreateDate": one.created_at,
        "UpdateDate": one.updated_at,
    }


def policy_in_full(one: ManagedPolicy) -> Shape:
    return {**policy(one), "Description": one.description or None}


def policy_version(one: ManagedPolicy) -> Shape:
    return {
        "VersionId": version_id(one),
        "IsDefaultVersion": True,
        "CreateDate": one.updated_at,
    }


def attached_policy(one: ManagedPolicy) -> Shape:
    return {"PolicyName": one.name, "PolicyArn": one.arn}


def new_access_key(owner: str | None, made: NewAccessKey) -> Shape:
    return {
        "UserName": owner,
        "AccessKeyId": made.key.access_key_id,
        "Status": made.key.status,
        "SecretAccessKey": made.secret_access_key,
        "CreateDate": made.key.created_at,
    }


def access_key(owner: str | None, one: AccessKey) -> Shape:
    return {
        "UserName": owner,
        "AccessKeyId": one.access_key_id,
        "Status": one.status,
        "CreateDate": one.created_at,
    }


def page[T](name: str, found: Page[T], shape: Callable[[T], Any]) -> Shape:
    """Show a page of a listing."""
    return {
        name: [shape(one) for one in found.items],
        "IsTruncated": bool(found.next_marker),
        "Marker": found.next_marker or None,
    }
