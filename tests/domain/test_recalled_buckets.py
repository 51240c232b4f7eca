"""What another process does to a bucket counts for the very next read and write."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from buckets import operations, queries
from buckets.configurations import Configuration
from buckets.models import Bucket
from buckets.quotas import put_bucket_quota
from iam.models import Account
from kernel.bodies import Body
from kernel.checksums import ChecksumAlgorithm
from kernel.conditions import Conditions
from kernel.errors import (
    AccessDenied,
    NoSuchBucket,
    NoSuchKey,
    PreconditionFailed,
    QuotaExceeded,
)
from kernel.results import ObjectInfo
from objects.operations import get_object, put_object

pytestmark = pytest.mark.django_db(transaction=True)

NOW = timezone.now()
DATA = b"some bytes"
ENCRYPTED = {
    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
}


@contextmanager
def elsewhere() -> Iterator[None]:
    """Let something happen in another process, of which this one hears nothing."""
    recalled = dict(queries._recalled)
    yield
    queries._recalled.clear()
    queries._recalled.update(recalled)


def put(
    principal: Any, key: str = "key", body: Body | None = None, **more: Any
) -> ObjectInfo:
    body = body or Body.of(DATA)
    return put_object(principal, "bucket", key, body=body, now=NOW, **more)


def get(principal: Any, key: str = "key") -> bytes:
    return b"".join(get_object(principal, "bucket", key).chunks)


def policy(effect: str, arn: str) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": effect,
                    "Principal": {"AWS": arn},
                    "Action": ["s3:PutObject", "s3:GetObject"],
                    "Resource": "arn:aws:s3:::bucket/*",
                }
            ],
        }
    )


def bucket_queries_of(act: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as seen:
        act()
    return sum("JOIN iam_account" in one["sql"] for one in seen)


def test_a_small_write_and_a_read_ask_for_no_bucket(root: Any, bucket: str) -> None:
    queries._recalled.clear()
    assert bucket_queries_of(lambda: put(root)) == 1
    assert bucket_queries_of(lambda: put(root)) == 0
    assert bucket_queries_of(lambda: get(root)) == 0


def test_a_denial_and_a_grant_count_at_once(
    root: Any, make_principal: Any, bucket: str
) -> None:
    ada = make_principal("ada")
    with elsewhere():
        operations.put_bucket_policy(root, bucket, policy("Allow", ada.arn))
    put(ada)
    assert get(ada) == DATA
    with elsewhere():
        operations.put_bucket_policy(root, bucket, policy("Deny", ada.arn))
    with pytest.raises(AccessDenied):
        put(ada, "denied")
    with elsewhere(), pytest.raises(AccessDenied):
        get(ada)
    with pytest.raises(AccessDenied):
        get(ada)
    with pytest.raises(NoSuchKey):
        get(root, "denied")


def test_versions_begin_at_once(root: Any, bucket: str) -> None:
    first = put(root)
    with elsewhere():
        operations.put_bucket_versioning(root, bucket, "Enabled")
    assert (first.is_null, put(root).is_null) == (True, False)


def test_a_quota_counts_at_once(root: Any, bucket: str) -> None:
    put(root)
    with elsewhere():
        put_bucket_quota(root, bucket, quota_bytes=None, quota_objects=1)
    with pytest.raises(QuotaExceeded):
        put(root, "one more")
    with elsewhere():
        put_bucket_quota(root, bucket, quota_bytes=None, quota_objects=2)
    put(root, "one more")


def test_bytes_are_sealed_from_the_moment_that_they_are_to_be(
    root: Any, bucket: str
) -> None:
    put(root, "before")
    with elsewhere():
        operations.put_configuration(root, bucket, Configuration.ENCRYPTION, ENCRYPTED)
    body = Body(Body.of(DATA).read, len(DATA), algorithms=(ChecksumAlgorithm.CRC32C,))
    sealed = put(root, body=body)
    assert sealed.encryption
    assert sealed.checksum is not None
    assert sealed.checksum["algorithm"] == "CRC32C"
    assert get(root) == DATA


def test_a_bucket_that_has_gone_is_not_there(root: Any, bucket: str) -> None:
    with elsewhere():
        operations.delete_bucket(root, bucket, now=NOW)
    for act in (put, get):
        with pytest.raises(NoSuchBucket):
            act(root)


def test_conditions_are_of_the_bucket_that_is_there(root: Any, bucket: str) -> None:
    queries.get(bucket)
    with elsewhere():
        operations.delete_bucket(root, bucket, now=NOW)
        operations.create_bucket(root, bucket, now=NOW)
        etag = put(root).etag
    put(root, conditions=Conditions(if_match=f'"{etag}"'))
    with pytest.raises(PreconditionFailed):
        put(root, conditions=Conditions(if_none_match="*"))


def test_a_bucket_of_the_same_name_is_another(
    root: Any, other_root: Any, bucket: str
) -> None:
    queries.get(bucket)
    with elsewhere():
        operations.delete_bucket(root, bucket, now=NOW)
        operations.create_bucket(other_root, bucket, now=NOW)
    with elsewhere(), pytest.raises(AccessDenied):
        put(root)
    with pytest.raises(AccessDenied):
        get(root)
    assert put(other_root).owner_id == other_root.account_id


def test_every_change_of_a_bucket_draws_a_revision(
    other_root: Any, bucket: str
) -> None:
    row = Bucket.objects.get(name=bucket)
    others = {
        "owner": Account.objects.get(pk=other_root.account_id),
        "versioning": "Enabled",
        "configurations": {"tagging": {}},
        "created_at": NOW,
    }
    for field in Bucket._meta.concrete_fields:
        if field.name in {"id", "revision"}:
            continue
        before = Bucket.objects.values_list("revision", flat=True).get(pk=row.pk)
        value = others.get(field.name, getattr(row, field.name))
        Bucket.objects.filter(pk=row.pk).update(**{field.name: value})
        after = Bucket.objects.values_list("revision", flat=True).get(pk=row.pk)
        assert after != before, field.name
