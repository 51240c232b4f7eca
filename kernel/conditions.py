"""Conditional requests (RFC 9110, section 13; S3 User Guide, "Conditional requests").

Reads, copy sources, writes and deletes share one set of headers and answer
differently; each has its own check here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Final

from kernel.errors import NoSuchKey, NotImplemented, NotModified, PreconditionFailed

IF_MATCH: Final = "If-Match"
IF_NONE_MATCH: Final = "If-None-Match"
IF_MODIFIED_SINCE: Final = "If-Modified-Since"
IF_UNMODIFIED_SINCE: Final = "If-Unmodified-Since"

UNSUPPORTED: Final = (
    "A header you provided implies functionality that is not implemented"
)
_COPY_SOURCE = "x-amz-copy-source-"
_ENTITY_TAG = re.compile(r'(W/)?(?:"([^"]*)"|([^\s,"]+))')


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions a request carries; a header that is absent is None.

    `is_known` says that `if_match` is not the caller's: it was read here, for work
    that must not undo what others write meanwhile.
    """

    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: datetime | None = None
    if_unmodified_since: datetime | None = None
    if_range: str | None = None
    is_known: bool = False


NO_CONDITIONS: Final = Conditions()
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


def unless_changed(etag: str) -> Conditions:
    """Hold only where an object is still the one that was read here."""
    return Conditions(if_match=etag, is_known=True)


def check_read(
    conditions: Conditions,
    *,
    etag: str,
    last_modified: datetime,
    headers: Mapping[str, str] = NO_HEADERS,
) -> None:
    """Raise PreconditionFailed or NotModified unless the object may be read."""
    failed = _failed_condition(conditions, etag, last_modified)
    if failed in (IF_NONE_MATCH, IF_MODIFIED_SINCE):
        raise NotModified(etag=etag, last_modified=last_modified, headers=headers)
    if failed:
        raise PreconditionFailed(condition=failed)


def range_holds(conditions: Conditions, *, etag: str, last_modified: datetime) -> bool:
    """Tell whether a range is of what the client has the rest of (RFC 9110, 13.1.5)."""
    stated = conditions.if_range
    if stated is None:
        return True
    date = parse_http_date(stated) if '"' not in stated else None
    if date is not None:
        return date == last_modified.replace(microsecond=0)
    return _matches(stated, etag, strong=True)


def check_copy_source(
    conditions: Conditions, *, etag: str, last_modified: datetime
) -> None:
    """Raise PreconditionFailed unless the source may be copied.

    A copy has no client's copy to fall back on, so none is answered NotModified
    (AWS, "CopyObject").
    """
    failed = _failed_condition(conditions, etag, last_modified)
    if failed:
        raise PreconditionFailed(condition=_COPY_SOURCE + failed)


def check_write(
    conditions: Conditions,
    current_etag: str | None,
    *,
    key: str = "",
    strict_aws: bool = False,
) -> None:
    """Raise unless the key may be written, given the ETag it has now.

    ``strict_aws`` refuses ``If-Match: *`` and an ETag in ``If-None-Match``, as AWS
    does; RFC 9110 takes them at their word. AWS, "Conditional writes", has no
    conditions on time.
    """
    if conditions.if_match is not None and conditions.if_none_match is not None:
        raise _several_conditions()
    if conditions.if_none_match is not None:
        _check_absent(conditions.if_none_match, current_etag, strict_aws)
    if conditions.if_match is not None:
        if strict_aws and conditions.if_match.strip() == "*":
            raise _unsupported_value(IF_MATCH)
        _check_present(conditions.if_match, current_etag, key)


def check_delete(
    conditions: Conditions,
    current_etag: str | None,
    *,
    key: str = "",
    missing_is_deleted: bool = False,
) -> None:
    """Raise unless the key may be deleted, given the ETag it has now.

    AWS answers ``If-Match`` on a missing key with NoSuchKey; Ceph's gateway deletes
    it, which ``missing_is_deleted`` chooses. ``If-None-Match`` is refused rather
    than ignored, so that nobody loses what they meant to keep.
    """
    if conditions.if_none_match is not None:
        raise _unsupported_value(IF_NONE_MATCH)
    if conditions.if_match is None or (missing_is_deleted and current_etag is None):
        return
    _check_present(conditions.if_match, current_etag, key)


def parse_http_date(text: str | None) -> datetime | None:
    """Read an HTTP date; one that cannot be read is as if absent (RFC 9110, 13.1.3)."""
    if not text:
        return None
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _failed_condition(
    conditions: Conditions, etag: str, last_modified: datetime
) -> str | None:
    """Name the condition that fails, in the order of RFC 9110, section 13.2.2."""
    # HTTP dates have whole seconds, so a fraction would make every copy look stale.
    seconds = last_modified.replace(microsecond=0)
    if conditions.if_match is not None:
        if not _matches(conditions.if_match, etag, strong=True):
            return IF_MATCH
    elif conditions.if_unmodified_since and seconds > conditions.if_unmodified_since:
        return IF_UNMODIFIED_SINCE
    if conditions.if_none_match is not None:
        if _matches(conditions.if_none_match, etag):
            return IF_NONE_MATCH
    elif conditions.if_modified_since and seconds <= conditions.if_modified_since:
        return IF_MODIFIED_SINCE
    return None


def _check_absent(header: str, current_etag: str | None, strict_aws: bool) -> None:
    if strict_aws and header.strip() != "*":
        raise _unsupported_value(IF_NONE_MATCH)
    if current_etag is not None and _matches(header, current_etag):
        raise PreconditionFailed(condition=IF_NONE_MATCH)


def _check_present(header: str, current_etag: str | None, key: str) -> None:
    if current_etag is None:
        raise NoSuchKey(key=key)
    if not _matches(header, current_etag, strong=True):
        raise PreconditionFailed(condition=IF_MATCH)


def _matches(header: str, etag: str, *, strong: bool = False) -> bool:
    """Say whether the header names the ETag, with or without its quotes.

    ``If-Match`` compares strongly: a weak tag never matches (RFC 9110, 13.1.1).
    """
    if header.strip() == "*":
        return True
    wanted = etag.strip('"')
    return any(
        (quoted or bare) == wanted and not (strong and weak)
        for weak, quoted, bare in _ENTITY_TAG.findall(header)
    )


def _unsupported_value(header: str) -> NotImplemented:
    return NotImplemented(
        UNSUPPORTED,
        header=header,
        additional_message=(
            f"We don't accept the provided value of {header} header for this API"
        ),
    )


def _several_conditions() -> NotImplemented:
    return NotImplemented(
        UNSUPPORTED,
        header="If-Match,If-None-Match",
        additional_message=(
            "Multiple conditional request headers present in the request"
        ),
    )
