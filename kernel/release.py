"""Which release of the store this is."""

from __future__ import annotations

import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNKNOWN = "unknown"


@cache
def release() -> str:
    """Name the release by its tag: as the image, the checkout or the package tells."""
    written = ROOT / "VERSION"
    if written.exists():
        return written.read_text().strip() or UNKNOWN
    if (ROOT / ".git").exists():
        return described(ROOT)
    try:
        return metadata.version("objectstore-server")
    except metadata.PackageNotFoundError:
        return UNKNOWN


def described(checkout: Path) -> str:
    """Give the newest tag and how far the checkout is beyond it."""
    command = ["git", "describe", "--tags", "--always", "--dirty"]
    try:
        done = subprocess.run(  # noqa: S603 - constant words
            command, cwd=checkout, check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN
    return done.stdout.strip().removeprefix("v")
