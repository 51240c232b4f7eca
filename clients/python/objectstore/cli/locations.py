"""Where things are: os://bucket/key, a path on this machine, or - for the pipe."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from objectstore.cli.exits import CommandError, Exit

SCHEME = "os://"
PIPE = "-"


@dataclass(frozen=True, slots=True)
class Remote:
    """A bucket, and in it a key or the prefix of some."""

    bucket: str
    key: str = ""

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        return self.key.rstrip("/").rpartition("/")[2]

    @property
    def is_folder(self) -> bool:
        return not self.key or self.key.endswith("/")

    def as_folder(self) -> Remote:
        """Give what a recursive command works on: `logs` is `logs/`, not `logs2`."""
        return self if self.is_folder else replace(self, key=f"{self.key}/")

    def child(self, relative: str) -> Remote:
        return replace(self, key=self.key + relative)

    def holds(self, other: Remote) -> bool:
        return self.bucket == other.bucket and other.key.startswith(self.key)


@dataclass(frozen=True, slots=True)
class Local:
    """A file or folder of this machine; `ends_open` when written with a slash."""

    path: Path
    ends_open: bool = False

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def is_folder(self) -> bool:
        return self.ends_open or self.path.is_dir()

    def child(self, relative: str) -> Local:
        return Local(path_under(self.path, relative))


@dataclass(frozen=True, slots=True)
class Pipe:
    """Standard input as a source, standard output as a target."""

    def __str__(self) -> str:
        return PIPE


Location = Remote | Local | Pipe


def remote_of(text: str) -> Remote:
    """Read os://bucket/key, or bucket/key where nothing else can be meant."""
    bucket, _, key = text.removeprefix(SCHEME).partition("/")
    if not bucket:
        raise CommandError(f"{text!r} names no bucket", Exit.USAGE)
    return Remote(bucket, key)


def object_of(text: str) -> Remote:
    """Read the location of one object. Raises CommandError when it names no key."""
    remote = remote_of(text)
    if not remote.key:
        raise CommandError(f"{text!r} names no key", Exit.USAGE)
    return remote


def location_of(text: str) -> Location:
    """Read a source or target of a copy."""
    if text == PIPE:
        return Pipe()
    if text.startswith(SCHEME):
        return remote_of(text)
    return Local(Path(text), text.endswith(("/", os.sep)))


def document_in(source: str) -> dict[str, Any]:
    """Read the JSON object in a file, or in standard input.

    Raises CommandError for what is none.
    """
    text = sys.stdin.read() if source == PIPE else Path(source).read_text("utf-8")
    try:
        document = json.loads(text)
    except ValueError as error:
        raise CommandError(f"{source} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise CommandError(f"{source} holds no JSON object")
    return document


def path_under(folder: Path, relative: str) -> Path:
    """Give the file that a key becomes. Raises CommandError when it lies elsewhere.

    Keys are chosen by whoever may write to the bucket: "../x" is one.
    """
    parts = PurePosixPath(relative).parts
    target = folder.joinpath(*parts)
    # Another system's separators show only in the path that the system makes of it.
    beneath = target.parts[len(folder.parts) :]
    leads_out = ".." in beneath or target.drive != folder.drive
    if not parts or leads_out or relative.startswith("/") or "\0" in relative:
        raise CommandError(f"the key {relative!r} is no path under {folder}")
    return target
