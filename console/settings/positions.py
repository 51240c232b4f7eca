"""On which line of a JSON text each of its members stands."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from json.decoder import scanstring
from typing import Any

Path = tuple[str | int, ...]
BLANK = re.compile(r"[ \t\r\n]*")
DECODER = json.JSONDecoder()


class Scanner:
    """Walk over a text that is known to be JSON, and note where members begin."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.ends = [found.start() for found in re.finditer("\n", text)]
        self.lines: dict[Path, int] = {}

    def skip(self, index: int) -> int:
        found = BLANK.match(self.text, index)
        return index if found is None else found.end()

    def line(self, index: int) -> int:
        return bisect_left(self.ends, index) + 1

    def value(self, index: int, path: Path) -> int:
        """Note a value and what is in it, and give where it ends."""
        index = self.skip(index)
        self.lines.setdefault(path, self.line(index))
        if self.text[index] == "{":
            return self.members(index + 1, path)
        if self.text[index] == "[":
            return self.items(index + 1, path)
        return DECODER.raw_decode(self.text, index)[1]

    def members(self, index: int, path: Path) -> int:
        index = self.skip(index)
        while self.text[index] != "}":
            line = self.line(index)
            name, index = scanstring(self.text, index + 1)
            self.lines[(*path, name)] = line
            index = self.after(self.value(self.skip(index) + 1, (*path, name)))
        return index + 1

    def items(self, index: int, path: Path) -> int:
        index, number = self.skip(index), 0
        while self.text[index] != "]":
            index = self.after(self.value(index, (*path, number)))
            number += 1
        return index + 1

    def after(self, index: int) -> int:
        """Go on behind a comma, where there is one."""
        index = self.skip(index)
        return self.skip(index + 1) if self.text[index] == "," else index


def lines_of(text: str) -> dict[Path, int]:
    """Give the line of each member of a JSON text, by the way to it."""
    scanner = Scanner(text)
    scanner.value(0, ())
    return scanner.lines


def without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}
