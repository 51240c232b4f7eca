"""Sealed bytes: AES-256-GCM in segments, so that a range is read without the rest.

Each blob has a key of its own, used for nothing else, so a segment's nonce is its
number. A segment that was changed, swapped or taken from another blob does not open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kernel.bodies import Body

CIPHER = "AES-256-GCM/64K"
SEGMENT = 64 * 1024
TAG = 16
SEALED_SEGMENT = SEGMENT + TAG
# Segments that a reader is given at once: 256 KiB chunks, as from an open file.
TOGETHER = 4

ReadRange = Callable[[int, int], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Seal:
    """The key of one blob's bytes, and the record from which it is found again."""

    key: bytes = field(repr=False)
    record: Mapping[str, str]


def sealed_size(size: int) -> int:
    """Give how many bytes a sealed blob of `size` takes up."""
    return size + -(-size // SEGMENT) * TAG


def seal_data(key: bytes, data: bytes) -> bytes:
    """Seal bytes at hand."""
    cipher = AESGCM(key)
    return b"".join(
        cipher.encrypt(nonce(number), data[place : place + SEGMENT], None)
        for number, place in enumerate(range(0, len(data), SEGMENT))
    )


def nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


class SealedBody:
    """A body as it is stored: read once, sealed on the way."""

    def __init__(self, body: Body, key: bytes) -> None:
        self._body = body
        self._cipher = AESGCM(key)
        self._number = 0
        self._rest = b""
        self.length = sealed_size(body.length)

    def read(self, size: int) -> bytes:
        """Give up to `size` sealed bytes; b"" at the end."""
        if not self._rest:
            self._rest = self._next_segment()
        chunk, self._rest = self._rest[:size], self._rest[size:]
        return chunk

    def _next_segment(self) -> bytes:
        segment = self._body.read(SEGMENT)
        while segment and len(segment) < SEGMENT:
            more = self._body.read(SEGMENT - len(segment))
            if not more:
                break
            segment += more
        if not segment:
            return b""
        self._number += 1
        return self._cipher.encrypt(nonce(self._number - 1), segment, None)


def open_sealed(
    key: bytes, size: int, read_range: ReadRange, start: int, length: int
) -> Iterator[bytes]:
    """Give `length` bytes from `start` of a sealed blob of `size` bytes.

    `read_range` reads the stored bytes. It is called before this returns; a segment
    that does not open raises OSError while reading.
    """
    first, last = start // SEGMENT, (start + length - 1) // SEGMENT
    begin = first * SEALED_SEGMENT
    end = min((last + 1) * SEALED_SEGMENT, sealed_size(size))
    chunks = read_range(begin, end - begin)
    return trimmed(opened(AESGCM(key), first, chunks), start - first * SEGMENT, length)


def opened(cipher: AESGCM, number: int, chunks: Iterator[bytes]) -> Iterator[bytes]:
    for sealed in segments(chunks):
        plain = []
        for place in range(0, len(sealed), SEALED_SEGMENT):
            segment = sealed[place : place + SEALED_SEGMENT]
            try:
                plain.append(cipher.decrypt(nonce(number), segment, None))
            except InvalidTag:
                raise OSError("sealed bytes were changed on their storage") from None
            number += 1
        yield b"".join(plain)


def segments(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Regroup chunks into whole sealed segments; the last may be shorter."""
    group = SEALED_SEGMENT * TOGETHER
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= group:
            yield bytes(held[:group])
            del held[:group]
    if held:
        yield bytes(held)


def trimmed(chunks: Iterator[bytes], skip: int, length: int) -> Iterator[bytes]:
    for chunk in chunks:
        piece = chunk[skip : skip + length]
        skip = 0
        length -= len(piece)
        yield piece
