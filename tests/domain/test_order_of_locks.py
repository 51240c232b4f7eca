"""Writers of PostgreSQL that want the same things wait for each other in one order."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from buckets.access import find_bucket
from buckets.quotas import put_bucket_quota
from kernel.bodies import Body
from kernel.errors import QuotaExceeded
from kernel.results import ObjectAttributes
from objects import queries
from objects.copies import CopySource, copy_object
from objects.listings import list_objects
from objects.operations import ObjectIdentifier, delete_objects, head_object, put_object

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        "connection.vendor == 'sqlite'", reason="SQLite lets one writer in at a time"
    ),
]
# Longer than PostgreSQL waits before it looks for a deadlock: whoever waits next is
# told of one.
LONG = 1.5


def put(root, bucket, key, data=b"bytes"):
    put_object(root, bucket, key, body=Body.of(data), now=timezone.now())


class Beside:
    """Something that another thread does, and has had time to begin."""

    def __init__(self, work):
        self.work = work
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        self.thread.join(timeout=LONG)

    def run(self):
        try:
            self.work()
        finally:
            connection.close()


def test_deletions_lock_all_their_keys_before_the_first_is_gone(root, bucket):
    put(root, bucket, "c")
    keys = [ObjectIdentifier("c"), ObjectIdentifier("b")]
    with transaction.atomic():
        put(root, bucket, "b")
        beside = Beside(lambda: delete_objects(root, bucket, keys, now=timezone.now()))
        put(root, bucket, "c", b"others")
    beside.thread.join()
    assert list_objects(root, bucket).contents == []


def test_a_copy_onto_itself_holds_no_bytes_while_it_waits_for_the_key(root, bucket):
    put(root, bucket, "key")

    def change():
        copy_object(
            root,
            CopySource(bucket, "key"),
            bucket,
            "key",
            attributes=ObjectAttributes(metadata={"of": "the copy"}),
            replaces_metadata=True,
            now=timezone.now(),
        )

    with transaction.atomic():
        queries.lock_key(find_bucket(bucket).id, "key")
        beside = Beside(change)
        put(root, bucket, "key", b"others")
    beside.thread.join()
    info = head_object(root, bucket, "key").info
    assert (info.size, info.metadata) == (6, {"of": "the copy"})


def test_writers_that_come_at_once_do_not_pass_a_quota_together(root, bucket):
    put_bucket_quota(root, bucket, quota_bytes=None, quota_objects=1)
    refusals = []

    def put_one_more():
        try:
            put(root, bucket, "two")
        except QuotaExceeded as error:
            refusals.append(error)

    with transaction.atomic():
        put(root, bucket, "one")
        beside = Beside(put_one_more)
    beside.thread.join()
    assert len(refusals) == 1
    assert [one.key for one in list_objects(root, bucket).contents] == ["one"]
