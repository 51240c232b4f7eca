"""The bytes of objects: written durably before a row names them, freed last."""

from __future__ import annotations

import errno
import io
import json
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from django.core.files.base import File
from django.core.files.storage import InvalidStorageError, Storage, storages

from blobs import intents, queries
from blobs.encryption import Seal, SealedBody, open_sealed, seal_data, sealed_size
from blobs.keyring import open_key
from blobs.models import Blob, BlobKind, Part
from blobs.outages import Outages
from blobs.queries import BlobInfo
from blobs.room import DATABASE, check_room, take_room
from blobs.storage import open_range
from kernel import telemetry
from kernel.bodies import CHUNK, Body
from kernel.database.commit import commit
from kernel.errors import (
    InsufficientStorage,
    InvalidStorageClass,
    ObjectStoreError,
    ServiceUnavailable,
)
from kernel.kept_settings import settings
from kernel.results import CustomerKey
from kernel.telemetry import traced

logger = logging.getLogger("objectstore.blobs")

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
PARTS_PER_QUERY = 100
SWEPT_TOGETHER = 500
# Files of one class that a sweep fails to delete before it leaves the class alone.
MOST_FAILURES = 10

outages = Outages()


class WrittenBlob(NamedTuple):
    """Bytes that are durable, or small and at hand, and that no row names yet."""

    storage_class: str
    size: int
    md5: str
    checksums: dict[str, str]
    data: bytes | None = None
    blob_id: int | None = None
    path: str = ""
    encryption: Mapping[str, str] | None = None

    def record(self, now: datetime) -> int:
        """Make the blob live, inside the transaction that names it; give its id."""
        if self.data is not None:
            return queries.add_inline(
                self.storage_class,
                self.size,
                self.data,
                self.md5,
                now,
                self.encryption,
            )
        if self.blob_id is None or not queries.make_live(
            self.blob_id, self.size, self.md5, now
        ):
            raise ServiceUnavailable("The upload took too long and was given up.")
        return self.blob_id


class BodyStream(io.RawIOBase):
    """A body as a raw file: read once, from its beginning to its end.

    It remembers what the body raised, so that the client's failures are told from the
    storage's, and how long the body took. Its bytes may fill the disk before its end:
    then it raises InsufficientStorage.
    """

    def __init__(self, body: Body | SealedBody, storage_class: str) -> None:
        super().__init__()
        self._body = body
        self._storage_class = storage_class
        self._place = 0
        self.failure: Exception | None = None
        self.seconds = 0.0

    def read(self, size: int = -1) -> bytes:
        """Give `size` bytes, fewer only at the end: parts of S3 may not be short."""
        left = self._body.length - self._place
        wanted = left if size is None or size < 0 else min(size, left)
        chunks = [self._read_some(wanted)]
        missing = wanted - len(chunks[0])
        while missing and chunks[-1]:
            chunks.append(self._read_some(missing))
            missing -= len(chunks[-1])
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def readinto(self, buffer: Any) -> int:
        chunk = self.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def _read_some(self, size: int) -> bytes:
        began = time.monotonic()
        try:
            chunk = self._body.read(size)
            take_room(self._storage_class, len(chunk))
        except Exception as error:
            self.failure = error
            raise
        finally:
            self.seconds += time.monotonic() - began
        self._place += len(chunk)
        return chunk

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Allow what some storages do before they read: go to the beginning."""
        if (place, whence, self._place) != (0, io.SEEK_SET, 0):
            raise io.UnsupportedOperation("a request's body is read once")
        return 0


class BodyFile(File):  # type: ignore[type-arg]
    """A body in the shape that Django storages save."""

    def __init__(self, stream: BodyStream, length: int) -> None:
        super().__init__(stream, name="body")  # type: ignore[arg-type]
        self.size = length

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        while chunk := self.read(chunk_size or CHUNK):
            yield chunk


def storage_of(storage_class: str) -> Storage:
    """Give the storage behind a storage class.

    Raises InvalidStorageClass when settings have no such alias.
    """
    if storage_class not in settings.OBJECTSTORE_STORAGE_CLASSES:
        raise InvalidStorageClass(storage_class=storage_class)
    try:
        return storages[storage_class]
    except InvalidStorageError as error:
        raise InvalidStorageClass(storage_class=storage_class) from error


@traced("blob write")
def write(
    body: Body, storage_class: str, *, seal: Seal | None = None, now: datetime
) -> WrittenBlob:
    """Read the body to its end, check it, and make its bytes durable, sealed or not.

    Small bodies stay in memory until their row is written. Raises what the body
    raises, InsufficientStorage, or ServiceUnavailable when the storage fails; then
    nothing is stored.
    """
    record = None if seal is None else seal.record
    if body.length <= settings.OBJECTSTORE_INLINE_MAX:
        take_room(DATABASE, body.length)
        data = body.read_all(settings.OBJECTSTORE_INLINE_MAX)
        body.read()
        return WrittenBlob(
            storage_class,
            len(data),
            body.md5,
            body.checksums,
            data=data if seal is None else seal_data(seal.key, data),
            encryption=record,
        )
    storage_of(storage_class)
    check_room(DATABASE, 0)
    check_room(storage_class, body.length)
    path = new_path()
    blob_id = intents.add_pending(storage_class, path, now, record)
    try:
        _save(storage_class, path, body if seal is None else SealedBody(body, seal.key))
        body.read()
    except BaseException:
        give_up(blob_id, storage_class, path, now)
        raise
    return WrittenBlob(
        storage_class,
        body.length,
        body.md5,
        body.checksums,
        blob_id=blob_id,
        path=path,
    )


def new_path() -> str:
    """Draw a random name, in folders that keep each directory small."""
    name = secrets.token_hex(16)
    return f"{name[:2]}/{name[2:4]}/{name}"


def _save(storage_class: str, path: str, body: Body | SealedBody) -> None:
    stream = BodyStream(body, storage_class)
    with _speaking_to(storage_class, path, stream) as storage:
        saved = storage.save(path, BodyFile(stream, body.length))
        if saved != path:
            storage.delete(saved)
            raise OSError("the storage gave the file another name")
        if stream.tell() != body.length:
            storage.delete(saved)
            raise OSError("the storage did not read the file to its end")


@contextmanager
def _speaking_to(
    storage_class: str, path: str, stream: BodyStream | None = None
) -> Iterator[Storage]:
    """Give the storage of a file; its failures, of whatever make, are refusals of ours.

    What the body in `stream` raised goes on as it is.
    """
    storage = _configured(storage_class)
    outages.check(storage_class)
    began = time.monotonic()
    try:
        yield storage
    except Exception as error:
        if stream is not None and stream.failure is not None:
            raise stream.failure from None
        refusal = _refusal(error, storage_class, path)
        waited = time.monotonic() - began - (stream.seconds if stream else 0)
        if isinstance(refusal, ServiceUnavailable):
            answered = getattr(error, "response", None) is not None
            outages.note_failure(storage_class, waited, path if answered else "")
        raise refusal from error
    outages.note_success(storage_class)


def _configured(storage_class: str) -> Storage:
    """Give the storage of kept bytes: if it has gone, no client is at fault."""
    try:
        return storage_of(storage_class)
    except InvalidStorageClass as error:
        logger.error("the storage class %r is not configured", storage_class)
        raise ServiceUnavailable("The storage is not configured.") from error


def _refusal(error: Exception, storage_class: str, path: str) -> Exception:
    """Every library has errors of its own, and few of them are OSErrors."""
    if isinstance(error, ObjectStoreError):
        return error
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return InsufficientStorage()
    logger.error("%s failed at %s", storage_class, path, exc_info=error)
    return ServiceUnavailable("The storage does not answer. Please try again.")


def answers(blob: BlobInfo) -> bool:
    """Tell whether a blob's storage answers at all; what it lacks is another matter.

    So it is asked for a file that is not there: the blob's own may never answer.
    """
    if blob.data is not None:
        return True
    path = new_path()
    try:
        with _speaking_to(blob.storage_class, path) as storage:
            storage.exists(path)
    except ObjectStoreError:
        return False
    return True


def discard(written: WrittenBlob, now: datetime) -> None:
    """Give up bytes that will not be named after all."""
    if written.blob_id is not None:
        give_up(written.blob_id, written.storage_class, written.path, now)


def give_up(blob_id: int, storage_class: str, path: str, now: datetime) -> None:
    """Leave a file to the sweep, or delete it where a sweep has been there already.

    One that took the upload for abandoned may have come before the file's last byte:
    then nothing else would find it.
    """
    if discard_written(blob_id, now):
        return
    try:
        with _speaking_to(storage_class, path) as storage:
            storage.delete(path)
    except ObjectStoreError:
        logger.error("%s %s is left behind", storage_class, path)


def discard_written(blob_id: int, now: datetime) -> bool:
    """Mark for the sweep; if even that fails, the sweep finds the pending row.

    False where the sweep has already taken it for abandoned.
    """
    try:
        return commit(lambda: queries.discard_pending(blob_id, now))
    except Exception:
        logger.exception("blob %s is left to the sweep", blob_id)
        return True


@traced("blob open")
def open_blob(
    blob: BlobInfo, start: int, length: int, customer_key: CustomerKey | None = None
) -> Iterator[bytes]:
    """Give the bytes from `start`, in chunks; files are opened before this returns.

    Raises ServiceUnavailable when the storage does not give them, AccessDenied where
    `customer_key` is not the one they were sealed with.
    """
    if length <= 0:
        return iter(())
    if blob.kind == BlobKind.COMPOSITE:
        return _open_parts(blob.id, start, start + length, customer_key)
    if blob.encryption_text is None:
        return _open_stored(blob, start, length)
    key = open_key(json.loads(blob.encryption_text), customer_key)
    stored = partial(_open_stored, blob)
    return _read_on(open_sealed(key, blob.size, stored, start, length), blob)


def _open_stored(blob: BlobInfo, start: int, length: int) -> Iterator[bytes]:
    """Give bytes as they are stored, sealed or not."""
    if blob.data is not None:
        return iter((bytes(memoryview(blob.data)[start : start + length]),))
    with _speaking_to(blob.storage_class, blob.path) as storage:
        chunks = open_range(storage, blob.path, start, length)
    return _read_on(chunks, blob)


def _read_on(chunks: Iterator[bytes], blob: BlobInfo) -> Iterator[bytes]:
    try:
        yield from chunks
    except Exception as error:
        raise _refusal(error, blob.storage_class, blob.path) from error


def _open_parts(
    whole_id: int, start: int, end: int, customer_key: CustomerKey | None
) -> Iterator[bytes]:
    """Open the first part now and the others as the reader comes to them."""
    chunks = _part_chunks(whole_id, start, end, customer_key)
    first = next(chunks, b"")

    def rest() -> Iterator[bytes]:
        yield first
        yield from chunks

    return rest()


def _part_chunks(
    whole_id: int, start: int, end: int, customer_key: CustomerKey | None
) -> Iterator[bytes]:
    after, reached = -1, start
    while places := queries.places_between(
        whole_id, start, end, after, PARTS_PER_QUERY
    ):
        for place in places:
            first = max(start - place.offset, 0)
            last = min(end - place.offset, place.size)
            yield from open_blob(place.blob, first, last - first, customer_key)
        after = places[-1].offset
        reached = after + places[-1].size
    if reached < end:
        # Overwritten, and swept, since the reader began.
        raise ServiceUnavailable("The bytes were given up meanwhile.")


def body_of(
    blob: BlobInfo,
    start: int,
    length: int,
    customer_key: CustomerKey | None = None,
    **options: Any,
) -> Body:
    """Make a body of stored bytes, to write them elsewhere."""
    chunks = open_blob(blob, start, length, customer_key)
    return Body(reader_of(chunks), length, **options)


def stored_body(blob: BlobInfo) -> Body:
    """Make a body of a blob's bytes as they are stored, sealed or not."""
    length = blob.size if blob.encryption_text is None else sealed_size(blob.size)
    return Body(reader_of(_open_stored(blob, 0, length)), length)


def copy(blob: BlobInfo, md5: str, storage_class: str, *, now: datetime) -> WrittenBlob:
    """Write a blob's bytes in another class as they are stored, sealed or not.

    So no key is needed, not even a client's. Raises what `write` raises; the database's
    disk may be short of room, which a copy to another may be on its way to make.
    """
    storage_of(storage_class)
    text = blob.encryption_text
    record = None if text is None else json.loads(text)
    if blob.data is not None:
        data = bytes(blob.data)
        return WrittenBlob(
            storage_class, blob.size, md5, {}, data=data, encryption=record
        )
    check_room(storage_class, blob.size)
    path = new_path()
    blob_id = intents.add_pending(storage_class, path, now, record)
    try:
        _save(storage_class, path, stored_body(blob))
    except BaseException:
        give_up(blob_id, storage_class, path, now)
        raise
    return WrittenBlob(storage_class, blob.size, md5, {}, blob_id=blob_id, path=path)


def reader_of(chunks: Iterable[bytes]) -> Callable[[int], bytes]:
    """Turn chunks into a read function that gives at most the bytes asked for."""
    iterator = iter(chunks)
    rest = memoryview(b"")

    def read(size: int) -> bytes:
        nonlocal rest
        if not rest:
            rest = memoryview(next(iterator, b""))
        chunk = bytes(rest[:size])
        rest = rest[size:]
        return chunk

    return read


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed."""

    blobs: int
    size: int


def sweep(
    *,
    now: datetime,
    free_grace: timedelta | None = None,
    pending_grace: timedelta | None = None,
) -> Swept:
    """Remove freed bytes and what crashed uploads left, in batches.

    Bytes go first and rows last, so an interrupted sweep is taken up by the next.
    """
    freed_before = now - _grace(free_grace, settings.OBJECTSTORE_FREE_GRACE_SECONDS)
    pending_before = now - _grace(
        pending_grace, settings.OBJECTSTORE_PENDING_GRACE_SECONDS
    )
    intents.take_up(pending_before)
    blobs = size = 0
    failed: dict[int, str] = {}
    while found := queries.sweepable(
        freed_before,
        pending_before,
        SWEPT_TOGETHER,
        without=failed,
        without_classes=_classes_that_fail(failed),
    ):
        # An upload that ends just now is named, or told that it took too long.
        taken = set(commit(partial(queries.give_up_pending, [b.pk for b in found])))
        removed = _remove_all_bytes([b for b in found if b.pk in taken], failed)
        # Parts have waited as long as the composite that named them.
        commit(partial(_remove_rows, removed, freed_before))
        blobs += len(removed)
        size += sum(blob.size for blob in removed)
    if telemetry.watcher is not None:
        telemetry.watcher.swept(blobs, size)
    return Swept(blobs, size)


def _classes_that_fail(failed: Mapping[int, str]) -> list[str]:
    """List the classes that this sweep leaves alone, so that it gets to the others."""
    counts = Counter(failed.values())
    return [name for name, count in counts.items() if count >= MOST_FAILURES]


def _grace(given: timedelta | None, seconds: int) -> timedelta:
    return timedelta(seconds=seconds) if given is None else given


def _remove_all_bytes(found: Iterable[Blob], failed: dict[int, str]) -> list[Blob]:
    """Delete files and give the blobs that are gone; note the others in `failed`."""
    removed = []
    for blob in found:
        if blob.storage_class in _classes_that_fail(failed):
            continue
        if _remove_bytes(blob):
            removed.append(blob)
        else:
            failed[blob.pk] = blob.storage_class
    return removed


def _remove_bytes(blob: Blob) -> bool:
    """Delete the file; a storage that fails now is tried again by the next sweep."""
    if blob.kind != BlobKind.STORED:
        return True
    try:
        with _speaking_to(blob.storage_class, blob.path) as storage:
            storage.delete(blob.path)
    except ObjectStoreError:
        logger.error("blob %s is left to the next sweep", blob.pk)
        return False
    return True


def _remove_rows(blobs: list[Blob], freed_at: datetime) -> None:
    ids = [blob.pk for blob in blobs]
    parts = Part.objects.filter(whole_id__in=ids)
    below = list(parts.values_list("blob_id", flat=True))
    parts.delete()
    Blob.objects.filter(pk__in=ids).delete()
    queries.free(below, freed_at)
