"""Access control lists: what grants allow, and to whom (AWS, "ACL overview")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iam.principals import Principal

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
PUBLIC_GROUPS = frozenset({ALL_USERS, AUTHENTICATED_USERS})

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
