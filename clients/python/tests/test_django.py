"""The Django storage, against a real server over HTTP."""

from __future__ import annotations

import io
import posixpath
from datetime import UTC, datetime, timedelta

import httpx
import objectstore
import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from objectstore.django import ObjectStoreStorage


@pytest.fixture
def client(live_store):
    with objectstore.Client(
        api_key=live_store.api_key, endpoint=f"{live_store.url}/v1"
    ) as client:
        yield client


@pytest.fixture
def options(client, live_store, request):
    name = f"d{abs(hash(request.node.nodeid))}"
    client.create_bucket(name)
    return {
        "bucket": name,
        "api_key": live_store.api_key,
        "endpoint": f"{live_store.url}/v1",
        "location": "media",
    }


@pytest.fixture
def storage(options):
    return ObjectStoreStorage(**options)


def test_a_file_is_stored_and_read(storage, client, options):
    name = storage.save("photos/a.png", ContentFile(b"picture"))
    assert name == "photos/a.png"
    head = client.head_object(options["bucket"], "media/photos/a.png")
    assert head.content_type == "image/png"
    assert storage.exists(name)
    assert storage.size(name) == 7
    with storage.open(name) as file:
        assert (file.size, file.read(3), file.read()) == (7, b"pic", b"ture")
        file.seek(0)
        assert b"".join(file.chunks()) == b"picture"
    storage.delete(name)
    storage.delete(name)
    assert not storage.exists(name)
    with pytest.raises(FileNotFoundError):
        storage.open(name)
    with pytest.raises(FileNotFoundError):
        storage.size(name)


def test_an_uploads_own_content_type_is_kept(storage, client, options):
    upload = SimpleUploadedFile("x.bin", b"{}", content_type="application/json")
    storage.save("x.bin", upload)
    head = client.head_object(options["bucket"], "media/x.bin")
    assert head.content_type == "application/json"


def test_text_is_stored_as_utf_8(storage):
    storage.save("text", ContentFile("grüße"))
    assert storage.open("text").read().decode() == "grüße"


def test_a_taken_name_is_not_written_again(storage):
    first = storage.save("a.txt", ContentFile(b"1"))
    second = storage.save("a.txt", ContentFile(b"2"))
    assert first != second
    assert posixpath.splitext(second)[1] == ".txt"
    assert storage.open(first).read() == b"1"
    assert storage.open(second).read() == b"2"


@pytest.mark.parametrize("size", [1, 17 * 1024**2])
def test_two_that_choose_a_name_at_once_both_keep_their_file(
    storage, monkeypatch, size
):
    storage.save("a.txt", ContentFile(b"theirs"))
    answers = [False]
    exists = storage.exists
    monkeypatch.setattr(
        storage, "exists", lambda name: answers.pop() if answers else exists(name)
    )
    name = storage.save("a.txt", ContentFile(b"o" * size))
    assert name != "a.txt"
    assert storage.open("a.txt").read() == b"theirs"
    assert storage.size(name) == size


def test_what_cannot_be_read_twice_is_not_stored_by_half(storage, monkeypatch):
    class Pipe(io.RawIOBase):
        left = b"once"

        def readable(self):
            return True

        def readinto(self, buffer):
            size = len(self.left)
            buffer[:size], self.left = self.left, b""
            return size

    storage.save("a.txt", ContentFile(b"theirs"))
    monkeypatch.setattr(storage, "exists", lambda name: False)
    with pytest.raises(objectstore.errors.PreconditionFailed):
        storage.save("a.txt", File(Pipe()))


def test_overwriting(options):
    storage = ObjectStoreStorage(**options, overwrites=True)
    assert storage.save("a.txt", ContentFile(b"1")) == "a.txt"
    assert storage.save("a.txt", ContentFile(b"2")) == "a.txt"
    assert storage.open("a.txt").read() == b"2"
    assert len(storage.save("a" * 30 + ".txt", ContentFile(b""), max_length=20)) <= 20


def test_a_file_is_written_when_it_is_closed(storage):
    with storage.open("written", "wb") as file:
        file.write(b"some ")
        file.write(b"text")
        assert file.size == 9
        assert not storage.exists("written")
    assert storage.open("written").read() == b"some text"
    broken = storage.open("broken", "wb")
    broken.write(b"half")
    broken.__exit__(RuntimeError, RuntimeError(), None)
    assert broken.closed
    assert not storage.exists("broken")
    with pytest.raises(ValueError, match="rb or wb"):
        storage.open("written", "r+")


def test_what_was_opened_is_what_is_read(storage, client, options):
    storage.save("a", ContentFile(b"first"))
    file = storage.open("a")
    client.put_object(options["bucket"], "media/a", b"second")
    with pytest.raises(objectstore.errors.PreconditionFailed):
        file.read()


def test_folders(storage):
    for name in ("a.txt", "sub/b.txt", "sub/deep/c.txt"):
        storage.save(name, ContentFile(b""))
    assert storage.listdir("") == (["sub"], ["a.txt"])
    assert storage.listdir("sub/") == (["deep"], ["b.txt"])
    assert storage.listdir("none") == ([], [])


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "", ".."])
def test_a_name_cannot_leave_the_location(storage, name):
    with pytest.raises(SuspiciousFileOperation):
        storage.key_of(name)


def test_urls_are_signed_and_given_again(storage, monkeypatch):
    storage.save("ä b.txt", ContentFile(b"text"))
    url = storage.url("ä b.txt")
    assert httpx.get(url).content == b"text"
    assert storage.url("ä b.txt") == url
    monkeypatch.setattr("objectstore.django.time.time", lambda: 2e9 * 2)
    signed = []
    monkeypatch.setattr(
        storage.client, "signed_url", lambda *a, **k: signed.append(a) or SIGNED
    )
    assert storage.url("ä b.txt") == "new"
    assert signed


SIGNED = objectstore.results.SignedUrl("new", 0)


def test_public_urls_are_not_signed(options):
    storage = ObjectStoreStorage(**options, public_url="https://cdn.example/")
    assert storage.url("ä b.txt") == "https://cdn.example/media/%C3%A4%20b.txt"


def test_times(storage, settings):
    storage.save("a", ContentFile(b""))
    settings.USE_TZ = True
    modified = storage.get_modified_time("a")
    assert abs(datetime.now(UTC) - modified) < timedelta(hours=1)
    assert storage.get_created_time("a") == modified
    settings.USE_TZ = False
    settings.TIME_ZONE = "Asia/Tokyo"
    naive = storage.get_modified_time("a")
    assert naive == modified.replace(tzinfo=None) + timedelta(hours=9)


def test_what_is_missing_is_said(options):
    with pytest.raises(ImproperlyConfigured, match="bucket, endpoint"):
        ObjectStoreStorage(api_key="key")


def test_it_is_named_in_storages(options, settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "objectstore.django.ObjectStoreStorage",
            "OPTIONS": options,
        },
    }
    name = storages["default"].save("a", ContentFile(b"text"))
    assert storages["default"].open(name).read() == b"text"


def test_a_writing_that_fails_before_its_first_byte_keeps_what_was_there(storage):
    storage.save("a.txt", ContentFile(b"precious"))
    file = storage.open("a.txt", "wb")
    file.__exit__(RuntimeError, RuntimeError(), None)
    file.close()
    assert storage.open("a.txt").read() == b"precious"
