"""A sweep beside uploads that take longer than it waits for them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, storages
from django.utils import timezone

from blobs import store
from blobs.models import Blob
from kernel.bodies import Body
from kernel.errors import ServiceUnavailable
from objects.models import ObjectVersion
from objects.operations import get_object, put_object

pytestmark = pytest.mark.django_db

NO_TIME = timedelta()


@pytest.fixture(autouse=True)
def stored(settings: Any) -> None:
    settings.OBJECTSTORE_INLINE_MAX = 0


def sweep() -> store.Swept:
    now = timezone.now() + timedelta(days=2)
    return store.sweep(now=now, free_grace=NO_TIME, pending_grace=NO_TIME)


def files() -> list[Path]:
    folder = Path(storages["standard"].location)  # type: ignore[attr-defined]
    return [one for one in folder.rglob("*") if one.is_file()]


def put(root: Any, bucket: str, body: Body | None = None) -> None:
    body = body or Body.of(b"bytes")
    put_object(root, bucket, "key", body=body, now=timezone.now())


def test_what_goes_live_while_it_is_swept_is_kept_or_refused(
    root: Any, bucket: str, monkeypatch: Any
) -> None:
    """The upload ends just when its file is being deleted."""
    now = timezone.now()
    written = store.write(Body.of(b"bytes"), "standard", now=now)
    lived = []

    def delete_late(self: Any, path: str) -> None:
        try:
            lived.append(written.record(now))
        except ServiceUnavailable:
            lived.append(None)
        Path(self.path(path)).unlink()

    monkeypatch.setattr(type(storages["standard"]), "delete", delete_late)
    sweep()
    assert lived == [None]
    assert not Blob.objects.exists()


def test_an_upload_that_a_sweep_gave_up_leaves_no_file(
    root: Any, bucket: str, monkeypatch: Any
) -> None:
    """As with S3, the file is there once all of it is."""
    kind = type(storages["standard"])
    save = kind._save

    def save_at_end(self: Any, name: str, content: Any) -> Any:
        return save(self, name, ContentFile(content.read()))

    monkeypatch.setattr(kind, "_save", save_at_end)
    before = set(files())
    chunks = iter([b"by", b"tes"])

    def read(size: int) -> bytes:
        chunk = next(chunks, b"")
        if chunk == b"tes":
            sweep()
        return chunk

    with pytest.raises(ServiceUnavailable):
        put(root, bucket, Body(read, 5))
    assert set(files()) == before
    assert not ObjectVersion.objects.exists()
    assert not Blob.objects.exists()


def test_what_was_committed_after_all_keeps_its_bytes(root: Any, bucket: str) -> None:
    """The connection broke while it committed: nobody knows, and it had."""
    now = timezone.now()
    written = store.write(Body.of(b"bytes"), "standard", now=now)
    written.record(now)
    store.discard(written, now)
    assert len(files()) == 1
    assert Blob.objects.get().state == "live"


def test_reading_goes_on_beside_a_sweep(root: Any, bucket: str) -> None:
    put(root, bucket)
    sweep()
    assert b"".join(get_object(root, bucket, "key").chunks) == b"bytes"


def test_the_storage_is_a_folder() -> None:
    """Else the tests above would count no files."""
    assert isinstance(storages["standard"], FileSystemStorage)
