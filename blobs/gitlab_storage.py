"""A storage on one branch of a GitLab repository: small stores that people can clone.

Each file that is saved or deleted is a commit; docs/storages.md says what follows.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from threading import Lock
from typing import Any

import gitlab
import requests
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.utils.deconstruct import deconstructible
from gitlab.exceptions import GitlabError, GitlabHttpError
from gitlab.utils import EncodedId

from blobs.storage import CHUNK, check_length
from kernel.errors import EntityTooLarge

MIB = 1024 * 1024
NOT_FOUND = 404
# A commit that another one overtook is made again, after a wait that grows.
COMMIT_TRIES = 8
WAIT = 0.1
# GitLab runs no pipeline for a commit that says so.
SKIP = "[skip ci]"


@deconstructible
class GitLabStorage(Storage):
    """Files of a branch, through GitLab's repository files API.

    `largest` is in MiB: a file is held in memory, and so does GitLab hold it.
    """

    def __init__(
        self,
        *,
        url: str,
        token: str,
        project: str,
        branch: str = "main",
        location: str = "",
        largest: int = 20,
    ) -> None:
        attempts = settings.OBJECTSTORE_STORAGE_ATTEMPTS
        self.client = gitlab.Gitlab(
            url,
            private_token=token,
            timeout=settings.OBJECTSTORE_STORAGE_TIMEOUT / (attempts + 1),
            retry_transient_errors=True,
        )
        self.project = self.client.projects.get(project, lazy=True)
        self.files = self.project.files
        self.branch = branch
        self.location = location.strip("/")
        self.largest = largest * MIB
        # GitLab may ask for a minute when it limits; a request cannot wait so long.
        self._tries = {"max_retries": attempts - 1, "obey_rate_limit": False}
        self._lock = Lock()

    def _path(self, name: str) -> str:
        return f"{self.location}/{name}" if self.location else name

    # Writing

    def _save(self, name: str, content: File[Any]) -> str:
        if content.size > self.largest:
            raise EntityTooLarge(
                proposed_size=content.size, max_size_allowed=self.largest
            )
        data = content.read()
        path = self._path(name)
        try:
            self._commit(lambda: self._create(path, data))
        except GitlabError:
            # A first attempt whose answer was lost makes the second one fail.
            if self._digest(path) != sha256(data).hexdigest():
                raise
        return name

    def _create(self, path: str, data: bytes) -> None:
        self.files.create(
            {
                "file_path": path,
                "branch": self.branch,
                "content": b64encode(data).decode(),
                "encoding": "base64",
                "commit_message": f"Store {path} {SKIP}",
            },
            **self._tries,
        )

    def _commit(self, make: Callable[[], None]) -> None:
        """Make a commit, one at a time, and again when somebody else was faster."""
        for number in range(1, COMMIT_TRIES + 1):
            try:
                with self._lock:
                    make()
            except GitlabError as error:
                if "try again" not in str(error) or number == COMMIT_TRIES:
                    raise
            else:
                return
            time.sleep(WAIT * number)

    def delete(self, name: str) -> None:
        """Take the file out of the branch; history keeps its bytes."""
        path = self._path(name)
        if not self.exists(name):
            return
        try:
            self._commit(lambda: self._remove(path))
        except GitlabError:
            if self.exists(name):
                raise

    def _remove(self, path: str) -> None:
        message = f"Delete {path} {SKIP}"
        self.files.delete(path, self.branch, message, **self._tries)

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Blob names are random; a collision is an error, never another name."""
        return name

    # Reading

    def open_range(self, path: str, start: int, length: int) -> Iterator[bytes]:
        """Ask now; GitLab sends the whole file, and what is before is skipped."""
        return self._read_on(path, start, length, self._ask(path))

    def _ask(self, name: str) -> requests.Response:
        path = f"{self.files.path}/{EncodedId(self._path(name))}/raw"
        try:
            answer = self.client.http_get(
                path,
                query_data={"ref": self.branch},
                streamed=True,
                raw=True,
                **self._tries,
            )
        except GitlabHttpError as error:
            if error.response_code == NOT_FOUND:
                raise FileNotFoundError(name) from error
            raise
        assert isinstance(answer, requests.Response)
        return answer

    def _read_on(
        self, path: str, start: int, length: int, answer: requests.Response
    ) -> Iterator[bytes]:
        """Give the bytes; an answer that is cut off is asked for again."""
        tries_left = settings.OBJECTSTORE_STORAGE_ATTEMPTS - 1
        while length > 0:
            try:
                with answer:
                    for chunk in part_of(answer, start, length):
                        start += len(chunk)
                        length -= len(chunk)
                        yield chunk
                check_length(0, length)
            except requests.RequestException:
                if not tries_left:
                    raise
                tries_left -= 1
                answer = self._ask(path)

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        return ContentFile(b"".join(self._ask(name).iter_content(CHUNK)), name)

    def _head(self, path: str) -> Any:
        try:
            return self.files.head(path, ref=self.branch, **self._tries)
        except GitlabError as error:
            if error.response_code == NOT_FOUND:
                return None
            raise

    def _digest(self, path: str) -> str:
        found = self._head(path)
        return "" if found is None else str(found["X-Gitlab-Content-Sha256"])

    def exists(self, name: str) -> bool:
        return self._head(self._path(name)) is not None

    def size(self, name: str) -> int:
        found = self._head(self._path(name))
        if found is None:
            raise FileNotFoundError(name)
        return int(found["X-Gitlab-Size"])

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        entries = self.project.repository_tree(
            self._path(path).rstrip("/"), ref=self.branch, iterator=True
        )
        folders: list[str] = []
        files: list[str] = []
        for entry in entries:
            (folders if entry["type"] == "tree" else files).append(entry["name"])
        return folders, files


def part_of(answer: requests.Response, start: int, length: int) -> Iterator[bytes]:
    """Cut the range out of a file that comes whole."""
    end = start + length
    place = 0
    for chunk in answer.iter_content(CHUNK):
        piece = chunk[max(start - place, 0) : max(end - place, 0)]
        place += len(chunk)
        if piece:
            yield piece
        if place >= end:
            return
