#!/usr/bin/env python3
"""Write docs/rest.md from the OpenAPI schema, which is made from the code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "rest.md"
METHODS = ("get", "head", "post", "put", "patch", "delete")
# The first prefix that fits names the section.
MOUNTS = (
    ("/v1/buckets/{bucket_name}/objects/{key}/uploads", "Uploads in parts"),
    ("/v1/buckets/{bucket_name}/objects/{key}", "One object"),
    ("/v1/buckets/{bucket_name}/objects", "Listings"),
    ("/v1/buckets", "Buckets"),
    ("/v1/iam/keys", "Keys"),
    ("/v1/iam", "Policies"),
    ("", "Others"),
)
HEADINGS = (
    *("Buckets", "Listings", "One object", "Uploads in parts"),
    *("Keys", "Policies", "Others"),
)
INTRODUCTION = """# REST API

Every operation under `/v1`, from the OpenAPI schema that the code makes. A running
store has the same at `/v1/schema`, to be tried at `/docs`. Requests carry
`Authorization: Bearer KEY`; refusals are those of [Errors](errors.md). Slashes in an
object's key stay as they are.

"""


def schema() -> dict[str, Any]:
    """Give the OpenAPI schema of the views."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "objectstore_site.settings")
    import django

    django.setup()
    from drf_spectacular.generators import SchemaGenerator

    written: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return written


def page() -> str:
    """Give the page as it should be."""
    document = schema()
    operations = [
        (path, method, facts)
        for path, item in sorted(document["paths"].items())
        for method in METHODS
        if (facts := item.get(method)) is not None
    ]
    operations.sort(key=lambda one: HEADINGS.index(heading_of(one[0])))
    written = [INTRODUCTION]
    for heading, group in groupby(operations, key=lambda one: heading_of(one[0])):
        written.append(f"## {heading}\n\n")
        for path, method, facts in group:
            written += section(document, path, method, facts)
    return "".join(written).rstrip() + "\n"


def heading_of(path: str) -> str:
    return next(heading for prefix, heading in MOUNTS if path.startswith(prefix))


def section(
    document: dict[str, Any], path: str, method: str, facts: dict[str, Any]
) -> Iterator[str]:
    yield f"### `{method.upper()} {path}`\n\n"
    if facts.get("description"):
        yield f"{facts['description'].strip()}\n\n"
    given = [one for one in facts.get("parameters", ()) if one["in"] != "path"]
    if given:
        yield "| parameter | in | |\n|---|---|---|\n"
        yield from map(parameter_row, given)
        yield "\n"
    body = body_of(document, facts.get("requestBody", {}))
    if body:
        yield f"Body: {body}.\n\n"
    for status, answer in sorted(facts["responses"].items()):
        if not status.endswith("XX"):
            yield f"Answer {status}{fields_after(document, answer)}.\n\n"


def parameter_row(one: dict[str, Any]) -> str:
    schema = one.get("schema", {})
    words = [schema.get("type", "")]
    if "enum" in schema:
        words = [", ".join(f"`{value}`" for value in schema["enum"])]
    if "default" in schema:
        words.append(f"{schema['default']} if not given")
    if "maximum" in schema:
        words.append(f"at most {schema['maximum']}")
    if one.get("required"):
        words.append("needed")
    words.append(one.get("description", ""))
    said = "; ".join(word for word in words if word).replace("|", "\\|")
    return f"| `{one['name']}` | {one['in']} | {said} |\n"


def body_of(document: dict[str, Any], body: dict[str, Any]) -> str:
    contents = body.get("content", {})
    if "application/json" not in contents:
        return "bytes" if contents else ""
    return fields_of(document, contents["application/json"]["schema"]) or "JSON"


def fields_after(document: dict[str, Any], answer: dict[str, Any]) -> str:
    said = body_of(document, answer)
    return f": {said}" if said else ""


def fields_of(document: dict[str, Any], schema: dict[str, Any]) -> str:
    """Name the fields of a JSON object; those that are needed stand plain."""
    kind = resolved(document, schema)
    fields = kind.get("properties", {})
    return ", ".join(f"`{name}`" for name in fields)


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = document["components"]["schemas"][
        schema["$ref"].rpartition("/")[2]
    ]
    return found


if __name__ == "__main__":
    PAGE.write_text(page())
