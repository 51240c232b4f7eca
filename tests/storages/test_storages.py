"""Each storage that the store ships keeps the contract and carries a whole life."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.storages.contract import StorageContract
from tests.storages.engines import (
    Azurite,
    GoogleEmulator,
    SeaweedFS,
    SecondStore,
    SSHServer,
)
from tests.storages.whole_life import WholeLife


class TestLocalDisk(StorageContract, WholeLife):
    most_memory = 4 * 1024**2

    @pytest.fixture
    def location(self, tmp_path: Path) -> str:
        return f"file://{tmp_path}/there"


class TestMemory(StorageContract, WholeLife):
    streams = False

    @pytest.fixture
    def location(self) -> str:
        return "memory://"


class TestSeaweedFS(StorageContract, WholeLife):
    @pytest.fixture
    def location(self, seaweed: SeaweedFS) -> str:
        return seaweed.location()


class TestSecondStore(StorageContract, WholeLife):
    @pytest.fixture
    def location(self, second_store: SecondStore) -> str:
        return second_store.location()


class TestSFTP(StorageContract, WholeLife):
    most_memory = 8 * 1024**2

    @pytest.fixture
    def location(self, ssh_server: SSHServer) -> str:
        return ssh_server.location()


class TestAzure(StorageContract, WholeLife):
    most_memory = 24 * 1024**2

    @pytest.fixture
    def location(self, azurite: Azurite) -> str:
        return azurite.location()


class TestGoogle(StorageContract, WholeLife):
    most_memory = 36 * 1024**2

    @pytest.fixture
    def location(self, google: GoogleEmulator) -> str:
        return google.location()


class TestAnyDjangoStorage(StorageContract, WholeLife):
    """Django's own file storage, through nothing but Django's interface."""

    @pytest.fixture
    def location(self, tmp_path: Path) -> str:
        return (
            "django.core.files.storage.FileSystemStorage "
            f'{{"location": "{tmp_path}/plain"}}'
        )
