"""The examples of docs/clients.md, run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.compat.conftest import CLIENTS, HERE, Client
from tests.servers import ROOT, LiveStore

PAGE = (ROOT / "docs" / "clients.md").read_text()
EXAMPLES = {
    heading: (language, code)
    for heading, language, code in re.findall(
        r"^## (.+)\n(?:(?!## |```).*\n)*```(\w+)\n((?:(?!```).*\n)*)", PAGE, re.M
    )
}
NEED_A_BUCKET = ("DuckDB", "Polars", "django-storages")
INTERPRETERS = dict.fromkeys(
    ("pyarrow", "DuckDB", "Polars"), CLIENTS / "python" / "bin" / "python"
)
PROGRAMS = {
    "AWS CLI": "aws",
    "s5cmd": "s5cmd",
    "rclone": "rclone",
    "restic": "restic-debian",
    "s3cmd": "s3cmd",
}
# The wheel's extension in place of the one DuckDB would fetch.
INSTALL_HTTPFS = 'duckdb.sql("INSTALL httpfs; LOAD httpfs")'
LOAD_HTTPFS = """
import duckdb_extension_httpfs
folder = os.path.dirname(duckdb_extension_httpfs.__file__)
version = duckdb.__version__
duckdb.sql(f"LOAD '{folder}/extensions/v{version}/httpfs.duckdb_extension'")
"""
USE_STORAGES = """
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

settings.configure(STORAGES=STORAGES)
default_storage.save("a.txt", ContentFile(b"hello"))
assert default_storage.open("a.txt").read() == b"hello"
"""


@pytest.fixture
def bucket(live_store: LiveStore) -> Iterator[Any]:
    s3 = boto3.resource(
        "s3",
        endpoint_url=live_store.url,
        aws_access_key_id=live_store.access_key_id,
        aws_secret_access_key=live_store.secret_access_key,
        region_name="us-east-1",
    )
    bucket = s3.Bucket("my-bucket")
    yield bucket
    if bucket.creation_date:
        bucket.objects.delete()
        bucket.delete()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the files are that the examples name."""
    (tmp_path / "photo.jpg").write_bytes(b"a photo")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "one.jpg").write_bytes(b"one")
    return tmp_path


def test_every_client_has_an_example():
    assert set(re.findall(r"^\| \[([^]]+)\]", PAGE, re.M)) == set(EXAMPLES)


@pytest.mark.parametrize("heading", EXAMPLES)
def test_an_example(live_store, bucket, folder, heading):
    language, code = EXAMPLES[heading]
    if heading in NEED_A_BUCKET:
        bucket.create()
    code = code.replace("127.0.0.1:8000", live_store.url.partition("//")[2])
    run = {"sh": run_sh, "python": run_python, "js": run_js, "go": run_go}[language]
    run(heading, code, live_store, folder)
    assert list(bucket.objects.all())


def run_sh(heading: str, code: str, store: LiveStore, folder: Path) -> None:
    program = installed(CLIENTS / "bin" / PROGRAMS[heading])
    (folder / "bin").mkdir()
    (folder / "bin" / program.name.removesuffix("-debian")).symlink_to(program)
    shell = Client(Path("/bin/sh"), store, folder)
    shell.environment["PATH"] = f"{folder / 'bin'}:{os.environ['PATH']}"
    shell("-euc", code)


def run_python(heading: str, code: str, store: LiveStore, folder: Path) -> None:
    python = installed(INTERPRETERS.get(heading, Path(sys.executable)))
    code = code.replace(INSTALL_HTTPFS, LOAD_HTTPFS)
    if heading == "django-storages":
        code += USE_STORAGES
    Client(python, store, folder)("-c", code)


def run_js(heading: str, code: str, store: LiveStore, folder: Path) -> None:
    # Packages are found from where the program is.
    program = installed(CLIENTS / "javascript" / "installed").parent / "documented.mjs"
    program.write_text(code)
    Client(found("node"), store, folder)(program)


def run_go(heading: str, code: str, store: LiveStore, folder: Path) -> None:
    installed(CLIENTS / "bin" / "minio-go-life")
    (folder / "main.go").write_text(code)
    for name in ("go.mod", "go.sum"):
        shutil.copy(HERE / "minio_go" / name, folder)
    go = Client(found("go"), store, folder)
    go.environment |= {"HOME": os.environ["HOME"], "GOTOOLCHAIN": "local"}
    go("run", ".")


def installed(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is not installed; scripts/install-clients says why")
    return path


def found(program: str) -> Path:
    return installed(Path(shutil.which(program) or program))
