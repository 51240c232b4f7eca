"""Files of local storages that no row names.

The store leaves none, whatever it is killed in. They come with a database that is older
than the files beside it: one put back from a backup.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.core.files.storage import FileSystemStorage

from blobs import intents
from blobs.models import Blob, BlobKind
from blobs.store import storage_of

OURS = re.compile(r"([0-9a-f]{2})/([0-9a-f]{2})/\1\2[0-9a-f]{28}")


@dataclass(frozen=True, slots=True)
class Extra:
    """A file that no row names."""

    path: Path
    size: int


def extra_files(storage_class: str, written_before: datetime) -> list[Extra] | None:
    """List a class's files that no row names; None where they are not on a local disk.

    Raises InvalidStorageClass.
    """
    storage = storage_of(storage_class)
    if not isinstance(storage, FileSystemStorage):
        return None
    found = files_below(Path(storage.location), written_before)
    # Rows after files: a row is there before its file, and goes after it.
    rows = Blob.objects.filter(kind=BlobKind.STORED).values_list("path", flat=True)
    for path in rows.iterator():
        found.pop(path, None)
    for note in intents.notes():
        found.pop(note.path, None)
    return [found[path] for path in sorted(found)]


def files_below(folder: Path, written_before: datetime) -> dict[str, Extra]:
    """Find the files that are named as the store names them, by name."""
    found = {}
    for path in folder.glob("??/??/*"):
        name = path.relative_to(folder).as_posix()
        if not OURS.fullmatch(name):
            continue
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        if status.st_mtime < written_before.timestamp():
            found[name] = Extra(path, status.st_size)
    return found
