"""Content negotiation that never refuses: `Accept: image/png` is about the object."""

from __future__ import annotations

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation


class JsonFirst(DefaultContentNegotiation):
    """Give HTML to a browser that asks for it first, JSON to all others."""

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: Any = None
    ) -> tuple[Any, str]:
        accepted = request.META.get("HTTP_ACCEPT", "")
        if accepted.startswith("text/html"):
            for renderer in renderers:
                if renderer.format == "api":
                    return renderer, "text/html; charset=utf-8"
        return renderers[0], renderers[0].media_type
