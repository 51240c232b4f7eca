"""What is shown where the console has no page."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from console.pages.base import Page
from kernel.errors import NoSuchEntity


class Missing(Page):
    def get(self, request: Any) -> HttpResponse:
        raise NoSuchEntity("There is no page at this address.")

    post = get
