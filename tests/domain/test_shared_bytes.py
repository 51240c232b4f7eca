"""Bytes that several versions name, while writers of PostgreSQL run side by side."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from blobs import queries as blob_queries
from blobs.models import Blob
from kernel.bodies import Body
from objects.copies import CopySource, copy_object
from objects.models import ObjectVersion
from objects.operations import delete_object, put_object

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        "connection.vendor == 'sqlite'", reason="SQLite lets one writer in at a time"
    ),
]


@pytest.fixture
def shared(root, bucket, settings):
    """Two versions of one blob."""
    settings.OBJECTSTORE_INLINE_MAX = 0
    put_object(root, bucket, "one", body=Body.of(b"bytes"), now=timezone.now())
    copy_object(root, CopySource(bucket, "one"), bucket, "two", now=timezone.now())
    return Blob.objects.get()


def deletion(root, bucket, key):
    def delete() -> None:
        delete_object(root, bucket, key, now=timezone.now())
        connection.close()

    return threading.Thread(target=delete)


def test_a_copy_under_way_keeps_the_bytes(root, bucket, shared):
    delete_object(root, bucket, "two", now=timezone.now())
    copy = ObjectVersion.objects.get()
    with transaction.atomic():
        assert blob_queries.hold(shared.pk)
        copy.pk, copy.key = None, "three"
        copy.save(force_insert=True)
        other = deletion(root, bucket, "one")
        other.start()
        other.join(timeout=1)
    other.join()
    shared.refresh_from_db()
    assert shared.state == "live"


def test_the_last_of_two_deletions_frees_the_bytes(root, bucket, shared):
    with transaction.atomic():
        delete_object(root, bucket, "one", now=timezone.now())
        other = deletion(root, bucket, "two")
        other.start()
        other.join(timeout=1)
    other.join()
    shared.refresh_from_db()
    assert shared.state == "freed"
