"""Typed reading of environment variables; a bad value is named, not guessed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})


def read[T](name: str, default: T, parse: Callable[[str], T]) -> T:
    """Parse the variable, or give the default where it is not set."""
    text = os.environ.get(name)
    if text is None:
        return default
    try:
        return parse(text.strip())
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error} (the value is {text!r})") from None


def text(name: str, default: str = "", *aliases: str) -> str:
    """Read a string, under its own name or one that people come with."""
    for known in (name, *aliases):
        if known in os.environ:
            return os.environ[known]
    return default


def integer(name: str, default: int) -> int:
    return read(name, default, int)


def flag(name: str, default: bool) -> bool:
    return read(name, default, parse_flag)


def names(name: str, default: str = "") -> list[str]:
    """Read a comma-separated list."""
    return [item.strip() for item in text(name, default).split(",") if item.strip()]


def choice(name: str, *allowed: str) -> str:
    """Read one of the allowed words; the first is the default."""

    def parse(value: str) -> str:
        if value.lower() not in allowed:
            raise ValueError(f"give {' or '.join(allowed)}")
        return value.lower()

    return read(name, allowed[0], parse)


def parse_flag(value: str) -> bool:
    if value.lower() in TRUE:
        return True
    if value.lower() in FALSE:
        return False
    raise ValueError("give true or false")


def secret(name: str, path: Path) -> str:
    """Read a secret from the environment, else from its file, made on first use."""
    if name in os.environ:
        return os.environ[name]
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        value = secrets.token_urlsafe(48)
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    return value
