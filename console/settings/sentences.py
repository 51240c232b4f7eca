"""Lifecycle rules, said in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from buckets.lifecycle import filter_of

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def sentence(rule: Mapping[str, Any]) -> str:
    """Say what a rule does, to what, and when."""
    deeds = list(deeds_of(rule))
    text = f"{subject(filter_of(rule))}: {'; '.join(deeds)}."
    return text[0].upper() + text[1:]


def subject(element: Mapping[str, Any]) -> str:
    conditions = element.get("And", element)
    parts = []
    if conditions.get("Prefix"):
        parts.append(f"under “{conditions['Prefix']}”")
    tags = conditions.get("Tags") or [conditions.get("Tag")]
    parts += [f"tagged {tag['Key']}={tag['Value']}" for tag in tags if tag]
    if "ObjectSizeGreaterThan" in conditions:
        parts.append(f"larger than {size(conditions['ObjectSizeGreaterThan'])}")
    if "ObjectSizeLessThan" in conditions:
        parts.append(f"smaller than {size(conditions['ObjectSizeLessThan'])}")
    return f"objects {', '.join(parts)}" if parts else "all objects"


def deeds_of(rule: Mapping[str, Any]) -> Iterator[str]:
    for move in rule.get("Transitions", ()):
        yield f"move to {move['StorageClass']} {when(move)}"
    expiration = rule.get("Expiration", {})
    if expiration.get("ExpiredObjectDeleteMarker"):
        yield "remove delete markers that hide nothing"
    elif "Days" in expiration or "Date" in expiration:
        yield f"delete {when(expiration)}"
    for move in rule.get("NoncurrentVersionTransitions", ()):
        yield f"move earlier versions to {move['StorageClass']} {after(move)}"
    if rule.get("NoncurrentVersionExpiration"):
        yield f"delete earlier versions {after(rule['NoncurrentVersionExpiration'])}"
    abort = rule.get("AbortIncompleteMultipartUpload")
    if abort:
        yield f"give up unfinished uploads after {days(abort['DaysAfterInitiation'])}"


def when(element: Mapping[str, Any]) -> str:
    if "Date" in element:
        return f"on {element['Date'][:10]}"
    return "at once" if not element["Days"] else f"after {days(element['Days'])}"


def after(element: Mapping[str, Any]) -> str:
    text = ""
    if "NoncurrentDays" in element:
        text = f"{days(element['NoncurrentDays'])} after they were replaced"
    kept = element.get("NewerNoncurrentVersions")
    if kept:
        text = f"{text}, but keep the newest {kept}".removeprefix(", but ")
    return text


def days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def size(count: int) -> str:
    value, unit = float(count), 0
    while value >= 1024 and unit < len(UNITS) - 1:
        value /= 1024
        unit += 1
    return f"{value:g} {UNITS[unit]}" if value == int(value) else f"{count} bytes"
