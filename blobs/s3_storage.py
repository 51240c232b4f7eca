"""A storage on any S3 engine: django-storages' own, with ranges and bounds."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from threading import Lock
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.base import File
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

from blobs.storage import CHUNK, check_length

# What an upload holds in memory at once; AWS takes 10,000 parts of at least 5 MiB.
PART = 8 * 1024 * 1024
# Connections that a process keeps open: as many as threads may come at once.
CONNECTIONS = 64
NOT_FOUND = 404


class S3BlobStorage(S3Storage):  # type: ignore[misc]
    """Objects in a bucket; reads ask for a range, and go on where they were cut off.

    Takes the options of django-storages, and `sends_checksums`: False for engines
    that do not know the CRC32 that uploads carry.
    """

    def __init__(self, *, sends_checksums: bool = True, **options: Any) -> None:
        super().__init__(**options)
        # As an upload by boto3 itself: engines refuse checksums at the completion of
        # what was begun without.
        self._of_uploads = {"ChecksumAlgorithm": "CRC32"} if sends_checksums else {}
        ours = client_config(sends_checksums)
        self.client_config: Config = ours.merge(self.client_config)
        self._lock = Lock()
        self._connection: Any = None

    @property
    def connection(self) -> Any:
        """One for all threads: its client may be shared, and making one is slow."""
        with self._lock:
            if self._connection is None:
                self._connection = self._create_session().resource(
                    "s3",
                    region_name=self.region_name,
                    use_ssl=self.use_ssl,
                    endpoint_url=self.endpoint_url,
                    config=self.client_config,
                    verify=self.verify,
                )
            return self._connection

    @property
    def _client(self) -> Any:
        return self.connection.meta.client

    # Writing

    def _save(self, name: str, content: File[Any]) -> str:
        """Send one request, or parts one by one: one part is in memory at a time."""
        target = {
            "Bucket": self.bucket_name,
            "Key": self._normalize_name(clean_name(name)),
        }
        parameters = self._get_write_parameters(name, content)
        first = content.read(PART)
        if len(first) < PART:
            self._client.put_object(Body=first, **target, **parameters)
            return name
        created = self._client.create_multipart_upload(
            **target, **self._of_uploads, **parameters
        )
        target["UploadId"] = created["UploadId"]
        try:
            etag = self._send_part(target, 1, first)
            del first
            parts = [etag, *self._send_rest(target, content)]
            self._client.complete_multipart_upload(
                **target, MultipartUpload={"Parts": parts}
            )
        except BaseException:
            # A bucket's own rules abort what cannot be aborted now.
            with contextlib.suppress(BotoCoreError, ClientError):
                self._client.abort_multipart_upload(**target)
            raise
        return name

    def _send_rest(
        self, target: dict[str, str], content: File[Any]
    ) -> Iterator[dict[str, Any]]:
        number = 2
        while part := content.read(PART):
            sent = self._send_part(target, number, part)
            # Before the next is read, or two would be in memory.
            del part
            yield sent
            number += 1

    def _send_part(
        self, target: dict[str, str], number: int, data: bytes
    ) -> dict[str, Any]:
        answer = self._client.upload_part(
            Body=io.BytesIO(data), PartNumber=number, **self._of_uploads, **target
        )
        part = {"ETag": answer["ETag"], "PartNumber": number}
        if self._of_uploads and "ChecksumCRC32" in answer:
            part["ChecksumCRC32"] = answer["ChecksumCRC32"]
        return part

    # Deleting

    def delete(self, name: str) -> None:
        """Delete; where the bucket itself is missing, its objects are elsewhere."""
        try:
            self._client.delete_object(
                Bucket=self.bucket_name, Key=self._normalize_name(clean_name(name))
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise

    # Reading

    def open_range(self, path: str, start: int, length: int) -> Iterator[bytes]:
        """Ask for the range now, so that a missing object is found at once."""
        return self._read_on(path, start, length, self._ask(path, start, length))

    def _ask(self, path: str, start: int, length: int) -> Any:
        try:
            answer = self._client.get_object(
                Bucket=self.bucket_name,
                Key=self._normalize_name(clean_name(path)),
                Range=f"bytes={start}-{start + length - 1}",
            )
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == NOT_FOUND:
                raise FileNotFoundError(path) from error
            raise
        check_length(answer["ContentLength"], length)
        if answer["ContentLength"] > length:
            answer["Body"].close()
            raise OSError("the storage does not read ranges")
        return answer["Body"]

    def _read_on(
        self, path: str, start: int, length: int, stream: Any
    ) -> Iterator[bytes]:
        """Give the bytes; a stream that is cut off is asked for again from there."""
        tries_left = settings.OBJECTSTORE_STORAGE_ATTEMPTS - 1
        try:
            while length > 0:
                try:
                    chunk = read_some(stream, length)
                except (BotoCoreError, OSError):
                    if not tries_left:
                        raise
                    tries_left -= 1
                    stream.close()
                    stream = self._ask(path, start, length)
                    continue
                start += len(chunk)
                length -= len(chunk)
                yield chunk
        finally:
            stream.close()


def read_some(stream: Any, length: int) -> bytes:
    chunk: bytes = stream.read(min(CHUNK, length))
    check_length(len(chunk), 1)
    return chunk


def client_config(sends_checksums: bool) -> Config:
    """Say how long to wait, so that all attempts end within the storage's timeout."""
    attempts = settings.OBJECTSTORE_STORAGE_ATTEMPTS
    # The share that is left over is for the waits between attempts.
    seconds = settings.OBJECTSTORE_STORAGE_TIMEOUT / (attempts + 1)
    return Config(
        connect_timeout=seconds,
        read_timeout=seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=CONNECTIONS,
        request_checksum_calculation=(
            "when_supported" if sends_checksums else "when_required"
        ),
        # Some engines send the whole object's checksum along with a range of it.
        response_checksum_validation="when_required",
    )
