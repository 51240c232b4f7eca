"""Typed reading of environment variables; a bad value is named, not guessed."""

from __future__ import annotations

import ipaddress
import os
import secrets
import tempfile
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})


# The names that were asked for: whatever else is set is a slip of the pen.
KNOWN: set[str] = set()


def read[T](name: str, default: T, parse: Callable[[str], T]) -> T:
    """Parse the variable, or give the default where it is not set."""
    KNOWN.add(name)
    text = os.environ.get(name)
    if text is None:
        return default
    try:
        return parse(text.strip())
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error} (the value is {text!r})") from None


def text(name: str, default: str = "", *aliases: str) -> str:
    """Read a string, under its own name or one that people come with."""
    KNOWN.update({name, *aliases})
    for known in (name, *aliases):
        if known in os.environ:
            return os.environ[known]
    return default


def integer(name: str, default: int, least: int = 0, most: int | None = None) -> int:
    """Read a whole number between two bounds."""

    def parse(value: str) -> int:
        if not value.isdecimal() or not value.isascii():
            raise ValueError("give a whole number, in digits")
        if int(value) < least:
            raise ValueError(f"give {least} at least")
        if most is not None and int(value) > most:
            raise ValueError(f"give {most} at most")
        return int(value)

    return read(name, default, parse)


def flag(name: str, default: bool) -> bool:
    return read(name, default, parse_flag)


def names(name: str, default: str = "", allowed: Collection[str] = ()) -> list[str]:
    """Read a comma-separated list; where words are given, of none but those."""

    def parse(value: str) -> list[str]:
        found = [item.strip() for item in value.split(",") if item.strip()]
        if allowed and not set(found) <= set(allowed):
            raise ValueError(f"give some of {', '.join(allowed)}")
        return found

    return read(name, parse(default), parse)


def networks(name: str, default: str = "") -> list[str]:
    """Read a comma-separated list of addresses and networks."""
    found = names(name, default)
    for network in found:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            raise ImproperlyConfigured(
                f"{name}: {network!r} is no address and no network; give some as in "
                "127.0.0.1,10.0.0.0/8"
            ) from None
    return found


def choice(name: str, *allowed: str) -> str:
    """Read one of the allowed words; the first is the default."""

    def parse(value: str) -> str:
        if value.lower() not in allowed:
            raise ValueError(f"give {' or '.join(allowed)}")
        return value.lower()

    return read(name, allowed[0], parse)


def url(name: str, default: str, *schemes: str) -> str:
    """Read a URL of one of the schemes. It may hold a password: it is not shown."""
    value = text(name, default).strip()
    if value != default and urlsplit(value).scheme not in schemes:
        raise ImproperlyConfigured(
            f"{name}: give a URL that begins with {'://, '.join(schemes)}://"
        )
    return value


def database(name: str, default: str, **options: Any) -> Any:
    """Read where the database is. The URL holds a password: it is not shown."""
    value = url(name, default, "postgresql", "postgres", "pgsql", "sqlite")
    try:
        return dj_database_url.parse(value, **options)
    except ValueError:
        raise ImproperlyConfigured(
            f"{name}: give postgresql://user:password@host:port/name; in a password "
            "write / as %2F, : as %3A, @ as %40, # as %23, ? as %3F and % as %25"
        ) from None


def parse_flag(value: str) -> bool:
    if value.lower() in TRUE:
        return True
    if value.lower() in FALSE:
        return False
    raise ValueError("give true or false")


def folder(name: str, home: Path, default: str) -> Path:
    """Read a folder that can be written, and make it; it may be told from home on."""
    path = (home / text(name, default)).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Whether it can be written, no permission tells for certain.
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name}: the folder {path} cannot be used: {error.strerror}"
        ) from None
    return path


def secret(name: str, path: Path) -> str:
    """Read a secret from the environment, else from its file, made on first use."""
    KNOWN.add(name)
    if name in os.environ:
        return said(os.environ[name], name, "give one, or do not set it")
    lost = f"{path} is empty: put it back from the backup; in a new store, remove it"
    try:
        if not path.exists():
            draw(path)
        return said(path.read_text(), name, lost)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name}: {path} cannot be used: {error.strerror}"
        ) from None


def said(value: str, name: str, remedy: str) -> str:
    """Refuse a secret that is empty: it is known to everybody."""
    if not value.strip(" ,\n"):
        raise ImproperlyConfigured(f"{name}: the secret is empty; {remedy}")
    return value.strip()


def draw(path: Path) -> None:
    """Keep a new secret, whole or not at all, unless another process was faster."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)
