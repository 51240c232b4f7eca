"""What commands say: lines for people, or with --json one JSON object a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


class Output:
    """Tell facts in the one form that was asked for."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def tell(self, facts: Mapping[str, Any], line: str) -> None:
        """Tell one thing: its facts as JSON, or the line."""
        print(json.dumps(plain(facts), ensure_ascii=False) if self.as_json else line)

    def describe(self, facts: Mapping[str, Any]) -> None:
        """Tell one thing, a line for each of its facts."""
        if self.as_json:
            self.tell(facts, "")
            return
        width = max(map(len, facts), default=0)
        for name, value in facts.items():
            text = value if isinstance(value, str) else json.dumps(plain(value))
            print(f"{name:<{width}}  {shown(text)}")


def plain(value: Any) -> Any:
    """Give what JSON can hold of a result."""
    if is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else value


def shown(text: object) -> str:
    """Write a key so that it cannot steer the terminal."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode()
        for one in str(text)
    )


def size_text(size: int) -> str:
    """Write a size as people read it: 1536 is 1.5 KiB."""
    amount = float(size)
    for unit in UNITS:
        if amount < 1024 or unit == UNITS[-1]:
            break
        amount /= 1024
    return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"


def time_text(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


@contextmanager
def progress_bars(is_wanted: bool) -> Iterator[Progress]:
    """Show bars on the terminal; write none where the errors go to a file."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not (is_wanted and sys.stderr.isatty()),
    ) as progress:
        yield progress
