"""What is wrong with the storages, said at start and not at the first upload."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import (
    FileSystemStorage,
    InMemoryStorage,
    InvalidStorageError,
    storages,
)

from blobs.room import database_file, existing, kept_free


def check_storage_classes(**_: Any) -> list[CheckMessage]:
    """Tell of storage classes that no storage stands behind."""
    classes = settings.OBJECTSTORE_STORAGE_CLASSES
    found: list[CheckMessage] = [
        Error(
            f"The storage class {name!r} has no entry in STORAGES.",
            hint="Add one, or take the name out of OBJECTSTORE_STORAGE_CLASSES.",
            id="blobs.E001",
        )
        for name in classes
        if name not in settings.STORAGES
    ]
    default = settings.OBJECTSTORE_DEFAULT_STORAGE_CLASS
    if default not in classes:
        found.append(
            Error(
                f"OBJECTSTORE_DEFAULT_STORAGE_CLASS is {default!r}, which is none of "
                f"{', '.join(classes)}.",
                id="blobs.E002",
            )
        )
    return found


def check_storages(**_: Any) -> list[CheckMessage]:
    """Tell of storages that cannot be made, be written, or outlive the process."""
    found: list[CheckMessage] = []
    for name in settings.OBJECTSTORE_STORAGE_CLASSES:
        if name in settings.STORAGES:
            found += check_storage(name)
    return found


def check_storage(name: str) -> list[CheckMessage]:
    try:
        storage = storages[name]
    except (InvalidStorageError, ImproperlyConfigured, TypeError, ValueError) as error:
        return [
            Error(
                f"The storage of the class {name!r} cannot be made: {error}",
                hint=f"Look at OBJECTSTORE_STORAGE_{name.upper()}.",
                id="blobs.E004",
            )
        ]
    if isinstance(storage, FileSystemStorage) and not is_writable(
        Path(storage.location)
    ):
        return [
            Error(
                f"The folder of the storage class {name!r} cannot be written: "
                f"{storage.location}",
                hint="Let the server's user write there, or set another folder.",
                id="blobs.E003",
            )
        ]
    if isinstance(storage, InMemoryStorage):
        return [
            Warning(
                f"The storage class {name!r} is in memory: each process has its own, "
                "and its objects are lost when it ends.",
                hint="Use it for tests alone.",
                id="blobs.W001",
            )
        ]
    return []


def check_room(**_: Any) -> list[CheckMessage]:
    """Tell where less is kept free than somebody asked for."""
    name = "OBJECTSTORE_MIN_FREE_BYTES"
    asked = settings.OBJECTSTORE_MIN_FREE_BYTES
    if not isinstance(asked, int) or asked < 0:
        return [Error(f"{name} is {asked!r}: give a number of bytes.", id="blobs.E005")]
    file = database_file()
    if file is None or name not in os.environ:
        return []
    size = shutil.disk_usage(existing(file)).total
    if asked <= kept_free(size):
        return []
    return [
        Warning(
            f"{name} asks for more than a twentieth of the disk of {file}, which has "
            f"{size:,} bytes: {kept_free(size):,} are kept free there.",
            hint="It is room for deletions. Quotas keep buckets from filling a disk.",
            id="blobs.W002",
        )
    ]


def is_writable(folder: Path) -> bool:
    """Tell whether files can be made in the folder, or it in what is there of it."""
    folder = existing(folder)
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
