"""What `manage.py check` says of the storages."""

from __future__ import annotations

import os

import pytest
from django.core.checks import run_checks

from blobs.checks import is_writable


def ids():
    return {message.id for message in run_checks()}


def local(folder):
    return {
        "BACKEND": "blobs.storage.LocalBlobStorage",
        "OPTIONS": {"location": str(folder)},
    }


def test_the_default_settings_are_sound():
    assert not {one for one in ids() if one.startswith("blobs.")}


def test_a_storage_class_without_a_storage(settings):
    settings.OBJECTSTORE_STORAGE_CLASSES = ["standard", "glass"]
    (message,) = [one for one in run_checks() if one.id == "blobs.E001"]
    assert "'glass'" in message.msg


def test_a_default_class_that_is_none(settings):
    settings.OBJECTSTORE_DEFAULT_STORAGE_CLASS = "glass"
    assert "blobs.E002" in ids()


def test_a_blob_root_that_is_no_folder(settings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    root = local(tmp_path / "file" / "standard")
    settings.STORAGES = {**settings.STORAGES, "standard": root}
    (message,) = [one for one in run_checks() if one.id == "blobs.E003"]
    assert str(tmp_path) in message.msg


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_blob_root_that_is_read_only(settings, tmp_path):
    tmp_path.chmod(0o500)
    root = local(tmp_path / "standard")
    settings.STORAGES = {**settings.STORAGES, "standard": root}
    assert "blobs.E003" in ids()


def test_a_blob_root_that_is_not_there_yet(tmp_path):
    assert is_writable(tmp_path / "not" / "yet")
    assert not (tmp_path / "not").exists()
