"""Files on a local disk: what is synced before a write is acknowledged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from blobs import storage
from blobs.storage import LocalBlobStorage


@pytest.fixture
def synced(monkeypatch: Any) -> list[Path]:
    """Collect the folders that are synced."""
    folders: list[Path] = []
    monkeypatch.setattr(storage, "sync_folder", folders.append)
    return folders


def test_folders_are_durable_up_to_one_that_was_there(
    tmp_path: Path, synced: list[Path]
) -> None:
    root = tmp_path / "new" / "root"
    LocalBlobStorage(root).save("ab/cd/file", ContentFile(b"x"))
    chain = [root / "ab" / "cd", root / "ab", root, root.parent, tmp_path]
    assert set(chain) == set(synced)


def test_folders_that_another_has_just_made_are_synced_too(
    tmp_path: Path, synced: list[Path]
) -> None:
    (tmp_path / "ab" / "cd").mkdir(parents=True)
    store = LocalBlobStorage(tmp_path)
    store.save("ab/cd/one", ContentFile(b"x"))
    assert set(synced) == {tmp_path / "ab" / "cd", tmp_path / "ab", tmp_path}
    synced.clear()
    store.save("ab/cd/two", ContentFile(b"x"))
    assert synced == [tmp_path / "ab" / "cd"]


def test_folders_that_were_removed_are_made_durable_anew(
    tmp_path: Path, synced: list[Path]
) -> None:
    store = LocalBlobStorage(tmp_path)
    store.save("ab/cd/one", ContentFile(b"x"))
    store.delete("ab/cd/one")
    (tmp_path / "ab" / "cd").rmdir()
    synced.clear()
    store.save("ab/cd/two", ContentFile(b"x"))
    assert tmp_path / "ab" in synced
