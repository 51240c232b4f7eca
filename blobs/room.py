"""Space kept free on local disks, so that deleting goes on where storing cannot.

A delete writes too: the database's log, a delete marker, the row that says what is to
be freed. On a disk filled to its last byte nothing could make room any more. MinIO
refuses writes below a minimum of free space for the same reason.
"""

from __future__ import annotations

import math
import shutil
import time
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage, storages
from django.core.signals import setting_changed
from django.db import connection

from kernel.errors import InsufficientStorage
from kernel.kept_settings import settings

# Of a small disk no more than this part is kept free, whatever settings ask for.
LARGEST_SHARE = 1 / 20
# Seconds for which a process relies on what it was told of a disk.
ASKED_EVERY = 1.0
# How the database's disk is called among those of the storage classes.
DATABASE = ""


class Disk:
    """What may still be stored on a disk, as this process knows it.

    `spare` falls with what the process takes, and is asked for anew each second: the
    disk is shared with other processes, and a second is long for a fast one.
    """

    __slots__ = ("spare", "until")

    def __init__(self, spare: float) -> None:
        self.spare = spare
        self.until = 0.0


_disks: dict[str, Disk] = {}


def check_room(name: str, size: int) -> None:
    """Raise InsufficientStorage where `size` bytes do not fit beside what is kept free.

    `name` is a storage class, or DATABASE.
    """
    if size > _disk(name).spare:
        raise InsufficientStorage()


def take_room(name: str, size: int) -> None:
    """Check for room, and count on it no more."""
    # Without a lock: of two threads one may be forgotten, until the next second.
    disk = _disk(name)
    if size > disk.spare:
        raise InsufficientStorage()
    disk.spare -= size


def _disk(name: str) -> Disk:
    disk = _disks.get(name)
    now = time.monotonic()
    if disk is not None and now < disk.until:
        return disk
    if disk is None:
        disk = _disks[name] = Disk(math.inf)
    # First, so that the other threads do not ask too.
    disk.until = now + ASKED_EVERY
    disk.spare = spare_in_database() if name == DATABASE else spare_in_class(name)
    return disk


def forget(**_: Any) -> None:
    _disks.clear()


setting_changed.connect(forget)


def spare_in_class(name: str) -> float:
    """Tell how much may be stored in a storage class; elsewhere nobody knows."""
    folder = folder_of(name)
    return math.inf if folder is None else spare_in(folder)


def folder_of(name: str) -> Path | None:
    """Give where a storage class keeps its files on this machine, if it does."""
    storage = storages[name]
    is_here = isinstance(storage, FileSystemStorage)
    return Path(storage.location) if is_here else None  # type: ignore[attr-defined]


def spare_in_database() -> float:
    """Tell how much may be stored in the database, of which SQLite's file is known.

    It gives nothing back to the disk: what was deleted there is room within.
    """
    file = database_file()
    if file is None:
        return math.inf
    spare = spare_in(file.parent)
    # Near the limit alone: it costs a query.
    if spare < settings.OBJECTSTORE_MIN_FREE_BYTES:
        spare += free_in_database()
    return spare


def database_file() -> Path | None:
    """Give SQLite's file, unless the database is in memory or elsewhere."""
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]
        return None
    return Path(str(connection.settings_dict["NAME"]))


def free_in_database() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT freelist_count * page_size"
            " FROM pragma_freelist_count, pragma_page_size"
        )
        return int(cursor.fetchone()[0])


def spare_in(folder: Path) -> float:
    """Tell how many bytes a folder's disk has beyond those that are kept free."""
    if not settings.OBJECTSTORE_MIN_FREE_BYTES:
        return math.inf
    try:
        disk = shutil.disk_usage(existing(folder))
    except OSError:
        # Writing tells better what is wrong.
        return math.inf
    return disk.free - kept_free(disk.total)


def kept_free(size: int) -> int:
    """Tell how much of a disk of `size` bytes is kept free."""
    asked: int = settings.OBJECTSTORE_MIN_FREE_BYTES
    return min(asked, int(size * LARGEST_SHARE))


def existing(folder: Path) -> Path:
    """Give the folder, or what is there of its path."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
