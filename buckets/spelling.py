"""Configurations in the API reference's spelling: snake_case for AWS's CamelCase."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SPELLINGS = {"ID": "id"}
PLAIN = {plain: amazon for amazon, plain in SPELLINGS.items()}


def to_rest(value: Any) -> Any:
    """Write a normal form as the reference does."""
    if isinstance(value, Mapping):
        return {
            snake(name): one.lower() if name == "Status" else to_rest(one)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [to_rest(one) for one in value]
    return value


def snake(name: str) -> str:
    if name in SPELLINGS:
        return SPELLINGS[name]
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def from_rest(value: Any) -> Any:
    """Read the reference's spelling; what it does not know stays unknown."""
    if isinstance(value, Mapping):
        return {
            camel(name): one.capitalize()
            if name == "status" and isinstance(one, str)
            else from_rest(one)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [from_rest(one) for one in value]
    return value


def camel(name: str) -> str:
    if name in PLAIN:
        return PLAIN[name]
    return "".join(word.capitalize() for word in str(name).split("_"))
