"""A storage on any SFTP server: django-storages' own, for many threads at once."""

from __future__ import annotations

import contextlib
import posixpath
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any

import paramiko
from django.conf import settings
from django.core.files.base import File
from paramiko.sftp import CMD_EXTENDED
from storages.backends.sftpstorage import SFTPStorage

from blobs.storage import check_length

# The largest write and read that every SFTP server takes.
WRITE = 32 * 1024
# Reads that are asked for together: one wait for the wire each.
TOGETHER = 1024 * 1024
WAIT = 0.1

type Step[T] = Callable[[paramiko.SFTPClient], T]

# Trying again would not help, and could lock the account.
FINAL = (
    FileNotFoundError,
    paramiko.AuthenticationException,
    paramiko.BadHostKeyException,
)
PASSING = (OSError, EOFError, paramiko.SSHException)


class UnknownHostError(paramiko.BadHostKeyException):
    """The server's key is in no file of known hosts."""

    def __init__(self, host: str, key: paramiko.PKey) -> None:
        Exception.__init__(self, host)
        self.hostname, self.key = host, key

    def __str__(self) -> str:
        return (
            f"no known_hosts names {self.hostname} with {self.key.get_name()} "
            f"{self.key.fingerprint}"
        )


class RefuseUnknown(paramiko.MissingHostKeyPolicy):
    """Speak with nobody whose key was not given beforehand."""

    def missing_host_key(
        self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
    ) -> None:
        raise UnknownHostError(hostname, key)


class SFTPBlobStorage(SFTPStorage):  # type: ignore[misc]
    """Files on an SFTP server.

    Takes the options of django-storages, and `verify`: False to speak with servers
    whose host key is not known. A connection serves one thread at a time, because
    paramiko mixes up the answers when two ask; unused ones are kept.
    """

    def __init__(self, *, verify: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self.verify = verify
        self._unused: list[Connection] = []
        self._lock = Lock()

    # Connections

    def _take(self) -> Connection:
        with self._lock:
            while self._unused:
                connection = self._unused.pop()
                if connection.is_open:
                    return connection
                connection.close()
        return self._open_connection()

    def _give_back(self, connection: Connection) -> None:
        with self._lock:
            self._unused.append(connection)

    def _open_connection(self) -> Connection:
        seconds = timeout()
        client = paramiko.SSHClient()
        self._learn_hosts(client)
        try:
            client.connect(
                self.host,
                timeout=seconds,
                banner_timeout=seconds,
                auth_timeout=seconds,
                channel_timeout=seconds,
                **self.params,
            )
            return Connection(client, seconds)
        except BaseException:
            client.close()
            raise

    def _learn_hosts(self, client: paramiko.SSHClient) -> None:
        if not self.verify:
            client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
            return
        known = Path(self.known_host_file or "~/.ssh/known_hosts").expanduser()
        if self.known_host_file or known.exists():
            client.load_host_keys(str(known))
        client.set_missing_host_key_policy(RefuseUnknown())

    def _begin[T](self, step: Step[T]) -> tuple[Connection, T]:
        """Do a first step, on another connection where one fails; give both."""
        tries_left = settings.OBJECTSTORE_STORAGE_ATTEMPTS
        while True:
            tries_left -= 1
            connection = None
            try:
                connection = self._take()
                return connection, step(connection.sftp)
            except PASSING as error:
                if connection is not None:
                    connection.close()
                if isinstance(error, FINAL) or not tries_left:
                    raise
                time.sleep(WAIT)

    def _do[T](self, step: Step[T]) -> T:
        connection, result = self._begin(step)
        self._give_back(connection)
        return result

    # Writing

    def _save(self, name: str, content: File[Any]) -> str:
        path = self._remote_path(name)
        connection, file = self._begin(lambda sftp: create(sftp, path))
        try:
            with file:
                write_all(file, content)
                make_durable(connection.sftp, file)
        except BaseException:
            # What is in flight on this connection is nobody's any more.
            connection.close()
            with contextlib.suppress(Exception):
                self.delete(name)
            raise
        self._give_back(connection)
        return name

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Blob names are random; a collision is an error, never another name."""
        return name

    # Reading

    def open_range(self, path: str, start: int, length: int) -> Iterator[bytes]:
        """Open now, so that a missing file is found before an answer has begun."""
        remote = self._remote_path(path)
        return self._read_on(remote, start, length, *self._open_at(remote))

    def _open_at(self, path: str) -> tuple[Connection, paramiko.SFTPFile]:
        return self._begin(lambda sftp: sftp.open(path, "rb"))

    def _read_on(
        self,
        path: str,
        start: int,
        length: int,
        connection: Connection,
        file: paramiko.SFTPFile,
    ) -> Iterator[bytes]:
        """Give the bytes; where a connection breaks, another goes on from there."""
        tries_left = settings.OBJECTSTORE_STORAGE_ATTEMPTS - 1
        is_clean = True
        try:
            while length > 0:
                is_clean = False
                try:
                    chunk = connection.read(file, start, min(TOGETHER, length))
                except (OSError, paramiko.SSHException):
                    connection.close()
                    if not tries_left:
                        raise
                    tries_left -= 1
                    connection, file = self._open_at(path)
                    continue
                is_clean = True
                start += len(chunk)
                length -= len(chunk)
                yield chunk
        finally:
            if is_clean:
                file.close()
                self._give_back(connection)
            else:
                connection.close()

    def exists(self, name: str) -> bool:
        try:
            self._do(lambda sftp: sftp.stat(self._remote_path(name)))
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        found = self._do(lambda sftp: sftp.stat(self._remote_path(name)))
        return int(found.st_size or 0)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        found = self._do(lambda sftp: sftp.listdir_attr(self._remote_path(path)))
        folders = {one.filename for one in found if stat.S_ISDIR(one.st_mode or 0)}
        files = {one.filename for one in found} - folders
        return sorted(folders), sorted(files)

    def delete(self, name: str) -> None:
        """Delete; what is not there is not missed, but other failures are told."""
        with contextlib.suppress(FileNotFoundError):
            self._do(lambda sftp: sftp.remove(self._remote_path(name)))


class Connection:
    """One SSH connection with its SFTP channel."""

    def __init__(self, client: paramiko.SSHClient, seconds: float) -> None:
        self._client = client
        self.sftp = client.open_sftp()
        channel = self.sftp.get_channel()
        if channel is not None:
            channel.settimeout(seconds)

    @property
    def is_open(self) -> bool:
        transport = self._client.get_transport()
        return transport is not None and transport.is_active()

    def read(self, file: paramiko.SFTPFile, start: int, length: int) -> bytes:
        """Ask for all of it at once, in requests as small as servers want them."""
        if not self.is_open:
            # paramiko would find out in a thread, and tell nobody but stderr.
            raise ConnectionResetError("the SFTP connection was closed")
        (data,) = file.readv([(start, length)])
        check_length(len(data), length)
        return data

    def close(self) -> None:
        self._client.close()


def timeout() -> float:
    """Give the seconds of one attempt, so that all end within the storage's timeout."""
    attempts: int = settings.OBJECTSTORE_STORAGE_ATTEMPTS
    return float(settings.OBJECTSTORE_STORAGE_TIMEOUT / (attempts + 1))


def create(sftp: paramiko.SFTPClient, path: str) -> paramiko.SFTPFile:
    """Open a file that must be new, and make its folders where they are missing."""
    try:
        return sftp.open(path, "wbx")
    except FileNotFoundError:
        make_folder(sftp, posixpath.dirname(path))
        return sftp.open(path, "wbx")


def make_folder(sftp: paramiko.SFTPClient, folder: str) -> None:
    try:
        sftp.mkdir(folder, 0o700)
    except FileNotFoundError:
        make_folder(sftp, posixpath.dirname(folder))
        make_folder(sftp, folder)
    except OSError:
        # Another writer may have made it in between.
        sftp.stat(folder)


def write_all(file: paramiko.SFTPFile, content: File[Any]) -> None:
    """Write without waiting for each answer, but for all of them at the end.

    paramiko collects the answers only before a write that does not run ahead: a full
    disk would else pass unseen.
    """
    file.set_pipelined(True)
    chunk = content.read(WRITE)
    while following := content.read(WRITE):
        file.write(chunk)
        chunk = following
    file.set_pipelined(False)
    file.write(chunk)


def make_durable(sftp: paramiko.SFTPClient, file: paramiko.SFTPFile) -> None:
    """Ask for fsync, which OpenSSH knows and some other servers do not."""
    try:
        sftp._request(  # type: ignore[attr-defined]
            CMD_EXTENDED, "fsync@openssh.com", file.handle
        )
    except OSError as error:
        if "unsupported" not in str(error).lower():
            raise
