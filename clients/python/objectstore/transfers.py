"""Whole files up and down: in parts, with progress, resumed, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from objectstore.errors import InvalidRange, PreconditionFailed
from objectstore.results import ObjectDownload, ObjectHead, Part, StoredObject

if TYPE_CHECKING:
    from objectstore.client import Client

PART_SIZE = 16 * 1024**2
MOST_PARTS = 10_000
Progress = Callable[[int, int], None]


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
    options: Mapping[str, Any],
    part_size: int,
    threads: int,
    progress: Progress | None,
) -> StoredObject:
    size = Path(path).stat().st_size
    counter = Counter(size, progress)
    if size <= part_size:
        with Path(path).open("rb") as file:
            stored = client.put_object(bucket, key, file, **options)
        counter.add(size)
        return stored
    part_size = max(part_size, -(-size // MOST_PARTS))
    upload = client.create_multipart_upload(bucket, key, **options)
    try:
        parts = send_parts(
            client,
            bucket,
            key,
            upload.upload_id,
            Path(path),
            size,
            part_size,
            threads,
            counter,
        )
        return client.complete_multipart_upload(bucket, key, upload.upload_id, parts)
    except BaseException:
        client.abort_multipart_upload(bucket, key, upload.upload_id)
        raise


def send_parts(
    client: Client,
    bucket: str,
    key: str,
    upload_id: str,
    path: Path,
    size: int,
    part_size: int,
    threads: int,
    counter: Counter,
) -> list[Part]:
    """Send the parts; each thread holds one of them in memory."""

    def send(number: int) -> Part:
        with path.open("rb") as file:
            file.seek((number - 1) * part_size)
            data = file.read(part_size)
        part = client.upload_part(bucket, key, upload_id, number, BytesIO(data))
        counter.add(len(data))
        return part

    count = -(-size // part_size)
    with ThreadPoolExecutor(threads) as pool:
        waiting = [pool.submit(send, number) for number in range(1, count + 1)]
        try:
            return [one.result() for one in waiting]
        except BaseException:
            for one in waiting:
                one.cancel()
            raise


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
    partial = target.with_name(f"{target.name}.{head.etag}.part")
    counter = Counter(head.size, progress)
    done = partial.stat().st_size if partial.exists() else 0
    if done > head.size:
        partial.unlink()
        done = 0
    counter.add(done)
    if done < head.size or not head.size:
        content = open_rest(client, bucket, key, version_id, head, done)
        with partial.open("ab") as file:
            for chunk in content.body.iter_bytes():
                file.write(chunk)
                counter.add(len(chunk))
    partial.replace(target)
    return head


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
