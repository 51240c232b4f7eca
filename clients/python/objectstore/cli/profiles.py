"""Which store to talk to, and with which key: a file, or the environment."""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import typer

from objectstore.cli.exits import CommandError, Exit

NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Profile:
    endpoint: str
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Profiles:
    """The file's contents."""

    default: str = ""
    named: Mapping[str, Profile] = field(default_factory=dict)

    def get(self, name: str) -> Profile:
        """Give a profile. Raises CommandError when it is not there."""
        if name not in self.named:
            raise CommandError(f"there is no profile {name!r}", Exit.NOT_FOUND)
        return self.named[name]

    def with_profile(self, name: str, profile: Profile) -> Profiles:
        """Add a profile or put it in another's place; the first is the default."""
        if not NAME.fullmatch(name):
            raise CommandError(
                "a profile's name has letters, digits, _ and -", Exit.USAGE
            )
        return Profiles(self.default or name, {**self.named, name: profile})

    def without(self, name: str) -> Profiles:
        self.get(name)
        named = {one: profile for one, profile in self.named.items() if one != name}
        return Profiles("" if self.default == name else self.default, named)

    def with_default(self, name: str) -> Profiles:
        self.get(name)
        return replace(self, default=name)


def profiles_path() -> Path:
    stated = os.environ.get("OBJECTSTORE_CONFIG")
    return Path(stated or Path(typer.get_app_dir("objectstore")) / "config.toml")


def load() -> Profiles:
    """Read the file; without one there are no profiles."""
    path = profiles_path()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Profiles()
    except ValueError as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
    named = {
        name: Profile(facts.get("endpoint", ""), facts.get("api_key", ""))
        for name, facts in document.get("profiles", {}).items()
    }
    return Profiles(document.get("default", ""), named)


def save(profiles: Profiles) -> None:
    """Write the file whole, for its owner's eyes alone."""
    lines = [f"default = {quoted(profiles.default)}"]
    for name, profile in profiles.named.items():
        lines += [
            "",
            f"[profiles.{name}]",
            f"endpoint = {quoted(profile.endpoint)}",
            f"api_key = {quoted(profile.api_key)}",
        ]
    path = profiles_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # A temporary file is made with mode 600, which the replaced file inherits.
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, encoding="utf-8", delete=False
    ) as file:
        file.write("\n".join(lines) + "\n")
    Path(file.name).replace(path)


def quoted(text: str) -> str:
    """Write a string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)


def chosen(name: str, endpoint: str, api_key: str) -> Profile:
    """Give the profile that options and environment choose.

    Raises CommandError when the endpoint or the key is nowhere.
    """
    profiles = load()
    wanted = name or profiles.default
    saved = profiles.get(wanted) if wanted else Profile("", "")
    found = Profile(endpoint or saved.endpoint, api_key or saved.api_key)
    if not found.endpoint or not found.api_key:
        raise CommandError(
            "which store? Run `objectstore configure`, or set OBJECTSTORE_ENDPOINT "
            "and OBJECTSTORE_API_KEY",
            Exit.USAGE,
        )
    return found
