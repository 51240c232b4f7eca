"""A storage on Azure Blob Storage: django-storages' own, with ranges and bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, LinearRetry
from django.conf import settings
from django.core.files.base import File
from storages.backends.azure_storage import AzureStorage

from blobs.storage import check_length

# What one request sends: it is in memory. A blob has 50,000 such blocks at most.
BLOCK = 4 * 1024 * 1024
# What one request asks for; the library holds ten times as much for a moment.
PIECE = 2 * 1024 * 1024


class AzureBlobStorage(AzureStorage):  # type: ignore[misc]
    """Blobs in a container of Azure's; takes the options of django-storages."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        given: dict[str, Any] = self.client_options
        self.client_options = {**client_options(), **given}

    def _get_service_client(self) -> Any:
        if self.connection_string is None:
            return super()._get_service_client()
        return BlobServiceClient.from_connection_string(
            self.connection_string, **self.client_options
        )

    def _save(self, name: str, content: File[Any]) -> str:
        """Send blocks one after another; they are a blob once the last is there."""
        self.client.upload_blob(
            self._get_valid_path(name),
            content.file,
            length=content.size,
            max_concurrency=1,
            overwrite=False,
        )
        return name

    def open_range(self, path: str, start: int, length: int) -> Iterator[bytes]:
        """Ask for the first block now, so that a missing blob is found at once."""
        blob = self.client.get_blob_client(self._get_valid_path(path))
        try:
            download = blob.download_blob(
                offset=start, length=length, max_concurrency=1
            )
        except ResourceNotFoundError as error:
            raise FileNotFoundError(path) from error
        check_length(download.size, length)
        return (chunk for chunk in download.chunks())

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Blob names are random; a collision is an error, never another name."""
        return name


def client_options() -> dict[str, Any]:
    """Bound memory, and time so that all attempts end within the storage's timeout."""
    attempts = settings.OBJECTSTORE_STORAGE_ATTEMPTS
    # The share that is left over is for the waits between attempts.
    seconds = settings.OBJECTSTORE_STORAGE_TIMEOUT / (attempts + 1)
    return {
        "max_block_size": BLOCK,
        "max_single_put_size": BLOCK,
        "max_single_get_size": PIECE,
        "max_chunk_get_size": PIECE,
        "connection_timeout": seconds,
        "read_timeout": seconds,
        "retry_policy": LinearRetry(
            backoff=1, retry_total=attempts - 1, random_jitter_range=0
        ),
    }
