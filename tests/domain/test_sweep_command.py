"""`manage.py sweep`: what it removes, what it leaves, and when."""

from __future__ import annotations

import io
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from blobs import queries, store
from blobs.models import Blob
from kernel.bodies import Body
from objects.operations import delete_object, put_object

pytestmark = pytest.mark.django_db

LARGE = b"x" * 20_000


def sweep(**options: int) -> str:
    written = io.StringIO()
    call_command("sweep", stdout=written, **options)
    return written.getvalue().strip()


def put(root, bucket, key, now):
    body = Body(io.BytesIO(LARGE).read, len(LARGE))
    put_object(root, bucket, key, body=body, now=now)


def files(tmp_path: Path) -> int:
    return sum(one.is_file() for one in (tmp_path / "blobs").rglob("*"))


def test_what_is_deleted_goes_after_its_grace(root, bucket, tmp_path, settings):
    settings.OBJECTSTORE_FREE_GRACE_SECONDS = 600
    now = timezone.now()
    put(root, bucket, "kept", now)
    put(root, bucket, "fresh", now)
    put(root, bucket, "old", now)
    delete_object(root, bucket, "fresh", now=now)
    delete_object(root, bucket, "old", now=now - timedelta(seconds=601))
    assert files(tmp_path) == 3
    assert sweep() == "1 blobs removed, 20000 bytes freed"
    assert files(tmp_path) == 2
    assert sweep(grace=0) == "1 blobs removed, 20000 bytes freed"
    assert files(tmp_path) == 1
    assert sweep(grace=0) == "0 blobs removed, 0 bytes freed"


def test_what_a_crash_left_goes_after_its_own_grace(root, bucket, tmp_path):
    now = timezone.now()
    path = store.new_path()
    queries.add_pending("standard", path, now - timedelta(hours=1))
    file = tmp_path / "blobs" / "standard" / path
    file.parent.mkdir(parents=True)
    file.write_bytes(b"half a body")
    sweep()
    assert file.exists()
    sweep(grace=0)
    assert not file.exists()
    assert not Blob.objects.exists()


def test_a_crash_before_the_first_byte_leaves_no_file_to_remove(db):
    now = timezone.now()
    queries.add_pending("standard", store.new_path(), now - timedelta(hours=1))
    assert sweep(grace=0) == "1 blobs removed, 0 bytes freed"


def test_a_grace_in_the_past_is_refused(db):
    with pytest.raises(CommandError, match="negative"):
        sweep(grace=-1)


def extra_files(**options: bool) -> str:
    written = io.StringIO()
    call_command("extra_files", stdout=written, **options)
    return written.getvalue()


def test_files_that_no_row_names_are_listed_and_deleted(
    root, bucket, tmp_path, settings
):
    settings.OBJECTSTORE_PENDING_GRACE_SECONDS = 3600
    for key in ("kept", "forgotten"):
        put(root, bucket, key, timezone.now())
    forgotten = Blob.objects.order_by("pk").last()
    stray = tmp_path / "blobs" / "standard" / forgotten.path
    # A database of before the second upload.
    delete_object(root, bucket, "forgotten", now=timezone.now())
    Blob.objects.filter(pk=forgotten.pk).delete()
    (tmp_path / "blobs" / "standard" / "ab").mkdir(exist_ok=True)
    foreign = tmp_path / "blobs" / "standard" / "ab" / "notes.txt"
    foreign.write_text("not the store's")
    # It may be of an upload that goes on just now.
    assert "standard: 0 extra files" in extra_files(delete=True)
    for path in (tmp_path / "blobs").rglob("*"):
        if path.is_file():
            os.utime(path, (0, 0))
    found = extra_files()
    assert f"standard: 1 extra files found, {len(LARGE)} bytes" in found
    assert str(stray) in found
    assert stray.exists()
    assert "standard: 1 extra files deleted" in extra_files(delete=True)
    assert not stray.exists()
    assert foreign.exists()
    assert files(tmp_path) == 2
