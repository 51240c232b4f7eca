"""Files written in a transaction of the caller's, where its rollback reaches no file.

A blob's row is there before its first byte, so that the sweep finds what was given up.
Inside a caller's transaction that row would be rolled back with the rest. PostgreSQL
commits it through another connection. SQLite has one writer, which the caller may be:
there a note beside the database file says what is being written, as its journal does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import connection, transaction

from blobs import queries
from blobs.storage import sync_folder
from kernel.database.commit import commit, commit_apart, joins_a_transaction
from kernel.database.vendor import is_postgresql

TAKEN_UP_TOGETHER = 500


def add_pending(
    storage_class: str,
    path: str,
    now: datetime,
    encryption: Mapping[str, str] | None = None,
) -> int:
    """Say durably that a blob is about to be written; give the id of its row."""

    def record() -> int:
        return queries.add_pending(storage_class, path, now, encryption)

    if not joins_a_transaction():
        return commit(record)
    if is_postgresql():
        return commit_apart(record)
    take_note(storage_class, path, now)
    return commit(record)


def take_note(storage_class: str, path: str, now: datetime) -> None:
    """Write the note, and let the caller's commit remove it."""
    folder = folder_of_notes()
    if folder is None:
        return
    folder.mkdir(exist_ok=True, mode=0o700)
    note = folder / Path(path).name
    fact = {"class": storage_class, "path": path, "at": now.isoformat()}
    with note.open("x") as file:
        json.dump(fact, file)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)
    transaction.on_commit(lambda: note.unlink(missing_ok=True))


def folder_of_notes() -> Path | None:
    """Give the folder beside the database file; a database in memory has none."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]
        return None
    return Path(f"{name}-writes")


@dataclass(frozen=True, slots=True)
class Note:
    """What was being written, and since when."""

    file: Path
    storage_class: str
    path: str
    written_at: datetime


def take_up(before: datetime) -> None:
    """Give rows to files whose own were rolled back, so that a sweep frees them."""
    old = [note for note in notes() if note.written_at <= before]
    for start in range(0, len(old), TAKEN_UP_TOGETHER):
        take_up_together(old[start : start + TAKEN_UP_TOGETHER])


def take_up_together(old: list[Note]) -> None:
    def record() -> None:
        known = queries.known_paths(note.path for note in old)
        for note in old:
            if note.path not in known:
                queries.add_pending(note.storage_class, note.path, note.written_at)

    commit(record)
    for note in old:
        note.file.unlink(missing_ok=True)


def notes() -> list[Note]:
    folder = folder_of_notes()
    if folder is None or not folder.is_dir():
        return []
    return [note for file in folder.iterdir() if (note := read_note(file))]


def read_note(file: Path) -> Note | None:
    """Read a note; one that a crash cut short was followed by no file."""
    try:
        fact = json.loads(file.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return Note(file, fact["class"], fact["path"], datetime.fromisoformat(fact["at"]))
