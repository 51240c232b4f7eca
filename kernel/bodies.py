"""A request's bytes: read once, counted, hashed and checked against what was said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from kernel.checksums import ChecksumAlgorithm, Hasher, check_checksum_value
from kernel.errors import (
    BadDigest,
    EntityTooLarge,
    IncompleteBody,
    XAmzContentSHA256Mismatch,
)

# 64 MiB read in 4 KiB pieces: 0.5 GB/s; in 256 KiB pieces: 2.5 GB/s.
CHUNK = 256 * 1024

Read = Callable[[int], bytes]
NO_CHECKSUMS: Mapping[ChecksumAlgorithm, str] = MappingProxyType({})


class Expectations(NamedTuple):
    """What the client says its bytes are; all of it is checked.

    `checksums` maps an algorithm to its base64 value, or to "" where the value comes
    in the trailer that `trailers` reads once the body has ended.
    """

    content_md5: bytes = b""
    sha256: str = ""
    checksums: Mapping[ChecksumAlgorithm, str] = NO_CHECKSUMS
    trailers: Callable[[], Mapping[str, str]] | None = None


NOTHING_EXPECTED = Expectations()


def reader(data: bytes) -> Read:
    """Give a function that reads bytes at hand as a stream is read."""
    view = memoryview(data)
    place = 0

    def read(size: int) -> bytes:
        nonlocal place
        chunk = bytes(view[place : place + size])
        place += len(chunk)
        return chunk

    return read


class Body:
    """A stream of `length` bytes. It is used up by reading it.

    `read` raises IncompleteBody when the stream ends early, and at the end BadDigest
    or XAmzContentSHA256Mismatch when the bytes are not those that were announced.
    """

    __slots__ = (
        "_algorithms",
        "_expected",
        "_hasher",
        "_left",
        "_read",
        "is_checked",
        "length",
    )

    def __init__(
        self,
        read: Read,
        length: int,
        expected: Expectations = NOTHING_EXPECTED,
        *,
        algorithms: tuple[ChecksumAlgorithm, ...] = (),
    ) -> None:
        self._read = read
        self._left = length
        self._expected = expected
        self._algorithms = {*expected.checksums, *algorithms}
        self._hasher = Hasher(self._algorithms, sha256=bool(expected.sha256))
        self.length = length
        self.is_checked = False

    @property
    def algorithms(self) -> set[ChecksumAlgorithm]:
        """The algorithms whose checksums come with the bytes, or are asked for."""
        return self._algorithms

    def reckon(self, algorithm: ChecksumAlgorithm) -> None:
        """Reckon one checksum more. It is asked for before the first byte is read."""
        self._algorithms.add(algorithm)
        self._hasher = Hasher(self._algorithms, sha256=bool(self._expected.sha256))

    @classmethod
    def of(cls, data: bytes) -> Body:
        """Make a body of bytes at hand."""
        return cls(reader(data), len(data))

    def give_back(self, data: bytes) -> None:
        """Let a body that was read and checked, of these bytes, be read once more."""
        self._read = reader(data)
        self._left = self.length
        self._expected = NOTHING_EXPECTED
        self._hasher = Hasher(self._algorithms)

    def read(self, size: int = CHUNK) -> bytes:
        """Read up to `size` bytes; b"" once all have come and been checked."""
        if self._left == 0:
            self._check()
            return b""
        chunk = self._read(min(size, self._left))
        if not chunk:
            raise IncompleteBody(
                number_bytes_expected=self.length,
                number_bytes_provided=self.length - self._left,
            )
        self._left -= len(chunk)
        self._hasher.update(chunk)
        if self._left == 0:
            self._check()
        return chunk

    def read_all(self, most: int) -> bytes:
        """Read a small body whole; EntityTooLarge above `most` bytes."""
        if self.length > most:
            raise EntityTooLarge(proposed_size=self.length, max_size_allowed=most)
        first = self.read(self.length or 1)
        if len(first) == self.length:
            return first
        chunks = [first]
        while chunk := self.read(self.length):
            chunks.append(chunk)
        data = b"".join(chunks)
        if len(data) != self.length:
            raise ValueError("a body is read once")
        return data

    @property
    def md5(self) -> str:
        """MD5 in hex of what was read."""
        return self._hasher.md5_hex()

    def checksum(self, algorithm: ChecksumAlgorithm) -> str:
        return self._hasher.checksum(algorithm)

    @property
    def checksums(self) -> dict[str, str]:
        """The checksums asked for, by algorithm, in base64."""
        return {
            str(algorithm): self._hasher.checksum(algorithm)
            for algorithm in self._algorithms
        }

    def _check(self) -> None:
        if self.is_checked:
            return
        self.is_checked = True
        expected = self._expected
        if expected is NOTHING_EXPECTED:
            return
        # A framed stream ends after its last chunk and trailer, not with the last byte.
        if expected.trailers and self._read(1):
            raise IncompleteBody("The body is longer than was declared.")
        if expected.sha256 and self._hasher.sha256_hex() != expected.sha256:
            raise XAmzContentSHA256Mismatch(
                client_computed_content_sha256=expected.sha256,
                s3_computed_content_sha256=self._hasher.sha256_hex(),
            )
        if expected.content_md5:
            self._check_md5(expected.content_md5)
        for algorithm, announced in expected.checksums.items():
            self._check_checksum(algorithm, announced or self._trailing(algorithm))

    def _trailing(self, algorithm: ChecksumAlgorithm) -> str:
        """Give a checksum that was to come in the trailer, or refuse its absence."""
        trailers = self._expected.trailers
        value = trailers().get(algorithm.header, "") if trailers else ""
        check_checksum_value(algorithm, value, "trailing header")
        return value

    def _check_md5(self, announced: bytes) -> None:
        if bytes.fromhex(self.md5) != announced:
            raise BadDigest(
                expected_digest=announced.hex(),
                calculated_digest=self._hasher.md5_base64(),
            )

    def _check_checksum(self, algorithm: ChecksumAlgorithm, announced: str) -> None:
        if self._hasher.checksum(algorithm) != announced:
            raise BadDigest(
                f"The {algorithm} you specified did not match the calculated checksum."
            )
