"""What was uploaded, shown beside pages of the host: it must not act as they may."""

from __future__ import annotations

import re

from django.http.response import HttpResponseBase

# What a browser runs when it is opened, besides all kinds of XML; parts of the
# last may be pages, and what is unknown is guessed by its bytes.
ACTIVE_TYPES = frozenset(
    {
        "text/html",
        "text/xml",
        "text/xsl",
        "application/xml",
        "unknown/unknown",
        "application/unknown",
        "multipart/x-mixed-replace",
    }
)
WELL_FORMED = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
NO_ORIGIN = "sandbox allow-scripts allow-forms allow-popups allow-modals"


def keep_from_origin(response: HttpResponseBase) -> None:
    """Give an uploaded page no origin where it would share the console's.

    Its scripts run, but reach neither the session of who opens it nor the console.
    On hosts that serve the store alone nothing is to be guarded.
    """
    if may_be_active(response.headers.get("Content-Type", "")):
        response.headers.setdefault("Content-Security-Policy", NO_ORIGIN)


def may_be_active(content_type: str) -> bool:
    """Tell whether a browser may run what is of this type, or guess so.

    Of types in a list it takes the last (Fetch, "extract a MIME type").
    """
    kind = content_type.partition(";")[0].strip().lower()
    return (
        kind in ACTIVE_TYPES
        or kind.endswith("+xml")
        or "," in content_type
        or WELL_FORMED.fullmatch(kind) is None
    )
