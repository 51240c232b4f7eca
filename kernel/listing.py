"""How a listing folds keys into common prefixes and pages through them.

AWS, "ListObjectsV2": keys that share the text from the prefix to the next delimiter
are one common prefix. A page is described by where it starts, inclusive; a token is
that start, sealed against mistakes with a checksum.
"""

from __future__ import annotations

import base64
import zlib

from kernel.errors import InvalidArgument
from kernel.names import KEY_MAX_BYTES, next_name

# Keys hold no NUL, so this is the smallest thing that can follow a key.
SMALLEST = "\x01"
# No key is as long, so this comes after every one.
PAST_ALL = "\U0010ffff" * (KEY_MAX_BYTES // 4 + 1)
MOST_PER_PAGE = 1000


def common_prefix(key: str, prefix: str, delimiter: str) -> str:
    """Give the common prefix that swallows `key`, or "" where it stands alone."""
    if not delimiter:
        return ""
    found = key.find(delimiter, len(prefix))
    return key[: found + len(delimiter)] if found >= 0 else ""


def start_after(name: str, prefix: str, delimiter: str) -> str:
    """Give the first place after `name`, past all keys that it stands for.

    A name under a common prefix is passed with everything under that prefix.
    """
    shared = common_prefix(name, prefix, delimiter) if name.startswith(prefix) else ""
    if not shared:
        return name + SMALLEST
    return next_name(shared) or PAST_ALL


def page_bounds(prefix: str, start: str) -> tuple[str, str]:
    """Give the inclusive start and exclusive end ("" is open) of a page."""
    return max(prefix, start, key=utf8), next_name(prefix)


def utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def encode_token(start: str) -> str:
    """Make the opaque token of the page that begins at `start`."""
    data = utf8(start)
    checksum = zlib.crc32(data).to_bytes(4, "big")
    return base64.urlsafe_b64encode(checksum + data).decode().rstrip("=")


def decode_token(token: str) -> str:
    """Read a token back.

    Raises InvalidArgument for anything that this server did not make.
    """
    try:
        data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        checksum, start = data[:4], data[4:]
        if zlib.crc32(start).to_bytes(4, "big") == checksum and len(start) <= 2048:
            return start.decode()
    except ValueError:
        pass
    raise InvalidArgument(
        "The continuation token provided is incorrect",
        argument_name="continuation-token",
        argument_value=token[:256],
    )


def page_size(requested: int | None, most: int = MOST_PER_PAGE) -> int:
    """Bound what a client asks for; nothing said means the most."""
    if requested is None:
        return most
    if requested < 0:
        raise InvalidArgument(
            "Argument maxKeys must be an integer between 0 and 2147483647",
            argument_name="max-keys",
            argument_value=str(requested),
        )
    return min(requested, most)
