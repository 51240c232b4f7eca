"""Version ids: opaque to clients, and newest first when sorted by bytes.

Clients may only rely on S3 User Guide, "How S3 Versioning works": ids are unique,
URL-ready and opaque strings. The order is ours, so that an index over key and id
reads versions the way ListObjectVersions gives them.
"""

from __future__ import annotations

import re
from typing import Final

NULL_VERSION: Final = "null"

ENTROPY_BYTES: Final = 8
_TIME_BYTES = 8
_LATEST_NS = (1 << 8 * _TIME_BYTES) - 1

# Hexadecimal keeps the order of the bytes it encodes (0.2 us; base 32 takes 5).
_VERSION_ID = re.compile(r"[0-9a-f]{32}")


def new_version_id(now_ns: int, entropy: bytes, *, before: str = "") -> str:
    """Return an id that sorts ahead of ``before``, the key's newest so far.

    It takes the time of ``before`` plus one nanosecond when the clock went back.
    ``null`` bears no time and sets no bound.
    """
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"a version id takes {ENTROPY_BYTES} bytes of entropy")
    if before and is_version_id(before):
        now_ns = max(now_ns, version_time_ns(before) + 1)
    inverted = (_LATEST_NS - now_ns).to_bytes(_TIME_BYTES)
    return (inverted + entropy).hex()


def first_id_of(moment_ns: int) -> str:
    """Return the id that sorts ahead of all made until then, behind all made later."""
    bounded = min(max(moment_ns, 0), _LATEST_NS)
    return (_LATEST_NS - bounded).to_bytes(_TIME_BYTES).hex() + "00" * ENTROPY_BYTES


def version_time_ns(version_id: str) -> int:
    """Return the nanoseconds since 1970 at which the id was made."""
    if not is_version_id(version_id):
        raise ValueError("not a version id with a time")
    return _LATEST_NS - int(version_id[: 2 * _TIME_BYTES], 16)


def is_version_id(text: str) -> bool:
    """Say whether the text has the form of an id made here; ``null`` has not."""
    return _VERSION_ID.fullmatch(text) is not None
