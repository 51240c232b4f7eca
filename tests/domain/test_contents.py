"""Archives are looked into by ranges, within bounds."""

from __future__ import annotations

import io
import tarfile
import time
import zipfile
from typing import Any

import pytest
from django.utils import timezone

from kernel.bodies import Body
from kernel.errors import InvalidRequest
from objects import contents
from objects.contents import Allowance, ArchiveKind, RangedFile, contents_of
from objects.operations import put_object

pytestmark = pytest.mark.django_db(transaction=True)
MIB = 1024 * 1024


def look(root: Any, bucket: str, data: bytes, kind: ArchiveKind) -> Any:
    info = put_object(root, bucket, "a", body=Body.of(data), now=timezone.now())
    return contents_of(root, bucket, info, kind, version_id=info.version_id)


def zipped(*names: str, data: bytes = b"x" * 10) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, data)
    return file.getvalue()


def tarred(mode: str, *names: str, data: bytes = b"x" * 10) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name in names:
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), 1_700_000_000
            archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return file.getvalue()


def test_names_that_are_not_utf_8_can_be_shown(root: Any, bucket: str) -> None:
    data = tarred("w", "M?ller.txt").replace(b"M?ller", b"M\xfcller")
    checksum = sum(data[:148]) + 8 * 32 + sum(data[156:512])
    data = data[:148] + b"%06o\0 " % checksum + data[156:]
    found = look(root, bucket, data, ArchiveKind.TAR)
    assert found.entries[0].name == "M\N{REPLACEMENT CHARACTER}ller.txt"


def test_a_zip_is_listed(root: Any, bucket: str) -> None:
    found = look(root, bucket, zipped("a/", "a/b.txt", "é.txt"), ArchiveKind.ZIP)
    assert [one.name for one in found.entries] == ["a/", "a/b.txt", "é.txt"]
    assert [one.is_folder for one in found.entries] == [True, False, False]
    assert (found.count, found.size, found.is_cut) == (3, 30, False)


@pytest.mark.parametrize(
    ("mode", "kind"), [("w", ArchiveKind.TAR), ("w:gz", ArchiveKind.TAR_GZIP)]
)
def test_a_tar_is_listed(root: Any, bucket: str, mode: str, kind: ArchiveKind) -> None:
    found = look(root, bucket, tarred(mode, "a/b.txt", "c" * 150), kind)
    assert [one.name for one in found.entries] == ["a/b.txt", "c" * 150, "link"]
    assert [one.is_link for one in found.entries] == [False, False, True]
    assert found.entries[0].changed == "2023-11-14 22:13"
    assert (found.count, found.size) == (3, 20)


def test_of_a_large_zip_its_end_alone_is_read(
    root: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("first", "second"):
            archive.writestr(name, bytes(4 * MIB))
    read: list[int] = []
    take = Allowance.take

    def counted(self: Allowance, count: int) -> None:
        read.append(count)
        take(self, count)

    monkeypatch.setattr(Allowance, "take", counted)
    assert look(root, bucket, file.getvalue(), ArchiveKind.ZIP).count == 2
    assert sum(read) < 64 * 1024


def test_of_a_large_tar_its_headers_alone_are_read(root: Any, bucket: str) -> None:
    data = tarred("w", "one", "two", "three", data=bytes(8 * MIB))
    assert len(data) > contents.MOST_OF_TAR
    assert look(root, bucket, data, ArchiveKind.TAR).count == 4


def test_entries_are_bounded(
    root: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MOST_ENTRIES", 2)
    found = look(root, bucket, zipped("1", "2", "3"), ArchiveKind.ZIP)
    assert (len(found.entries), found.count, found.is_cut) == (2, 3, True)
    found = look(root, bucket, tarred("w", "1", "2", "3"), ArchiveKind.TAR)
    assert (len(found.entries), found.count, found.is_cut) == (2, None, True)


def test_a_table_that_is_too_long_is_refused(
    root: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MOST_OF_ZIP", 1000)
    names = [f"name-{number:050}" for number in range(100)]
    with pytest.raises(InvalidRequest, match="too long"):
        look(root, bucket, zipped(*names), ArchiveKind.ZIP)


def test_a_bomb_is_unpacked_up_to_a_bound(
    root: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MOST_INFLATED", MIB)
    bomb = tarred("w:gz", "small", "after", data=bytes(8 * MIB))
    assert len(bomb) < MIB
    found = look(root, bucket, bomb, ArchiveKind.TAR_GZIP)
    assert [one.name for one in found.entries] == ["small"]
    assert found.is_cut


def test_a_header_that_claims_very_much_is_not_believed(root: Any, bucket: str) -> None:
    member = tarfile.TarInfo("pax")
    member.type, member.size = tarfile.XHDTYPE, 8**11 - 1
    data = member.tobuf(tarfile.USTAR_FORMAT) + bytes(1024)
    with pytest.raises(InvalidRequest):
        look(root, bucket, data, ArchiveKind.TAR)


@pytest.mark.parametrize("kind", ArchiveKind)
@pytest.mark.parametrize("data", [b"", b"no archive", bytes(100), b"PK\x05\x06" * 9])
def test_what_is_damaged_says_so(
    root: Any, bucket: str, kind: ArchiveKind, data: bytes
) -> None:
    with pytest.raises(InvalidRequest):
        look(root, bucket, data, kind)


def test_time_is_bounded(root: Any, bucket: str) -> None:
    spent = Allowance(MIB, ends_at=time.monotonic() - 1)
    file = RangedFile(lambda start, length: bytes(length), 100, spent)
    with pytest.raises(contents.SpentError):
        file.read(10)


def test_reads_cross_chunks(root: Any, bucket: str) -> None:
    data = bytes(range(256)) * 1000
    file = RangedFile(
        lambda start, length: data[start : start + length],
        len(data),
        Allowance(10 * MIB, time.monotonic() + 60),
    )
    for offset, count in ((0, 10), (32_760, 20), (5, 70_000), (len(data) - 3, 9)):
        file.seek(offset)
        assert file.read(count) == data[offset : offset + count]
