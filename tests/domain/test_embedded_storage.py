"""The in-process storage keeps what Django asks of a storage."""

from __future__ import annotations

import io
from datetime import UTC

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import ContentFile, File

from kernel.errors import NotImplemented, PreconditionFailed
from objects.operations import head_object
from objects.storage import HELD_IN_MEMORY, EmbeddedStorage

LARGE = bytes(range(256)) * 400

pytestmark = pytest.mark.django_db


@pytest.fixture
def files(root):
    return EmbeddedStorage(bucket="media", location="site", base_url="/media/")


def test_the_bucket_is_made_at_the_first_save_and_not_asked_for_before(files):
    assert not files.exists("a.txt")
    assert files.listdir("") == ([], [])
    files.delete("a.txt")
    assert files.save("a.txt", ContentFile(b"one")) == "a.txt"
    assert files.exists("a.txt")


def test_the_key_lies_under_the_location_and_has_the_type_of_its_name(files, root):
    files.save("folder/a.png", ContentFile(LARGE))
    info = head_object(root, "media", "site/folder/a.png").info
    assert (info.size, info.content_type) == (len(LARGE), "image/png")
    assert files.size("folder/a.png") == len(LARGE)
    assert files.get_modified_time("folder/a.png").tzinfo is UTC


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "..", ""])
def test_no_name_leads_out_of_the_location(files, name):
    with pytest.raises(SuspiciousFileOperation):
        files.key_of(name)


def test_folders_and_files_are_listed(files):
    for name in ("a.txt", "folder/b.txt", "folder/deep/c.txt"):
        files.save(name, ContentFile(b"x"))
    assert files.listdir("") == (["folder"], ["a.txt"])
    assert files.listdir("folder/") == (["deep"], ["b.txt"])


def test_a_file_is_read_from_anywhere(files):
    files.save("large", ContentFile(LARGE))
    with files.open("large") as opened:
        assert opened.size == len(LARGE)
        assert opened.read(10) == LARGE[:10]
        opened.seek(50_000)
        assert opened.read(10) == LARGE[50_000:50_010]
        opened.seek(-5, io.SEEK_END)
        assert opened.read() == LARGE[-5:]
        assert b"".join(opened.chunks(1000)) == LARGE


def test_a_file_that_is_replaced_while_it_is_read_is_not_mixed(files):
    files.save("large", ContentFile(LARGE))
    opened = files.open("large")
    files.put("large", ContentFile(LARGE[::-1]), only_if_new=False)
    with pytest.raises(PreconditionFailed):
        opened.read()


def test_what_is_not_there_is_not_opened(files):
    with pytest.raises(FileNotFoundError):
        files.open("missing")
    with pytest.raises(ValueError, match="rb or wb"):
        files.open("missing", "r+b")


def test_a_name_that_is_taken_is_another(files):
    first = files.save("a.txt", ContentFile(b"one"))
    second = files.save("a.txt", ContentFile(b"two"))
    assert first != second
    assert files.open(first).read() == b"one"


def test_a_name_that_is_taken_meanwhile_is_another(files, monkeypatch):
    """Two processes found the same name free."""
    files.save("a.txt", ContentFile(b"one"))
    found = iter([False])
    monkeypatch.setattr(
        files, "exists", lambda name: next(found, name == "a.txt"), raising=True
    )
    second = files.save("a.txt", ContentFile(b"two"))
    assert second != "a.txt"
    monkeypatch.undo()
    assert files.open("a.txt").read() == b"one"
    assert files.open(second).read() == b"two"


def test_overwriting_keeps_the_name(root):
    files = EmbeddedStorage(bucket="media", overwrites=True)
    for data in (b"one", b"two"):
        assert files.save("a.txt", ContentFile(data)) == "a.txt"
    assert files.open("a.txt").read() == b"two"


def test_a_file_is_written_when_it_is_closed(files):
    with files.open("new", "wb") as opened:
        opened.write(b"one")
        opened.write(b"two")
        assert not files.exists("new")
    assert files.open("new").read() == b"onetwo"


def test_a_file_whose_writing_failed_is_not_stored(files):
    with pytest.raises(TypeError), files.open("new", "wb") as opened:
        opened.writelines([b"one", None])
    assert not files.exists("new")


class Unsized(io.RawIOBase):
    """A pipe: neither a size nor a way back."""

    def __init__(self, data):
        self._data = io.BytesIO(data)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self._data.readinto(buffer)


def test_text_and_pipes_are_stored(files):
    text = "grün\n" * HELD_IN_MEMORY
    files.save("text", File(io.StringIO(text)))
    assert files.open("text").read().decode() == text
    files.save("pipe", File(Unsized(LARGE)))
    assert files.open("pipe").read() == LARGE


def test_addresses_are_quoted_and_need_a_base(files, root):
    assert files.url("folder/ä b.png") == "/media/folder/%C3%A4%20b.png"
    with pytest.raises(NotImplemented):
        EmbeddedStorage(bucket="media").url("a")


def test_the_account_can_be_named(account, root, other_root):
    mine = EmbeddedStorage(bucket="media", account=account.name)
    assert mine.principal == root
    assert EmbeddedStorage(bucket="media", account=account.number).principal == root
    with pytest.raises(ImproperlyConfigured):
        _ = EmbeddedStorage(bucket="media", account="nobody").principal
    with pytest.raises(ImproperlyConfigured):
        EmbeddedStorage()
