"""The storage on a GitLab repository, against a server that speaks GitLab's API."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.core.files.storage import Storage, storages
from gitlab.exceptions import GitlabError

from blobs.locations import parse
from blobs.store import new_path
from kernel.errors import EntityTooLarge
from tests.storages.contract import StorageContract, read, save
from tests.storages.gitlab_server import TOKEN, GitLabServer
from tests.storages.whole_life import WholeLife


@pytest.fixture
def server() -> Iterator[GitLabServer]:
    server = GitLabServer()
    yield server
    server.stop()


@pytest.fixture
def location(server: GitLabServer) -> str:
    return server.location()


@pytest.fixture
def storage(location: str) -> Storage:
    return storages.create_storage(parse(location))


class TestGitLab(StorageContract, WholeLife):
    largest = 3 * 1024**2
    streams = False

    @pytest.fixture
    def location(self, server: GitLabServer) -> str:
        return server.location()


def test_each_change_is_a_commit_that_starts_no_pipeline(
    server: GitLabServer, storage: Storage
) -> None:
    path = new_path()
    save(storage, path, b"data")
    (file,) = server.files
    assert file.startswith("store-")
    assert file.endswith(f"/{path}")
    storage.delete(path)
    assert server.messages == [f"Store {file} [skip ci]", f"Delete {file} [skip ci]"]
    assert server.files == {}


def test_transient_faults_are_tried_again(
    server: GitLabServer, storage: Storage
) -> None:
    path = new_path()
    server.faults = [503, 502]
    save(storage, path, b"data")
    server.faults = [500, 504]
    assert read(storage, path, 1, 2) == b"at"
    server.faults = [503]
    storage.delete(path)
    assert server.files == {}


def test_lasting_faults_end(server: GitLabServer, storage: Storage) -> None:
    server.faults = [503] * 100
    with pytest.raises(GitlabError):
        save(storage, new_path(), b"data")
    assert len(server.faults) > 90


def test_a_commit_that_was_overtaken_is_made_again(
    server: GitLabServer, storage: Storage
) -> None:
    path = new_path()
    server.overtaken = 2
    save(storage, path, b"data")
    assert read(storage, path, 0, 4) == b"data"
    server.overtaken = 1
    storage.delete(path)
    assert server.files == {}


def test_a_commit_whose_answer_was_lost_counts_as_made(
    server: GitLabServer, storage: Storage
) -> None:
    path = new_path()
    server.lost_answers = 1
    save(storage, path, b"data")
    assert read(storage, path, 0, 4) == b"data"
    server.lost_answers = 1
    storage.delete(path)
    assert not storage.exists(path)


def test_a_file_of_somebody_else_is_not_taken_for_ours(
    server: GitLabServer, storage: Storage
) -> None:
    path = new_path()
    save(storage, path, b"theirs")
    with pytest.raises(GitlabError, match="already exists"):
        save(storage, path, b"ours")
    assert read(storage, path, 0, 6) == b"theirs"


def test_an_answer_that_is_cut_off_is_taken_up_again(
    server: GitLabServer, storage: Storage
) -> None:
    path, data = new_path(), os.urandom(1_000_000)
    save(storage, path, data)
    server.cuts = [300_000, 700_000]
    assert read(storage, path, 10, 999_990) == data[10:]
    server.cuts = [300_000] * 3
    with pytest.raises(OSError, match="Connection broken"):
        read(storage, path, 0, 1_000_000)


def test_files_beyond_the_limit_are_refused_unread(server: GitLabServer) -> None:
    storage = storages.create_storage(parse(server.location("&largest=1")))
    with pytest.raises(EntityTooLarge):
        save(storage, new_path(), b"x" * (1024**2 + 1))
    assert server.files == {}


def test_a_wrong_token_is_not_shown(server: GitLabServer) -> None:
    wrong = server.location().replace(TOKEN.replace("/", "%2F"), "secret-token")
    storage = storages.create_storage(parse(wrong))
    with pytest.raises(GitlabError) as caught:
        save(storage, new_path(), b"data")
    assert "secret-token" not in str(caught.value)


def test_it_lists_folders_and_files(server: GitLabServer, storage: Storage) -> None:
    save(storage, "a/b/c", b"1")
    save(storage, "a/d", b"2")
    assert storage.listdir("a") == (["b"], ["d"])
    assert storage.size("a/d") == 1
    assert storage.open("a/d").read() == b"2"
