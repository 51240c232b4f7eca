"""The bytes of a downloaded object, read when they are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from types import TracebackType

import httpx

from objectstore.errors import TransportError

CHUNK = 256 * 1024
LONGEST_NAME = 255


class Body:
    """A download in progress.

    `iter_bytes` and `save_to` hold one chunk at a time. Used as bytes (`bytes(body)`,
    `file.write(body)`), it reads the whole object into memory once.
    """

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._data: bytes | None = None

    def iter_bytes(self, chunk_size: int = CHUNK) -> Iterator[bytes]:
        """Give the bytes in chunks. Raises TransportError when the stream breaks."""
        if self._data is not None:
            yield self._data
            return
        try:
            yield from self._response.iter_raw(chunk_size)
        except httpx.TransportError as error:
            raise TransportError(f"the download broke off: {error}") from error
        except httpx.StreamError as error:
            raise ValueError("the body has been read before, or closed") from error
        finally:
            self.close()

    def read(self) -> bytes:
        """Read the whole object."""
        if self._data is None:
            self._data = b"".join(self.iter_bytes())
        return self._data

    def save_to(self, path: str | os.PathLike[str]) -> int:
        """Write the object to a file, which appears only when it is whole.

        Gives its size in bytes.
        """
        target = Path(path)
        partial = beside(target, f".{token_hex(8)}.part")
        size = 0
        try:
            with partial.open("xb") as file:
                for chunk in self.iter_bytes():
                    size += file.write(chunk)
            partial.replace(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        return size

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()

    def __bytes__(self) -> bytes:
        return self.read()

    def __buffer__(self, flags: int) -> memoryview:
        return memoryview(self.read())

    def __len__(self) -> int:
        return int(self._response.headers["Content-Length"])

    def __enter__(self) -> Body:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def beside(target: Path, ending: str) -> Path:
    """Give the path of a file beside another, whose name no file system finds long."""
    name = os.fsencode(target.name)[: LONGEST_NAME - len(ending)]
    return target.with_name(os.fsdecode(name) + ending)
