"""What can be shown of an object without running anything of it.

Text is read up to a bound and escaped by the template; media are loaded by the
browser from the download page, which answers with a sandbox around them.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from buckets.access import find_bucket, is_allowed
from iam.principals import Principal
from kernel.errors import ObjectStoreError
from kernel.results import ObjectInfo
from objects.archives import is_closed
from objects.contents import ArchiveKind, Contents, contents_of
from objects.operations import get_object, versioned_action

MOST_TEXT = 256 * 1024
# Nested deeply, few bytes of JSON are laid out with very many spaces.
MOST_LAID_OUT = 4 * MOST_TEXT
MOST_IMAGE = 32 * 1024 * 1024
# A PDF is held whole by the browser that draws it.
MOST_PDF = 64 * 1024 * 1024
PDF_IS_LARGE = "PDFs of more than 64 MiB are not drawn here: download it to look at it."
MOST_ROWS = 200
MOST_COLUMNS = 40
# Raster formats alone: an SVG is a document that can hold scripts.
IMAGES = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"}
)
TEXT_ENDINGS = (
    "txt md log csv tsv json jsonl ndjson xml html htm svg yml yaml toml ini cfg conf "
    "py js mjs ts css sql sh rs go c h cpp java rb php env lock"
)
TEXTS_BY_ENDING = frozenset(TEXT_ENDINGS.split())
TEXT_TYPES = frozenset(
    {
        "application/json",
        "application/xml",
        "application/javascript",
        "application/x-yaml",
        "application/yaml",
        "application/sql",
        "application/x-sh",
        "image/svg+xml",
    }
)

ZIP_TYPES = frozenset(
    {
        "application/zip",
        "application/x-zip-compressed",
        "application/java-archive",
        "application/vnd.android.package-archive",
    }
)
ARCHIVES_BY_ENDING = {
    ".tar.gz": ArchiveKind.TAR_GZIP,
    ".tgz": ArchiveKind.TAR_GZIP,
    ".tar": ArchiveKind.TAR,
    **dict.fromkeys((".zip", ".jar", ".war", ".apk", ".whl"), ArchiveKind.ZIP),
}


@dataclass(frozen=True, slots=True)
class Preview:
    """What to show: text, table rows, what an archive holds, or a medium to load; or
    why nothing."""

    kind: str
    text: str = ""
    rows: list[list[str]] = field(default_factory=list)
    is_cut: bool = False
    why: str = ""
    contents: Contents | None = None


def archive_kind_of(info: ObjectInfo) -> ArchiveKind | None:
    """Tell what kind of archive an object is, if one that can be looked into."""
    key = info.key.lower()
    for ending, kind in ARCHIVES_BY_ENDING.items():
        if key.endswith(ending):
            return kind
    content_type = info.content_type.partition(";")[0].strip().lower()
    if content_type == "application/x-tar":
        return ArchiveKind.TAR
    return ArchiveKind.ZIP if content_type in ZIP_TYPES else None


def kind_of(info: ObjectInfo) -> str:
    """Tell how an object can be shown, by its type and its name's ending."""
    content_type = info.content_type.partition(";")[0].strip().lower()
    ending = info.key.rpartition(".")[2].lower()
    if content_type in IMAGES:
        return "image"
    if content_type.partition("/")[0] in {"audio", "video"}:
        return content_type.partition("/")[0]
    if content_type == "application/pdf" or ending == "pdf":
        return "pdf"
    if content_type in {"text/csv", "text/tab-separated-values"} or ending in {
        "csv",
        "tsv",
    }:
        return "csv"
    if content_type == "application/json" or ending == "json":
        return "json"
    is_text = content_type.startswith("text/") or content_type in TEXT_TYPES
    return "text" if is_text or ending in TEXTS_BY_ENDING else "none"


def preview_of(
    principal: Principal, name: str, info: ObjectInfo, version_id: str = ""
) -> Preview:
    """Make the preview of an object, if the principal may read it.

    `version_id` is the version that was asked for: reading the current one by its id
    would ask for the right to read versions.
    """
    kind = kind_of(info)
    action = versioned_action("s3:GetObject", version_id)
    if not is_allowed(principal, action, find_bucket(name), info.key, target=info):
        return Preview("none", why="You may not read this object.")
    if not info.size:
        return Preview("none", why="The object is empty.")
    if is_closed(info, timezone.now()):
        return Preview("none", why="It is archived, and can be read once restored.")
    archive = archive_kind_of(info)
    if archive is not None:
        return archive_preview(principal, name, info, archive, version_id)
    if kind == "none":
        return Preview("none", why="There is no safe preview of this kind of file.")
    if kind == "image" and info.size > MOST_IMAGE:
        return Preview("none", why="The image is too large to show here.")
    if kind == "pdf" and info.size > MOST_PDF:
        return Preview("none", why=PDF_IS_LARGE)
    if kind in {"image", "audio", "video", "pdf"}:
        return Preview(kind)
    return text_preview(principal, name, info, kind, version_id)


def archive_preview(
    principal: Principal,
    name: str,
    info: ObjectInfo,
    kind: ArchiveKind,
    version_id: str,
) -> Preview:
    try:
        contents = contents_of(principal, name, info, kind, version_id=version_id)
    except ObjectStoreError as error:
        return Preview("none", why=error.text)
    return Preview("archive", contents=contents, is_cut=contents.is_cut)


def text_preview(
    principal: Principal, name: str, info: ObjectInfo, kind: str, version_id: str
) -> Preview:
    try:
        data = first_bytes(principal, name, info, version_id)
    except ObjectStoreError as error:
        return Preview("none", why=error.text)
    if b"\0" in data:
        return Preview("none", why="This is not text.")
    is_cut = info.size > MOST_TEXT
    text = data.decode("utf-8", errors="replace").removeprefix("\ufeff")
    if kind == "csv":
        return table_preview(info, text, is_cut)
    if kind == "json" and not is_cut:
        return Preview("text", text=indented(text))
    return Preview("text", text=text, is_cut=is_cut)


def first_bytes(
    principal: Principal, name: str, info: ObjectInfo, version_id: str
) -> bytes:
    """Read an object up to the bound, never more."""
    last = min(info.size, MOST_TEXT) - 1
    content = get_object(
        principal,
        name,
        info.key,
        version_id=version_id,
        byte_range=f"bytes=0-{last}",
    )
    return b"".join(content.chunks)


def table_preview(info: ObjectInfo, text: str, is_cut: bool) -> Preview:
    is_tabbed = info.key.endswith(".tsv") or "tab-separated" in info.content_type
    reader: Any = csv.reader(io.StringIO(text), delimiter="\t" if is_tabbed else ",")
    rows: list[list[str]] = []
    try:
        for row in reader:
            rows.append(row[:MOST_COLUMNS])
            if len(rows) > MOST_ROWS:
                break
    except csv.Error:
        return Preview("text", text=text, is_cut=is_cut)
    return Preview("csv", rows=rows[:MOST_ROWS], is_cut=is_cut or len(rows) > MOST_ROWS)


def indented(text: str) -> str:
    """Lay JSON out; what is not JSON, or would grow too long, stays as it is."""
    encoder = json.JSONEncoder(indent=2, ensure_ascii=False)
    pieces: list[str] = []
    length = 0
    try:
        for piece in encoder.iterencode(json.loads(text)):
            pieces.append(piece)
            length += len(piece)
            if length > MOST_LAID_OUT:
                return text
    except (ValueError, RecursionError):
        return text
    return "".join(pieces)
