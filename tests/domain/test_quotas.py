"""What a bucket with a quota takes when it is full."""

from __future__ import annotations

import pytest
from django.utils import timezone

from buckets.operations import put_bucket_versioning
from buckets.quotas import put_bucket_quota
from kernel.bodies import Body
from kernel.errors import QuotaExceeded
from objects.copies import CopySource, copy_object, rename_object
from objects.listings import list_objects
from objects.operations import delete_object, put_object

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def put(root, bucket):
    def call(key, size):
        body = Body.of(b"x" * size)
        return put_object(root, bucket, key, body=body, now=timezone.now())

    return call


@pytest.fixture
def full(root, bucket, put):
    """A bucket of 100 bytes in two objects, which may hold no more."""
    put("one", 60)
    put("two", 40)
    put_bucket_quota(root, bucket, quota_bytes=100, quota_objects=2)
    return bucket


def sizes(root, bucket):
    return {one.key: one.size for one in list_objects(root, bucket).contents}


def test_what_is_replaced_makes_room_for_what_replaces_it(root, full, put):
    put("one", 60)
    put("two", 30)
    put("one", 70)
    assert sizes(root, full) == {"one": 70, "two": 30}
    with pytest.raises(QuotaExceeded):
        put("two", 31)
    with pytest.raises(QuotaExceeded):
        put("three", 0)


def test_a_bucket_over_its_quota_may_shrink(root, full, put):
    put_bucket_quota(root, full, quota_bytes=50, quota_objects=1)
    put("one", 59)
    with pytest.raises(QuotaExceeded):
        put("one", 60)


def test_copies_and_renames_within_a_full_bucket(root, full):
    def copy(source, key):
        copy_object(root, CopySource(full, source), full, key, now=timezone.now())

    with pytest.raises(QuotaExceeded):
        copy("one", "three")
    with pytest.raises(QuotaExceeded):
        copy("one", "two")
    rename_object(root, full, "two", "three", now=timezone.now())
    copy("three", "one")
    rename_object(root, full, "one", "three", now=timezone.now())
    assert sizes(root, full) == {"three": 40}


def test_versions_that_stay_take_room(root, full, put):
    put_bucket_versioning(root, full, "Enabled")
    with pytest.raises(QuotaExceeded):
        put("one", 0)
    put_bucket_quota(root, full, quota_bytes=100, quota_objects=10)
    with pytest.raises(QuotaExceeded):
        put("one", 1)
    with pytest.raises(QuotaExceeded):
        rename_object(root, full, "two", "three", now=timezone.now())
    put_bucket_versioning(root, full, "Suspended")
    put("one", 60)


def test_a_delete_marker_leaves_no_room(root, full, put):
    put_bucket_versioning(root, full, "Suspended")
    delete_object(root, full, "two", now=timezone.now())
    put("two", 40)
    put_bucket_quota(root, full, quota_bytes=100, quota_objects=2)
    with pytest.raises(QuotaExceeded):
        put("two", 41)
