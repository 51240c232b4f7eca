"""What the editor asks while one types: is this document right, and what may come."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse

from console.pages.base import Endpoint
from console.settings.checks import KINDS, as_json, findings, words
from kernel.errors import InvalidArgument


class CheckDocument(Endpoint):
    """Check a document as saving it would, and save nothing."""

    def get(self, request: Any) -> HttpResponse:
        return JsonResponse(words(known_kind(request.GET.get("kind", ""))))

    def post(self, request: Any) -> HttpResponse:
        given = request.POST
        found = findings(
            known_kind(given.get("kind", "")),
            given.get("document", ""),
            given.get("bucket", ""),
        )
        return JsonResponse({"findings": as_json(found)})


def known_kind(name: str) -> str:
    if name not in KINDS:
        raise InvalidArgument("There is no such kind of document.")
    return name
