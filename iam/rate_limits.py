"""Rate limits per key and class of operation, counted by django-ratelimit.

The API reference, "Rate Limiting". Counts are kept in the cache "ratelimit": exact
across processes where that is Redis, per process where it is local memory.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django_ratelimit.core import get_usage

from iam.principals import ANONYMOUS, Principal, RequestFacts
from kernel.errors import TooManyRequests
from kernel.http.requests import client_address
from kernel.kept_settings import settings


class OperationClass(StrEnum):
    """The rows of the reference's table; each has its setting."""

    OBJECT_GET = "object_get"
    OBJECT_PUT = "object_put"
    OBJECT_DELETE = "object_delete"
    BUCKET = "bucket"
    LIST = "list"


class RateUsage(NamedTuple):
    """Where a key stands in its window. Times in seconds, `reset` since 1970."""

    limit: int
    remaining: int
    reset: int
    window: int

    @property
    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
            "X-RateLimit-Window": str(self.window),
        }


PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
RATE = re.compile(r"([0-9]{1,9})/([1-9][0-9]{0,5})?([smhd])")


def count(
    request: HttpRequest, principal: Principal, dialect: str, operation: OperationClass
) -> None:
    """Count one request, and leave the usage on it for the answer's headers.

    Raises TooManyRequests(retry_after=seconds) when the limit is used up.
    """
    rate = settings.OBJECTSTORE_RATE_LIMITS[operation]
    if (
        not rate
        or not principal.is_rate_limited
        or dialect not in settings.OBJECTSTORE_RATE_LIMITED_DIALECTS
    ):
        return
    name = principal.key_id or network_of(principal.facts.source_ip) or "nobody"
    usage = get_usage(
        request,
        group=operation,
        key=lambda group, request: name,
        rate=parsed(rate),
        increment=True,
    )
    if usage is None:
        return
    # django-ratelimit counts the second in which a window ends as its last.
    left = max(usage["time_left"] + 1, 1)
    counted = RateUsage(
        limit=usage["limit"],
        remaining=max(usage["limit"] - usage["count"], 0),
        reset=int(time.time()) + left,
        window=parsed(rate)[1],
    )
    request.rate_usage = counted  # type: ignore[attr-defined]
    if usage["should_limit"]:
        raise TooManyRequests(
            f"Rate limit exceeded. Please retry after {left} seconds.",
            retry_after=left,
        )


def count_guess(request: HttpRequest, dialect: str) -> None:
    """Count a request whose key, signature or URL does not hold, by its address."""
    nobody = ANONYMOUS.asking(RequestFacts(source_ip=client_address(request.META)))
    count(request, nobody, dialect, OperationClass.BUCKET)


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Name what an address is counted by: itself, or its /64, which is all one's own.

    Counted one by one, addresses of IPv6 would never be used up.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed), 64), strict=False))


def is_used_up(
    request: HttpRequest, group: str, rates: Mapping[str, str], *, counts: bool
) -> bool:
    """Tell whether any name's attempts are used up; `counts` adds one to each."""
    usages = [
        get_usage(
            request,
            group=group,
            key=lambda group, request, name=name: name,
            rate=parsed(rate),
            increment=counts,
        )
        for name, rate in rates.items()
    ]
    return any(usage is not None and usage["should_limit"] for usage in usages)


@lru_cache(maxsize=64)
def parsed(rate: str) -> tuple[int, int]:
    """Give requests and the window's seconds: (5000, 60) for "5000/m".

    Raises ImproperlyConfigured for anything else.
    """
    match = RATE.fullmatch(rate)
    if match is None:
        raise ImproperlyConfigured(f"{rate!r} is no rate: write 5000/m, or 10/30s.")
    requests, periods, period = match.groups()
    return int(requests), int(periods or 1) * PERIODS[period]
