"""The example project: its pages, its transactions, what its sweep takes up."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import httpx
import pytest

from tests.servers import ROOT, free_port

EXAMPLE = ROOT / "examples" / "embedded"
LARGE = b"0123456789" * 100_000


class Gallery:
    """The example in a folder of its own."""

    def __init__(self, folder):
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("OBJECTSTORE_")},
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "gallery.settings",
            "OBJECTSTORE_DATA_DIR": str(folder / "objects"),
            "GALLERY_DATABASE": f"sqlite:///{folder / 'gallery.sqlite3'}",
        }
        self.folder = folder

    def manage(self, *arguments, **options):
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=EXAMPLE,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **options,
        )

    def run(self, *arguments, **options):
        done = self.manage(*arguments, **options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def files(self):
        """The files in the store's folders, by name."""
        folder = self.folder / "objects" / "blobs"
        return {one.name for one in folder.rglob("*") if one.is_file()}

    def notes(self):
        folder = self.folder / "gallery.sqlite3-writes"
        return {one.name for one in folder.iterdir()} if folder.is_dir() else set()


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    gallery = Gallery(tmp_path_factory.mktemp("gallery"))
    gallery.run("migrate", "--verbosity", "0")
    gallery.run("bootstrap")
    return gallery


@pytest.fixture(scope="module")
def http(gallery):
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"],
        cwd=EXAMPLE,
        env=gallery.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_for(port):
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return


def send(http, title, data, name="picture.png"):
    return http.post("/pictures", data={"title": title}, files={"file": (name, data)})


def test_the_example_is_checked_and_its_migrations_are_whole(gallery):
    gallery.run("check", "--fail-level", "WARNING")
    gallery.run("makemigrations", "--check", "--dry-run")


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
def test_a_picture_is_kept_shown_and_deleted(http, data):
    kept = send(http, f"kept {len(data)}", data)
    assert kept.status_code == 201, kept.text
    url = kept.json()["url"]
    shown = http.get(url)
    assert shown.content == data
    assert shown.headers["Content-Type"] == "image/png"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    part = http.get(url, headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, data[1:4])
    same = http.get(url, headers={"If-None-Match": shown.headers["ETag"]})
    assert same.status_code == 304
    assert http.head(url).headers["Content-Length"] == str(len(data))
    assert http.post(f"/pictures/{kept.json()['id']}/delete").status_code == 204
    assert http.get(url).status_code == 404


def test_a_page_that_was_uploaded_has_no_origin(http):
    page = send(http, "a page", b"<script>1</script>", "page.html")
    shown = http.get(page.json()["url"])
    assert shown.headers["Content-Security-Policy"].startswith("sandbox ")


def test_a_row_that_fails_takes_its_object_with_it(gallery, http):
    first = send(http, "taken", LARGE, "first.png")
    assert first.status_code == 201
    gallery.run("sweep", "--grace", "0")
    before = gallery.files()
    for data in (b"small", LARGE):
        assert send(http, "taken", data, "second.png").status_code == 409
        assert http.get("/media/pictures/second.png").status_code == 404
    assert http.get(first.json()["url"]).content == LARGE
    # The bytes were written; the sweep knows them, once they count as given up.
    assert len(gallery.files() - before) == 1
    assert gallery.notes() == gallery.files() - before
    gallery.run("sweep")
    assert len(gallery.files() - before) == 1
    gallery.run("sweep", "--grace", "0")
    assert gallery.files() == before
    assert gallery.notes() == set()


SCRIPT = """
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from blobs.models import Blob
from gallery.models import Picture
"""


def test_what_a_crash_leaves_is_swept(gallery):
    before = gallery.files()
    done = gallery.manage(
        "shell",
        input=SCRIPT
        + """
import os
with transaction.atomic():
    default_storage.save("crash", ContentFile(b"x" * 100_000))
    os._exit(9)
""",
    )
    assert done.returncode == 9
    (left,) = gallery.files() - before
    assert gallery.notes() == {left}
    gallery.run("sweep", "--grace", "0")
    assert gallery.files() == before
    assert gallery.notes() == set()


def test_inner_transactions_and_many_files(gallery):
    gallery.run(
        "shell",
        input=SCRIPT
        + """
class Undone(Exception):
    pass

with transaction.atomic():
    default_storage.save("outer", ContentFile(b"o" * 50_000))
    try:
        with transaction.atomic():
            default_storage.save("inner", ContentFile(b"i" * 50_000))
            default_storage.delete("outer")
            raise Undone
    except Undone:
        pass
    assert default_storage.exists("outer") and not default_storage.exists("inner")
assert default_storage.open("outer").read() == b"o" * 50_000
""",
    )
    assert len(gallery.notes()) == 1
    gallery.run("sweep", "--grace", "0")
    gallery.run(
        "shell",
        input=SCRIPT + 'assert default_storage.open("outer").read() == b"o" * 50_000\n',
    )


def test_writes_outside_a_transaction_take_no_note(gallery):
    gallery.run(
        "shell",
        input=SCRIPT + 'default_storage.save("alone", ContentFile(b"a" * 50_000))\n',
    )
    assert gallery.notes() == set()
