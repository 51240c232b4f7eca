"""The admin site: its pages, its front page, and its search."""

from __future__ import annotations

import time
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path
from unfold.sites import UnfoldAdminSite

from console.access import principal_of
from console.sign_in import SignInForm

MOST_FOUND = 50


class ConsoleSite(UnfoldAdminSite):
    """The management UI. Those come in who can sign in and have an identity."""

    index_title = "Dashboard"
    login_form = SignInForm
    login_template = "console/sign_in.html"
    password_change_template = "console/password_change.html"  # noqa: S105 - a path

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and principal_of(request) is not None

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Change the own password, and write down that it was."""
        from audit.sign_ins import note_new_password

        response = super().password_change(request, extra_context)
        if request.method == "POST" and response.status_code == 302:
            note_new_password(request)
        return response  # type: ignore[no-any-return]

    def extra_urls(self) -> list[Any]:
        from console.urls import pages

        return [
            path(route, self.admin_view(page.as_view(site=self)), name=name)
            for route, page, name in pages
        ]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        from console.navigation import sees_store
        from console.pages.dashboard import Dashboard
        from console.pages.mine import Mine

        page = Dashboard if sees_store(request) else Mine
        return page.as_view(site=self)(request)  # type: ignore[return-value]

    def catch_all_view(self, request: HttpRequest, url: str) -> HttpResponseBase:
        """Say on a page of the console that there is none at an address."""
        from console.pages.missing import Missing

        try:
            return super().catch_all_view(request, url)
        except Http404:
            return Missing.as_view(site=self)(request)

    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Find pages, buckets, users and keys; nothing is kept, so nothing is stale."""
        from console.search import find

        text = request.GET.get("s", "").strip()
        if not text:
            return HttpResponse()
        started = time.monotonic()
        results = find(request, text)
        return TemplateResponse(
            request,
            "unfold/helpers/command_results.html",
            {
                "search_term": text,
                "page_obj": Paginator(results, MOST_FOUND),
                "results": Paginator(results, MOST_FOUND).page(1),
                "page_counter": 0,
                "execution_time": time.monotonic() - started,
                "command_show_history": True,
            },
            headers={"HX-Trigger": "search"},
        )


console_site = ConsoleSite(name="admin")
