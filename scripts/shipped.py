"""Name the packages that the store, or its Python client, cannot run without."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


def of_server() -> set[str]:
    """Read the pins."""
    return names_in("requirements.txt")


def asked_by_server() -> set[str]:
    """Read what the store itself imports, which is less than what is pinned."""
    return names_in("requirements/server.in")


def names_in(file: str) -> set[str]:
    lines = (ROOT / file).read_text().splitlines()
    return {canonicalize_name(re.split("[=~;[ ]", line)[0]) for line in lines if line}


def of_client() -> set[str]:
    """Follow what the client asks for, with its command line and Django storage."""
    wanted = requirements_of_client()
    found: set[str] = set()
    while wanted:
        requirement = Requirement(wanted.pop())
        name = canonicalize_name(requirement.name)
        if name not in found and applies(requirement):
            found.add(name)
            wanted += metadata.requires(name) or []
    return found


def asked_by_client() -> set[str]:
    return {
        canonicalize_name(Requirement(one).name) for one in requirements_of_client()
    }


def requirements_of_client() -> list[str]:
    text = (ROOT / "clients/python/pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    extras = project["optional-dependencies"].values()
    return [*project["dependencies"], *(one for extra in extras for one in extra)]


def applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


if __name__ == "__main__":
    names = of_client() if "client" in sys.argv else of_server()
    if "all" in sys.argv:
        names |= of_client()
    print(*sorted(names), sep="\n")
