"""Whole files up and down: in parts, with progress, resumed, in bounded memory."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from io import SEEK_END, BytesIO
from itertools import count
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO

from objectstore.body import beside
from objectstore.errors import (
    InvalidRange,
    ObjectStoreError,
    PreconditionFailed,
    TransportError,
)
from objectstore.results import ObjectDownload, ObjectHead, Part, StoredObject

if TYPE_CHECKING:
    from objectstore.client import Client

PART_SIZE = 16 * 1024**2
MOST_PARTS = 10_000
md5 = partial(hashlib.md5, usedforsecurity=False)
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Attributes:
    """What an upload says of its object."""

    content_type: str | None = None
    metadata: Mapping[str, str] | None = None
    storage_class: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How to upload: the size of a part, how many at a time, and as what."""

    part_size: int
    threads: int
    attributes: Attributes
    if_none_match: str | None = None

    def __post_init__(self) -> None:
        if self.part_size < 1 or self.threads < 1:
            raise ValueError("part_size and threads must be 1 or more")


class Counter:
    """Bytes done so far, told to the caller one thread at a time."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total = total
        self._progress = progress
        self._done = 0
        self._lock = Lock()

    def add(self, size: int) -> None:
        with self._lock:
            self._done += size
            if self._progress is not None:
                self._progress(self._done, self._total)


def upload_file(
    client: Client,
    bucket: str,
    key: str,
    path: str | os.PathLike[str],
    plan: Plan,
    progress: Progress | None,
    resume: bool,
) -> StoredObject:
    size = Path(path).stat().st_size
    counter = Counter(size, progress)
    part_size = max(plan.part_size, -(-size // MOST_PARTS))
    if size <= part_size:
        with Path(path).open("rb") as file:
            return put_whole(client, bucket, key, file, size, plan, counter)
    upload_id = unfinished(client, bucket, key) if resume else ""
    sent = parts_of(client, bucket, key, upload_id) if upload_id else {}

    def send(number: int) -> Part:
        start = (number - 1) * part_size
        data = read_span(path, start, min(part_size, size - start))
        return send_part(client, upload, number, data, sent.get(number), counter)

    upload = (bucket, key, upload_id or begin(client, bucket, key, plan))
    numbers = range(1, -(-size // part_size) + 1)
    work = (partial(send, number) for number in numbers)
    return finish(client, upload, work, plan, aborts=not resume)


def upload_stream(
    client: Client,
    bucket: str,
    key: str,
    stream: BinaryIO,
    plan: Plan,
    progress: Progress | None,
) -> StoredObject:
    counter = Counter(0, progress)
    first = read_exactly(stream, plan.part_size)
    if len(first) < plan.part_size:
        whole = BytesIO(first)
        return put_whole(client, bucket, key, whole, len(first), plan, counter)
    upload = (bucket, key, begin(client, bucket, key, plan))

    def work() -> Iterator[Callable[[], Part]]:
        number, data = 1, first
        while data:
            yield partial(send_part, client, upload, number, data, None, counter)
            number, data = number + 1, read_exactly(stream, plan.part_size)

    return finish(client, upload, work(), plan, aborts=True)


Upload = tuple[str, str, str]


def put_whole(
    client: Client,
    bucket: str,
    key: str,
    file: BinaryIO,
    size: int,
    plan: Plan,
    counter: Counter,
) -> StoredObject:
    stored = client.put_object(
        bucket, key, file, if_none_match=plan.if_none_match, **asdict(plan.attributes)
    )
    counter.add(size)
    return stored


def begin(client: Client, bucket: str, key: str, plan: Plan) -> str:
    upload = client.create_multipart_upload(bucket, key, **asdict(plan.attributes))
    return upload.upload_id


def unfinished(client: Client, bucket: str, key: str) -> str:
    """Give the id of the key's newest unfinished upload, "" where it has none."""
    uploads = [
        one
        for one in client.iter_multipart_uploads(bucket, prefix=key)
        if one.object_key == key and one.initiated_at is not None
    ]
    newest = max(uploads, key=lambda one: one.initiated_at, default=None)  # type: ignore[arg-type, return-value]
    return newest.upload_id if newest else ""


def parts_of(client: Client, bucket: str, key: str, upload_id: str) -> dict[int, Part]:
    found: dict[int, Part] = {}
    marker: int | None = None
    while True:
        page = client.list_parts(bucket, key, upload_id, part_number_marker=marker)
        found.update({part.part_number: part for part in page.parts})
        marker = page.next_part_number_marker
        if not page.is_truncated:
            return found


def send_part(
    client: Client,
    upload: Upload,
    number: int,
    data: bytes,
    sent: Part | None,
    counter: Counter,
) -> Part:
    """Send a part, unless the server has these bytes under this number."""
    part = sent if sent is not None and is_same(sent, data) else None
    if part is None:
        part = client.upload_part(*upload, number, BytesIO(data))
    counter.add(len(data))
    return part


def is_same(part: Part, data: bytes) -> bool:
    if part.size != len(data):
        return False
    return part.etag == md5(data).hexdigest()


def finish(
    client: Client,
    upload: Upload,
    work: Iterator[Callable[[], Part]],
    plan: Plan,
    *,
    aborts: bool,
) -> StoredObject:
    """Send the parts and make them one object; a failure may give the upload up."""
    try:
        parts = side_by_side(work, plan.threads)
        return client.complete_multipart_upload(
            *upload, parts, if_none_match=plan.if_none_match
        )
    except BaseException:
        if aborts:
            # What broke the upload is what the caller is told.
            with suppress(ObjectStoreError):
                client.abort_multipart_upload(*upload)
        raise


def side_by_side(work: Iterator[Callable[[], Part]], threads: int) -> list[Part]:
    """Do the work on some threads; no more of it is taken than they can do."""
    parts: list[Part] = []
    waiting: deque[Future[Part]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for one in work:
                waiting.append(pool.submit(one))
                if len(waiting) == threads:
                    parts.append(waiting.popleft().result())
            parts.extend(one.result() for one in waiting)
        except BaseException:
            for left in waiting:
                left.cancel()
            raise
    return parts


def read_span(path: str | os.PathLike[str], start: int, size: int) -> bytes:
    with Path(path).open("rb") as file:
        file.seek(start)
        data = file.read(size)
    if len(data) < size:
        raise OSError("the file ended early: it changed while it was uploaded")
    return data


def read_exactly(stream: BinaryIO, size: int) -> bytes:
    """Read until there are so many bytes or the stream ends: a pipe gives fewer."""
    data = bytearray()
    while len(data) < size and (chunk := stream.read(size - len(data))):
        data += chunk
    return bytes(data)


def download_file(
    client: Client,
    bucket: str,
    key: str,
    path: str | os.PathLike[str],
    version_id: str | None,
    progress: Progress | None,
) -> ObjectHead:
    head = client.head_object(bucket, key, version_id=version_id)
    target = Path(path)
    partial = beside(target, f".{head.etag}.part")
    counter = Counter(head.size, progress)
    # Not appending: two downloads at once write the same bytes at the same places.
    with open(partial, "r+b", opener=creating) as file:
        if file.seek(0, SEEK_END) > head.size:
            file.seek(0)
            file.truncate()
        counter.add(file.tell())
        fetch_rest(client, bucket, key, version_id, head, file, counter)
    if not settle(partial, target, head):
        raise TransportError("what was downloaded is not the object: try again")
    return head


def settle(partial: Path, target: Path, head: ObjectHead) -> bool:
    """Give the file its name if it holds the object; else it is fetched anew."""
    try:
        if holds(partial, head):
            partial.replace(target)
            return True
        partial.unlink()
        return False
    except FileNotFoundError:
        # Another download of this object to this file was done first.
        return holds(target, head)


def holds(path: Path, head: ObjectHead) -> bool:
    """Compare a file with an object: by size, and by the ETag where it is an MD5."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size != head.size:
            return False
        return "-" in head.etag or file_md5(file) == head.etag


def file_md5(file: BinaryIO) -> str:
    return hashlib.file_digest(file, md5).hexdigest()  # type: ignore[arg-type]


def creating(path: str, flags: int) -> int:
    """Open a file that need not be there, as no mode of open does without appending."""
    return os.open(path, flags | os.O_CREAT, 0o666)


def fetch_rest(
    client: Client,
    bucket: str,
    key: str,
    version_id: str | None,
    head: ObjectHead,
    file: BinaryIO,
    counter: Counter,
) -> None:
    """Write what a file lacks of the object, going on where a connection breaks."""
    for attempt in count():
        if head.size and file.tell() == head.size:
            return
        content = open_rest(client, bucket, key, version_id, head, file.tell())
        try:
            for chunk in content.body.iter_bytes():
                file.write(chunk)
                counter.add(len(chunk))
            return
        except TransportError:
            if not client._transport.may_try_again(attempt):
                raise


def open_rest(
    client: Client,
    bucket: str,
    key: str,
    version_id: str | None,
    head: ObjectHead,
    done: int,
) -> ObjectDownload:
    """Open what is missing of the object, if it is still the same one."""
    try:
        return client.get_object(
            bucket,
            key,
            version_id=version_id,
            byte_range=f"bytes={done}-" if done else None,
            if_match=f'"{head.etag}"',
        )
    except InvalidRange as error:
        raise PreconditionFailed("the object changed during the download") from error
