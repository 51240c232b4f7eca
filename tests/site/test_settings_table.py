"""Every variable that settings read is documented, and none is documented in vain."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = r"(?:OBJECTSTORE|DATABASE|CELERY|MINIO)_[A-Z0-9_]*[A-Z0-9]"


def names(file: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, (ROOT / file).read_text()))


def read_by_settings() -> set[str]:
    return names("objectstore_site/settings.py", rf'"({NAME})"')


def documented() -> set[str]:
    """Give the names in the table; `_LIST` beside a name stands for its last words."""
    found = set()
    for row in (ROOT / "docs/settings.md").read_text().splitlines():
        full = re.findall(rf"`({NAME})`", row)
        found |= set(full)
        for end in re.findall(r"`(_[A-Z0-9_]+)`", row):
            stems = [full[0][: place.start()] for place in re.finditer("_", full[0])]
            found |= {stem + end for stem in stems}
    return found


def test_the_table_holds_what_settings_read():
    assert read_by_settings() - documented() == set()
    assert names("docs/settings.md", rf"`({NAME})`") - read_by_settings() == set()


def test_the_example_names_settings_that_exist():
    example = names(".env.example", rf"(?m)^#?({NAME})=")
    assert example
    assert example <= read_by_settings()


def test_the_example_changes_nothing_until_it_is_edited():
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
