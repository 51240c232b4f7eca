"""Between store and storage: whose failure it was, and what becomes of it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, storages

from blobs import store
from blobs.models import Blob
from blobs.outages import REST, SLOW, Outages
from blobs.storage import MemoryBlobStorage, open_range
from kernel.bodies import Body
from kernel.errors import (
    EntityTooLarge,
    IncompleteBody,
    InsufficientStorage,
    ObjectStoreError,
    ServiceUnavailable,
)
from kernel.results import ObjectAttributes
from objects.operations import delete_object, get_object, put_object

NOW = datetime(2030, 3, 15, 10, 30, tzinfo=UTC)
DATA = os.urandom(600_000)


class StrangeError(Exception):
    """An error of a library that the store has never heard of."""


class Unwilling(MemoryBlobStorage):
    """Fails as its tests say."""

    failure: Exception | None = None

    def _save(self, name: str, content: Any) -> str:
        if self.failure is not None:
            content.read(1000)
            raise self.failure
        return super()._save(name, content)

    def open_range(self, path: str, start: int, length: int) -> Iterator[bytes]:
        yield b"x"
        assert self.failure is not None
        raise self.failure

    def delete(self, name: str) -> None:
        if self.failure is not None:
            raise self.failure
        super().delete(name)


class Renaming(InMemoryStorage):
    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return f"{name}_x"


class Halving(InMemoryStorage):
    """Is content with half of what it is given."""

    def _save(self, name: str, content: Any) -> str:
        return super()._save(name, ContentFile(content.read(content.size // 2)))


@pytest.fixture(autouse=True)
def _no_storage_rests() -> Iterator[None]:
    yield
    for name in ("cold", "standard"):
        store.outages.note_success(name)


@pytest.fixture
def behind_cold(settings: Any) -> Any:
    def put(storage: type) -> None:
        backend = f"{__name__}.{storage.__name__}"
        settings.STORAGES = {**settings.STORAGES, "cold": {"BACKEND": backend}}

    settings.OBJECTSTORE_INLINE_MAX = 0
    return put


def write(body: Body) -> store.WrittenBlob:
    return store.write(body, "cold", now=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("failure", "refusal"),
    [
        (StrangeError(), ServiceUnavailable),
        (OSError(), ServiceUnavailable),
        (TimeoutError(), ServiceUnavailable),
        (OSError(errno.ENOSPC, "full"), InsufficientStorage),
        (EntityTooLarge(), EntityTooLarge),
    ],
)
def test_failures_of_a_storage_are_refusals(
    monkeypatch: pytest.MonkeyPatch,
    behind_cold: Any,
    failure: Exception,
    refusal: type[ObjectStoreError],
) -> None:
    behind_cold(Unwilling)
    monkeypatch.setattr(Unwilling, "failure", failure)
    with pytest.raises(refusal):
        write(Body.of(DATA))
    assert list(Blob.objects.values_list("state", flat=True)) == ["freed"]


@pytest.mark.django_db
def test_failures_of_the_body_are_its_own(behind_cold: Any) -> None:
    behind_cold(MemoryBlobStorage)
    given = [DATA]
    with pytest.raises(IncompleteBody):
        write(Body(lambda size: given.pop() if given else b"", len(DATA) + 1))
    with pytest.raises(ConnectionResetError):
        write(Body(raise_reset, 10))


def raise_reset(size: int) -> bytes:
    raise ConnectionResetError


@pytest.mark.django_db
@pytest.mark.parametrize("storage", [Renaming, Halving])
def test_a_storage_that_does_something_else_is_not_trusted(
    behind_cold: Any, storage: type
) -> None:
    behind_cold(storage)
    with pytest.raises(ServiceUnavailable):
        write(Body.of(DATA))


@pytest.mark.django_db
def test_failures_while_reading_are_refusals(
    monkeypatch: pytest.MonkeyPatch, behind_cold: Any, caplog: pytest.LogCaptureFixture
) -> None:
    behind_cold(Unwilling)
    blob_id = write(Body.of(DATA)).record(NOW)
    monkeypatch.setattr(Unwilling, "failure", StrangeError())
    blob = store.queries.get(blob_id)
    assert blob is not None
    chunks = store.open_blob(blob, 0, 100)
    assert next(chunks) == b"x"
    with pytest.raises(ServiceUnavailable):
        next(chunks)
    assert f"cold failed at {blob.path}" in caplog.text


@pytest.mark.django_db
def test_sealed_bytes_that_were_changed_are_told_of_by_their_file(
    root: Any, bucket: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OBJECTSTORE_INLINE_MAX = 0
    sealed = ObjectAttributes(encryption={"algorithm": "AES256"})
    put_object(root, bucket, "key", body=Body.of(DATA), attributes=sealed, now=NOW)
    path = Blob.objects.get().path
    file = Path(storages["standard"].path(path))
    file.chmod(0o600)
    file.write_bytes(bytes(file.stat().st_size))
    with pytest.raises(ServiceUnavailable):
        b"".join(get_object(root, bucket, "key").chunks)
    assert f"standard failed at {path}" in caplog.text
    assert "were changed" in caplog.text


@pytest.mark.django_db
def test_a_class_that_fails_does_not_keep_others_from_the_sweep(
    monkeypatch: pytest.MonkeyPatch, behind_cold: Any
) -> None:
    behind_cold(Unwilling)
    for number in range(store.MOST_FAILURES + 5):
        write(Body.of(DATA[: number + 1]))
    store.write(Body.of(DATA), "standard", now=NOW + timedelta(seconds=1))
    monkeypatch.setattr(Unwilling, "failure", StrangeError())
    monkeypatch.setattr(store, "SWEPT_TOGETHER", 3)
    later = NOW + timedelta(days=2)
    assert store.sweep(now=later).blobs == 1
    assert set(Blob.objects.values_list("storage_class", flat=True)) == {"cold"}
    monkeypatch.setattr(Unwilling, "failure", None)
    assert store.sweep(now=later).blobs == store.MOST_FAILURES + 5
    assert not Blob.objects.exists()


@pytest.mark.django_db
def test_bytes_of_a_class_that_was_taken_out_of_the_settings_are_no_clients_fault(
    root: Any, bucket: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OBJECTSTORE_INLINE_MAX = 0
    cold = ObjectAttributes(storage_class="cold")
    put_object(root, bucket, "key", body=Body.of(DATA), attributes=cold, now=NOW)
    settings.OBJECTSTORE_STORAGE_CLASSES = ["standard"]
    with pytest.raises(ServiceUnavailable):
        get_object(root, bucket, "key")
    assert "'cold' is not configured" in caplog.text
    delete_object(root, bucket, "key", now=NOW)
    assert store.sweep(now=NOW + timedelta(days=2)).blobs == 0
    settings.OBJECTSTORE_STORAGE_CLASSES = ["standard", "cold"]
    assert store.sweep(now=NOW + timedelta(days=2)).blobs == 1


# Storages that were slow to fail are left alone for a while


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_slow_failure_lets_a_storage_rest() -> None:
    clock = Clock()
    outages = Outages(clock)
    outages.note_failure("cold", SLOW)
    with pytest.raises(ServiceUnavailable):
        outages.check("cold")
    outages.check("standard")
    clock.now += REST
    # One may try, the others wait for what comes of it.
    outages.check("cold")
    with pytest.raises(ServiceUnavailable):
        outages.check("cold")
    outages.note_success("cold")
    outages.check("cold")
    outages.check("cold")


def test_a_quick_failure_keeps_nobody() -> None:
    outages = Outages(Clock())
    outages.note_failure("cold", SLOW / 2)
    outages.check("cold")


def test_one_file_that_is_always_refused_is_no_outage() -> None:
    outages = Outages(Clock())
    for _ in range(3):
        outages.note_failure("cold", SLOW, "one")
        outages.check("cold")
    outages.note_success("cold")
    outages.note_failure("cold", SLOW, "two")
    outages.check("cold")
    outages.note_failure("cold", SLOW, "one")
    with pytest.raises(ServiceUnavailable):
        outages.check("cold")


class RefusedError(Exception):
    """As the libraries of S3, Azure and Google raise it: with the answer."""

    response: ClassVar[dict[str, str]] = {}


@pytest.mark.django_db
def test_who_asks_for_a_lost_file_keeps_nobody_from_the_others(
    monkeypatch: pytest.MonkeyPatch, behind_cold: Any
) -> None:
    behind_cold(MemoryBlobStorage)
    blob_id = write(Body.of(DATA)).record(NOW)
    blob = store.queries.get(blob_id)
    assert blob is not None
    clock = Clock()
    monkeypatch.setattr(store.time, "monotonic", clock)

    def refuse_late(*arguments: Any) -> Any:
        clock.now += 2 * SLOW
        raise RefusedError

    monkeypatch.setattr(MemoryBlobStorage, "open_range", refuse_late)
    for _ in range(2):
        with pytest.raises(ServiceUnavailable):
            store.open_blob(blob, 0, 1)
    assert store.answers(blob)
    write(Body.of(DATA))


@pytest.mark.django_db
def test_the_time_that_the_client_takes_is_not_the_storages(
    monkeypatch: pytest.MonkeyPatch, behind_cold: Any
) -> None:
    behind_cold(Unwilling)
    monkeypatch.setattr(Unwilling, "failure", StrangeError())
    clock = Clock()
    monkeypatch.setattr(store.time, "monotonic", clock)

    def read_slowly(size: int) -> bytes:
        clock.now += 10 * SLOW
        return b"x" * size

    with pytest.raises(ServiceUnavailable):
        write(Body(read_slowly, 10_000))
    store.outages.check("cold")


# Django storages that have no open_range of their own


class Lazy:
    """A file that begins anew when it is first read, as django-storages' over SFTP."""

    def __init__(self, data: bytes) -> None:
        self.file, self.data, self.is_closed = ContentFile(b""), data, False

    def read(self, size: int) -> bytes:
        if not self.file.size:
            self.file = ContentFile(self.data)
        return bytes(self.file.read(size))

    def seekable(self) -> bool:
        return True

    def seek(self, place: int) -> None:
        self.file.seek(place)

    def __enter__(self) -> Lazy:
        return self

    def __exit__(self, *error: object) -> None:
        self.is_closed = True


class Forward(Lazy):
    """A file that can only be read on."""

    def seekable(self) -> bool:
        return False

    def seek(self, place: int) -> None:
        raise AssertionError


@pytest.mark.parametrize("kind", [Lazy, Forward])
@pytest.mark.parametrize("start", [0, 1, 300_000, 599_999])
def test_ranges_of_files_of_any_kind(kind: type[Lazy], start: int) -> None:
    file = kind(DATA)

    class Plain:
        def open(self, path: str, mode: str) -> Lazy:
            return file

    plain: Any = Plain()
    assert b"".join(open_range(plain, "path", start, 1)) == DATA[start : start + 1]
    assert file.is_closed
