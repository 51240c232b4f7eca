"""What a copy or a sync has to do, found out before anything is done."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from objectstore.cli.exits import CommandError, Exit
from objectstore.cli.jobs import Job
from objectstore.cli.locations import Local, Location, Pipe, Remote
from objectstore.client import Client

CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or object under a folder."""

    relative: str
    size: int
    modified_at: datetime
    etag: str = ""
    path: Path | None = None


def check_pair(source: Location, target: Location, recursive: bool) -> None:
    """Refuse what is no copy, or one that would never end.

    Raises CommandError.
    """
    if not isinstance(source, Remote) and not isinstance(target, Remote):
        raise CommandError("one of the two must be os://bucket/key", Exit.USAGE)
    if recursive and (isinstance(source, Pipe) or isinstance(target, Pipe)):
        raise CommandError("a pipe holds no folder", Exit.USAGE)
    if isinstance(source, Remote) and isinstance(target, Remote):
        if recursive and source.as_folder().holds(target.as_folder()):
            raise CommandError("the target lies in the source", Exit.USAGE)
        if not recursive and source == target_of(source, target):
            raise CommandError("source and target are the same", Exit.USAGE)


def target_of(source: Location, target: Location) -> Location:
    """Say where one thing goes: into a folder under its own name."""
    if isinstance(target, Pipe) or not target.is_folder:
        return target
    if isinstance(source, Pipe):
        raise CommandError(f"what comes from - needs a key: {target}", Exit.USAGE)
    return target.child(source.name)


def jobs_of(
    client: Client, source: Location, target: Location, recursive: bool
) -> Iterator[Job]:
    """Say what is to be copied."""
    check_pair(source, target, recursive)
    if not recursive:
        yield single(source, target)
        return
    folder = target.as_folder() if isinstance(target, Remote) else target
    for entry in entries_of(client, source):
        yield job_of(source, folder, entry)


def single(source: Location, target: Location) -> Job:
    if isinstance(source, Remote) and source.is_folder:
        raise CommandError(f"{source} is a folder: use --recursive", Exit.USAGE)
    if isinstance(source, Local):
        if source.path.is_dir():
            raise CommandError(f"{source} is a folder: use --recursive", Exit.USAGE)
        size = source.path.stat().st_size
        return Job(source, target_of(source, target), size=size)
    return Job(source, target_of(source, target))


def job_of(source: Location, folder: Location, entry: Entry) -> Job:
    if isinstance(source, Remote):
        one: Location = source.as_folder().child(entry.relative)
    else:
        one = Local(entry.path or Path())
    return Job(one, folder, entry.relative, entry.size)


def entries_of(client: Client, place: Location) -> Iterator[Entry]:
    """List what is under a folder, here or there."""
    if isinstance(place, Local):
        yield from files_under(place.path)
    elif isinstance(place, Remote):
        yield from objects_under(client, place.as_folder())


def files_under(folder: Path) -> Iterator[Entry]:
    """List the files of a folder. Raises CommandError when it is none."""
    if not folder.is_dir():
        raise CommandError(f"{folder} is no folder", Exit.NOT_FOUND)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            facts = path.stat()
            modified = datetime.fromtimestamp(facts.st_mtime, UTC)
            relative = path.relative_to(folder).as_posix()
            yield Entry(relative, facts.st_size, modified, path=path)


def objects_under(client: Client, folder: Remote) -> Iterator[Entry]:
    """List the objects of a folder; a key that ends in a slash only marks one."""
    for item in client.iter_objects(folder.bucket, prefix=folder.key or None):
        relative = item.key.removeprefix(folder.key)
        if relative and not relative.endswith("/"):
            yield Entry(relative, item.size, item.last_modified, item.etag)


@dataclass(frozen=True, slots=True)
class Difference:
    """What a sync has to copy and, if it is asked to, delete."""

    jobs: list[Job]
    extra: list[Entry]
    source_count: int


def difference(
    client: Client,
    source: Location,
    target: Location,
    *,
    excluded: Iterable[str] = (),
    by_checksum: bool = False,
) -> Difference:
    """Compare two folders. A target that is not there yet is empty."""
    patterns = list(excluded)
    folder = target.as_folder() if isinstance(target, Remote) else target
    is_new = isinstance(target, Local) and not target.path.exists()
    there = {} if is_new else kept(entries_of(client, target), patterns)
    here = kept(entries_of(client, source), patterns)
    jobs = [
        job_of(source, folder, entry)
        for relative, entry in here.items()
        if differs(entry, there.pop(relative, None), by_checksum)
    ]
    return Difference(jobs, list(there.values()), len(here))


def kept(entries: Iterable[Entry], excluded: list[str]) -> dict[str, Entry]:
    return {
        entry.relative: entry
        for entry in entries
        if not any(fnmatchcase(entry.relative, pattern) for pattern in excluded)
    }


def differs(source: Entry, target: Entry | None, by_checksum: bool) -> bool:
    """Tell whether a copy is needed: by size, then by time or by checksum.

    The store's times are whole seconds: a file that changed in the second of its
    upload can be told apart only by its checksum.
    """
    if target is None or source.size != target.size:
        return True
    if source.path is None and target.path is None:
        return source.etag != target.etag
    is_same_second = source.modified_at.replace(microsecond=0) == (
        target.modified_at.replace(microsecond=0)
    )
    if source.modified_at == target.modified_at and not by_checksum:
        return False
    if by_checksum or is_same_second:
        one, other = checksum_of(source), checksum_of(target)
        if one and other:
            return one != other
    return source.modified_at > target.modified_at


def checksum_of(entry: Entry) -> str:
    """Give the MD5, "" where an upload in parts has an ETag of another kind."""
    if entry.path is None:
        return "" if "-" in entry.etag else entry.etag
    digest = hashlib.md5(usedforsecurity=False)
    with entry.path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
