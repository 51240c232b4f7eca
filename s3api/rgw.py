"""What Ceph's gateway answers otherwise than AWS, for OBJECTSTORE_S3_FLAVOUR=rgw.

What the domain decides otherwise in that flavour stands where it is decided.
"""

from __future__ import annotations

from collections.abc import Callable

from buckets.access_control import get_bucket_acl
from buckets.acls import canned_acl, shown
from kernel.errors import (
    AuthorizationQueryParametersError,
    BucketAlreadyExists,
    InvalidChecksumValue,
    InvalidCopyRange,
    InvalidPartNumberRange,
    ObjectStoreError,
    TooManyTags,
    UnexpectedContent,
    WrongCustomerKey,
)
from kernel.kept_settings import settings
from kernel.results import CompletedPart
from s3api.requests import S3Request

# Codes and statuses.
CODES: dict[type[ObjectStoreError], tuple[str, int]] = {
    AuthorizationQueryParametersError: ("AccessDenied", 403),
    InvalidChecksumValue: ("BadDigest", 400),
    InvalidCopyRange: ("InvalidRange", 416),
    InvalidPartNumberRange: ("InvalidPart", 400),
    TooManyTags: ("InvalidTag", 400),
    UnexpectedContent: ("InvalidRequest", 400),
    WrongCustomerKey: ("InvalidRequest", 400),
}


def is_asked() -> bool:
    """Tell whether the server is to answer as Ceph's gateway does."""
    return bool(settings.OBJECTSTORE_S3_FLAVOUR == "rgw")


def code_of(error: ObjectStoreError) -> tuple[str, int]:
    """Give the code and status of a refusal."""
    if is_asked() and type(error) in CODES:
        return CODES[type(error)]
    return error.code, error.status


def accepts_again(request: S3Request) -> bool:
    """Tell whether one's own bucket may be created again: with the ACL it has.

    Raises BucketAlreadyExists for another ACL.
    """
    bucket, grants = get_bucket_acl(request.principal, request.bucket)
    owner = bucket.owner_canonical_id
    wanted = canned_acl(request.header("x-amz-acl", "private"), owner, owner)
    if shown(wanted, owner) != grants:
        raise BucketAlreadyExists(bucket_name=request.bucket)
    return True


def last_of_each(parts: list[CompletedPart]) -> list[CompletedPart]:
    """Take the last of parts that are listed twice, where AWS sees a wrong order."""
    if not is_asked():
        return parts
    return list({part.part_number: part for part in parts}.values())


def prefix_of_v1(prefix: str, encode: Callable[[str], str]) -> str:
    """Give ListObjects' Prefix, which the gateway leaves unencoded."""
    return prefix if is_asked() else encode(prefix)
