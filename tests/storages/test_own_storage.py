"""The storage that docs/storages.md writes in a page keeps the contract."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from tests.servers import ROOT
from tests.storages.contract import StorageContract
from tests.storages.whole_life import WholeLife


class Table:
    """The table that the page takes for granted."""

    def __init__(self) -> None:
        self.rows: dict[str, list[bytes]] = {}

    @contextmanager
    def new_row(self, name: str) -> Iterator[list[bytes]]:
        row: list[bytes] = []
        yield row
        self.rows[name] = row

    def find(self, name: str) -> Row:
        return Row(self.rows[name])

    def remove(self, name: str) -> None:
        self.rows.pop(name, None)

    def has(self, name: str) -> bool:
        return name in self.rows


class Row:
    def __init__(self, pieces: list[bytes]) -> None:
        self.data = b"".join(pieces)

    def pieces(self, start: int, length: int) -> Iterator[bytes]:
        for place in range(start, start + length, 100_000):
            piece = self.data[place : min(place + 100_000, start + length)]
            if not piece:
                raise EOFError
            yield piece


tables: dict[str, Table] = {}


def connect(url: str) -> Table:
    return tables.setdefault(url, Table())


def storage_of_the_page() -> Any:
    page = (ROOT / "docs" / "storages.md").read_text()
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    names: dict[str, Any] = {"connect": connect}
    exec(compile(code, "docs/storages.md", "exec"), names)  # noqa: S102 - it is ours
    return names["TableStorage"]


TableStorage = storage_of_the_page()


class TestTableStorage(StorageContract, WholeLife):
    streams = False

    @pytest.fixture
    def location(self) -> str:
        return f'{__name__}.TableStorage {{"url": "{uuid4()}"}}'
