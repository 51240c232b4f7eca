"""What was uploaded, shown beside pages of the host: it must not act as they may."""

from __future__ import annotations

from django.http.response import HttpResponseBase

# What a browser runs when it is opened, besides all kinds of XML.
ACTIVE_TYPES = frozenset({"text/html", "text/xml", "text/xsl", "application/xml"})
NO_ORIGIN = "sandbox allow-scripts allow-forms allow-popups allow-modals"


def keep_from_origin(response: HttpResponseBase) -> None:
    """Give an uploaded page no origin where it would share the console's.

    Its scripts run, but reach neither the session of who opens it nor the console.
    On hosts that serve the store alone nothing is to be guarded.
    """
    content_type = response.headers.get("Content-Type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ACTIVE_TYPES or kind.endswith("+xml"):
        response.headers.setdefault("Content-Security-Policy", NO_ORIGIN)
