"""The frame that PDFs are drawn in: it has no origin, no network and no session."""

from __future__ import annotations

import secrets
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from console.pages.base import Page

# Only its own script runs, by its nonce; what that reads was posted to it. WebAssembly
# decodes JPEG 2000 and JBIG2.
POLICY = "; ".join(
    (
        "sandbox allow-scripts",
        "default-src 'none'",
        "script-src 'nonce-{nonce}' 'wasm-unsafe-eval'",
        "style-src 'nonce-{nonce}'",
        "img-src data: blob:",
        "font-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)


class PdfFrame(Page):
    """The frame's page, the same for every document: it knows of none."""

    def get(self, request: Any) -> HttpResponse:
        nonce = secrets.token_urlsafe(16)
        response = render(request, "console/pdf_frame.html", {"nonce": nonce})
        response.headers["Content-Security-Policy"] = POLICY.format(nonce=nonce)
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        return response
