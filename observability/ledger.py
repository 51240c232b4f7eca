"""Numbers that outlive their process: a file for each, read by whoever is asked.

Each process maps a file of its own in the metrics folder and adds to the doubles in
it; a reader adds up all files. A living process holds a lock on its file. Where the
lock is free the process has ended: its numbers go into `ended.json`, the file goes.
"""

from __future__ import annotations

import fcntl
import json
import logging
import mmap
import os
import secrets
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

logger = logging.getLogger("objectstore.metrics")

# Room for some 2,000 series. It is taken from the disk at once: a page that a full
# disk cannot give when it is first touched would end the process.
FILE_SIZE = 512 * 1024
HEADER = struct.Struct("<Q")
RECORD = struct.Struct("<II")
SUFFIX = ".numbers"

Name = tuple[str, ...]
Cells = memoryview | list[float]


class Ledger:
    """This process's numbers, by name."""

    def __init__(self, folder: Path) -> None:
        self._end = HEADER.size
        self._map, self._lock = new_map(folder)
        self._doubles = memoryview(self._map).cast("d")
        self._write_end()

    def cells(self, name: Name, count: int) -> Cells:
        """Add a record of `count` numbers, all 0.

        Where the file is full they are not kept: counting never fails a request.
        """
        text = json.dumps(name).encode()
        text += b" " * (-len(text) % 8)
        begin = self._end + RECORD.size + len(text)
        end = begin + 8 * count
        if end > FILE_SIZE:
            return [0.0] * count
        self._map[self._end : begin] = RECORD.pack(len(text), count) + text
        # What a reader may read is announced last.
        self._end = end
        self._write_end()
        return self._doubles[begin // 8 : end // 8]

    def _write_end(self) -> None:
        self._map[: HEADER.size] = HEADER.pack(self._end)

    def close_in_child(self) -> None:
        """Let go of the parent's file, without freeing its lock."""
        if self._lock >= 0:
            os.close(self._lock)


def new_map(folder: Path) -> tuple[mmap.mmap, int]:
    """Map a new file that this process holds the lock of.

    Without a file the numbers are this process's alone.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(folder):
            return new_file(folder / f"{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}")
    except OSError as error:
        logger.warning("metrics are not kept in %s: %s", folder, error)
        return mmap.mmap(-1, FILE_SIZE), -1


def new_file(path: Path) -> tuple[mmap.mmap, int]:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.posix_fallocate(file, 0, FILE_SIZE)
        return mmap.mmap(file, FILE_SIZE), file
    except OSError:
        os.close(file)
        path.unlink()
        raise


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep others from making, reading and folding files."""
    with open(folder / "lock", "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@dataclass(slots=True)
class Numbers:
    """Numbers by name: those of each living process, and of all that have ended."""

    living: list[dict[Name, list[float]]] = field(default_factory=list)
    ended: dict[Name, list[float]] = field(default_factory=dict)
    since: float = 0.0

    def total(self) -> dict[Name, list[float]]:
        sums = {name: list(values) for name, values in self.ended.items()}
        for numbers in self.living:
            add(sums, numbers)
        return sums


def add(sums: dict[Name, list[float]], numbers: dict[Name, list[float]]) -> None:
    for name, values in numbers.items():
        before = sums.get(name)
        sums[name] = (
            list(values)
            if before is None
            else [a + b for a, b in zip(before, values, strict=True)]
        )


def read_all(folder: Path) -> Numbers:
    """Read the numbers of all processes; fold up those that have ended."""
    if not folder.is_dir():
        return Numbers()
    with locked(folder):
        ended, folded = read_ended(folder / "ended.json")
        numbers = Numbers(ended=ended, since=made_at(folder))
        dead = []
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            if path.name in folded:
                path.unlink()
            elif is_held(path):
                numbers.living.append(read_file(path))
            else:
                add(ended, read_file(path))
                dead.append(path)
        if dead or folded:
            write_ended(folder / "ended.json", ended, [path.name for path in dead])
        for path in dead:
            path.unlink()
    return numbers


def made_at(folder: Path) -> float:
    """Tell since when there are numbers: the lock is made first and never written."""
    return (folder / "lock").stat().st_mtime


def is_held(path: Path) -> bool:
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def read_file(path: Path) -> dict[Name, list[float]]:
    data = path.read_bytes()
    if len(data) < HEADER.size:
        return {}
    (end,) = HEADER.unpack_from(data)
    place, numbers = HEADER.size, {}
    while place < end:
        length, count = RECORD.unpack_from(data, place)
        place += RECORD.size
        name = tuple(json.loads(data[place : place + length]))
        place += length
        numbers[name] = list(struct.unpack_from(f"<{count}d", data, place))
        place += 8 * count
    return numbers


def read_ended(path: Path) -> tuple[dict[Name, list[float]], set[str]]:
    """Give the numbers of ended processes, and the files that are already in them."""
    try:
        document = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}, set()
    numbers = {tuple(name): values for name, values in document["numbers"]}
    return numbers, set(document["files"])


def write_ended(
    path: Path, numbers: dict[Name, list[float]], files: Sequence[str]
) -> None:
    """Replace the file at once: a crash leaves the old one and its files, or the new.

    The names of the files are kept with their numbers, so that none counts twice.
    """
    document = {"files": files, "numbers": list(numbers.items())}
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(document))
    draft.replace(path)
