"""The storage servers, each started once and used by all tests."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storages.engines import (
    Azurite,
    GoogleEmulator,
    SeaweedFS,
    SecondStore,
    SSHServer,
)


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    engine = SeaweedFS(tmp_path_factory.mktemp("seaweed"))
    engine.start()
    yield engine
    engine.kill()


@pytest.fixture(scope="session")
def second_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondStore]:
    store = SecondStore(tmp_path_factory.mktemp("second"))
    store.start()
    yield store
    store.stop()


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SSHServer]:
    server = SSHServer(tmp_path_factory.mktemp("ssh"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 2 MiB in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2M", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here, so no disk can be filled")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    engine = Azurite(tmp_path_factory.mktemp("azurite"))
    engine.start()
    yield engine
    engine.kill()


@pytest.fixture(scope="session")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoogleEmulator]:
    engine = GoogleEmulator(tmp_path_factory.mktemp("google"))
    engine.start()
    yield engine
    engine.kill()
