"""A Django storage in the same process and database as the project that uses it.

`save` and `delete` join the transaction that runs, so that an object and the row that
names it are kept together or not at all.
"""

from __future__ import annotations

import io
import mimetypes
import posixpath
from collections.abc import Iterator
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import File
from django.core.files.storage import Storage
from django.utils import timezone

from buckets.operations import create_bucket
from iam.principals import Principal
from iam.queries import account_root, first_root
from kernel.bodies import Body
from kernel.conditions import Conditions
from kernel.errors import NoSuchBucket, NoSuchKey, NotImplemented, PreconditionFailed
from kernel.results import ObjectAttributes, ObjectInfo
from objects.listings import list_objects
from objects.operations import delete_object, get_object, head_object, put_object

if TYPE_CHECKING:
    BytesFile = File[bytes]
else:  # Django's own class takes no parameter, only its stubs' does.
    BytesFile = File

HELD_IN_MEMORY = 1024 * 1024


class EmbeddedStorage(Storage):
    """Files as objects of one bucket, under the prefix `location`.

    They are stored and read as the root of `account` (the first, unless it is named);
    the bucket is made at the first save. Without `overwrites` a name that is taken is
    never written again, also when two processes choose it at once.
    """

    def __init__(
        self,
        *,
        bucket: str = "",
        location: str = "",
        account: str = "",
        base_url: str = "",
        storage_class: str = "",
        overwrites: bool = False,
    ) -> None:
        if not bucket:
            raise ImproperlyConfigured("EmbeddedStorage needs bucket")
        self.bucket = bucket
        self.location = f"{location.strip('/')}/" if location.strip("/") else ""
        self.account = account
        self.base_url = base_url
        self.storage_class = storage_class
        self.overwrites = overwrites

    @property
    def principal(self) -> Principal:
        """Give who acts. Raises ImproperlyConfigured before there is an account."""
        found = account_root(self.account) if self.account else first_root()
        if found is None:
            raise ImproperlyConfigured("there is no account yet: manage.py bootstrap")
        return found

    def key_of(self, name: str) -> str:
        """Give the key of a name. Raises SuspiciousFileOperation when it leads out."""
        cleaned = posixpath.normpath(name.replace("\\", "/"))
        if cleaned.startswith(("/", "../")) or cleaned in {"", ".", ".."}:
            raise SuspiciousFileOperation(f"{name!r} is no name under the location")
        return self.location + cleaned

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        if mode == "wb":
            return NewFile(self, name)
        if mode != "rb":
            raise ValueError("files of the store are opened as rb or wb")
        info = self.info(name)
        raw = ObjectReader(self, info)
        opened = File(io.BufferedReader(raw), name)
        opened.size = info.size
        opened.mode = mode
        return opened

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

    def _save(self, name: str, content: File[Any]) -> str:
        self.put(name, content, only_if_new=not self.overwrites)
        return name

    def put(self, name: str, content: File[Any], *, only_if_new: bool) -> None:
        """Store a file, and make the bucket where it is not there yet."""
        try:
            self._put(name, content, only_if_new)
        except NoSuchBucket:
            create_bucket(self.principal, self.bucket, now=timezone.now())
            self._put(name, content, only_if_new)

    def _put(self, name: str, content: File[Any], only_if_new: bool) -> None:
        stated = getattr(content, "content_type", None)
        put_object(
            self.principal,
            self.bucket,
            self.key_of(name),
            body=body_of(content),
            attributes=ObjectAttributes(
                content_type=stated or mimetypes.guess_type(name)[0] or "",
                storage_class=self.storage_class,
            ),
            conditions=Conditions(if_none_match="*" if only_if_new else None),
            now=timezone.now(),
        )

    def delete(self, name: str) -> None:
        """Delete a file; one that is not there is deleted."""
        try:
            delete_object(
                self.principal, self.bucket, self.key_of(name), now=timezone.now()
            )
        except NoSuchBucket:
            return

    def info(self, name: str) -> ObjectInfo:
        """Give an object's facts. Raises FileNotFoundError, as Django's own does."""
        try:
            return head_object(self.principal, self.bucket, self.key_of(name)).info
        except (NoSuchBucket, NoSuchKey) as error:
            raise FileNotFoundError(name) from error

    def exists(self, name: str) -> bool:
        """Tell whether there is a file of this name."""
        try:
            self.info(name)
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
        for page in self._pages(prefix):
            folders += [one.removeprefix(prefix)[:-1] for one in page.common_prefixes]
            files += [one.key.removeprefix(prefix) for one in page.contents]
        return folders, [name for name in files if name]

    def _pages(self, prefix: str) -> Iterator[Any]:
        token = ""
        while True:
            try:
                page = list_objects(
                    self.principal,
                    self.bucket,
                    prefix=prefix,
                    delimiter="/",
                    token=token,
                )
            except NoSuchBucket:
                return
            yield page
            token = page.next_token
            if not token:
                return

    def size(self, name: str) -> int:
        return self.info(name).size

    def get_modified_time(self, name: str) -> datetime:
        """Give when the object was stored, in the form that USE_TZ asks for."""
        moment = self.info(name).created_at
        if settings.USE_TZ:
            return moment
        return timezone.make_naive(moment, timezone.get_default_timezone())

    def get_created_time(self, name: str) -> datetime:
        """Give when the object was stored: it is never changed, only replaced."""
        return self.get_modified_time(name)

    def url(self, name: str | None) -> str:
        """Give the address under `base_url`, where `objects.media.serve` answers."""
        if not self.base_url:
            raise NotImplemented("This storage has no base_url.")
        cleaned = self.key_of(name or "").removeprefix(self.location)
        return f"{self.base_url.rstrip('/')}/{quote(cleaned)}"


def body_of(content: File[Any]) -> Body:
    """Read a Django file from its beginning; text and what has no size are copied."""
    if content.seekable():
        content.seek(0)
    if isinstance(content.read(0), str):
        return copied(content)
    try:
        return Body(content.read, content.size)
    except (AttributeError, OSError):
        return copied(content)


def copied(content: File[Any]) -> Body:
    """Measure a file by copying it, encoded, to the disk if it is large."""
    copy = SpooledTemporaryFile(HELD_IN_MEMORY)  # noqa: SIM115 - ends with its reader
    while chunk := content.read(HELD_IN_MEMORY):
        copy.write(chunk.encode() if isinstance(chunk, str) else chunk)
    size = copy.tell()
    copy.seek(0)
    return Body(copy.read, size)


class ObjectReader(io.RawIOBase):
    """An object as a raw file: what is read is fetched, from where it is read."""

    def __init__(self, storage: EmbeddedStorage, info: ObjectInfo) -> None:
        super().__init__()
        self._storage = storage
        self._info = info
        self._place = 0
        self._chunks: Iterator[bytes] | None = None
        self._rest = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {
            io.SEEK_SET: 0,
            io.SEEK_CUR: self._place,
            io.SEEK_END: self._info.size,
        }[whence]
        place = max(start + offset, 0)
        if place != self._place:
            self._place, self._chunks, self._rest = place, None, b""
        return place

    def readinto(self, buffer: Any) -> int:
        if self._place >= self._info.size:
            return 0
        if self._chunks is None:
            self._chunks = self._fetch()
        chunk = self._rest or next(self._chunks, b"")
        taken = chunk[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = chunk[len(taken) :]
        self._place += len(taken)
        return len(taken)

    def _fetch(self) -> Iterator[bytes]:
        """Fetch what was opened; what has replaced it is refused, not mixed in."""
        return get_object(
            self._storage.principal,
            self._storage.bucket,
            self._info.key,
            byte_range=f"bytes={self._place}-",
            conditions=Conditions(if_match=f'"{self._info.etag}"'),
        ).chunks


class NewFile(BytesFile):
    """A file that is being written; it is stored when it is closed."""

    def __init__(self, storage: EmbeddedStorage, name: str) -> None:
        self._storage = storage
        opened: IO[bytes] = SpooledTemporaryFile(HELD_IN_MEMORY)  # noqa: SIM115 - closed by close
        super().__init__(opened, name)
        self.mode = "wb"

    def close(self) -> None:
        """Store what was written."""
        if not self.closed:
            self._storage.put(self.name or "", self, only_if_new=False)
            self.file.close()

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        """Store what was written, unless the writing failed."""
        if kind is not None:
            self.file.close()
        self.close()
