"""The buckets table, read and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from blobs import queries as blob_queries
from buckets.models import Bucket, BucketUsage, KeyValueBucket
from iam.models import Account
from kernel.database.rows import fetch_one
from kernel.results import BucketInfo, Owner, Usage

# How many counter rows a bucket has; the trigger on the versions table knows too.
USAGE_SHARDS = {"sqlite": 1, "postgresql": 8}

SELECT = """
    SELECT b.id, b.name, b.uuid, b.owner_id, b.region, b.storage_class, b.versioning,
        b.has_object_lock, b.configurations, b.quota_bytes, b.quota_objects,
        b.created_at, b.revision, a.canonical_id, a.name
    FROM buckets_bucket b JOIN iam_account a ON a.id = b.owner_id
"""


MOST_RECALLED = 10_000
# Buckets as this process last read them, by name.
_recalled: dict[str, BucketInfo] = {}


def get(name: str) -> BucketInfo | None:
    """Find a bucket (raw: 30 us; by the ORM 210 us)."""
    row = fetch_one(SELECT + "WHERE b.name = %s", [name])
    if row is None:
        _recalled.pop(name, None)
        return None
    if len(_recalled) >= MOST_RECALLED:
        _recalled.clear()
    bucket = _recalled[name] = BucketInfo._make(row)
    return bucket


def recall(name: str) -> BucketInfo | None:
    """Give a bucket as it was last read here, without a query.

    It may have changed since: whoever acts on it has its revision checked by the
    statement that reads or writes, and refuses nothing on its word.
    """
    return _recalled.get(name)


def known(name: str) -> BucketInfo | None:
    """Give a bucket as it was last read here, or else read it."""
    return recall(name) or get(name)


def get_by_id(bucket_id: int) -> BucketInfo | None:
    row = fetch_one(SELECT + "WHERE b.id = %s", [bucket_id])
    return None if row is None else BucketInfo._make(row)


def page(
    *,
    start: str,
    end: str,
    limit: int,
    owner_id: int | None = None,
    region: str = "",
) -> list[BucketInfo]:
    """List buckets by name from `start` up to `end` ("" is open)."""
    conditions, values = ["b.name >= %s"], [start]
    for condition, value in (
        ("b.name < %s", end),
        ("b.owner_id = %s", owner_id),
        ("b.region = %s", region),
    ):
        if value:
            conditions.append(condition)
            values.append(value)
    with connection.cursor() as cursor:
        cursor.execute(
            f"{SELECT} WHERE {' AND '.join(conditions)} ORDER BY b.name LIMIT %s",
            [*values, limit],
        )
        return [BucketInfo._make(row) for row in cursor.fetchall()]


def add(
    *,
    name: str,
    owner_id: int,
    region: str,
    storage_class: str,
    versioning: str,
    has_object_lock: bool,
    configurations: Mapping[str, Any],
    now: datetime,
) -> bool:
    """Add a bucket and its counters; False when the name is taken."""
    try:
        with transaction.atomic():
            bucket = Bucket.objects.create(
                name=name,
                owner_id=owner_id,
                region=region,
                storage_class=storage_class,
                versioning=versioning,
                has_object_lock=has_object_lock,
                configurations=dict(configurations),
                created_at=now,
            )
    except IntegrityError:
        return False
    BucketUsage.objects.bulk_create(
        BucketUsage(bucket=bucket, shard=shard)
        for shard in range(USAGE_SHARDS[connection.vendor])
    )
    return True


def lock(bucket_id: int) -> BucketInfo | None:
    """Read a bucket and keep others from changing it until the transaction ends."""
    if connection.vendor == "postgresql":
        Bucket.objects.select_for_update().filter(pk=bucket_id).first()
    return get_by_id(bucket_id)


def is_still(bucket: BucketInfo) -> bool:
    """Tell whether a bucket is there, and as it was read."""
    return (
        fetch_one(
            "SELECT 1 FROM buckets_bucket WHERE id = %s AND revision = %s",
            [bucket.id, bucket.revision],
        )
        is not None
    )


def hold(bucket_id: int) -> bool:
    """Keep a bucket from being deleted until the transaction ends; False if it has
    gone. For rows that name it: a foreign key that fails at the commit says no reason.
    """
    lock = " FOR KEY SHARE" if connection.vendor == "postgresql" else ""
    found = fetch_one("SELECT 1 FROM buckets_bucket WHERE id = %s" + lock, [bucket_id])
    return found is not None


def set_configuration(bucket_id: int, kind: str, document: Any) -> None:
    """Set one configuration, or remove it with None. The bucket must be locked."""
    bucket = Bucket.objects.only("configurations").get(pk=bucket_id)
    documents = {**bucket.configurations, kind: document}
    if document is None:
        del documents[kind]
    bucket.configurations = documents
    bucket.save(update_fields=["configurations"])


def update(bucket_id: int, **fields: Any) -> None:
    Bucket.objects.filter(pk=bucket_id).update(**fields)


def delete(bucket_id: int) -> None:
    Bucket.objects.filter(pk=bucket_id).delete()


def has_versions(bucket_id: int) -> bool:
    """Tell whether anything, even a delete marker, is left in a bucket.

    By both indexes of keys: on SQLite none has all versions.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM objects_objectversion WHERE bucket_id = %s"
            " AND is_latest AND NOT is_delete_marker"
            " UNION ALL SELECT 1 FROM objects_objectversion WHERE bucket_id = %s"
            " AND (is_delete_marker OR NOT is_latest) LIMIT 1",
            [bucket_id, bucket_id],
        )
        return cursor.fetchone() is not None


def give_up_uploads(bucket_id: int, now: datetime) -> None:
    """Remove a bucket's uploads; the sweep follows their composite blobs down."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM objects_multipartupload WHERE bucket_id = %s"
            " RETURNING blob_id",
            [bucket_id],
        )
        blob_ids = [row[0] for row in cursor.fetchall()]
    blob_queries.free(blob_ids, now)


def usage(bucket_id: int) -> Usage:
    """Sum a bucket's counters: exact as of this query."""
    sums = BucketUsage.objects.filter(bucket_id=bucket_id).aggregate(
        **{name: Sum(name) for name in Usage.__dataclass_fields__}
    )
    return Usage(**{name: value or 0 for name, value in sums.items()})


def count_of_account(account_id: int) -> int:
    return Bucket.objects.filter(owner_id=account_id).count()


def owners(account_ids: Iterable[int]) -> dict[int, Owner]:
    """Name the accounts behind listed rows, in one query."""
    ids = list(set(account_ids))
    if not ids:
        return {}
    marks = ", ".join(["%s"] * len(ids))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, canonical_id, name FROM iam_account WHERE id IN ({marks})",
            ids,
        )
        return {row[0]: Owner(row[1], row[2]) for row in cursor.fetchall()}


def canonical_owners(canonical_ids: Iterable[str]) -> dict[str, Owner]:
    """Name the accounts behind an ACL's grants, in one query."""
    accounts = Account.objects.filter(canonical_id__in=set(canonical_ids))
    return {
        canonical_id: Owner(canonical_id, name)
        for canonical_id, name in accounts.values_list("canonical_id", "name")
    }


def account_by_email(email: str) -> str | None:
    """Give the canonical id of the account with this address."""
    return (
        Account.objects.filter(email__iexact=email)
        .exclude(email="")
        .values_list("canonical_id", flat=True)
        .first()
    )


def account_names(account_id: int) -> frozenset[str]:
    """Give the names an account goes by in requests: its number and canonical id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT number, canonical_id FROM iam_account WHERE id = %s", [account_id]
        )
        return frozenset(cursor.fetchone() or ())


def account_number(account_id: int) -> str:
    row = fetch_one("SELECT number FROM iam_account WHERE id = %s", [account_id])
    return "" if row is None else str(row[0])


def key_value_bucket(account_id: int) -> str | None:
    """Name the bucket of an account's key-value dialect, if it has one yet."""
    return (
        KeyValueBucket.objects.filter(account_id=account_id)
        .values_list("bucket__name", flat=True)
        .first()
    )


def set_key_value_bucket(account_id: int, bucket_id: int) -> None:
    KeyValueBucket.objects.update_or_create(
        account_id=account_id, defaults={"bucket_id": bucket_id}
    )
