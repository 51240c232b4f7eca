"""Moving a version's bytes to another storage class.

The copy is written, read back and compared before the row names it; the old bytes
go the way of all bytes that nothing names. Killed at any point, what is left is a
pending row, which the sweep finds.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from datetime import datetime

from blobs import queries as blob_queries
from blobs import store
from blobs.models import Blob, BlobKind, BlobState, Part
from blobs.queries import BlobInfo
from kernel.database.commit import commit
from kernel.errors import ServiceUnavailable
from lifecycle import queries
from lifecycle.integrity import can_open, problem_with, stored_md5_of

type Clock = Callable[[], datetime]


class DamagedBytesError(Exception):
    """Bytes that are not those that were stored; they stay where they are."""


class VersionChangedError(Exception):
    """The version no longer names the bytes that were copied."""


def move_version(
    version_row_id: int,
    blob_id: int,
    storage_class: str,
    *,
    clock: Clock,
    also: Callable[[], None],
) -> bool:
    """Move one version's bytes; False when it has gone or changed meanwhile.

    `also` runs in the transaction that switches the row. Raises DamagedBytesError,
    and what the storages raise; then the version is as it was.
    """
    blob = blob_queries.get(blob_id)
    if blob is None:
        return False
    try:
        copied = copy_blob(blob, storage_class, clock)
    except VersionChangedError:
        return False

    def switch(new_blob_id: int) -> None:
        if not queries.switch_blob(version_row_id, blob_id, new_blob_id, storage_class):
            raise VersionChangedError
        blob_queries.free([blob_id], clock())
        also()

    return copied.commit(switch)


@dataclass(frozen=True, slots=True)
class Copied:
    """Bytes that were copied and read back, and that no row names yet."""

    record: Callable[[], int]
    discard: Callable[[], object]

    def commit(self, name: Callable[[int], None]) -> bool:
        """Let `name` name the copy in one transaction; else give the copy up.

        False where `name` raises VersionChangedError.
        """
        try:
            commit(lambda: name(self.record()))
        except VersionChangedError:
            self.discard()
            return False
        except BaseException:
            self.discard()
            raise
        return True


def copy_blob(blob: BlobInfo, storage_class: str, clock: Clock) -> Copied:
    """Copy a blob's bytes as they are stored, and compare the copy.

    Raises VersionChangedError where they went meanwhile, DamagedBytesError, and what
    the storages raise; then nothing is left.
    """
    if blob.kind == BlobKind.COMPOSITE:
        return copy_parts(blob, storage_class, clock)
    return copy_bytes(blob, storage_class, clock)


def copy_bytes(blob: BlobInfo, storage_class: str, clock: Clock) -> Copied:
    written = write_copy(blob, storage_class, clock)
    return Copied(
        lambda: written.record(clock()),
        lambda: store.discard(written, clock()),
    )


def write_copy(blob: BlobInfo, storage_class: str, clock: Clock) -> store.WrittenBlob:
    md5 = Blob.objects.filter(pk=blob.id).values_list("md5", flat=True).first()
    if md5 is None:
        raise VersionChangedError
    written = store.copy(blob, md5, storage_class, now=clock())
    try:
        check_copy(blob, written)
    except BaseException:
        store.discard(written, clock())
        raise
    return written


def check_copy(blob: BlobInfo, written: store.WrittenBlob) -> None:
    """Read the copy back and compare it with what was once stored."""
    copy = blob
    if written.blob_id is not None:
        row = blob_queries.get(written.blob_id)
        if row is None:
            raise ServiceUnavailable("The copy was given up while it was written.")
        # The row of a copy learns its size when it goes live.
        copy = row._replace(size=blob.size)
    problem = problem_with(copy, written.md5)
    if not problem and not can_open(blob):
        is_same = stored_md5_of(copy) == stored_md5_of(blob)
        problem = "" if is_same else "the copy is not what was read"
    if problem:
        raise DamagedBytesError(f"a copy of blob {blob.id} failed: {problem}")


def copy_parts(blob: BlobInfo, storage_class: str, clock: Clock) -> Copied:
    """Copy a composite part by part, so that its parts can still be read by number."""
    whole_id = commit(lambda: add_pending_composite(blob, storage_class, clock()))
    try:
        for part in parts_of(blob.id):
            copy_part(part, whole_id, storage_class, clock)
    except BaseException:
        store.discard_written(whole_id, clock())
        raise

    def record() -> int:
        if not blob_queries.make_live(whole_id, blob.size, "", clock()):
            raise ServiceUnavailable("The copy took too long and was given up.")
        return whole_id

    return Copied(record, lambda: store.discard_written(whole_id, clock()))


def add_pending_composite(blob: BlobInfo, storage_class: str, now: datetime) -> int:
    return Blob.objects.create(
        kind=BlobKind.COMPOSITE,
        state=BlobState.PENDING,
        storage_class=storage_class,
        size=blob.size,
        changed_at=now,
    ).pk


def parts_of(whole_id: int) -> list[Part]:
    return list(Part.objects.filter(whole_id=whole_id).order_by("number"))


def copy_part(part: Part, whole_id: int, storage_class: str, clock: Clock) -> None:
    """Copy one part's bytes and name them in the new whole, which is still pending."""
    blob = blob_queries.get(part.blob_id)
    if blob is None:
        raise VersionChangedError
    written = write_copy(blob, storage_class, clock)

    def record() -> None:
        now = clock()
        # The sweep takes for abandoned what has not changed for long.
        whole = Blob.objects.filter(pk=whole_id, state=BlobState.PENDING)
        if not whole.update(changed_at=now):
            raise ServiceUnavailable("The copy took too long and was given up.")
        copied = copy(part)
        copied.pk = None
        copied.whole_id, copied.blob_id = whole_id, written.record(now)
        copied.save(force_insert=True)

    try:
        commit(record)
    except BaseException:
        store.discard(written, clock())
        raise
