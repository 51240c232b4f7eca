"""Spans of time as people write them: 900, 15m, 12h, 7d."""

from __future__ import annotations

import re

from objectstore.cli.exits import CommandError, Exit

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds_of(text: str) -> int:
    """Read a span of time. Raises CommandError for what is none."""
    found = re.fullmatch(r"(\d+)([smhd]?)", text)
    if found is None:
        raise CommandError(
            f"{text!r} is no span of time: 900, 15m, 12h, 7d", Exit.USAGE
        )
    return int(found[1]) * SECONDS[found[2]]
