"""The storage servers, each started once and used by all tests."""

from __future__ import annotations

from collections.abc import Iterator

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
