"""A bucket's quota: how many bytes and objects it may hold, all versions counted."""

from __future__ import annotations

from buckets import queries
from buckets.access import get_bucket
from iam.principals import Principal
from kernel import auditing
from kernel.auditing import audited
from kernel.database.commit import commit
from kernel.errors import InvalidArgument
from kernel.results import BucketInfo

# S3 has no such action: policies name it under this store's own vendor.
PUT_QUOTA = "objectstore:PutBucketQuota"
GET_QUOTA = "s3:ListBucket"


def get_bucket_quota(principal: Principal, name: str) -> BucketInfo:
    """Give a bucket, with its quota."""
    return get_bucket(principal, GET_QUOTA, name)


@audited()
def put_bucket_quota(
    principal: Principal,
    name: str,
    *,
    quota_bytes: int | None,
    quota_objects: int | None,
) -> None:
    """Set what a bucket may hold; None is without bound.

    What it holds already stays. Raises InvalidArgument for less than nothing.
    """
    bucket = get_bucket(principal, PUT_QUOTA, name)
    for quota in (quota_bytes, quota_objects):
        if quota is not None and not 0 <= quota < 2**63:
            raise InvalidArgument("A quota is a whole number, not below zero.")

    auditing.tell(
        before={"bytes": bucket.quota_bytes, "objects": bucket.quota_objects},
        after={"bytes": quota_bytes, "objects": quota_objects},
    )
    commit(
        lambda: queries.update(
            bucket.id, quota_bytes=quota_bytes, quota_objects=quota_objects
        )
    )
