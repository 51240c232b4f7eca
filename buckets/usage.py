"""What buckets hold, for many at once, and finding them by a part of their name."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from django.db.models import Count, ExpressionWrapper, F, FloatField, Q, Sum

from buckets.access import is_allowed
from buckets.models import Bucket, BucketUsage
from buckets.queries import get_by_id, page
from iam.access import check_may
from iam.principals import Principal
from kernel.results import BucketInfo, Usage

# How many of an account's buckets are looked at for those that one may list.
MOST_LOOKED_AT = 10_000
COUNTERS = tuple(Usage.__dataclass_fields__)
EMPTY = Usage(0, 0, 0, 0, 0)


def usage_of_buckets(
    principal: Principal, listed: Iterable[BucketInfo]
) -> dict[str, Usage]:
    """Give what each bucket holds, in one query; left out are those it may not list."""
    names = {
        bucket.id: bucket.name
        for bucket in listed
        if is_allowed(principal, "s3:ListBucket", bucket)
    }
    rows = (
        BucketUsage.objects.filter(bucket_id__in=names)
        .values("bucket_id")
        .annotate(**{f"sum_{name}": Sum(name) for name in COUNTERS})
    )
    found = {
        names[row["bucket_id"]]: Usage(
            **{name: row[f"sum_{name}"] or 0 for name in COUNTERS}
        )
        for row in rows
    }
    return {name: found.get(name, EMPTY) for name in names.values()}


def usage_of_account(principal: Principal) -> tuple[int, Usage]:
    """Count the account's buckets and all that they hold. Raises AccessDenied."""
    check_may(principal, "s3:ListAllMyBuckets")
    buckets = Bucket.objects.filter(owner_id=principal.account_id)
    sums = BucketUsage.objects.filter(bucket__owner_id=principal.account_id).aggregate(
        **{name: Sum(name) for name in COUNTERS}
    )
    count = buckets.aggregate(count=Count("pk"))["count"]
    return count, Usage(**{name: value or 0 for name, value in sums.items()})


def largest_buckets(
    principal: Principal, most: int, *, by: str = "size"
) -> list[tuple[str, Usage]]:
    """List the account's buckets that hold the most: by "size", or by "count".

    All versions count. Raises AccessDenied.
    """
    check_may(principal, "s3:ListAllMyBuckets")
    rows = (
        BucketUsage.objects.filter(bucket__owner_id=principal.account_id)
        .values("bucket__name")
        .annotate(
            **{f"sum_{name}": Sum(name) for name in COUNTERS},
            weight=Sum(f"objects_{by}") + Sum(f"versions_{by}"),
        )
        .order_by("-weight", "bucket__name")[:most]
    )
    return [
        (
            row["bucket__name"],
            Usage(**{name: row[f"sum_{name}"] or 0 for name in COUNTERS}),
        )
        for row in rows
    ]


def buckets_near_quota(
    principal: Principal, percent: int, most: int
) -> list[BucketInfo]:
    """List the account's buckets that hold so much of a quota. Raises AccessDenied."""
    check_may(principal, "s3:ListAllMyBuckets")
    near = Bucket.objects.filter(owner_id=principal.account_id).annotate(
        bytes_held=Sum(F("usage__objects_size") + F("usage__versions_size")),
        objects_held=Sum(F("usage__objects_count") + F("usage__versions_count")),
    )
    bounds = {
        f"{kind}_held__gte": ExpressionWrapper(
            F(f"quota_{kind}") * (percent / 100), FloatField()
        )
        for kind in ("bytes", "objects")
    }
    either = Q(*bounds.items(), _connector=Q.OR)
    ids = near.filter(either).order_by("name").values_list("pk", flat=True)[:most]
    found = [get_by_id(bucket_id) for bucket_id in ids]
    return [bucket for bucket in found if bucket is not None]


def find_buckets(principal: Principal, text: str, most: int) -> list[BucketInfo]:
    """Find the account's buckets with `text` in their name. Raises AccessDenied."""
    check_may(principal, "s3:ListAllMyBuckets")
    ids = (
        Bucket.objects.filter(owner_id=principal.account_id, name__contains=text)
        .order_by("name")
        .values_list("pk", flat=True)[:most]
    )
    found = [get_by_id(bucket_id) for bucket_id in ids]
    return [bucket for bucket in found if bucket is not None]


def reachable_buckets(principal: Principal, most: int) -> list[BucketInfo]:
    """List the account's buckets that the principal may list objects in, by name.

    Unlike ListBuckets, this is allowed to everybody: nothing else is told.
    """
    if principal.account_id is None:
        return []
    rows = page(start="", end="", limit=MOST_LOOKED_AT, owner_id=principal.account_id)
    allowed = (one for one in rows if is_allowed(principal, "s3:ListBucket", one))
    return list(islice(allowed, most))
