"""Metadata as headers carry it: what is not ASCII in the encoded words of RFC 2047."""

from __future__ import annotations

from email.base64mime import header_encode
from email.errors import HeaderParseError
from email.header import decode_header, make_header

BEGINNING = "=?"


def to_header(text: str) -> str:
    """Encode what a header cannot carry, or what would be taken for an encoded word."""
    if text.isascii() and not text.startswith(BEGINNING):
        return text
    return header_encode(text.encode(), "utf-8")


def from_header(text: str) -> str:
    """Decode an encoded word; what only looks like one is left as it is."""
    if not text.startswith(BEGINNING):
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, UnicodeError):
        return text
