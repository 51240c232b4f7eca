"""The bytes of objects: written durably before a row names them, freed last."""

from __future__ import annotations

import errno
import json
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import InvalidStorageError, Storage, storages

from blobs import queries
from blobs.encryption import Seal, SealedBody, open_sealed, seal_data, sealed_size
from blobs.keyring import open_key
from blobs.models import Blob, BlobKind, Part
from blobs.queries import BlobInfo
from blobs.storage import open_range
from kernel.bodies import CHUNK, Body
from kernel.database.commit import commit
from kernel.errors import (
    InsufficientStorage,
    InvalidStorageClass,
    ServiceUnavailable,
)
from kernel.results import CustomerKey

logger = logging.getLogger("objectstore.blobs")

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
PARTS_PER_QUERY = 100
SWEPT_TOGETHER = 500


@dataclass(frozen=True, slots=True)
class WrittenBlob:
    """Bytes that are durable, or small and at hand, and that no row names yet."""

    storage_class: str
    size: int
    md5: str
    checksums: dict[str, str]
    data: bytes | None = None
    blob_id: int | None = None
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


class BodyFile(File):  # type: ignore[type-arg]
    """A body in the shape that Django storages save: read once, in chunks."""

    def __init__(self, body: Body | SealedBody) -> None:
        super().__init__(None, name="body")
        self._body = body
        self.size = body.length
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        chunk = self._body.read(CHUNK if size < 0 else size)
        self._read += len(chunk)
        return chunk

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        while chunk := self.read(chunk_size or CHUNK):
            yield chunk

    def tell(self) -> int:
        return self._read

    def seekable(self) -> bool:
        return False


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


def write(
    body: Body, storage_class: str, *, seal: Seal | None = None, now: datetime
) -> WrittenBlob:
    """Read the body to its end, check it, and make its bytes durable, sealed or not.

    Small bodies stay in memory until their row is written. Raises what the body
    raises, InsufficientStorage, or ServiceUnavailable when the storage fails; then
    nothing is stored.
    """
    storage = storage_of(storage_class)
    record = None if seal is None else seal.record
    if body.length <= settings.OBJECTSTORE_INLINE_MAX:
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
    path = new_path()
    blob_id = commit(lambda: queries.add_pending(storage_class, path, now, record))
    try:
        _save(storage, path, body if seal is None else SealedBody(body, seal.key))
        body.read()
    except BaseException:
        discard_written(blob_id, now)
        raise
    return WrittenBlob(
        storage_class, body.length, body.md5, body.checksums, blob_id=blob_id
    )


def new_path() -> str:
    """Draw a random name, in folders that keep each directory small."""
    name = secrets.token_hex(16)
    return f"{name[:2]}/{name[2:4]}/{name}"


def _save(storage: Storage, path: str, body: Body | SealedBody) -> None:
    try:
        storage.save(path, BodyFile(body))
    except OSError as error:
        raise _refusal(error) from error


def _refusal(error: OSError) -> Exception:
    if error.errno in NO_ROOM:
        return InsufficientStorage()
    logger.error("a storage failed", exc_info=error)
    return ServiceUnavailable("The storage does not answer. Please try again.")


def discard(written: WrittenBlob, now: datetime) -> None:
    """Give up bytes that will not be named after all."""
    if written.blob_id is not None:
        discard_written(written.blob_id, now)


def discard_written(blob_id: int, now: datetime) -> None:
    """Mark for the sweep; if even that fails, the sweep finds the pending row."""
    try:
        commit(lambda: queries.discard_pending(blob_id, now))
    except Exception:
        logger.exception("blob %s is left to the sweep", blob_id)


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
    return open_sealed(key, blob.size, partial(_open_stored, blob), start, length)


def _open_stored(blob: BlobInfo, start: int, length: int) -> Iterator[bytes]:
    """Give bytes as they are stored, sealed or not."""
    if blob.data is not None:
        return iter((bytes(memoryview(blob.data)[start : start + length]),))
    try:
        return open_range(storage_of(blob.storage_class), blob.path, start, length)
    except OSError as error:
        raise _refusal(error) from error


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
    after = -1
    while places := queries.places_between(
        whole_id, start, end, after, PARTS_PER_QUERY
    ):
        for place in places:
            first = max(start - place.offset, 0)
            last = min(end - place.offset, place.size)
            yield from open_blob(place.blob, first, last - first, customer_key)
        after = places[-1].offset


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

    So no key is needed, not even a client's. Raises what `write` raises.
    """
    storage = storage_of(storage_class)
    text = blob.encryption_text
    record = None if text is None else json.loads(text)
    if blob.data is not None:
        data = bytes(blob.data)
        return WrittenBlob(
            storage_class, blob.size, md5, {}, data=data, encryption=record
        )
    path = new_path()
    blob_id = commit(lambda: queries.add_pending(storage_class, path, now, record))
    try:
        _save(storage, path, stored_body(blob))
    except BaseException:
        discard_written(blob_id, now)
        raise
    return WrittenBlob(storage_class, blob.size, md5, {}, blob_id=blob_id)


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
    free_grace = _grace(free_grace, settings.OBJECTSTORE_FREE_GRACE_SECONDS)
    pending_grace = _grace(pending_grace, settings.OBJECTSTORE_PENDING_GRACE_SECONDS)
    blobs = size = 0
    while found := queries.sweepable(
        now - free_grace, now - pending_grace, SWEPT_TOGETHER
    ):
        removed = [blob for blob in found if _remove_bytes(blob)]
        # Parts have waited as long as the composite that named them.
        commit(partial(_remove_rows, removed, now - free_grace))
        blobs += len(removed)
        size += sum(blob.size for blob in removed)
        if len(removed) < len(found):
            break
    return Swept(blobs, size)


def _grace(given: timedelta | None, seconds: int) -> timedelta:
    return timedelta(seconds=seconds) if given is None else given


def _remove_bytes(blob: Blob) -> bool:
    """Delete the file; a storage that fails now is tried again by the next sweep."""
    if blob.kind != BlobKind.STORED:
        return True
    try:
        storage_of(blob.storage_class).delete(blob.path)
    except Exception:
        logger.exception("blob %s could not be removed", blob.pk)
        return False
    return True


def _remove_rows(blobs: list[Blob], freed_at: datetime) -> None:
    ids = [blob.pk for blob in blobs]
    parts = Part.objects.filter(whole_id__in=ids)
    below = list(parts.values_list("blob_id", flat=True))
    parts.delete()
    Blob.objects.filter(pk__in=ids).delete()
    queries.free(below, freed_at)
