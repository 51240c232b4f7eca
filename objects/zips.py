"""Objects as one zip archive, written while it is read: no more than a chunk is held.

Files are stored, not compressed: most of what people keep is compressed already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from django.utils import timezone
from zipstream import ZipStream

from buckets.access import find_bucket, get_bucket
from iam.principals import Principal
from kernel.errors import InvalidRequest, ObjectStoreError
from kernel.listing import page_bounds, start_after
from kernel.results import BucketInfo
from objects import queries
from objects.bulk import Targets, listed_again
from objects.operations import FailedDeletion, get_object
from objects.searches import State, Wanted, matching_pages, weigh_matches
from objects.taken import numbered

# The archive's table of contents is kept until its end: 100,000 names take 60 MB.
MOST_ENTRIES = 100_000
ROWS_PER_QUERY = 1000
LEFT_OUT = "NOT IN THIS ARCHIVE.txt"
TOO_MANY = (
    f"An archive takes {MOST_ENTRIES:,} objects at most. Choose smaller folders, or "
    "fetch them with a client."
)

# Who an archive is written for, asked anew: rights may change while it is written.
Who = Callable[[], Principal]
# A key, with its path in the archive.
Entry = tuple[str, str]


@dataclass(slots=True)
class Names:
    """The names in an archive: safe to unpack, and each once, a file or a folder."""

    # With the number that was last added to each.
    taken: dict[str, int] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)

    def name(self, path: str) -> str:
        """Give the name of a path that leads nowhere outside where it is unpacked."""
        parts = [safe(part) for part in path.replace("\\", "/").split("/")]
        *above, last = [part for part in parts if part] or ["_"]
        folder = ""
        for part in above:
            folder = f"{self.folder(folder + part)}/"
        return self.free(folder + last)

    def folder(self, plain: str) -> str:
        """Give the name of a folder: another one where a file has taken its own."""
        first = plain.casefold()
        if first not in self.folders:
            self.folders[first] = self.free(plain)
        found = self.folders[first]
        return plain if found.casefold() == first else found

    def free(self, plain: str) -> str:
        first = plain.casefold()
        name, number = plain, self.taken.get(first, 1)
        while name.casefold() in self.taken:
            number += 1
            name = numbered(plain, number)
        self.taken[first] = number
        self.taken.setdefault(name.casefold(), 1)
        return name


def safe(part: str) -> str:
    """Write a path's part so that it is a name and nothing else."""
    part = "".join("_" if ord(sign) < 32 or sign == ":" else sign for sign in part)
    return "_" * len(part) if part.strip(". ") == "" else part


@dataclass(slots=True)
class Packed:
    """What has gone into an archive, and what was left out of it since last asked."""

    count: int = 0
    size: int = 0
    failures: list[FailedDeletion] = field(default_factory=list)


def zip_objects(
    principal: Principal, bucket_name: str, targets: Targets
) -> Iterator[bytes]:
    """Give the archive's bytes; what cannot be read is named in it at the end.

    Raises NoSuchBucket, AccessDenied to those who may not list a folder, and
    InvalidRequest for nothing or for more than an archive takes, before the first byte.
    """
    check_fits(principal, bucket_name, targets)

    def who() -> Principal:
        return principal

    wanted = entries(who, bucket_name, targets)
    chunks = pack(who, bucket_name, wanted, Packed())
    return (chunk for chunk in chunks if chunk)


def check_fits(principal: Principal, bucket_name: str, targets: Targets) -> None:
    """Raise what an archive of these is refused with."""
    if targets.wanted is not None and targets.wanted.state is State.DELETED:
        raise InvalidRequest("What is deleted cannot be put into an archive.")
    bucket = find_bucket(bucket_name)
    for folder in targets.folders:
        get_bucket(
            principal, "s3:ListBucket", bucket_name, context={"s3:prefix": folder}
        )
    count = len(targets.keys) + sum(
        count_under(bucket.id, folder, MOST_ENTRIES + 1) for folder in targets.folders
    )
    if targets.wanted is not None:
        count += count_matches(principal, bucket_name, targets.prefix, targets.wanted)
    if not count:
        raise InvalidRequest("There is nothing to download here.")
    if count > MOST_ENTRIES:
        raise InvalidRequest(TOO_MANY)


def count_matches(
    principal: Principal, bucket_name: str, prefix: str, wanted: Wanted
) -> int:
    """Count what a search finds; where the time is over, there may be one at least."""
    matches = weigh_matches(
        principal, bucket_name, wanted, prefix=prefix, now=timezone.now()
    )
    return max(matches.count, int(matches.stopped_early))


def count_under(bucket_id: int, folder: str, most: int) -> int:
    start, end = page_bounds(folder, "")
    return queries.count_objects(bucket_id, start, end, most)


def entries(who: Who, bucket_name: str, targets: Targets) -> Iterator[Entry]:
    """Give each key with its path in the archive: below the folder that was chosen."""
    for key in targets.keys:
        yield key, key.rstrip("/").rpartition("/")[2] + ("/" if key[-1:] == "/" else "")
    bucket = find_bucket(bucket_name)
    for folder in targets.folders:
        above = folder.rstrip("/").rpartition("/")[0]
        cut = len(above) + 1 if above else 0
        for key in keys_under(who, bucket, folder):
            yield key, key[cut:]
    if targets.wanted is not None:
        cut = targets.prefix.rfind("/") + 1
        for key in keys_found(who, bucket_name, targets.prefix, targets.wanted):
            yield key, key[cut:]


def keys_under(who: Who, bucket: BucketInfo, folder: str) -> Iterator[str]:
    after = ""
    while True:
        listed_again(who(), "s3:ListBucket", bucket, folder)
        start, end = page_bounds(folder, after)
        rows = queries.page_of_objects(bucket.id, start, end, ROWS_PER_QUERY)
        for row in rows:
            yield row.key
        if len(rows) < ROWS_PER_QUERY:
            return
        after = start_after(rows[-1].key, "", "")


def keys_found(
    who: Who, bucket_name: str, prefix: str, wanted: Wanted
) -> Iterator[str]:
    """Give the keys that a search finds, by the rights of each page's moment."""
    after, has_more = "", True
    while has_more:
        principal, has_more = who(), False
        pages = matching_pages(
            principal,
            bucket_name,
            wanted,
            prefix=prefix,
            after_key=after,
            per_page=ROWS_PER_QUERY,
            now=timezone.now(),
        )
        for rows, place in pages:
            after = place
            yield from (row.key for row in rows)
            if who() != principal:
                has_more = True
                break


def pack(
    who: Who, bucket_name: str, wanted: Iterable[Entry], packed: Packed
) -> Iterator[bytes]:
    """Write each object in turn; one is open at a time.

    No bytes come for what is left out, so that who writes them hears of it in time.
    Raises InvalidRequest for more than an archive takes.
    """
    stream, names = ZipStream(), Names()
    left_out: list[str] = []
    for key, path in wanted:
        if path.endswith("/"):
            continue
        if packed.count + len(left_out) >= MOST_ENTRIES:
            raise InvalidRequest(TOO_MANY)
        try:
            content = get_object(who(), bucket_name, key)
        except ObjectStoreError as error:
            left_out.append(f"{key}: {error.text}")
            packed.failures.append(FailedDeletion(key, "", error))
            yield b""
            continue
        stream.add(content.chunks, names.name(path), size=content.length)
        yield from stream.all_files()
        packed.count += 1
        packed.size += content.length
    if left_out:
        stream.add("\n".join(left_out) + "\n", names.name(LEFT_OUT))
    yield from stream.finalize()
