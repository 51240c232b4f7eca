"""Who may come in: a bucket's ACL, its ownership controls and public access block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buckets import acls
from buckets.access import get_bucket
from buckets.configurations import (
    NO_OWNERSHIP_CONTROLS,
    PUBLIC_BLOCKS,
    Configuration,
    ObjectOwnership,
    configurations_of,
)
from buckets.operations import change_configuration, put_configuration
from iam.principals import Principal
from kernel.auditing import audited
from kernel.errors import (
    InvalidBucketAclWithObjectOwnership,
    MalformedACLError,
    MalformedXML,
    OwnershipControlsNotFoundError,
)
from kernel.results import BucketInfo


def get_bucket_acl(
    principal: Principal, name: str, *, expected_owner: str = ""
) -> tuple[BucketInfo, list[Mapping[str, Any]]]:
    """Give a bucket, whose owner owns the ACL, and the ACL's grants."""
    bucket = get_bucket(
        principal, "s3:GetBucketAcl", name, expected_owner=expected_owner
    )
    acl = configurations_of(bucket.configurations_text).acl
    return bucket, acls.shown(acl, bucket.owner_canonical_id)


@audited()
def put_bucket_acl(
    principal: Principal,
    name: str,
    asked: Mapping[str, Any],
    *,
    stated_owner: str = "",
    expected_owner: str = "",
) -> None:
    """Set a bucket's ACL. Raises what `acls.resolve` raises."""
    bucket = get_bucket(
        principal,
        "s3:PutBucketAcl",
        name,
        context=acls.conditions(asked),
        expected_owner=expected_owner,
    )
    check_stated_owner(stated_owner, bucket.owner_canonical_id)
    acl = acls.resolve(
        asked,
        configurations_of(bucket.configurations_text),
        owner_id=bucket.owner_canonical_id,
        bucket_owner_id=bucket.owner_canonical_id,
    )
    change_configuration(bucket, Configuration.ACL, acl)


def check_stated_owner(stated: str, actual: str) -> None:
    """An ACL names its owner, who cannot be changed by it."""
    if stated and stated != actual:
        raise MalformedACLError("The owner of an ACL cannot be changed by it.")


def get_bucket_ownership_controls(
    principal: Principal, name: str, *, expected_owner: str = ""
) -> ObjectOwnership:
    """Tell who owns new objects. Raises OwnershipControlsNotFoundError."""
    bucket = get_bucket(
        principal,
        "s3:GetBucketOwnershipControls",
        name,
        expected_owner=expected_owner,
    )
    controls = configurations_of(bucket.configurations_text).ownership_controls
    if controls is None:
        raise OwnershipControlsNotFoundError(bucket_name=name)
    return controls


@audited()
def delete_bucket_ownership_controls(
    principal: Principal, name: str, *, expected_owner: str = ""
) -> None:
    """Remove the controls: ACLs count, and objects are their writers'."""
    put_configuration(
        principal,
        name,
        Configuration.OWNERSHIP,
        NO_OWNERSHIP_CONTROLS,
        expected_owner=expected_owner,
    )


@audited()
def put_bucket_ownership_controls(
    principal: Principal, name: str, ownership: str, *, expected_owner: str = ""
) -> None:
    """Say who owns new objects, and so whether ACLs count.

    Raises MalformedXML for an unknown value, InvalidBucketAclWithObjectOwnership when
    ACLs would be turned off under an ACL that grants something.
    """
    if ownership not in set(ObjectOwnership):
        raise MalformedXML()
    bucket = get_bucket(
        principal,
        "s3:PutBucketOwnershipControls",
        name,
        expected_owner=expected_owner,
    )
    acl = configurations_of(bucket.configurations_text).acl
    if ownership == ObjectOwnership.BUCKET_OWNER_ENFORCED and acl is not None:
        check_grants_nothing(acl, bucket.owner_canonical_id)
    change_configuration(bucket, Configuration.OWNERSHIP, ownership)


def check_grants_nothing(acl: Mapping[str, Any], owner_id: str) -> None:
    if any(grant != acls.owner_grant(owner_id) for grant in acl["grants"]):
        raise InvalidBucketAclWithObjectOwnership()


@audited()
def put_public_access_block(
    principal: Principal,
    name: str,
    block: Mapping[str, bool],
    *,
    expected_owner: str = "",
) -> None:
    """Say which public ACLs and policies are refused or ignored."""
    if set(block) - set(PUBLIC_BLOCKS):
        raise MalformedXML()
    document = {one: bool(block.get(one)) for one in PUBLIC_BLOCKS}
    put_configuration(
        principal,
        name,
        Configuration.PUBLIC_ACCESS_BLOCK,
        document,
        expected_owner=expected_owner,
    )


def is_policy_public(
    principal: Principal, name: str, *, expected_owner: str = ""
) -> bool:
    """Tell whether the bucket's policy or ACL lets the public in."""
    bucket = get_bucket(
        principal, "s3:GetBucketPolicyStatus", name, expected_owner=expected_owner
    )
    configurations = configurations_of(bucket.configurations_text)
    return configurations.is_policy_public or (
        configurations.uses_acls and acls.is_public(configurations.acl)
    )
