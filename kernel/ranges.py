"""Byte ranges as S3 reads them (RFC 9110, section 14; AWS, "GetObject")."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kernel.errors import (
    InvalidArgument,
    InvalidCopyRange,
    InvalidRange,
    InvalidRequest,
)

# The digits are bounded because int() refuses numbers of thousands of digits.
_RANGE = re.compile(r"bytes=([0-9]{0,40})-([0-9]{0,40})", re.IGNORECASE)
_COPY_RANGE = re.compile(r"bytes=([0-9]{1,40})-([0-9]{1,40})")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A run of bytes inside an object, both ends included."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """The number of bytes."""
        return self.end - self.start + 1

    def content_range(self, size: int) -> str:
        """Return the Content-Range header for an object of ``size`` bytes."""
        return f"bytes {self.start}-{self.end}/{size}"


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """Read a Range header; None means the whole object.

    As on AWS, several ranges and malformed ones are ignored rather than refused.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None:
        return None
    first, last = match.groups()
    if first:
        return _range_from(header, int(first), int(last) if last else None, size)
    return _suffix(header, int(last), size) if last else None


def _range_from(
    header: str | None, first: int, last: int | None, size: int
) -> ByteRange | None:
    if last is not None and first > last:
        return None
    if first >= size:
        raise InvalidRange(range_requested=header, actual_object_size=size)
    return ByteRange(first, size - 1 if last is None else min(last, size - 1))


def _suffix(header: str | None, length: int, size: int) -> ByteRange:
    # No Content-Range can name a run inside an empty object.
    if not length or not size:
        raise InvalidRange(range_requested=header, actual_object_size=size)
    return ByteRange(max(size - length, 0), size - 1)


def parse_copy_range(header: str, size: int) -> ByteRange:
    """Read x-amz-copy-source-range, which must lie inside the source.

    The three refusals are AWS's ("UploadPartCopy").
    """
    match = _COPY_RANGE.fullmatch(header)
    if match is None or int(match[1]) > int(match[2]):
        raise InvalidArgument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last "
            "where first and last are the zero-based offsets of the first and last "
            "bytes to copy",
            argument_name="x-amz-copy-source-range",
            argument_value=header,
        )
    copied = ByteRange(int(match[1]), int(match[2]))
    if copied.start >= size:
        raise InvalidRequest(
            "The specified copy range is invalid for the source object size"
        )
    if copied.end >= size:
        raise InvalidCopyRange(
            f"Range specified is not valid for source object of size: {size}",
            argument_name="x-amz-copy-source-range",
            argument_value=header,
        )
    return copied
