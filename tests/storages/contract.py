"""What the store asks of a storage. Inherit from StorageContract to test one's own.

A subclass has a fixture `location`: the text that OBJECTSTORE_STORAGE_<CLASS> would
hold. Each test should be given a place of its own.
"""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.storage import Storage, storages

from blobs.locations import parse
from blobs.storage import CHUNK, open_range
from blobs.store import BodyFile, BodyStream, new_path
from kernel.bodies import Body

MIB = 1024**2


class BrokenOffError(Exception):
    """What a client's connection might raise."""


def save(storage: Storage, path: str, data: bytes) -> None:
    """Save as the store does: a body that is read once and gives what it has."""
    save_body(storage, path, Body(reader_of_short_pieces(data), len(data)))


def save_body(storage: Storage, path: str, body: Body) -> None:
    stream = BodyStream(body, "standard")
    saved = storage.save(path, BodyFile(stream, body.length))
    assert saved == path, "the storage gave the file another name"
    assert stream.tell() == body.length, "the storage did not read the file to its end"


def reader_of_short_pieces(data: bytes) -> Any:
    """Read as from a socket: seldom as much as was asked for."""
    view = memoryview(data)

    def read(size: int) -> bytes:
        nonlocal view
        piece = bytes(view[: min(size, 40_000)])
        view = view[len(piece) :]
        return piece

    return read


def read(storage: Storage, path: str, start: int, length: int) -> bytes:
    return b"".join(open_range(storage, path, start, length))


class StorageContract:
    """The tests. What a storage may do otherwise is said by these attributes."""

    # The largest file that is tried.
    largest = 20 * MIB + 1
    # Whether files of any size are written and read in bounded memory.
    streams = True
    # Memory that an upload or a download of `largest` bytes may take.
    most_memory = 2 * 8 * MIB + 2 * MIB

    @pytest.fixture
    def location(self) -> str:
        raise NotImplementedError("say where the storage is, in a fixture")

    @pytest.fixture
    def storage(self, location: str) -> Storage:
        return storages.create_storage(parse(location))

    @pytest.fixture
    def path(self, storage: Storage) -> Iterator[str]:
        path = new_path()
        yield path
        storage.delete(path)

    @pytest.mark.parametrize(
        "size", [1, 100, CHUNK - 1, CHUNK, CHUNK + 1, MIB, MIB + 1]
    )
    def test_gives_back_what_it_was_given(
        self, storage: Storage, path: str, size: int
    ) -> None:
        data = os.urandom(size)
        save(storage, path, data)
        assert read(storage, path, 0, size) == data

    def test_reads_ranges(self, storage: Storage, path: str) -> None:
        data = os.urandom(2 * MIB + 7)
        save(storage, path, data)
        for start, length in (
            (0, 1),
            (1, 1),
            (7, 100_000),
            (CHUNK - 1, 2),
            (MIB, MIB),
            (1, len(data) - 1),
            (len(data) - 1, 1),
        ):
            found = read(storage, path, start, length)
            assert found == data[start : start + length], (start, length)

    def test_large_files_pass_through_in_pieces(
        self, storage: Storage, path: str
    ) -> None:
        data = os.urandom(self.largest)
        # A library's first request loads what it needs of itself.
        save(storage, path, b"first")
        storage.delete(path)
        tracemalloc.start()
        try:
            save(storage, path, data)
            place = 0
            for chunk in open_range(storage, path, 0, len(data)):
                assert chunk == data[place : place + len(chunk)]
                place += len(chunk)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert place == len(data)
        assert peak < self.most_memory or not self.streams, f"{peak:,}"

    def test_readers_do_not_disturb_each_other(
        self, storage: Storage, path: str
    ) -> None:
        data = os.urandom(3 * MIB)
        save(storage, path, data)
        first = open_range(storage, path, 0, len(data))
        second = open_range(storage, path, MIB, MIB)
        found = next(first)
        assert b"".join(second) == data[MIB : 2 * MIB]
        assert found + b"".join(first) == data

    def test_serves_threads_at_once(self, storage: Storage) -> None:
        def go_through(number: int) -> None:
            path, data = new_path(), os.urandom(300_000 + number)
            save(storage, path, data)
            assert read(storage, path, number, 200_000) == data[number:][:200_000]
            storage.delete(path)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(go_through, range(18)))

    def test_can_be_used_after_a_reader_went_away(
        self, storage: Storage, path: str
    ) -> None:
        data = os.urandom(3 * MIB)
        save(storage, path, data)
        for _ in range(5):
            chunks: Any = open_range(storage, path, 5, len(data) - 5)
            assert next(chunks)[:1] == data[5:6]
            chunks.close()
        assert read(storage, path, 0, len(data)) == data

    def test_a_missing_file_is_found_before_the_first_byte(
        self, storage: Storage
    ) -> None:
        with pytest.raises(Exception):  # noqa: B017, PT011 - each has its own
            open_range(storage, new_path(), 0, 10)

    def test_a_file_that_is_too_short_is_an_error(
        self, storage: Storage, path: str
    ) -> None:
        save(storage, path, b"x" * 1000)
        with pytest.raises(Exception):  # noqa: B017, PT011 - each has its own
            read(storage, path, 0, 1001)
        with pytest.raises(Exception):  # noqa: B017, PT011
            read(storage, path, 990, 20)

    def test_deletes(self, storage: Storage, path: str) -> None:
        other = f"{path[:6]}{new_path()[6:]}"
        save(storage, path, b"one")
        save(storage, other, b"other")
        assert storage.exists(path)
        storage.delete(path)
        assert not storage.exists(path)
        assert read(storage, other, 0, 5) == b"other"
        storage.delete(other)

    def test_deletes_again_without_complaint(self, storage: Storage, path: str) -> None:
        save(storage, path, b"data")
        storage.delete(path)
        storage.delete(path)
        storage.delete(new_path())

    @pytest.mark.parametrize("after", [0, 100_000, 18 * MIB])
    def test_a_body_that_breaks_off_leaves_nothing_that_stays(
        self, storage: Storage, path: str, after: int
    ) -> None:
        length = after + 1000
        if length > self.largest:
            pytest.skip("larger than this storage takes")
        given = 0

        def read_until_broken(size: int) -> bytes:
            nonlocal given
            if given == after:
                raise BrokenOffError
            size = min(size, after - given)
            given += size
            return b"x" * size

        with pytest.raises(BrokenOffError):
            save_body(storage, path, Body(read_until_broken, length))
        # The sweep does this, if the storage has not done it itself.
        storage.delete(path)
        assert not storage.exists(path)
        other = new_path()
        save(storage, other, b"life goes on")
        assert read(storage, other, 5, 4) == b"goes"
        storage.delete(other)
