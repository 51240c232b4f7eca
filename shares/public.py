"""The page behind a share link: outside the console, for people without a sign-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    JsonResponse,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import get_resolver, reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from iam.authenticate import facts_of
from iam.payloads import content_length, raw_reader, request_body
from iam.rate_limits import is_used_up, network_of
from kernel.bodies import Body
from kernel.errors import (
    EntityTooLarge,
    InvalidArgument,
    NoSuchKey,
    ObjectStoreError,
    TooManyRequests,
)
from kernel.http.forms import read_form
from kernel.http.requests import client_address, is_secure
from kernel.http.responses import object_headers, object_response
from kernel.names import visible
from objects.archives import archive_states
from shares import operations
from shares.models import Share
from shares.operations import ShareEndedError

# Attempts at one link's password: of one address, and of all together.
ATTEMPTS = "10/m"
ALL_ATTEMPTS = "100/h"
REMEMBERED_SECONDS = 3600

PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
# What is shared is saved; were it opened all the same, it would run nowhere.
CONTENT_POLICY = "sandbox; default-src 'none'"

# Files that one address may send by one link.
UPLOADS = "120/m"
# What a form has beside its file: boundaries and names.
MOST_BESIDE_FILE = 64 * 1024
UPLOAD_POLICY = f"{PAGE_POLICY}; script-src 'self'; connect-src 'self'"

View = Callable[..., HttpResponseBase]


def share_link(request: HttpRequest, token: str) -> str:
    """Write a link as it is given away, under the address people reach us by."""
    # A wire dialect's thread knows no script prefix; the request does.
    path = f"{request.META.get('SCRIPT_NAME', '')}{reverse_without_prefix(token)}"
    stated = urlsplit(str(settings.OBJECTSTORE_PUBLIC_URL))
    if stated.netloc and stated.hostname not in settings.OBJECTSTORE_S3_HOSTS:
        return f"{stated.scheme}://{stated.netloc}{path}"
    scheme = "https" if is_secure(request.META) else request.scheme
    return f"{scheme}://{request.get_host()}{path}"


def reverse_without_prefix(token: str) -> str:
    return f"/{get_resolver().reverse('share', token)}"


def shared(view: View) -> View:
    """Find the link, ask for its password, and turn refusals into the page."""

    def answer(request: HttpRequest, token: str) -> HttpResponseBase:
        try:
            share = operations.find_share(token, timezone.now())
            if share.password and not is_remembered(request, share):
                response = ask_password(request, share, token)
            else:
                response = view(request, share, token)
        except ShareEndedError:
            response = render(request, "shares/ended.html", status=404)
        except ObjectStoreError as error:
            response = render(
                request, "shares/refused.html", {"error": error}, status=error.status
            )
        return guarded(response)

    return answer


def guarded(response: HttpResponseBase) -> HttpResponseBase:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Robots-Tag"] = "noindex, nofollow"
    headers["Cache-Control"] = "private, no-store"
    # The address is the secret: it is told to nobody else.
    headers["Referrer-Policy"] = "same-origin"
    return response


def cookie_of(share: Share) -> dict[str, str]:
    # A changed password makes earlier cookies worthless.
    return {"key": f"share_{share.pk}", "salt": f"share {share.pk} {share.password}"}


def is_remembered(request: HttpRequest, share: Share) -> bool:
    given = request.get_signed_cookie(
        **cookie_of(share), default="", max_age=REMEMBERED_SECONDS
    )
    return given == "known"


def ask_password(request: HttpRequest, share: Share, token: str) -> HttpResponseBase:
    if request.method != "POST":
        status = 200 if is_page(request, token) else 403
        return render(request, "shares/password.html", status=status)
    if is_too_often(request, share):
        wait = {"error": "Too many attempts. Please wait a while, then try again."}
        return render(request, "shares/password.html", wait, status=429)
    given = request.POST.get("password", "")
    if not operations.is_password(share, given, facts_of(request)):
        wrong = {"error": "That is not the password."}
        return render(request, "shares/password.html", wrong, status=403)
    path = reverse("share", args=[token])
    response = HttpResponse(status=303, headers={"Location": path})
    response.set_signed_cookie(
        **cookie_of(share),
        value="known",
        max_age=REMEMBERED_SECONDS,
        path=path,
        secure=is_secure(request.META),
        httponly=True,
        samesite="Lax",
    )
    return response


def is_page(request: HttpRequest, token: str) -> bool:
    return request.path == reverse("share", args=[token])


def is_too_often(request: HttpRequest, share: Share) -> bool:
    """Count an attempt at the password, of its address and of all."""
    rates = {
        f"{share.pk} {network_of(client_address(request.META))}": ATTEMPTS,
        str(share.pk): ALL_ATTEMPTS,
    }
    return is_used_up(request, "share_password", rates, counts=True)


@require_http_methods(["GET", "HEAD", "POST"])
@shared
def page(request: HttpRequest, share: Share, token: str) -> HttpResponseBase:
    """Show what a link leads to; nothing is counted yet."""
    if request.method == "POST":
        return HttpResponse(
            status=303, headers={"Location": reverse("share", args=[token])}
        )
    facts = facts_of(request)
    context: dict[str, Any] = {"share": share, "name": visible(last_name(share.key))}
    if share.most_downloads is not None:
        context["left"] = share.most_downloads - share.download_count
    if share.takes_uploads:
        return upload_page(request, share, token, context)
    if share.is_folder:
        at = request.GET.get("page", "")
        listed = operations.shared_listing(share, facts, at)
        link = reverse("share_download", args=[token])
        files = [one for one in listed.contents if not one.key.endswith("/")]
        states = archive_states(share.bucket_row_id, files, timezone.now())
        context["files"] = [
            (
                visible(one.key.removeprefix(share.key)),
                one.size,
                f"{link}?{urlencode({'key': one.key})}",
                state,
            )
            for one, state in zip(files, states, strict=True)
        ]
        context["next"] = listed.next_token and urlencode({"page": listed.next_token})
        context["all"] = reverse("share_all", args=[token])
    else:
        info = context["info"] = operations.shared_object(share, facts)
        states = archive_states(share.bucket_row_id, [info], timezone.now())
        context["archived"] = states[0]
        context["link"] = reverse("share_download", args=[token])
    return render(request, "shares/share.html", context)


def upload_page(
    request: HttpRequest, share: Share, token: str, context: dict[str, Any]
) -> HttpResponse:
    operations.check_takes_uploads(share, facts_of(request))
    link = reverse("share_upload", args=[token])
    response = render(request, "shares/upload.html", {**context, "link": link})
    response.headers["Content-Security-Policy"] = UPLOAD_POLICY
    return response


# The address itself is what lets one in: there is no session to be misused.
@csrf_exempt
@require_http_methods(["PUT", "POST"])
def upload(request: HttpRequest, token: str) -> HttpResponseBase:
    """Take one file, as the page's script sends it; what is refused is said as JSON.

    Without a script its form does, and what is refused is said on a page.
    """
    if request.method == "POST":
        return guarded(sent_by_form(request, token))
    try:
        return guarded(taken_in(request, token))
    except ShareEndedError:
        return guarded(said("This link has ended.", 404))
    except ObjectStoreError as error:
        return guarded(said(error.text, error.status_in_rest))


def taken_in(request: HttpRequest, token: str) -> HttpResponseBase:
    share = operations.find_share(token, timezone.now())
    if share.password and not is_remembered(request, share):
        return said("The password is asked for anew: load the page again.", 403)
    check_rate(request, share)
    info = operations.upload(
        share,
        request.GET.get("name", ""),
        request_body(request),
        facts_of(request),
        now=timezone.now(),
    )
    return JsonResponse({"size": info.size}, status=201)


def check_rate(request: HttpRequest, share: Share) -> None:
    rates = {f"{share.pk} {network_of(client_address(request.META))}": UPLOADS}
    if is_used_up(request, "share_upload", rates, counts=True):
        raise TooManyRequests("Too many files at once. Please wait a while.")


def sent_by_form(request: HttpRequest, token: str) -> HttpResponseBase:
    link = reverse("share", args=[token])
    try:
        share = operations.find_share(token, timezone.now())
        if share.password and not is_remembered(request, share):
            return HttpResponse(status=303, headers={"Location": link})
        check_rate(request, share)
        name = take_form(request, share)
    except ShareEndedError:
        return render(request, "shares/ended.html", status=404)
    except ObjectStoreError as error:
        context = {"error": error, "link": link}
        status = error.status_in_rest
        return render(request, "shares/refused.html", context, status=status)
    return render(request, "shares/arrived.html", {"name": visible(name), "link": link})


def take_form(request: HttpRequest, share: Share) -> str:
    """Store the file of a form, and give its name; all that can be refused is refused
    before the body is read."""
    facts = facts_of(request)
    operations.check_takes_uploads(share, facts)
    most = share.most_size or settings.OBJECTSTORE_MAX_BODY
    length = content_length(request.META)
    if length > most + MOST_BESIDE_FILE:
        raise EntityTooLarge(proposed_size=length, max_size_allowed=most)
    form = read_form(request.META.get("CONTENT_TYPE", ""), raw_reader(request), most)
    try:
        if not form.file_name:
            raise InvalidArgument("Choose a file first.")
        body = Body(form.file.read, form.length)
        operations.upload(share, form.file_name, body, facts, now=timezone.now())
    finally:
        form.file.close()
    return last_name(form.file_name.replace("\\", "/"))


def said(text: str, status: int) -> JsonResponse:
    return JsonResponse({"error": text}, status=status)


@require_safe
@shared
def download(request: HttpRequest, share: Share, token: str) -> HttpResponseBase:
    """Send one object, always to be saved and whole: a part of it is a download too."""
    key = request.GET.get("key", "") if share.is_folder else share.key
    if not key:
        raise NoSuchKey(key=key)
    if request.method == "HEAD":
        return HttpResponse(headers=saved_as(last_name(key)))
    content = operations.download(share, key, facts_of(request), now=timezone.now())
    headers = object_headers(content.info)
    headers.pop("Accept-Ranges", None)
    headers |= saved_as(last_name(key))
    return object_response(content, headers)


@require_safe
@shared
def download_all(request: HttpRequest, share: Share, token: str) -> HttpResponseBase:
    """Send all that is under a shared prefix as an archive."""
    if not share.is_folder:
        raise NoSuchKey(key=share.key)
    headers = saved_as(f"{last_name(share.key)}.zip")
    if request.method == "HEAD":
        return HttpResponse(headers=headers)
    chunks = operations.download_all(share, facts_of(request), now=timezone.now())
    return StreamingHttpResponse(chunks, headers=headers)


def last_name(key: str) -> str:
    return key.rstrip("/").rpartition("/")[2] or "object"


def saved_as(name: str) -> dict[str, str]:
    """Write the headers of what is to be saved under a name (RFC 6266)."""
    plain = "".join(
        sign if sign.isascii() and sign.isprintable() and sign not in '"\\' else "_"
        for sign in name
    )
    encoded = quote(name, safe="")
    return {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f'attachment; filename="{plain}"; '
        f"filename*=UTF-8''{encoded}",
        "Content-Security-Policy": CONTENT_POLICY,
    }
