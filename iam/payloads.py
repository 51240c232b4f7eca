"""The body of a request as the domain takes it: unframed, bounded, and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from iam.chunked import ChunkedReader
from iam.signatures import Payload
from kernel.bodies import NOTHING_EXPECTED, Body, Expectations, Read
from kernel.checksums import (
    ChecksumAlgorithm,
    check_checksum_algorithm,
    check_checksum_value,
    check_content_md5,
)
from kernel.errors import (
    EntityTooLarge,
    InvalidContentLength,
    InvalidRequest,
    MissingContentLength,
)
from kernel.http.requests import has_header_of
from kernel.kept_settings import settings

DECODED_LENGTH = "HTTP_X_AMZ_DECODED_CONTENT_LENGTH"
CHECKSUM = "HTTP_X_AMZ_CHECKSUM_"
CHECKSUM_HEADERS = {f"{CHECKSUM}{one}": one for one in ChecksumAlgorithm}
# Headers of that beginning which carry no checksum.
ABOUT_CHECKSUMS = frozenset(
    {f"{CHECKSUM}ALGORITHM", f"{CHECKSUM}MODE", f"{CHECKSUM}TYPE"}
)

MANY_CHECKSUMS = (
    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not "
    "allowed."
)


def request_body(request: HttpRequest, payload: Payload | None = None) -> Body:
    """Make the body of an upload, with all that its headers announce of it.

    Nothing is read yet. Raises MissingContentLength, InvalidContentLength,
    EntityTooLarge, InvalidDigest and InvalidRequest for announcements that cannot
    hold.
    """
    meta = request.META
    is_framed = comes_framed(meta, payload)
    length = decoded_length(meta) if is_framed else content_length(meta)
    if length > settings.OBJECTSTORE_MAX_BODY:
        raise EntityTooLarge(
            proposed_size=length, max_size_allowed=settings.OBJECTSTORE_MAX_BODY
        )
    reader = raw_reader(request, None if is_framed else length)
    expected = announced(meta, payload)
    wanted = wanted_algorithms(meta)
    check_go_together(wanted, expected.checksums)
    if not is_framed:
        return Body(reader, length, expected, algorithms=wanted)
    chunks = ChunkedReader(
        reader,
        decoded_length=length,
        signing=None if payload is None else payload.signing,
        trailer_names=trailer_names(meta),
    )
    framed = Expectations(
        content_md5=expected.content_md5,
        checksums=expected.checksums,
        trailers=lambda: chunks.trailers,
    )
    return Body(chunks.read, length, framed, algorithms=wanted)


def comes_framed(meta: Mapping[str, Any], payload: Payload | None) -> bool:
    """Tell whether a body comes in aws-chunked frames.

    Where the signature does not say so, or nobody signed, its coding does: SDKs over
    https frame what they send to public buckets, too.
    """
    if payload is not None and payload.is_framed:
        return True
    if DECODED_LENGTH not in meta or (payload is not None and payload.sha256):
        return False
    return "aws-chunked" in str(meta.get("HTTP_CONTENT_ENCODING", "")).lower()


def raw_reader(request: HttpRequest, length: int | None = None) -> Read:
    """Read the request's own stream: Django's gives nothing where no length is known.

    It never reads past `length`, or the Content-Length where there is one, since a
    development server's stream is the socket.
    """
    stream: Any = request.environ["wsgi.input"]  # type: ignore[attr-defined]
    left = length
    if left is None and request.META.get("CONTENT_LENGTH"):
        left = content_length(request.META)

    def read(size: int) -> bytes:
        nonlocal left
        if left is None:
            return bytes(stream.read(size))
        if left == 0:
            return b""
        chunk = bytes(stream.read(min(size, left)))
        left -= len(chunk)
        return chunk

    return read


def content_length(meta: Mapping[str, Any]) -> int:
    """Read Content-Length; a body whose end cannot be told from a cut is refused."""
    text = meta.get("CONTENT_LENGTH")
    if text in (None, ""):
        raise MissingContentLength()
    return length_of(str(text))


def decoded_length(meta: Mapping[str, Any]) -> int:
    text = meta.get(DECODED_LENGTH)
    if text is None:
        raise MissingContentLength()
    return length_of(str(text))


def length_of(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise InvalidContentLength(content_length=text[:64])
    return int(text)


def announced(meta: Mapping[str, Any], payload: Payload | None) -> Expectations:
    """Gather the digests that the headers promise."""
    content_md5 = meta.get("HTTP_CONTENT_MD5")
    sha256 = payload.sha256 if payload is not None else ""
    checksums = announced_checksums(meta)
    if content_md5 is None and not (sha256 or checksums):
        return NOTHING_EXPECTED
    return Expectations(
        content_md5=b"" if content_md5 is None else check_content_md5(content_md5),
        sha256=sha256,
        checksums=checksums,
    )


def announced_checksums(meta: Mapping[str, Any]) -> dict[ChecksumAlgorithm, str]:
    """Read which checksums come in headers, and which will come in the trailer.

    Raises InvalidRequest for more than one, one that cannot be read, and one of an
    algorithm that is not known: nothing is passed over that should have been checked.
    """
    if "HTTP_X_AMZ_TRAILER" not in meta and not has_header_of(meta, CHECKSUM):
        return {}
    stated = checksums_of_headers(meta)
    to_come = checksums_of_trailer(meta)
    if len(stated) + len(to_come) > 1:
        raise InvalidRequest(MANY_CHECKSUMS)
    for algorithm, value in stated.items():
        check_checksum_value(algorithm, value)
    return stated or to_come


def checksums_of_headers(meta: Mapping[str, Any]) -> dict[ChecksumAlgorithm, str]:
    values = {}
    for name, value in meta.items():
        if not name.startswith(CHECKSUM) or name in ABOUT_CHECKSUMS:
            continue
        if name not in CHECKSUM_HEADERS:
            raise InvalidRequest(
                "The algorithm type you specified in x-amz-checksum- header is invalid."
            )
        values[CHECKSUM_HEADERS[name]] = str(value)
    return values


def checksums_of_trailer(meta: Mapping[str, Any]) -> dict[ChecksumAlgorithm, str]:
    split = (name.partition("x-amz-checksum-") for name in trailer_names(meta))
    return {check_checksum_algorithm(one): "" for _, mark, one in split if mark}


def trailer_names(meta: Mapping[str, Any]) -> tuple[str, ...]:
    text = str(meta.get("HTTP_X_AMZ_TRAILER", ""))
    if not text:
        return ()
    return tuple(name.strip().lower() for name in text.split(",") if name.strip())


def wanted_algorithms(meta: Mapping[str, Any]) -> tuple[ChecksumAlgorithm, ...]:
    """Give the algorithm an SDK asks for by name, where it sends no value."""
    name = meta.get("HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM")
    return () if not name else (check_checksum_algorithm(str(name).upper()),)


def check_go_together(
    wanted: tuple[ChecksumAlgorithm, ...], announced: Mapping[ChecksumAlgorithm, str]
) -> None:
    """Refuse an algorithm's name beside the checksum of another."""
    if announced and any(algorithm not in announced for algorithm in wanted):
        raise InvalidRequest(
            "Value for x-amz-sdk-checksum-algorithm header is invalid."
        )
