"""The frame around every request, and the browser's middleware for its pages alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import get_resolver
from whitenoise.middleware import WhiteNoiseMiddleware

import objects.urls
from buckets import cross_origin
from kernel.entropy import id_bytes
from kernel.errors import ObjectStoreError
from kernel.http.errors import dialect_of, render_error
from kernel.http.origin import keep_from_origin
from kernel.http.requests import check_path_is_utf8, is_secure
from kernel.http.responses import ObjectResponse, add_headers, has_header
from kernel.kept_settings import settings
from keyvalue.views import one_object
from observability.watching import observer
from s3api.dispatch import answer as answer_s3
from s3api.requests import target_of

GetResponse = Callable[[HttpRequest], HttpResponse]
REST_BUCKETS = "/v1/buckets/"
WEBSITES = "s3api.website_urls"
BROWSER_MOUNTS = ("/admin/", "/-/static/", "/-/share/")
BROWSER_PAGES = ("/docs",)


class RequestFrame:
    """Give each request its id and the URLs of its host, and each answer that id."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._observer = observer()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = id_bytes(8).hex().upper()  # type: ignore[attr-defined]
        if self._observer is None:
            return self.answer(request)
        return self._observer.watch(request, self.answer)  # type: ignore[no-any-return]

    def answer(self, request: HttpRequest) -> HttpResponse:
        urlconf = urlconf_of_host(request)
        if urlconf:
            request.urlconf = urlconf  # type: ignore[attr-defined]
        request.is_for_browser = not urlconf and is_for_browser(request)  # type: ignore[attr-defined]
        if request.is_for_browser and is_secure(request.META):  # type: ignore[attr-defined]
            # As it came to the proxy: Django's CSRF check, redirects and HSTS ask.
            request.META["wsgi.url_scheme"] = "https"
        try:
            check_path_is_utf8(request.META)
        except ObjectStoreError as error:
            response = render_error(request, error)
        else:
            answer = self.get_response if request.is_for_browser else call_view  # type: ignore[attr-defined]
            is_cross = "HTTP_ORIGIN" in request.META or request.method == "OPTIONS"
            response = answer_cross(request, answer) if is_cross else answer(request)
        headers = {"x-amz-request-id": request.request_id}  # type: ignore[attr-defined]
        usage = getattr(request, "rate_usage", None)
        if usage is not None:
            headers.update(usage.headers)
        # Without it the server falls back to chunks; of 304 it would be the copy's.
        if (
            not response.streaming
            and response.status_code != 304
            and not has_header(response, "content-length")
        ):
            headers["Content-Length"] = str(len(response.content))
        add_headers(response, headers)
        if response.status_code >= 400 and hangs_up(request.META):
            response.headers["Connection"] = "close"
        if not urlconf and isinstance(response, ObjectResponse):
            keep_from_origin(response)
        if response.status_code in {204, 304}:
            del response.headers["Content-Type"]
        return response

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """Render what a view outside the admin lets escape, in its dialect."""
        if dialect_of(request) == "console":
            return None
        return render_error(request, exception)


def answer_cross(request: HttpRequest, answer: GetResponse) -> Any:
    """Answer a page of another origin, as far as the bucket's CORS rules let it."""
    bucket = bucket_named(request)
    if not bucket:
        return answer(request)
    if is_preflight(request):
        try:
            return cross_origin.preflight(request, bucket)
        except ObjectStoreError as error:
            return render_error(request, error)
    response = answer(request)
    cross_origin.add_headers(request, bucket, response)
    return response


def is_preflight(request: HttpRequest) -> bool:
    """Tell a preflight from OPTIONS of the browsable API."""
    if request.method != "OPTIONS":
        return False
    is_rest = request.path_info.startswith(REST_BUCKETS)
    return not is_rest or "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in request.META


def bucket_named(request: HttpRequest) -> str:
    """Name the bucket that a request of the S3 or REST dialect is about."""
    path = request.path_info
    if path.startswith(REST_BUCKETS):
        return path[len(REST_BUCKETS) :].partition("/")[0]
    if dialect_of(request) == "s3" and getattr(request, "urlconf", "") != WEBSITES:
        return target_of(request)[0]
    return ""


def hangs_up(meta: dict[str, Any]) -> bool:
    """Tell whether the server ends a connection whose request was not read whole.

    A client that is not told would send its next request into the void. Django's own
    server takes no such header.
    """
    has_body = (
        meta.get("CONTENT_LENGTH") not in (None, "", "0")
        or "HTTP_TRANSFER_ENCODING" in meta
    )
    return has_body and meta.get("SERVER_SOFTWARE") == "Granian"


def call_view(request: HttpRequest) -> HttpResponse:
    """Call a dialect's view directly: the browser's middleware would only pass it by.

    Saves 12 us of a GET's 170.
    """
    try:
        view, named = view_of(request)
        response: Any = view(request, **named)
        if getattr(response, "is_rendered", True) is False:
            response.render()
    except Exception as error:
        response = render_error(request, error)
    return response  # type: ignore[no-any-return]


# The first letters of every mount but S3's, which has all that is left.
NAMED_MOUNTS = ("/-", "/admin", "/docs", "/kv", "/objects", "/v1")
KEY_VALUE = "/objects/"
URLS = "objectstore_site.urls"


def view_of(request: HttpRequest) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Find the view; the hottest ones without resolving, which takes 12 us or more."""
    path, urlconf = request.path_info, getattr(request, "urlconf", None)
    if urlconf is None and settings.ROOT_URLCONF == URLS:
        if path.startswith(KEY_VALUE) and len(path) > len(KEY_VALUE):
            return one_object, {"key": path[len(KEY_VALUE) :]}
        if (names := objects.urls.names_in(path)) is not None:
            return objects.urls.one_object, names
        is_named = path.startswith(NAMED_MOUNTS)
        if not is_named and settings.OBJECTSTORE_ROOT_DIALECT != "kv":
            return answer_s3, {}
    match = get_resolver(urlconf).resolve(path)
    request.resolver_match = match
    return match.func, match.kwargs


def urlconf_of_host(request: HttpRequest) -> str:
    """Give the mounts of hosts that have their own: S3 alone, or a bucket's website."""
    s3_hosts, s3_domains = settings.OBJECTSTORE_S3_HOSTS, settings.OBJECTSTORE_DOMAINS
    websites = settings.OBJECTSTORE_WEBSITE_DOMAINS
    if not (s3_hosts or s3_domains or websites):
        return ""
    host = request.META.get("HTTP_HOST", "").partition(":")[0].lower()
    if any(host.endswith("." + domain) for domain in websites):
        return WEBSITES
    if host in s3_hosts or any(host.endswith("." + domain) for domain in s3_domains):
        return "s3api.urls"
    return ""


def is_for_browser(request: HttpRequest) -> bool:
    """Tell whether sessions matter: console pages, and the API opened in a browser."""
    path = request.path_info
    if path in BROWSER_PAGES or path.startswith(BROWSER_MOUNTS):
        return True
    if not path.startswith("/v1/") or "HTTP_COOKIE" not in request.META:
        return False
    return settings.SESSION_COOKIE_NAME in request.COOKIES


class BrowserOnly:
    """Let requests pass by that are not for a browser page."""

    get_response: GetResponse

    def __call__(self, request: HttpRequest) -> Any:
        if request.is_for_browser:  # type: ignore[attr-defined]
            return super().__call__(request)  # type: ignore[misc]
        return self.get_response(request)


class BrowserSecurity(BrowserOnly, SecurityMiddleware):
    pass


class BrowserStatic(BrowserOnly, WhiteNoiseMiddleware):
    pass


class BrowserSession(BrowserOnly, SessionMiddleware):
    pass


class BrowserCommon(BrowserOnly, CommonMiddleware):
    pass


class BrowserCsrf(BrowserOnly, CsrfViewMiddleware):
    def process_view(self, request: HttpRequest, *arguments: Any) -> Any:
        if request.is_for_browser:  # type: ignore[attr-defined]
            return super().process_view(request, *arguments)
        return None


class BrowserAuthentication(BrowserOnly, AuthenticationMiddleware):
    pass


class BrowserMessages(BrowserOnly, MessageMiddleware):
    pass


class BrowserClickjacking(BrowserOnly, XFrameOptionsMiddleware):
    pass
