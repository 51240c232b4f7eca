"""Metrics over HTTP, for those whom settings let see them."""

from __future__ import annotations

import hmac
import ipaddress
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from kernel.errors import AccessDenied
from kernel.http.requests import client_address, is_trusted_proxy
from observability.families import all_families
from observability.prometheus import CONTENT_TYPE, render


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Give all metrics in Prometheus's text format."""
    if not settings.OBJECTSTORE_METRICS:
        raise Http404
    check_may_see(request.META)
    return HttpResponse(render(all_families()), content_type=CONTENT_TYPE)


def check_may_see(meta: dict[str, Any]) -> None:
    """Raise AccessDenied to those without the token and outside the networks."""
    if not (has_token(meta) or is_in_networks(meta)):
        raise AccessDenied()


def has_token(meta: dict[str, Any]) -> bool:
    token: str = settings.OBJECTSTORE_METRICS_TOKEN
    scheme, _, given = meta.get("HTTP_AUTHORIZATION", "").partition(" ")
    if not token or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode(), token.encode())


def is_in_networks(meta: dict[str, Any]) -> bool:
    """Tell whether the client is of a network that may see metrics.

    A proxy on this machine that settings do not name would make all the world seem to
    be here; what it forwards counts as from outside.
    """
    sender = meta.get("REMOTE_ADDR", "")
    if "HTTP_X_FORWARDED_FOR" in meta and not is_trusted_proxy(sender):
        return False
    try:
        address = ipaddress.ip_address(client_address(meta))
    except ValueError:
        return False
    return any(
        address in ipaddress.ip_network(network, strict=False)
        for network in settings.OBJECTSTORE_METRICS_NETWORKS
    )
