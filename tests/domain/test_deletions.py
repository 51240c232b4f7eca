"""What changes between a deletion's asking and its doing."""

from __future__ import annotations

import pytest
from django.utils import timezone

from buckets.operations import put_bucket_versioning, put_object_lock_configuration
from kernel.bodies import Body
from objects import operations
from objects.operations import (
    ObjectIdentifier,
    delete_object,
    delete_objects,
    head_object,
    put_object,
)
from objects.retention import put_object_legal_hold

pytestmark = pytest.mark.django_db


def delete_one(root, bucket):
    delete_object(root, bucket, "key", now=timezone.now())


def delete_many(root, bucket):
    delete_objects(root, bucket, [ObjectIdentifier("key")], now=timezone.now())


@pytest.mark.parametrize("delete", [delete_one, delete_many])
def test_what_has_just_been_held_stays(root, bucket, monkeypatch, delete):
    """The bucket had no versions when the deletion was asked for."""
    put_object(root, bucket, "key", body=Body.of(b"held"), now=timezone.now())
    find_bucket = operations.find_bucket

    def held_meanwhile(name):
        monkeypatch.undo()
        found = find_bucket(name)
        put_bucket_versioning(root, bucket, "Enabled")
        put_object_lock_configuration(root, bucket, {"ObjectLockEnabled": "Enabled"})
        put_object_legal_hold(root, bucket, "key", is_held=True)
        return found

    monkeypatch.setattr(operations, "find_bucket", held_meanwhile)
    delete(root, bucket)
    assert head_object(root, bucket, "key", version_id="null").info.size == 4
