"""The documents' fenced examples, and how they are made to run here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from tests.servers import ROOT

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# What is installed here already, from the same sources.
INSTALLS = re.compile(r"^(pip|npm) install .*\n", re.MULTILINE)


class Store(Protocol):
    """A store that examples can run against."""

    @property
    def url(self) -> str: ...
    @property
    def api_key(self) -> str: ...
    @property
    def access_key_id(self) -> str: ...
    @property
    def secret_access_key(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Example:
    """One fenced block of a document, under its nearest heading."""

    page: str
    heading: str
    language: str
    code: str

    @property
    def place(self) -> str:
        return f"{self.page}#{self.heading}"


def pages() -> list[str]:
    """Name every document that people read."""
    found = [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "clients").glob("*/README.md"),
    ]
    return sorted(str(path.relative_to(ROOT)) for path in found)


def examples(page: str) -> list[Example]:
    """Give a document's fenced blocks in their order."""
    text = (ROOT / page).read_text()
    return [
        Example(
            page,
            # Comments of shell scripts look like headings: fences are taken out first.
            HEADING.findall(FENCE.sub("", text[: found.start()]))[-1],
            found["language"],
            re.sub(rf"^{found['indent']}", "", found["code"], flags=re.MULTILINE),
        )
        for found in FENCE.finditer(text)
    ]


def here(code: str, store: Store) -> str:
    """Put a store's address and keys in the place of the document's."""
    secret = store.secret_access_key
    code = INSTALLS.sub("", code)
    for written, actual in {
        "http://127.0.0.1:8000": store.url,
        "http://localhost:8000": store.url,
        "127.0.0.1:8000": store.url.partition("//")[2],
        "osk_...": store.api_key,
        "your-api-key": store.api_key,
        "AWS_SECRET_ACCESS_KEY=...": f"AWS_SECRET_ACCESS_KEY={secret}",
        'aws_secret_access_key="..."': f'aws_secret_access_key="{secret}"',
        '"secret_key": "..."': f'"secret_key": "{secret}"',
        "AKIA...": store.access_key_id,
    }.items():
        code = code.replace(written, actual)
    return code
