"""Objects as one zip archive, written while it is read: no more than a chunk is held.

Files are stored, not compressed: most of what people keep is compressed already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from zipstream import ZipStream

from buckets.access import find_bucket, get_bucket
from iam.principals import Principal
from kernel.errors import InvalidRequest, ObjectStoreError
from kernel.listing import page_bounds, start_after
from objects import queries
from objects.operations import get_object

# The archive's table of contents is kept until its end: 100,000 names take 60 MB.
MOST_ENTRIES = 100_000
ROWS_PER_QUERY = 1000
LEFT_OUT = "NOT IN THIS ARCHIVE.txt"


@dataclass(frozen=True, slots=True)
class Selection:
    """What goes into an archive: keys, and all current objects under folders."""

    keys: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


@dataclass(slots=True)
class Names:
    """The names in an archive: safe to unpack, and each once."""

    # With the number that was last added to each.
    taken: dict[str, int] = field(default_factory=dict)

    def name(self, path: str) -> str:
        """Give the name of a path that leads nowhere outside where it is unpacked."""
        parts = [safe(part) for part in path.replace("\\", "/").split("/")]
        plain = "/".join(part for part in parts if part) or "_"
        first = plain.casefold()
        name, number = plain, self.taken.get(first, 1)
        while name.casefold() in self.taken:
            number += 1
            name = numbered(plain, number)
        self.taken[first] = number
        self.taken.setdefault(name.casefold(), 1)
        return name


def numbered(name: str, number: int) -> str:
    stem, dot, ending = name.rpartition(".")
    return f"{stem} ({number}).{ending}" if stem else f"{dot}{ending} ({number})"


def safe(part: str) -> str:
    """Write a path's part so that it is a name and nothing else."""
    part = "".join("_" if ord(sign) < 32 or sign == ":" else sign for sign in part)
    return "_" * len(part) if part.strip(". ") == "" else part


def zip_objects(
    principal: Principal, bucket_name: str, selection: Selection
) -> Iterator[bytes]:
    """Give the archive's bytes; what cannot be read is named in it at the end.

    Raises NoSuchBucket, AccessDenied to those who may not list a folder, and
    InvalidRequest for more than an archive takes, before the first byte.
    """
    bucket = find_bucket(bucket_name)
    for folder in selection.folders:
        get_bucket(
            principal, "s3:ListBucket", bucket_name, context={"s3:prefix": folder}
        )
    count = len(selection.keys) + sum(
        count_under(bucket.id, folder, MOST_ENTRIES + 1) for folder in selection.folders
    )
    if not count:
        raise InvalidRequest("There is nothing to download here.")
    if count > MOST_ENTRIES:
        raise InvalidRequest(
            f"An archive takes {MOST_ENTRIES:,} objects at most. Choose smaller "
            "folders, or fetch them with a client."
        )
    return archive(principal, bucket_name, entries(bucket.id, selection))


def count_under(bucket_id: int, folder: str, most: int) -> int:
    start, end = page_bounds(folder, "")
    return queries.count_objects(bucket_id, start, end, most)


def entries(bucket_id: int, selection: Selection) -> Iterator[tuple[str, str]]:
    """Give each key with its path in the archive: below the folder that was chosen."""
    for key in selection.keys:
        yield key, key.rstrip("/").rpartition("/")[2] + ("/" if key[-1:] == "/" else "")
    for folder in selection.folders:
        above = folder.rstrip("/").rpartition("/")[0]
        cut = len(above) + 1 if above else 0
        for key in keys_under(bucket_id, folder):
            yield key, key[cut:]


def keys_under(bucket_id: int, folder: str) -> Iterator[str]:
    after = ""
    while True:
        start, end = page_bounds(folder, after)
        rows = queries.page_of_objects(bucket_id, start, end, ROWS_PER_QUERY)
        for row in rows:
            yield row.key
        if len(rows) < ROWS_PER_QUERY:
            return
        after = start_after(rows[-1].key, "", "")


def archive(
    principal: Principal, bucket_name: str, wanted: Iterable[tuple[str, str]]
) -> Iterator[bytes]:
    """Write each object in turn; one is open at a time."""
    stream, names = ZipStream(), Names()
    left_out: list[str] = []
    for key, path in wanted:
        if path.endswith("/"):
            continue
        try:
            content = get_object(principal, bucket_name, key)
        except ObjectStoreError as error:
            left_out.append(f"{key}: {error.text}")
            continue
        stream.add(content.chunks, names.name(path), size=content.length)
        yield from stream.all_files()
    if left_out:
        stream.add("\n".join(left_out) + "\n", LEFT_OUT)
    yield from stream.finalize()
