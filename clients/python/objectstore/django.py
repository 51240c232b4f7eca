"""A Django storage: the media files of other projects, kept in the store over HTTP."""

from __future__ import annotations

import mimetypes
import posixpath
import time
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from io import SEEK_END
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import File
from django.core.files.storage import Storage
from django.utils import timezone

from objectstore.client import Client
from objectstore.errors import NotFound, PreconditionFailed
from objectstore.results import ObjectHead, SignedUrl
from objectstore.transport import quoted

if TYPE_CHECKING:
    BytesFile = File[bytes]
else:  # Django's own class takes no parameter, only its stubs' does.
    BytesFile = File

HELD_IN_MEMORY = 1024 * 1024
MOST_URLS_KEPT = 1000
NEEDED = ("bucket", "api_key", "endpoint")


class ObjectStoreStorage(Storage):
    """Files as objects of one bucket, under the prefix `location`.

    `url` gives signed URLs that hold for `url_expires_in` seconds, or plain ones under
    `public_url`. Without `overwrites` a name that is taken is never written again, also
    when two processes choose it at once.
    """

    def __init__(
        self,
        *,
        bucket: str = "",
        api_key: str = "",
        endpoint: str = "",
        location: str = "",
        public_url: str = "",
        url_expires_in: int = 3600,
        storage_class: str | None = None,
        overwrites: bool = False,
        timeout: float = 60.0,
        max_retries: int = 3,
    ) -> None:
        given = {"bucket": bucket, "api_key": api_key, "endpoint": endpoint}
        missing = [name for name in NEEDED if not given[name]]
        if missing:
            raise ImproperlyConfigured(f"ObjectStoreStorage needs {', '.join(missing)}")
        self.bucket = bucket
        self.location = f"{location.strip('/')}/" if location.strip("/") else ""
        self.public_url = public_url
        self.url_expires_in = url_expires_in
        self.storage_class = storage_class
        self.overwrites = overwrites
        self._signed: dict[str, SignedUrl] = {}
        self._connection = {
            "api_key": api_key,
            "endpoint": endpoint,
            "timeout": timeout,
            "max_retries": max_retries,
        }

    @cached_property
    def client(self) -> Client:
        """Connect when it is first used: the pool does not survive a fork."""
        return Client(**self._connection)  # type: ignore[arg-type]

    def key_of(self, name: str) -> str:
        """Give the key of a name. Raises SuspiciousFileOperation when it leads out."""
        cleaned = posixpath.normpath(name.replace("\\", "/"))
        if cleaned.startswith(("/", "../")) or cleaned in {"", ".", ".."}:
            raise SuspiciousFileOperation(f"{name!r} is no name under the location")
        return self.location + cleaned

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        if mode not in {"rb", "wb"}:
            raise ValueError("files of the store are opened as rb or wb")
        return StoredFile(self, name, mode)

    def save(
        self, name: str | None, content: Any, max_length: int | None = None
    ) -> str:
        """Store a file under a free name: another, when two choose the same at once."""
        while True:
            try:
                return super().save(name, content, max_length)
            except PreconditionFailed:
                if not content.seekable():
                    raise

    def _save(self, name: str, content: File[bytes]) -> str:
        self.upload(name, content, only_if_new=not self.overwrites)
        return name

    def upload(self, name: str, content: File[bytes], *, only_if_new: bool) -> None:
        """Send a file: in one request, or in parts where it is large."""
        stated = getattr(content, "content_type", None)
        self.client.upload_stream(
            self.bucket,
            self.key_of(name),
            cast(BinaryIO, Chunks(content)),
            content_type=stated or mimetypes.guess_type(name)[0],
            storage_class=self.storage_class,
            if_none_match="*" if only_if_new else None,
        )

    def delete(self, name: str) -> None:
        """Delete a file; one that is not there is deleted."""
        self.client.delete_object(self.bucket, self.key_of(name))

    def exists(self, name: str) -> bool:
        """Tell whether there is a file of this name."""
        try:
            self.head(name)
        except FileNotFoundError:
            return False
        return True

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Give a free name no longer than asked; with `overwrites` the same one."""
        if self.overwrites and (max_length is None or len(name) <= max_length):
            return name
        return super().get_available_name(name, max_length=max_length)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """List the folders and files of a folder."""
        is_root = path.strip("/") in {"", "."}
        prefix = self.location if is_root else f"{self.key_of(path.rstrip('/'))}/"
        folders: list[str] = []
        files: list[str] = []
        for page in self.client.iter_pages(self.bucket, prefix=prefix, delimiter="/"):
            folders += [one.removeprefix(prefix)[:-1] for one in page.common_prefixes]
            files += [one.key.removeprefix(prefix) for one in page.contents]
        return folders, [name for name in files if name]

    def size(self, name: str) -> int:
        return self.head(name).size

    def get_modified_time(self, name: str) -> datetime:
        """Give when the object was stored, in the form that USE_TZ asks for."""
        return self.local(self.head(name).last_modified)

    def get_created_time(self, name: str) -> datetime:
        """Give when the object was stored: it is never changed, only replaced."""
        return self.get_modified_time(name)

    def local(self, moment: datetime) -> datetime:
        if settings.USE_TZ:
            return moment
        return timezone.make_naive(moment, timezone.get_default_timezone())

    def url(self, name: str | None) -> str:
        """Give a URL that a browser can open.

        The store signs: a URL is given again until half of its time is over, so that a
        page full of pictures does not ask for each.
        """
        key = self.key_of(name or "")
        if self.public_url:
            return f"{self.public_url.rstrip('/')}/{quoted(key)}"
        kept = self._signed.get(key)
        if kept is None or kept.expires - time.time() < self.url_expires_in / 2:
            kept = self.client.signed_url(
                self.bucket, key, expires_in=self.url_expires_in
            )
            if len(self._signed) >= MOST_URLS_KEPT:
                self._signed.clear()
            self._signed[key] = kept
        return kept.url

    def head(self, name: str) -> ObjectHead:
        """Give an object's headers. Raises FileNotFoundError, as Django's own does."""
        try:
            return self.client.head_object(self.bucket, self.key_of(name))
        except NotFound as error:
            raise FileNotFoundError(name) from error


class Chunks:
    """What a Django file gives by `chunks()`, read as a stream."""

    def __init__(self, content: File[bytes]) -> None:
        self._chunks = self._bytes_of(content)
        self._left = b""

    @staticmethod
    def _bytes_of(content: File[bytes]) -> Iterator[bytes]:
        for chunk in content.chunks():
            yield chunk.encode() if isinstance(chunk, str) else bytes(chunk)

    def read(self, size: int) -> bytes:
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._left = chunk
        given, self._left = self._left[:size], self._left[size:]
        return given


class StoredFile(BytesFile):
    """An object as a file: fetched when it is first read, sent when it is closed."""

    def __init__(self, storage: ObjectStoreStorage, name: str, mode: str) -> None:
        self._storage = storage
        self._opened: IO[bytes] | None = None
        self._head = storage.head(name) if mode == "rb" else None
        self.name = name
        self.mode = mode

    @property
    def size(self) -> int:
        """Give the size, without fetching what is only looked at."""
        if self._head is not None:
            return self._head.size
        place = self.file.tell()
        size = self.file.seek(0, SEEK_END)
        self.file.seek(place)
        return size

    @property
    def file(self) -> IO[bytes]:
        """Give what is read from and written to: memory, or a file if it is large."""
        if self._opened is None:
            self._opened = SpooledTemporaryFile(HELD_IN_MEMORY)  # noqa: SIM115 - closed by close
            if self._head is not None:
                self._fetch(self._opened)
        return self._opened

    @file.setter
    def file(self, opened: IO[bytes] | None) -> None:
        self._opened = opened

    def _fetch(self, target: IO[bytes]) -> None:
        """Fetch the version that was opened, also when there is a newer one by now."""
        key = self._storage.key_of(self.name or "")
        etag = self._head.etag if self._head else ""
        download = self._storage.client.get_object(
            self._storage.bucket, key, if_match=f'"{etag}"'
        )
        for chunk in download.body.iter_bytes():
            target.write(chunk)
        target.seek(0)

    @property
    def closed(self) -> bool:
        return self._opened is not None and self._opened.closed

    def close(self) -> None:
        """Send what was written."""
        if self.closed:
            return
        if self.mode == "wb":
            self.file.seek(0)
            name = self.name or ""
            self._storage.upload(name, File(self.file, name), only_if_new=False)
        if self._opened is not None:
            self._opened.close()

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        """Send what was written, unless the writing failed."""
        if kind is not None and self.mode == "wb":
            self.file.close()
        self.close()
