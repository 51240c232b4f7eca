"""What buckets, objects, tags and metadata may be called.

Bucket names: Amazon S3 User Guide, "General purpose bucket naming rules". Keys and
metadata: "Naming Amazon S3 objects" and "Working with object metadata". Tags:
"Categorizing your objects using tags".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Final

from kernel.errors import (
    InvalidArgument,
    InvalidBucketName,
    InvalidObjectKey,
    InvalidRedirectLocation,
    InvalidTag,
    KeyTooLongError,
    MetadataTooLarge,
    TooManyTags,
)

RESERVED_BUCKET_NAMES: Final = frozenset({"admin", "objects", "docs"})

# What a name can hold that nobody sees, or that turns round what follows it: controls,
# marks and overrides of direction, spaces without width. The joiners are left, of which
# emoji and Persian are written.
INVISIBLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)

# The kept header by which a page of a website leads elsewhere.
REDIRECT: Final = "x-amz-website-redirect-location"

KEY_MAX_BYTES: Final = 1024
METADATA_MAX_BYTES: Final = 2048
OBJECT_TAGS_MAX: Final = 10
BUCKET_TAGS_MAX: Final = 50
TAG_KEY_MAX: Final = 128
TAG_VALUE_MAX: Final = 256

# A dash beside a dot makes a label that no host name can carry, so a bucket of
# that name could not be reached in virtual-hosted style.
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_BUCKET_NAME = re.compile(rf"(?=.{{3,63}}\Z){_LABEL}(?:\.{_LABEL})*")
_IP_ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_BUCKET_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_BUCKET_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")

_KV_KEY = re.compile(r"[a-zA-Z0-9]{1,255}")

_TAG_SIGNS = frozenset("+-=._:/@")
_TAG_CATEGORIES = frozenset("LNZ")

_LAST_CODE_POINT = "\U0010ffff"


def check_bucket_name(
    name: str, *, reserved: Collection[str] = RESERVED_BUCKET_NAMES
) -> None:
    """Refuse a name that no general purpose bucket can have, or that is reserved."""
    if (
        not _BUCKET_NAME.fullmatch(name)
        or _IP_ADDRESS.fullmatch(name)
        or name.startswith(_BUCKET_PREFIXES)
        or name.endswith(_BUCKET_SUFFIXES)
        or name in reserved
    ):
        raise InvalidBucketName(bucket_name=name)


def check_object_key(key: str) -> None:
    """Refuse a key that is empty, over 1,024 bytes of UTF-8, or not text."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise InvalidObjectKey(key=key.encode(errors="replace").decode()) from None
    if not size or "\0" in key:
        raise InvalidObjectKey(key=key)
    if size > KEY_MAX_BYTES:
        raise KeyTooLongError(key=key, size=size, max_size_allowed=KEY_MAX_BYTES)


def check_kv_key(key: str) -> None:
    """Refuse a strict key-value key that is not 1 to 255 letters and digits."""
    if not _KV_KEY.fullmatch(key):
        raise InvalidObjectKey(key=key.encode(errors="replace").decode())


def check_tags(tags: Mapping[str, str], *, most: int = OBJECT_TAGS_MAX) -> None:
    """Refuse more than ``most`` tags, or one that breaks AWS's rules for tags.

    Raises TooManyTags and InvalidTag.
    """
    if len(tags) > most:
        counted = "Bucket tag count" if most == BUCKET_TAGS_MAX else "Object tags"
        raise TooManyTags(f"{counted} cannot be greater than {most}")
    for key, value in tags.items():
        _check_tag(key, value)


def _check_tag(key: str, value: str) -> None:
    if not key or not _is_tag_text(key, TAG_KEY_MAX):
        raise InvalidTag("The TagKey you have provided is invalid", tag_key=key)
    if key.lower().startswith("aws:"):
        raise InvalidTag(
            "System tags cannot be added/updated by requester", tag_key=key
        )
    if not _is_tag_text(value, TAG_VALUE_MAX):
        raise InvalidTag(
            "The TagValue you have provided is invalid", tag_key=key, tag_value=value
        )


def _is_tag_text(text: str, most: int) -> bool:
    return _utf16_length(text) <= most and all(
        character in _TAG_SIGNS or unicodedata.category(character)[0] in _TAG_CATEGORIES
        for character in text
    )


def _utf16_length(text: str) -> int:
    """Count as AWS counts tags: a character outside the basic plane is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def check_metadata(metadata: Mapping[str, str]) -> None:
    """Refuse user metadata whose names and values are over 2 KiB together."""
    size = sum(
        len(name.encode(errors="surrogatepass"))
        + len(value.encode(errors="surrogatepass"))
        for name, value in metadata.items()
    )
    if size > METADATA_MAX_BYTES:
        raise MetadataTooLarge(size=size, max_size_allowed=METADATA_MAX_BYTES)


# No header can carry them (RFC 9110, 5.5); the tab alone is text.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def has_control(text: str) -> bool:
    """Tell whether a text has what would end a header, or an answer."""
    return _CONTROL.search(text) is not None


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse what could be kept and never be sent: forms and URLs can bring it."""
    if has_control("".join([*headers, *headers.values()])):
        raise InvalidArgument("A header can have no control characters.")


def check_redirect(headers: Mapping[str, str]) -> None:
    """Refuse a website redirect that leads neither to a path nor to a web address."""
    location = headers.get(REDIRECT)
    if location and not location.startswith(("/", "http://", "https://")):
        raise InvalidRedirectLocation()


def next_name(text: str) -> str:
    """Return the smallest string above all that begin with ``text``, or "" if none.

    UTF-8 keeps the order of code points (RFC 3629, section 1), so the last code
    point is raised by one, past the surrogates, which UTF-8 cannot carry.
    """
    stem = text.rstrip(_LAST_CODE_POINT)
    if not stem:
        return ""
    following = 0xE000 if stem[-1] == "\ud7ff" else ord(stem[-1]) + 1
    return stem[:-1] + chr(following)


def visible(text: str) -> str:
    """Write a name so that people see all that it holds: photo⟨U+202E⟩gpj.exe."""
    return INVISIBLE.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)
