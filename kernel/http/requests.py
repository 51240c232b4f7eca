"""What every dialect reads off an HTTP request."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest

from kernel.errors import InvalidURI
from kernel.kept_settings import settings

# AWS's "UriEncode": unreserved characters and the slash stay as they are.
UNRESERVED = "/-_.~"
LONE_DOTS = re.compile(r"(?<=/)\.{1,2}(?=/|$)")
IS_PLAIN = re.compile(r"[A-Za-z0-9/_.~-]*").fullmatch


def client_address(meta: dict[str, Any]) -> str:
    """Give the client's address, past the proxies that settings name as trusted."""
    address: str = meta.get("REMOTE_ADDR", "")
    forwarded: str = meta.get("HTTP_X_FORWARDED_FOR", "")
    if not forwarded or not is_trusted_proxy(address):
        return address
    for hop in reversed([hop.strip() for hop in forwarded.split(",")]):
        if not is_trusted_proxy(hop):
            return hop
    return address


def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def is_secure(meta: dict[str, Any]) -> bool:
    if meta.get("wsgi.url_scheme") == "https":
        return True
    return meta.get("HTTP_X_FORWARDED_PROTO") == "https" and is_trusted_proxy(
        meta.get("REMOTE_ADDR", "")
    )


def is_trusted_proxy(address: str) -> bool:
    if not settings.OBJECTSTORE_TRUSTED_PROXIES:
        return False
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(
        parsed in ipaddress.ip_network(network, strict=False)
        for network in settings.OBJECTSTORE_TRUSTED_PROXIES
    )


# Where META keeps how headers with underscores were spelled, by their names in it.
SPELLINGS = "objectstore.spellings"
# Where the server's own WSGI application keeps the path as it arrived.
RECEIVED_PATH = "objectstore.received_path"


@lru_cache(maxsize=256)
def meta_name(header: str) -> str:
    """Give a header's name in META."""
    return f"HTTP_{header.upper().replace('-', '_')}"


def has_header_of(meta: Mapping[str, Any], beginning: str) -> bool:
    """Tell whether there may be a header whose name in META begins so.

    One look at all names together: one at each takes 2 us more.
    """
    return beginning in " ".join(meta)


def check_path_is_utf8(meta: dict[str, Any]) -> None:
    """Refuse a path that is not UTF-8: Django would rename the key in silence.

    Django puts its own reading in PATH_INFO's place, so the path is kept before.
    """
    path: str = meta.get(RECEIVED_PATH, "")
    if path.isascii():
        return
    try:
        path.encode("latin-1").decode("utf-8")
    except UnicodeError:
        uri = quote(path.encode("latin-1"), safe=UNRESERVED)
        raise InvalidURI(uri=uri) from None


def linked(path: str) -> str:
    """Percent-encode a path for a link.

    A dot alone between slashes too: clients would take the URL for a shorter one.
    """
    encoded = quote(path, safe=UNRESERVED)
    return LONE_DOTS.sub(lambda found: "%2E" * len(found[0]), encoded)


def raw_path(request: HttpRequest) -> str:
    """Give the percent-encoded path as AWS canonicalises it for signatures."""
    path = request.path
    return path if IS_PLAIN(path) else quote(path, safe=UNRESERVED)
