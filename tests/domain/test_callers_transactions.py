"""Writes inside a transaction of the caller's: kept with it, or swept after it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from blobs import intents, store
from blobs.models import Blob, BlobState
from blobs.storage import LocalBlobStorage
from kernel.bodies import Body
from kernel.conditions import Conditions
from kernel.errors import (
    IncompleteBody,
    NoSuchKey,
    PreconditionFailed,
    ServiceUnavailable,
)
from objects.operations import delete_object, get_object, put_object

LARGE = b"x" * 100_000

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def undone():
    """A transaction of the caller's that is rolled back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def put(root, bucket, key, data=LARGE, **options):
    body = data if isinstance(data, Body) else Body.of(data)
    return put_object(root, bucket, key, body=body, now=timezone.now(), **options)


def read(root, bucket, key):
    return b"".join(get_object(root, bucket, key).chunks)


def sweep(later=timedelta(days=2)):
    return store.sweep(now=timezone.now() + later)


@pytest.fixture
def files(tmp_path):
    def count():
        return sum(path.is_file() for path in (tmp_path / "blobs").rglob("*"))

    return count


def test_what_is_undone_is_swept_and_not_before_its_time(root, bucket, files):
    with undone():
        put(root, bucket, "large")
        put(root, bucket, "small", b"small")
        assert read(root, bucket, "large") == LARGE
    for key in ("large", "small"):
        with pytest.raises(NoSuchKey):
            get_object(root, bucket, key)
    assert files() == 1
    assert sweep(timedelta(hours=1)).blobs == 0
    assert files() == 1
    assert sweep().blobs == 1
    assert files() == 0
    assert not Blob.objects.exists()
    assert intents.notes() == []


def test_what_is_committed_stays(root, bucket, files):
    with transaction.atomic():
        put(root, bucket, "large")
    assert intents.notes() == []
    assert not Blob.objects.exclude(state=BlobState.LIVE).exists()
    assert sweep().blobs == 0
    assert read(root, bucket, "large") == LARGE
    assert files() == 1


def test_a_note_of_what_was_committed_after_all_does_no_harm(root, bucket):
    """The process may end between the commit and the removal of the note."""
    if connection.vendor != "sqlite":
        pytest.skip("notes are SQLite's")
    put(root, bucket, "large")
    blob = Blob.objects.get()
    with undone():
        intents.take_note(blob.storage_class, blob.path, timezone.now())
    assert len(intents.notes()) == 1
    assert sweep().blobs == 0
    assert intents.notes() == []
    assert read(root, bucket, "large") == LARGE


def test_replacing_and_deleting_are_undone_too(root, bucket, files):
    put(root, bucket, "key", b"1" * 50_000)
    put(root, bucket, "deleted", b"2" * 50_000)
    with undone():
        put(root, bucket, "key")
        delete_object(root, bucket, "deleted", now=timezone.now())
    sweep()
    assert read(root, bucket, "key") == b"1" * 50_000
    assert read(root, bucket, "deleted") == b"2" * 50_000
    assert files() == 2


def test_a_refusal_leaves_the_transaction_usable(root, bucket, files):
    put(root, bucket, "key", b"first")
    with transaction.atomic():
        with pytest.raises(PreconditionFailed):
            put(root, bucket, "key", conditions=Conditions(if_none_match="*"))
        with pytest.raises(IncompleteBody):
            put(root, bucket, "cut", Body(lambda size: b"", 50_000))
        put(root, bucket, "other")
    sweep()
    assert read(root, bucket, "key") == b"first"
    assert read(root, bucket, "other") == LARGE
    assert files() == 1


def test_a_storage_that_fails_leaves_nothing(root, bucket, monkeypatch):
    def fail(self, name, content):
        raise OSError("the disk went away")

    monkeypatch.setattr(LocalBlobStorage, "_save", fail)
    with pytest.raises(ServiceUnavailable), transaction.atomic():
        put(root, bucket, "key")
    sweep()
    assert not Blob.objects.exists()
    assert intents.notes() == []
