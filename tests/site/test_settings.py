"""What is set wrongly is refused at start, in words that name it."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from objectstore_site import checks, environment
from tests.servers import ROOT

NAMES = ("OBJECTSTORE_", "DATABASE_", "CELERY_", "MINIO_")


@pytest.fixture(autouse=True)
def plain(monkeypatch: Any, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith(NAMES):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OBJECTSTORE_DATA_DIR", str(tmp_path))


def read_settings() -> dict[str, Any]:
    """Read the settings anew."""
    return runpy.run_path(str(ROOT / "objectstore_site" / "settings.py"))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OBJECTSTORE_PORT", "eighty", "a whole number"),
        ("OBJECTSTORE_PORT", "99999", "65535 at most"),
        ("OBJECTSTORE_THREADS", "0", "1 at least"),
        ("OBJECTSTORE_WORKERS", "0", "1 at least"),
        ("OBJECTSTORE_FREE_GRACE_SECONDS", "-1", "a whole number"),
        ("OBJECTSTORE_LIFECYCLE_DAY_SECONDS", "0", "1 at least"),
        ("OBJECTSTORE_S3_FLAVOUR", "ceph", "aws or rgw"),
        ("OBJECTSTORE_ROOT_DIALECT", "rest", "s3 or kv"),
        ("OBJECTSTORE_LOG_LEVEL", "loud", "info or debug"),
        ("OBJECTSTORE_RATE_LIMITED_DIALECTS", "rest,s33", "rest, keyvalue, s3"),
        ("OBJECTSTORE_TRUSTED_PROXIES", "127.0.0.1,nginx", "'nginx' is no address"),
        ("OBJECTSTORE_METRICS_NETWORKS", "inside", "'inside' is no address"),
        ("OBJECTSTORE_PUBLIC_URL", "s3.example.com", "https://, http://"),
        ("OBJECTSTORE_CACHE_URL", "reddis://host/0", "redis://, rediss://"),
        ("CELERY_BROKER_URL", "", "redis://, rediss://"),
        ("DATABASE_URL", "", "postgresql"),
        ("DATABASE_URL", "mysql://u:opensesame@host/name", "postgresql"),
        ("DATABASE_URL", "postgresql://u:open/sesame@host/name", "%2F"),
        ("OBJECTSTORE_SEALING_KEYS", "", "empty"),
        ("OBJECTSTORE_SEALING_KEYS", ",", "empty"),
        ("OBJECTSTORE_SECRET_KEY", "", "empty"),
        ("OBJECTSTORE_TLS_CERTIFICATE", "/etc/store.pem", "give both"),
        ("OBJECTSTORE_TLS_KEY", "/etc/store.key", "give both"),
        ("OBJECTSTORE_ACCESS_LOG", "/no/such/folder/log", "folder is not there"),
    ],
)
def test_a_wrong_value_is_refused(
    monkeypatch: Any, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=re.escape(said)) as refused:
        read_settings()
    assert name in str(refused.value)
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize("value", ["", "locmem://"])
def test_a_cache_in_the_process_may_be_said(monkeypatch: Any, value: str) -> None:
    monkeypatch.setenv("OBJECTSTORE_CACHE_URL", value)
    backend = read_settings()["CACHES"]["default"]["BACKEND"]
    assert backend.endswith("LocMemCache")


def test_a_refusal_is_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "run"],
        cwd=ROOT,
        env={**os.environ, "OBJECTSTORE_THREADS": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "OBJECTSTORE_THREADS: give a whole number" in line


def test_no_sealing_key_is_empty(monkeypatch: Any) -> None:
    monkeypatch.setenv("OBJECTSTORE_SEALING_KEYS", "new,, old,")
    assert read_settings()["OBJECTSTORE_SEALING_KEYS"] == ["new", "old"]


@pytest.mark.parametrize("given", ["store", "/store", "/store/"])
def test_a_sub_path_begins_with_a_slash(monkeypatch: Any, given: str) -> None:
    monkeypatch.setenv("OBJECTSTORE_SUB_PATH", given)
    assert read_settings()["STATIC_URL"] == "/store/-/static/"


@pytest.mark.parametrize("name", ["a b", "für", "a#b", "a?b", "100%25"])
def test_the_database_is_in_the_data_folder(
    monkeypatch: Any, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv("OBJECTSTORE_DATA_DIR", str(tmp_path / name))
    found = read_settings()["DATABASES"]["default"]["NAME"]
    assert found == str(tmp_path / name / "objectstore.sqlite3")


def test_a_data_folder_is_the_same_from_wherever_a_command_is_started(
    monkeypatch: Any, tmp_path: Path
) -> None:
    relative = os.path.relpath(tmp_path, ROOT)
    monkeypatch.setenv("OBJECTSTORE_DATA_DIR", relative)
    monkeypatch.chdir(tmp_path)
    assert read_settings()["DATA_DIR"].resolve() == tmp_path.resolve()


def test_a_data_folder_that_cannot_be_used_is_said(
    monkeypatch: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OBJECTSTORE_DATA_DIR", str(tmp_path / "file" / "data"))
    with pytest.raises(ImproperlyConfigured, match="file/data cannot be used: Not a"):
        read_settings()


def test_a_key_file_that_lost_its_key_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "sealing.key").write_text("")
    with pytest.raises(ImproperlyConfigured, match="is empty: put it back from"):
        read_settings()


def test_a_key_is_drawn_whole_or_not_at_all(monkeypatch: Any, tmp_path: Path) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(environment.os, "fsync", full)
    with pytest.raises(ImproperlyConfigured, match="No space left on device"):
        environment.secret("OBJECTSTORE_SECRET_KEY", tmp_path / "secret.key")
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_another_process_drew_is_taken(
    monkeypatch: Any, tmp_path: Path
) -> None:
    path = tmp_path / "secret.key"
    first = environment.secret("OBJECTSTORE_SECRET_KEY", path)
    monkeypatch.setattr(Path, "exists", lambda path: False)
    assert environment.secret("OBJECTSTORE_SECRET_KEY", path) == first
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_name_that_no_setting_has_is_told(monkeypatch: Any) -> None:
    monkeypatch.setenv("OBJECTSTORE_TRUSTED_PROXYS", "127.0.0.1")
    monkeypatch.setenv("OBJECTSTORE_ENDPOINT", "a client's")
    (warning,) = checks.check_names()
    assert "OBJECTSTORE_TRUSTED_PROXYS" in warning.msg
    assert warning.hint == "Is OBJECTSTORE_TRUSTED_PROXIES meant?"


def test_an_archive_that_is_no_storage_class_is_told(
    monkeypatch: Any, settings: Any
) -> None:
    assert checks.check_archives() == []
    monkeypatch.setenv("OBJECTSTORE_ARCHIVE_CLASSES", "glacier")
    settings.OBJECTSTORE_ARCHIVE_CLASSES = ["glacier"]
    (warning,) = checks.check_archives()
    assert "glacier" in warning.msg


@pytest.mark.parametrize("url", ["", "postgresql://u:opensesame@127.0.0.1:1/name"])
def test_a_database_that_is_away_or_new_is_said(url: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "create_key", "root"],
        cwd=ROOT,
        env={**os.environ, **({"DATABASE_URL": url} if url else {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("The database does not answer: ")
    assert "manage.py migrate" in done.stderr
    assert "Traceback" not in done.stderr
    assert "sesame" not in done.stderr
