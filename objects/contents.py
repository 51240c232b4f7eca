"""What is in a zip or tar archive: names and sizes, read by ranges and never unpacked.

Of a zip its table of contents alone is read, of a tar the headers before its files. Of
a gzipped tar the beginning is unpacked in passing and forgotten. Bytes, entries and
time are bounded, since whoever uploads an archive says what is in it.
"""

from __future__ import annotations

import gzip
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from iam.principals import Principal
from kernel.errors import InvalidRequest
from kernel.results import ObjectInfo
from objects.operations import get_object

MIB = 1024 * 1024
MOST_ENTRIES = 1000
# 4 MiB of a zip's table are about 50,000 entries, each half a KiB of memory.
MOST_OF_ZIP = 4 * MIB
MOST_OF_TAR = 16 * MIB
MOST_INFLATED = 64 * MIB
MOST_SECONDS = 1.5
CHUNK = 32 * 1024
DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    OverflowError,
    RecursionError,
)


class ArchiveKind(StrEnum):
    ZIP = "zip"
    TAR = "tar"
    TAR_GZIP = "tar.gz"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder or link in an archive, as the archive describes it."""

    name: str
    size: int
    changed: str
    is_folder: bool = False
    is_link: bool = False
    is_encrypted: bool = False


@dataclass(frozen=True, slots=True)
class Contents:
    """The first entries; how many there are in all, if that is known."""

    entries: list[Entry]
    count: int | None
    size: int | None

    @property
    def is_cut(self) -> bool:
        return self.count is None or len(self.entries) < self.count


class SpentError(Exception):
    """What may be read of an archive has been read."""


@dataclass(slots=True)
class Allowance:
    """How many bytes may still be read, and until when."""

    left: int
    ends_at: float
    clock: Callable[[], float] = time.monotonic

    def take(self, count: int) -> None:
        """Raise SpentError before too much is read, or held."""
        if count > self.left or self.clock() > self.ends_at:
            raise SpentError
        self.left -= count


class RangedFile:
    """An object as a file that is read by ranges, a chunk ahead."""

    def __init__(
        self, fetch: Callable[[int, int], bytes], size: int, allowance: Allowance
    ) -> None:
        self.fetch, self.size, self.allowance = fetch, size, allowance
        self.position = 0
        self.chunk, self.chunk_start = b"", 0

    def read(self, count: int = -1) -> bytes:
        rest = max(0, self.size - self.position)
        count = rest if count < 0 else min(count, rest)
        if not count:
            return b""
        begin = self.position - self.chunk_start
        if begin < 0 or begin + count > len(self.chunk):
            length = min(max(count, CHUNK), rest)
            self.allowance.take(length)
            self.chunk = self.fetch(self.position, length)
            self.chunk_start = self.position
            begin = 0
        data = self.chunk[begin : begin + count]
        self.position += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        self.position = max(0, (0, self.position, self.size)[whence] + offset)
        return self.position

    def tell(self) -> int:
        return self.position

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """Hold nothing that needs to be closed."""


class InflatedFile:
    """The bytes of a gzip file, as far as they may be unpacked."""

    def __init__(self, packed: Any, allowance: Allowance) -> None:
        self.unpacked = gzip.GzipFile(fileobj=packed)
        self.allowance = allowance

    def read(self, count: int) -> bytes:
        self.allowance.take(count)
        return self.unpacked.read(count)


def contents_of(
    principal: Principal,
    bucket_name: str,
    info: ObjectInfo,
    kind: ArchiveKind,
    *,
    version_id: str,
) -> Contents:
    """List what an archive holds; an empty version id reads the current version.

    Raises what `get_object` raises, and InvalidRequest for an archive that cannot be
    read, or whose table of contents is too long.
    """

    def fetch(start: int, length: int) -> bytes:
        content = get_object(
            principal,
            bucket_name,
            info.key,
            version_id=version_id,
            byte_range=f"bytes={start}-{start + length - 1}",
        )
        return b"".join(content.chunks)

    ends_at = time.monotonic() + MOST_SECONDS
    most = MOST_OF_ZIP if kind is ArchiveKind.ZIP else MOST_OF_TAR
    file = RangedFile(fetch, info.size, Allowance(most, ends_at))
    try:
        if kind is ArchiveKind.ZIP:
            return zip_contents(file)
        if kind is ArchiveKind.TAR:
            return tar_contents(opened(file, "r:"))
        inflated = InflatedFile(file, Allowance(MOST_INFLATED, ends_at))
        return tar_contents(opened(inflated, "r|"))
    except SpentError:
        raise InvalidRequest(
            "The archive's table of contents is too long to be shown here."
        ) from None
    except DAMAGED:
        raise InvalidRequest(
            "The archive cannot be read: it is damaged, or of another kind."
        ) from None


def zip_contents(file: Any) -> Contents:
    with zipfile.ZipFile(file) as archive:
        listed = archive.infolist()
    entries = [
        Entry(
            one.filename,
            one.file_size,
            "{:04}-{:02}-{:02} {:02}:{:02}".format(*one.date_time),
            is_folder=one.is_dir(),
            is_encrypted=bool(one.flag_bits & 1),
        )
        for one in listed[:MOST_ENTRIES]
    ]
    return Contents(entries, len(listed), sum(one.file_size for one in listed))


def opened(file: Any, mode: Any) -> tarfile.TarFile:
    """Open a tar; signs of its names that are not UTF-8 are shown as such."""
    return tarfile.open(fileobj=file, mode=mode, encoding="utf-8", errors="replace")


def tar_contents(archive: tarfile.TarFile) -> Contents:
    entries: list[Entry] = []
    try:
        for entry in tar_entries(archive):
            if len(entries) == MOST_ENTRIES:
                return Contents(entries, None, None)
            entries.append(entry)
    except (SpentError, *DAMAGED):
        # What was read by then is of use.
        if not entries:
            raise
        return Contents(entries, None, None)
    return Contents(entries, len(entries), sum(one.size for one in entries))


def tar_entries(archive: tarfile.TarFile) -> Iterator[Entry]:
    for one in archive:
        yield Entry(
            one.name,
            one.size,
            moment_of(one.mtime),
            is_folder=one.isdir(),
            is_link=one.issym() or one.islnk(),
        )
        # It would keep all that it has seen.
        archive.members = []


def moment_of(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return ""
