"""What all pages share: the principal, refusals as pages, the content policy."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.generic import View

from console.access import principal_of
from console.site import ConsoleSite
from iam.principals import Principal
from kernel.errors import AccessDenied, InvalidArgument, ObjectStoreError

# The theme's Alpine evaluates expressions in attributes; nothing inline runs, and
# nothing comes from elsewhere.
CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class Page(View):
    """A page of the console. Refusals of the domain become pages of their own."""

    site: ConsoleSite = None  # type: ignore[assignment]
    title = ""
    template = ""

    def dispatch(
        self, request: HttpRequest, *arguments: Any, **names: Any
    ) -> HttpResponseBase:
        try:
            check_address(request)
            response = super().dispatch(request, *arguments, **names)
            if isinstance(response, TemplateResponse):
                response.render()
        except ObjectStoreError as error:
            response = self.refuse(error)
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response

    @property
    def principal(self) -> Principal:
        principal = principal_of(self.request)
        if principal is None:
            raise AccessDenied("This sign-in has no identity in the store.")
        return principal

    def refuse(self, error: ObjectStoreError) -> HttpResponseBase:
        """Say what was refused and why, on a page."""
        response = self.render(
            "console/refusal.html", error=error, title=title_of(error)
        )
        response.status_code = error.status
        return response.render()

    def render(self, template: str = "", **context: Any) -> TemplateResponse:
        self.request.current_app = self.site.name  # type: ignore[attr-defined]
        return TemplateResponse(
            self.request,
            template or self.template,
            {
                **self.site.each_context(self.request),
                "title": self.title,
                "principal": self.principal,
                "public_url": public_url(self.request),
                **context,
            },
        )

    def say(self, text: str) -> None:
        messages.success(self.request, text)

    def warn(self, text: str) -> None:
        messages.warning(self.request, text)

    def complain(self, error: ObjectStoreError) -> None:
        messages.error(self.request, error.text)

    def go(self, link: str) -> HttpResponseRedirect:
        return HttpResponseRedirect(link)

    def back_or(self, fallback: str) -> HttpResponseRedirect:
        """Go where the form said it came from, if that is here."""
        return self.go(self.origin_or(fallback))

    def origin_or(self, fallback: str) -> str:
        """Give the page that the form said it came from, if that is here."""
        wanted = self.request.POST.get("next", "")
        is_here = wanted.startswith("/") and url_has_allowed_host_and_scheme(
            wanted, {self.request.get_host()}, self.request.is_secure()
        )
        return wanted if is_here else fallback

    @property
    def is_confirmed(self) -> bool:
        """Tell whether the form comes from the page that asks first."""
        return "confirmed" in self.request.POST

    def ask_first(
        self, question: str, text: str = "", *, verb: str, back: str
    ) -> HttpResponse:
        """Ask before what destroys: the answer sends the same form, confirmed."""
        fields = [
            (name, value)
            for name, values in self.request.POST.lists()
            for value in values
            if name != "csrfmiddlewaretoken"
        ]
        return self.render(
            "console/confirm.html",
            title=verb,
            page_title=question,
            question=question,
            text=text,
            verb=verb,
            back=self.origin_or(back),
            fields=fields,
        )


def check_address(request: HttpRequest) -> None:
    """Refuse a sign that PostgreSQL's texts cannot hold."""
    given = (value for values in request.GET.lists() for value in values[1])
    if any("\0" in value for value in given):
        raise InvalidArgument("An address cannot hold the character NUL.")


def title_of(error: ObjectStoreError) -> str:
    titles = {404: "Not found", 403: "You may not do this"}
    return titles.get(error.status, "This was refused")


class Endpoint(Page):
    """What a page's scripts ask: JSON in, JSON out, refusals as JSON."""

    def refuse(self, error: ObjectStoreError) -> HttpResponse:
        return JsonResponse(
            {"error": {"code": error.code, "message": error.text}}, status=error.status
        )


def public_url(request: HttpRequest) -> str:
    """Give the address that clients reach the store by."""
    from django.conf import settings

    stated = str(settings.OBJECTSTORE_PUBLIC_URL).rstrip("/")
    here = request.META.get("SCRIPT_NAME", "")
    return stated or request.build_absolute_uri(f"{here}/").rstrip("/")
