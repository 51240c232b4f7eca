"""Access control lists: what grants allow, and to whom (AWS, "ACL overview").

An ACL is kept as {"grants": [{"grantee": {"id" or "uri"}, "permission"}]}; None is
the owner's alone. It is asked for as {"canned": name}, or as grants that may name an
account by "emailAddress".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from buckets import queries
from buckets.configurations import Configurations
from iam.principals import Principal
from kernel.errors import (
    AccessControlListNotSupported,
    AccessDenied,
    InvalidArgument,
    InvalidRequest,
    MethodNotAllowed,
    UnresolvableGrantByEmailAddress,
)

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
PUBLIC_GROUPS = frozenset({ALL_USERS, AUTHENTICATED_USERS})
GROUPS = frozenset({*PUBLIC_GROUPS, LOG_DELIVERY})
PERMISSIONS = frozenset({"FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP"})
MOST_GRANTS = 100

# AWS, "Canned ACL": what each grants besides FULL_CONTROL to the owner.
CANNED: dict[str, tuple[tuple[str, str], ...]] = {
    "private": (),
    "public-read": ((ALL_USERS, "READ"),),
    "public-read-write": ((ALL_USERS, "READ"), (ALL_USERS, "WRITE")),
    "authenticated-read": ((AUTHENTICATED_USERS, "READ"),),
    "log-delivery-write": ((LOG_DELIVERY, "WRITE"), (LOG_DELIVERY, "READ_ACP")),
    "aws-exec-read": (),
    "bucket-owner-read": (("bucket owner", "READ"),),
    "bucket-owner-full-control": (("bucket owner", "FULL_CONTROL"),),
}
# What may be said where ACLs are off, because it holds there anyway.
HARMLESS = "bucket-owner-full-control"

# AWS, "Mapping of ACL permissions and access policy permissions".
BUCKET_PERMISSIONS = {
    "s3:ListBucket": "READ",
    "s3:ListBucketVersions": "READ",
    "s3:ListBucketMultipartUploads": "READ",
    "s3:PutObject": "WRITE",
    "s3:DeleteObject": "WRITE",
    "s3:DeleteObjectVersion": "WRITE",
    "s3:AbortMultipartUpload": "WRITE",
    "s3:ListMultipartUploadParts": "WRITE",
    "s3:GetBucketAcl": "READ_ACP",
    "s3:PutBucketAcl": "WRITE_ACP",
}
OBJECT_PERMISSIONS = {
    "s3:GetObject": "READ",
    "s3:GetObjectVersion": "READ",
    "s3:GetObjectAttributes": "READ",
    "s3:GetObjectVersionAttributes": "READ",
    "s3:GetObjectTorrent": "READ",
    "s3:GetObjectAcl": "READ_ACP",
    "s3:GetObjectVersionAcl": "READ_ACP",
    "s3:PutObjectAcl": "WRITE_ACP",
    "s3:PutObjectVersionAcl": "WRITE_ACP",
}


def grants(
    acl: Mapping[str, Any] | None,
    permission: str,
    principal: Principal,
    *,
    ignore_public: bool,
) -> bool:
    """Tell whether a grant gives the principal this permission."""
    if not acl or not permission:
        return False
    return any(
        grant["permission"] in {permission, "FULL_CONTROL"}
        and is_grantee(grant["grantee"], principal, ignore_public=ignore_public)
        for grant in acl["grants"]
    )


def is_grantee(
    grantee: Mapping[str, str], principal: Principal, *, ignore_public: bool
) -> bool:
    uri = grantee.get("uri")
    if uri in PUBLIC_GROUPS:
        if ignore_public:
            return False
        return uri == ALL_USERS or not principal.is_anonymous
    named = grantee.get("id")
    return bool(named) and named == principal.canonical_id


def is_public(acl: Mapping[str, Any] | None) -> bool:
    """Tell whether a grant reaches people outside the owner's choosing."""
    return acl is not None and any(
        grant["grantee"].get("uri") in PUBLIC_GROUPS for grant in acl["grants"]
    )


def resolve(
    asked: Mapping[str, Any] | None,
    configurations: Configurations,
    *,
    owner_id: str,
    bucket_owner_id: str,
) -> Mapping[str, Any] | None:
    """Give the ACL to keep for what was asked; ids are canonical ids of accounts.

    Raises AccessControlListNotSupported where ACLs are off, AccessDenied for a public
    one where they are blocked, InvalidArgument for an unknown name or account and
    UnresolvableGrantByEmailAddress.
    """
    if not asked:
        return None
    if "canned" in asked:
        acl = canned_acl(asked["canned"], owner_id, bucket_owner_id)
    else:
        acl = {"grants": [resolved_grant(one) for one in checked_grants(asked)]}
    if not configurations.uses_acls:
        check_harmless(asked, bucket_owner_id)
        return None
    if is_public(acl) and configurations.public_access_block.get("BlockPublicAcls"):
        raise AccessDenied(
            "Access Denied because public ACLs are prevented by the BlockPublicAcls "
            "setting in S3 Block Public Access."
        )
    return acl


def check_harmless(asked: Mapping[str, Any], bucket_owner_id: str) -> None:
    if asked.get("canned") == HARMLESS:
        return
    grants = asked.get("grants", ())
    owner = {"grantee": {"id": bucket_owner_id}, "permission": "FULL_CONTROL"}
    if "canned" in asked or any(grant != owner for grant in grants):
        raise AccessControlListNotSupported()


def canned_acl(name: str, owner_id: str, bucket_owner_id: str) -> Mapping[str, Any]:
    if name not in CANNED:
        raise InvalidArgument(argument_name="x-amz-acl", argument_value=name)
    grants: list[Mapping[str, Any]] = []
    for grantee, permission in CANNED[name]:
        if grantee != "bucket owner":
            grants.append({"grantee": {"uri": grantee}, "permission": permission})
        elif bucket_owner_id != owner_id:
            grants.append(
                {"grantee": {"id": bucket_owner_id}, "permission": permission}
            )
    return {"grants": [*grants, owner_grant(owner_id)]}


def owner_grant(owner_id: str) -> dict[str, Any]:
    return {"grantee": {"id": owner_id}, "permission": "FULL_CONTROL"}


def checked_grants(asked: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    grants: list[Mapping[str, Any]] = list(asked["grants"])
    if len(grants) > MOST_GRANTS:
        raise InvalidRequest(f"An ACL can have {MOST_GRANTS} grants at most.")
    for grant in grants:
        if grant["permission"] not in PERMISSIONS:
            raise InvalidArgument(
                argument_name="permission", argument_value=grant["permission"]
            )
    return grants


def resolved_grant(grant: Mapping[str, Any]) -> dict[str, Any]:
    """Name the grantee by canonical id or group, and know that it is there."""
    grantee = grant["grantee"]
    permission = grant["permission"]
    if "uri" in grantee:
        if grantee["uri"] not in GROUPS:
            raise InvalidArgument(
                "Invalid group uri",
                argument_name="URI",
                argument_value=grantee["uri"],
            )
        return {"grantee": {"uri": grantee["uri"]}, "permission": permission}
    if "emailAddress" in grantee:
        canonical_id = account_of(grantee["emailAddress"])
    else:
        canonical_id = grantee.get("id", "")
        if canonical_id not in queries.canonical_owners([canonical_id]):
            raise InvalidArgument(
                "Invalid id",
                argument_name="CanonicalUser/ID",
                argument_value=canonical_id,
            )
    return {"grantee": {"id": canonical_id}, "permission": permission}


def account_of(email: str) -> str:
    """Find an account by e-mail, which AWS stopped on 2025-10-01 (405)."""
    if settings.OBJECTSTORE_S3_FLAVOUR != "rgw":
        raise MethodNotAllowed("Grants by e-mail address are no longer supported.")
    found = queries.account_by_email(email)
    if found is None:
        raise UnresolvableGrantByEmailAddress(email_address=email)
    return found


def shown(acl: Mapping[str, Any] | None, owner_id: str) -> list[Mapping[str, Any]]:
    """Give the grants of an ACL as it is shown: accounts first, or, by Ceph, groups."""
    if acl is None:
        return [owner_grant(owner_id)]
    groups_first = settings.OBJECTSTORE_S3_FLAVOUR == "rgw"
    return sorted(
        acl["grants"], key=lambda grant: ("uri" in grant["grantee"]) != groups_first
    )


def conditions(asked: Mapping[str, Any] | None) -> dict[str, str]:
    """Give the condition keys that tell a policy which ACL is asked for."""
    if not asked:
        return {}
    if "canned" in asked:
        return {"s3:x-amz-acl": asked["canned"]}
    found: dict[str, str] = {}
    for grant in asked["grants"]:
        name = grant["permission"].lower().replace("_", "-")
        ((kind, value),) = tuple(grant["grantee"].items())
        text = f"{kind}={value}"
        key = f"s3:x-amz-grant-{name}"
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found
