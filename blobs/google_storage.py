"""A storage on Google Cloud Storage: django-storages' own, with ranges and bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.files.base import File
from google.auth.credentials import AnonymousCredentials
from google.cloud.exceptions import NotFound
from google.cloud.storage import Client
from google.cloud.storage.retry import DEFAULT_RETRY
from google.oauth2 import service_account
from storages.backends.gcloud import GoogleCloudStorage
from storages.utils import clean_name

from blobs.storage import check_length

# What one request sends or asks for: it is in memory.
PART = 8 * 1024 * 1024


class GoogleBlobStorage(GoogleCloudStorage):  # type: ignore[misc]
    """Objects in a bucket of Google's.

    Takes the options of django-storages, and `credentials_file`: a service account's
    key; without it the machine's own identity counts. `api_endpoint` is for emulators.
    """

    def __init__(
        self, *, credentials_file: str = "", api_endpoint: str = "", **options: Any
    ) -> None:
        if credentials_file:
            key = service_account.Credentials.from_service_account_file(
                credentials_file
            )
            options = {"credentials": key, "project_id": key.project_id, **options}
        super().__init__(**options)
        self.api_endpoint = api_endpoint
        self._emulated: Any = None
        seconds = float(settings.OBJECTSTORE_STORAGE_TIMEOUT)
        attempts = settings.OBJECTSTORE_STORAGE_ATTEMPTS
        self._patience = {
            "timeout": seconds / (attempts + 1),
            "retry": DEFAULT_RETRY.with_timeout(seconds),
        }

    @property
    def client(self) -> Any:
        if not self.api_endpoint:
            return super().client
        if self._emulated is None:
            self._emulated = Client(
                project=self.project_id or "emulated",
                credentials=self.credentials or AnonymousCredentials(),
                client_options={"api_endpoint": self.api_endpoint},
            )
        return self._emulated

    def _blob(self, name: str) -> Any:
        path = self._normalize_name(clean_name(name))
        return self.bucket.blob(path, chunk_size=PART)

    def _save(self, name: str, content: File[Any]) -> str:
        """Send one request, or pieces one by one: one piece is in memory at a time."""
        self._blob(name).upload_from_file(
            content,
            size=content.size,
            content_type="application/octet-stream",
            **self._patience,
        )
        return name

    def open_range(self, path: str, start: int, length: int) -> Iterator[bytes]:
        """Read the first piece now, so that a missing object is found at once."""
        first = self._piece(path, start, min(length, PART))
        return self._read_on(path, start, length, first)

    def _piece(self, path: str, start: int, length: int) -> bytes:
        try:
            piece: bytes = self._blob(path).download_as_bytes(
                start=start,
                end=start + length - 1,
                raw_download=True,
                checksum=None,
                **self._patience,
            )
        except NotFound as error:
            raise FileNotFoundError(path) from error
        check_length(len(piece), length)
        return piece

    def _read_on(
        self, path: str, start: int, length: int, piece: bytes
    ) -> Iterator[bytes]:
        while True:
            start += len(piece)
            length -= len(piece)
            yield piece
            if length <= 0:
                return
            # Before the next is read, or two would be in memory.
            piece = b""
            piece = self._piece(path, start, min(length, PART))

    def delete(self, name: str) -> None:
        try:
            self._blob(name).delete(**self._patience)
        except NotFound:
            return

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Blob names are random; a collision is an error, never another name."""
        return name
