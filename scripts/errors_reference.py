#!/usr/bin/env python3
"""Write docs/errors.md from kernel/errors.py, where every refusal is a class."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "errors.md"
INTRODUCTION = """# Errors

Every refusal has one code in S3 and one in REST (and the key-value dialects), each with
its status. In S3 it is `<Error><Code>`, in REST `error.code`; both carry a message, the
facts of the case and the request id that the log has too.

| what happened | S3 | | REST | |
|---|---|---|---|---|
"""


def page() -> str:
    """Give the page as it should be."""
    sys.path.insert(0, str(ROOT))
    from kernel.errors import ObjectStoreError

    return INTRODUCTION + "".join(
        row(kind) for kind in sorted(kinds(ObjectStoreError), key=code_of)
    )


def kinds(root: type) -> set[type]:
    """Give the refusals of the module; others tell one of them apart for themselves."""
    below = {one for one in root.__subclasses__() if one.__module__ == root.__module__}
    return below.union(*(kinds(one) for one in below))


def code_of(kind: type) -> tuple[str, str]:
    return kind().code, kind.__name__


def row(kind: type) -> str:
    error = kind()
    what = (kind.__doc__ or "").strip().splitlines()[0]
    return (
        f"| {what} | `{error.code}` | {error.status} "
        f"| `{error.code_in_rest}` | {error.status_in_rest} |\n"
    )


if __name__ == "__main__":
    PAGE.write_text(page())
