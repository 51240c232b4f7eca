"""aws-chunked bodies: the frames taken off, every signature checked on the way.

AWS, "Signature calculations for the Authorization header: Transferring payload in
multiple chunks" and its page on trailers. A chunk of up to BUFFERED bytes is released
only once its signature has been verified; a larger one is verified at its end, which
comes before the end of the stream, so that nothing unverified is ever committed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence

from iam.sigv4 import SigningContext
from kernel.bodies import Read
from kernel.errors import (
    IncompleteBody,
    InvalidRequest,
    MalformedTrailerError,
    SignatureDoesNotMatch,
)

BUFFERED = 1024 * 1024
MOST_CHUNK = 5 * 1024**3
LONGEST_LINE = 4096
MOST_TRAILERS = 16
TRAILER_SIGNATURE = b"x-amz-trailer-signature"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
READ_AT_ONCE = 64 * 1024


class _Source:
    """The framed stream, with what was read past a line kept for the next read."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._kept = b""

    def take(self, size: int) -> bytes:
        """Give up to `size` bytes, b"" at the end."""
        if not self._kept:
            return self._read(size)
        taken, self._kept = self._kept[:size], self._kept[size:]
        return taken

    def exactly(self, size: int) -> bytes:
        pieces = []
        while size:
            piece = self.take(size)
            if not piece:
                raise IncompleteBody()
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def line(self) -> bytes:
        """Give one line without its end; lines are bounded."""
        gathered = b""
        while True:
            end = gathered.find(b"\n")
            if end >= 0:
                self._kept = gathered[end + 1 :] + self._kept
                return gathered[:end].rstrip(b"\r")
            if len(gathered) > LONGEST_LINE:
                raise InvalidRequest("A chunk's header line is too long.")
            piece = self.take(READ_AT_ONCE)
            if not piece:
                raise IncompleteBody()
            gathered += piece


class ChunkedReader:
    """Read the bytes inside an aws-chunked stream.

    `signing` is the request's context where chunks are signed, else None.
    `trailers` holds the trailing headers, in lower case, once `read` has given b"".
    """

    def __init__(
        self,
        read: Read,
        *,
        decoded_length: int,
        signing: SigningContext | None,
        trailer_names: Sequence[str] = (),
    ) -> None:
        self.trailers: dict[str, str] = {}
        self._source = _Source(read)
        self._signing = signing
        self._previous = signing.signature if signing else ""
        self._trailer_names = frozenset(trailer_names)
        self._undelivered = decoded_length
        self._released = b""
        self._chunk_left = 0
        self._chunk_hash = hashlib.sha256()
        self._chunk_signature = ""
        self._is_ended = False

    def read(self, size: int) -> bytes:
        """Give up to `size` bytes; b"" once the last chunk and trailer are verified."""
        if size <= 0:
            raise ValueError("a chunked body is read in pieces of a stated size")
        while not self._released and not self._is_ended:
            self._advance(size)
        given, self._released = self._released[:size], self._released[size:]
        return given

    def _advance(self, size: int) -> None:
        if not self._chunk_left:
            self._begin_chunk()
            if self._is_ended:
                return
        if self._chunk_left <= BUFFERED:
            self._take(self._source.exactly(self._chunk_left))
        else:
            piece = self._source.take(min(size, self._chunk_left))
            if not piece:
                raise IncompleteBody()
            self._take(piece)

    def _take(self, piece: bytes) -> None:
        self._chunk_left -= len(piece)
        self._undelivered -= len(piece)
        if self._undelivered < 0:
            raise IncompleteBody("The body is longer than was declared.")
        if self._signing:
            self._chunk_hash.update(piece)
        if not self._chunk_left:
            self._end_chunk()
        self._released = piece

    def _begin_chunk(self) -> None:
        header = self._source.line()
        size_text, _, extension = header.partition(b";")
        size = hexadecimal(size_text.strip())
        self._chunk_signature = chunk_signature(extension)
        self._chunk_hash = hashlib.sha256()
        if size == 0:
            self._end()
        self._chunk_left = size

    def _end_chunk(self) -> None:
        self._verify_chunk()
        if self._source.exactly(2) != b"\r\n":
            raise InvalidRequest("A chunk does not end where its header says.")

    def _verify_chunk(self) -> None:
        signing = self._signing
        if signing is None:
            return
        wanted = signing.sign(
            "AWS4-HMAC-SHA256-PAYLOAD",
            self._previous,
            EMPTY_SHA256,
            self._chunk_hash.hexdigest(),
        )
        self._compare(self._chunk_signature, wanted)
        self._previous = wanted

    def _compare(self, given: str, wanted: str) -> None:
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise SignatureDoesNotMatch(
                "The request signature we calculated does not match the signature "
                "you provided. A chunk was changed, left out or sent again."
            )

    def _end(self) -> None:
        self._verify_chunk()
        if self._undelivered:
            raise IncompleteBody()
        self._read_trailers()
        self._is_ended = True

    def _read_trailers(self) -> None:
        signature = ""
        lines: list[bytes] = []
        for line in self._trailer_lines():
            name, colon, value = line.partition(b":")
            if not colon or len(lines) >= MOST_TRAILERS:
                raise MalformedTrailerError()
            if name.strip().lower() == TRAILER_SIGNATURE:
                signature = value.strip().decode("latin-1")
                continue
            lines.append(line)
            key = name.strip().lower().decode("latin-1")
            if key in self.trailers:
                raise MalformedTrailerError()
            self.trailers[key] = value.strip().decode("latin-1")
        self._check_trailers(lines, signature)

    def _trailer_lines(self) -> Iterator[bytes]:
        is_signed = False
        for line in iter(self._last_line, b""):
            is_signed = is_signed or line.lower().startswith(TRAILER_SIGNATURE)
            yield line
        # minio-go sends an empty line between the trailers and their signature.
        if self._signing and self.trailers and not is_signed:
            yield from iter(self._last_line, b"")

    def _last_line(self) -> bytes:
        """Read a trailer line; the stream may end instead of an empty one."""
        try:
            return self._source.line()
        except IncompleteBody:
            return b""

    def _check_trailers(self, lines: list[bytes], signature: str) -> None:
        if not self._trailer_names and not self.trailers:
            return
        if set(self.trailers) != self._trailer_names:
            raise MalformedTrailerError()
        if self._signing is None:
            return
        text = b"".join(line.strip() + b"\n" for line in lines)
        wanted = self._signing.sign(
            "AWS4-HMAC-SHA256-TRAILER",
            self._previous,
            hashlib.sha256(text).hexdigest(),
        )
        self._compare(signature, wanted)


def hexadecimal(text: bytes) -> int:
    """Read a chunk's size; digits alone, and no more than a body may have."""
    is_plain = 0 < len(text) <= 16 and all(c in b"0123456789abcdefABCDEF" for c in text)
    if not is_plain or int(text, 16) > MOST_CHUNK:
        raise InvalidRequest("A chunk's size cannot be read.")
    return int(text, 16)


def chunk_signature(extension: bytes) -> str:
    name, _, value = extension.strip().partition(b"=")
    return value.decode("latin-1") if name == b"chunk-signature" else ""
