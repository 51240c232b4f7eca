"""Storages for blobs: Django storages that also read ranges and write durably."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Protocol

from django.core.files.base import File
from django.core.files.storage import (
    FileSystemStorage,
    InMemoryStorage,
    Storage,
)

CHUNK = 256 * 1024


class RangedStorage(Protocol):
    """A storage that can give part of a file without reading the rest."""

    def open_range(self, path: str, start: int, length: int) -> Iterator[bytes]: ...


class LocalBlobStorage(FileSystemStorage):
    """Files on a local disk; `save` returns once the file survives a power loss."""

    # Folders that this process has made durable, from the storage's own down.
    _durable: ClassVar[set[Path]] = set()

    def _save(self, name: str, content: File[Any]) -> str:
        path = Path(self.path(name))
        made = self._make_folder(path.parent)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                while chunk := content.read(CHUNK):
                    write_all(file, chunk)
                os.fsync(descriptor)
            for folder in made:
                sync_folder(folder)
            self._durable.add(path.parent)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return name

    def _make_folder(self, folder: Path) -> list[Path]:
        """Make the folder and give all folders whose entries must be made durable.

        One that is there already may have been made a moment ago, by a process that
        has not synced the folders above it yet.
        """
        changed = [folder]
        is_new = not folder.exists()
        if is_new or folder not in self._durable:
            top = Path(self.location)
            changed += [one for one in folder.parents if one.is_relative_to(top)]
            if not top.exists():
                changed += [one for one in top.parents if not one.exists()]
                changed.append(changed[-1].parent)
        if is_new:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return changed

    def open_range(self, path: str, start: int, length: int) -> Iterator[bytes]:
        """Open now, so that a missing file is found before an answer has begun."""
        file = open(self.path(path), "rb", buffering=0)  # noqa: SIM115 - closed below
        file.seek(start)
        return rest_of(file, length)

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Blob names are random; a collision is an error, never another name."""
        return name


def rest_of(file: Any, length: int) -> Iterator[bytes]:
    """Give `length` bytes from where an open file stands, and close it."""
    with file:
        while length > 0:
            chunk = file.read(min(CHUNK, length))
            check_length(len(chunk), 1)
            length -= len(chunk)
            yield chunk


class MemoryBlobStorage(InMemoryStorage):
    """Bytes in this process alone, gone when it ends: for tests and trials."""

    def _save(self, name: str, content: File[Any]) -> str:
        try:
            saved: str = super()._save(name, content)  # type: ignore[misc]
        except BaseException:
            self.delete(name)
            raise
        return saved

    def open_range(self, path: str, start: int, length: int) -> Iterator[bytes]:
        """Read beside others: Django's own file has one position for all readers."""
        data = self._resolve(path).file.getbuffer()  # type: ignore[attr-defined]
        return pieces(data[start : start + length], length)


def pieces(data: memoryview, length: int) -> Iterator[bytes]:
    check_length(len(data), length)
    return (bytes(data[place : place + CHUNK]) for place in range(0, length, CHUNK))


def check_length(found: int, length: int) -> None:
    if found < length:
        raise OSError("a blob's file is shorter than its row says")


def open_range(storage: Storage, path: str, start: int, length: int) -> Iterator[bytes]:
    """Read a range from any Django storage, by its own method where it has one.

    Otherwise its file is asked to seek; one that cannot is read from its beginning.
    """
    ranged = getattr(storage, "open_range", None)
    if ranged is not None:
        return whole(ranged(path, start, length), length)
    file: Any = storage.open(path, "rb")
    try:
        go_to(file, start)
    except BaseException:
        file.close()
        raise
    return rest_of(file, length)


def whole(chunks: Iterator[bytes], length: int) -> Iterator[bytes]:
    """Give a storage's chunks and hold them to the length that was asked for."""
    try:
        for chunk in chunks:
            length -= len(chunk)
            if length < 0:
                raise OSError("a storage gives more than the range it was asked for")
            yield chunk
        check_length(0, length)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()


def go_to(file: Any, start: int) -> None:
    """Go to a place in a file that was just opened.

    The first byte is read before, because files of some storages are opened by it:
    one that was moved sooner would begin anew.
    """
    if start == 0:
        return
    skipped = len(file.read(1))
    if file.seekable():
        file.seek(start)
        return
    while skipped < start:
        chunk = file.read(min(CHUNK, start - skipped))
        check_length(len(chunk), 1)
        skipped += len(chunk)


def write_all(file: Any, chunk: bytes) -> None:
    """Write the whole chunk: a raw write may take only part of it."""
    view = memoryview(chunk)
    while view:
        view = view[file.write(view) :]


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
