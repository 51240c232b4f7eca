"""Query parameters and conditional headers, read the same way in every dialect."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from kernel.conditions import NO_CONDITIONS, Conditions, parse_http_date
from kernel.errors import InvalidArgument

CONDITIONAL = (
    "HTTP_IF_MATCH",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_UNMODIFIED_SINCE",
)

IF_RANGE = "HTTP_IF_RANGE"


def conditions_of(meta: Mapping[str, Any], prefix: str = "HTTP_") -> Conditions:
    """Read the conditional headers (RFC 9110, 13.1).

    `prefix` is that of the headers that hold for a copy's source.
    """
    names = conditional(prefix)
    for name in (*names, IF_RANGE):
        if name in meta:
            break
    else:
        return NO_CONDITIONS
    match, none_match, modified, unmodified = (meta.get(name) for name in names)
    return Conditions(
        if_match=match,
        if_none_match=none_match,
        if_modified_since=past(parse_http_date(modified)),
        if_unmodified_since=parse_http_date(unmodified),
        if_range=meta.get(IF_RANGE) if prefix == "HTTP_" else None,
    )


@lru_cache
def conditional(prefix: str) -> tuple[str, ...]:
    return tuple(name.replace("HTTP_", prefix, 1) for name in CONDITIONAL)


def past(moment: datetime | None) -> datetime | None:
    """Pass over a time to come, as AWS does: nobody has a copy of that age."""
    return None if moment is None or moment > datetime.now(UTC) else moment


def whole_number(query: Mapping[str, str], name: str) -> int | None:
    """Read a parameter that is a whole number, or None where it is absent.

    Raises InvalidArgument for anything else.
    """
    text = query.get(name)
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 11):
        raise InvalidArgument(
            f"Provided {name} not an integer or within integer range",
            argument_name=name,
            argument_value=text[:64],
        )
    return int(text)


def flag(query: Mapping[str, str], name: str) -> bool:
    """Read a parameter that is true or false. Raises InvalidArgument otherwise."""
    text = query.get(name, "").lower()
    if text in {"", "false"}:
        return False
    if text == "true":
        return True
    raise InvalidArgument(
        f"{name} must be true or false.", argument_name=name, argument_value=text[:64]
    )
