"""SFTP: connections that break are replaced, strangers are not spoken with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from paramiko.ssh_exception import NoValidConnectionsError

from blobs.locations import parse
from blobs.sftp_storage import UnknownHostError
from blobs.storage import open_range
from blobs.store import new_path
from tests.storages.contract import read, save
from tests.storages.engines import SSHServer

DATA = os.urandom(5_000_000)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SSHServer]:
    """A server of the test's own, to be killed."""
    server = SSHServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def storage(server: SSHServer) -> Storage:
    return storages.create_storage(parse(server.location()))


def restart(server: SSHServer) -> None:
    """End the server and the processes of its connections."""
    server.kill_all()
    server.start()


def test_kept_connections_that_have_died_are_not_noticed(
    server: SSHServer, storage: Storage
) -> None:
    path = new_path()
    save(storage, path, DATA)
    restart(server)
    assert read(storage, path, 7, 100) == DATA[7:107]
    restart(server)
    other = new_path()
    save(storage, other, DATA)
    restart(server)
    storage.delete(path)
    assert not storage.exists(path)


def test_reading_goes_on_where_a_connection_broke(
    server: SSHServer, storage: Storage
) -> None:
    path = new_path()
    save(storage, path, DATA)
    chunks = open_range(storage, path, 10, len(DATA) - 10)
    first = next(chunks)
    restart(server)
    assert first + b"".join(chunks) == DATA[10:]


def test_a_server_that_is_gone_is_an_error_for_every_operation(
    server: SSHServer, storage: Storage
) -> None:
    path = new_path()
    save(storage, path, DATA)
    server.kill_all()
    # django-storages would say nothing, and the row of the bytes would go.
    with pytest.raises(NoValidConnectionsError):
        storage.delete(path)
    with pytest.raises(NoValidConnectionsError):
        read(storage, path, 0, 1)
    with pytest.raises(NoValidConnectionsError):
        storage.save(new_path(), ContentFile(b"data"))
    server.start()
    assert read(storage, path, 0, 5) == DATA[:5]


def test_files_are_for_their_owner_alone_and_never_written_over(
    server: SSHServer, storage: Storage
) -> None:
    path = new_path()
    save(storage, path, b"first")
    with pytest.raises(OSError, match="Failure"):
        save(storage, path, b"second")
    assert read(storage, path, 0, 5) == b"first"
    assert Path(storage._remote_path(path)).parent.stat().st_mode & 0o077 == 0


def test_a_host_that_is_not_known_is_not_spoken_with(server: SSHServer) -> None:
    location = server.location()
    server.known_hosts.write_text("")
    stranger = storages.create_storage(parse(location))
    with pytest.raises(UnknownHostError, match="SHA256:"):
        save(stranger, new_path(), b"data")
    trusting = storages.create_storage(parse(f"{location}&verify=false"))
    path = new_path()
    save(trusting, path, b"data")
    assert read(trusting, path, 0, 4) == b"data"


def test_a_host_with_another_key_is_not_spoken_with(
    server: SSHServer, tmp_path: Path
) -> None:
    other = Path(f"{server.new_key('other')}.pub").read_text()
    kind, text, *_ = other.split()
    server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {kind} {text}\n")
    changed = storages.create_storage(parse(server.location()))
    with pytest.raises(paramiko.BadHostKeyException):
        save(changed, new_path(), b"data")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_is_told(server: SSHServer, small_disk: Path) -> None:
    where = server.location().replace(str(server.folder / "files"), str(small_disk))
    storage = storages.create_storage(parse(where))
    path = new_path()
    with pytest.raises(OSError, match="Failure"):
        save(storage, path, DATA)
    assert not storage.exists(path)
