"""Storage classes by configuration alone, and what is said when it is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages as django_storages

from blobs import locations
from blobs.locations import parse
from tests.servers import ROOT

CLASSES = ["standard", "cold", "archive"]
SECRET = "wJalrXUtnFEMI"


def options(text: str) -> dict[str, object]:
    return dict(parse(text)["OPTIONS"])


def test_classes_that_are_not_set_are_folders(tmp_path: Path) -> None:
    found = locations.storages(CLASSES, {}, tmp_path)
    assert list(found) == CLASSES
    assert found["cold"] == {
        "BACKEND": "blobs.storage.LocalBlobStorage",
        "OPTIONS": {"location": str(tmp_path / "cold")},
    }


def test_each_class_is_set_by_its_own_variable(tmp_path: Path) -> None:
    environment = {
        "OBJECTSTORE_STORAGE_COLD": "file:///srv/cold",
        "OBJECTSTORE_STORAGE_DEEP_ARCHIVE": "memory://",
        "OBJECTSTORE_STORAGE_ARCHIVE": "",
        "OBJECTSTORE_STORAGE_TIMEOUT": "5",
    }
    found = locations.storages([*CLASSES, "deep_archive"], environment, tmp_path)
    assert found["cold"]["OPTIONS"] == {"location": "/srv/cold"}
    assert found["deep_archive"]["BACKEND"] == "blobs.storage.MemoryBlobStorage"
    assert found["archive"]["OPTIONS"] == {"location": str(tmp_path / "archive")}


def test_s3_engines() -> None:
    found = parse(f"s3://AKIA:{SECRET}%2F%2B@store.local:8333/bucket/a/b?tls=false")
    assert found["BACKEND"] == "blobs.s3_storage.S3BlobStorage"
    assert found["OPTIONS"] == {
        "bucket_name": "bucket",
        "location": "a/b",
        "access_key": "AKIA",
        "secret_key": f"{SECRET}/+",
        "endpoint_url": "http://store.local:8333",
        "region_name": "us-east-1",
        "addressing_style": "path",
        "sends_checksums": True,
    }
    more = options(
        "s3://k:s@[::1]:9000/b?region=eu&addressing=virtual&checksums=false&ca=/ca.pem"
    )
    assert more["endpoint_url"] == "https://[::1]:9000"
    assert more["region_name"] == "eu"
    assert more["addressing_style"] == "virtual"
    assert more["sends_checksums"] is False
    assert more["verify"] == "/ca.pem"


def test_aws_itself() -> None:
    assert options("s3:///bucket") == {
        "bucket_name": "bucket",
        "addressing_style": "auto",
        "sends_checksums": True,
    }
    assert options("s3://AKIA:s@/bucket?region=eu-west-1")["access_key"] == "AKIA"


def test_sftp() -> None:
    found = options("sftp://me:p%40ss@host:2222/srv/objects?key=/k&known_hosts=/h")
    assert found == {
        "host": "host",
        "root_path": "/srv/objects",
        "known_host_file": "/h",
        "params": {
            "port": 2222,
            "username": "me",
            "password": "p@ss",
            "key_filename": "/k",
        },
        "verify": True,
    }
    assert options("sftp://host/~/objects?verify=false")["root_path"] == "objects"


def test_google() -> None:
    found = parse("gs://bucket/a/b?project=p&credentials=/key.json")
    assert found["BACKEND"] == "blobs.google_storage.GoogleBlobStorage"
    assert found["OPTIONS"] == {
        "bucket_name": "bucket",
        "location": "a/b",
        "project_id": "p",
        "credentials_file": "/key.json",
    }


def test_azure() -> None:
    assert options("azure://account:a2V5@/container/a") == {
        "account_name": "account",
        "account_key": "a2V5",
        "azure_container": "container",
        "location": "a",
    }
    found = options("azure://devstore:a2V5@127.0.0.1:10000/container?tls=false")
    assert found["connection_string"] == (
        "AccountName=devstore;AccountKey=a2V5;"
        "BlobEndpoint=http://127.0.0.1:10000/devstore;"
    )


def test_gitlab() -> None:
    assert options("gitlab://t%2Fk@host/a/b/c?branch=data&prefix=x&largest=5") == {
        "url": "https://host",
        "token": "t/k",
        "project": "a/b/c",
        "branch": "data",
        "location": "x",
        "largest": 5,
    }


def test_any_django_storage() -> None:
    found = parse('storages.backends.dropbox.DropBoxStorage {"root_path": "/x"}')
    assert found == {
        "BACKEND": "storages.backends.dropbox.DropBoxStorage",
        "OPTIONS": {"root_path": "/x"},
    }
    assert parse("a.b.Storage") == {"BACKEND": "a.b.Storage", "OPTIONS": {}}


@pytest.mark.parametrize(
    "text",
    [
        "file:///srv/x",
        "memory://",
        "s3://k:s@127.0.0.1:1/b/p?tls=false",
        "s3:///b",
        "sftp://u:p@127.0.0.1/x",
        "azure://account:a2V5@/container",
        "azure://account:a2V5@127.0.0.1:1/container?tls=false",
        "gitlab://token@host/a/b",
        "django.core.files.storage.InMemoryStorage",
    ],
)
def test_every_kind_makes_a_storage(text: str) -> None:
    assert django_storages.create_storage(parse(text))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("folder", "give a URL, or the dotted path"),
        ("/srv/objects", "give a URL, or the dotted path"),
        ("ftp://host/x", "no such kind of storage; there are file, memory, s3"),
        ("file://srv/objects", "three slashes"),
        ("s3://bucket", "s3:///bucket"),
        ("s3:///", "the bucket is missing"),
        ("s3://k:wJa/lrX@host/bucket", "write / in a secret as %2F"),
        ("s3://k:wJa#lrX@host/bucket", "%23"),
        ("s3://k:s@host:x/bucket", "the port is no number"),
        ("s3://k:s@host/bucket?regoin=eu", "there is no option 'regoin'"),
        ("s3://k:s@host/bucket?tls=no", "the option tls is true or false"),
        ("s3://k:s@host/bucket?addressing=dns", "path, virtual or auto"),
        ("sftp:///x", "the host is missing"),
        ("gs:///x", "the bucket is missing"),
        ("gs://u:p@bucket/x", "the option credentials"),
        ("azure:///container", "the account is missing"),
        ("azure://account:k@/", "the container is missing"),
        ("gitlab://t@host/project", "group/project"),
        ("gitlab://t@host/a/b?largest=many", "a whole number"),
        ("a.b.Storage {x}", "the options are no JSON"),
        ("a.b.Storage [1]", "give a URL, or the dotted path"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(
    text: str, complaint: str, tmp_path: Path
) -> None:
    environment = {"OBJECTSTORE_STORAGE_COLD": text}
    with pytest.raises(ImproperlyConfigured) as caught:
        locations.storages(CLASSES, environment, tmp_path)
    message = str(caught.value)
    assert message.startswith("OBJECTSTORE_STORAGE_COLD: ")
    assert complaint in message
    for secret in ("wJa", "lrX"):
        assert secret not in message


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locations, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'django-storages\[google\]'"):
        parse("gs://bucket")


@pytest.mark.parametrize(
    ("classes", "complaint"),
    [
        (["standard", "Cold"], "'Cold'"),
        (["standard", "my-class"], "'my-class'"),
        (["standard", "default"], "'default'"),
        (["standard", "timeout"], "'timeout'"),
        (["standard", "standard"], "twice"),
    ],
)
def test_names_that_no_class_may_have(classes: list[str], complaint: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=complaint) as caught:
        locations.storages(classes, {}, Path("data"))
    assert str(caught.value).startswith("OBJECTSTORE_STORAGE_CLASSES: ")


def test_a_variable_of_a_class_that_is_not_listed() -> None:
    environment = {"OBJECTSTORE_STORAGE_COLDER": "memory://"}
    with pytest.raises(ImproperlyConfigured, match="OBJECTSTORE_STORAGE_COLDER: "):
        locations.storages(CLASSES, environment, Path("data"))


def start(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Start the server's settings and checks in a process of their own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OBJECTSTORE_")}
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**kept, "OBJECTSTORE_DATA_DIR": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_settings_take_classes_from_the_environment(tmp_path: Path) -> None:
    done = start(
        tmp_path,
        OBJECTSTORE_STORAGE_CLASSES="standard,glass",
        OBJECTSTORE_STORAGE_GLASS=f"s3://k:{SECRET}@127.0.0.1:1/b?tls=false",
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"s3://k:{SECRET}@h", "OBJECTSTORE_STORAGE_COLD: there is no bucket"),
        ("no.such.Storage", "OBJECTSTORE_STORAGE_COLD"),
        (
            'storages.backends.s3.S3Storage {"buckett": "x"}',
            "Invalid setting 'buckett'",
        ),
    ],
)
def test_the_server_does_not_start_with_a_wrong_location(
    tmp_path: Path, text: str, complaint: str
) -> None:
    done = start(tmp_path, OBJECTSTORE_STORAGE_COLD=text)
    assert done.returncode != 0
    assert complaint in done.stderr
    assert SECRET not in done.stderr


def test_bytes_in_memory_are_warned_of(tmp_path: Path) -> None:
    done = start(tmp_path, OBJECTSTORE_STORAGE_COLD="memory://")
    assert done.returncode == 0
    assert "blobs.W001" in done.stderr
