"""What `manage.py check --deploy` says beside Django's own checks.

Django looks for its middleware by name, and here they go by names of our own: its
security.W001 to W003 are silenced; what they and those behind them ask is asked here.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Warning
from django.http.request import validate_host
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.module_loading import import_string

PROTECTIONS = (SecurityMiddleware, CsrfViewMiddleware, XFrameOptionsMiddleware)


def check_protections(**_: Any) -> list[CheckMessage]:
    """Find Django's protections of browsers among the middleware."""
    present = [import_string(name) for name in settings.MIDDLEWARE]
    return [
        Warning(
            f"No middleware does what {wanted.__name__} does.", id="objectstore.W010"
        )
        for wanted in PROTECTIONS
        if not any(isinstance(one, type) and issubclass(one, wanted) for one in present)
    ]


def check_public_address(**_: Any) -> list[CheckMessage]:
    """See that people reach the store by https, and by its own name."""
    address = urlsplit(settings.OBJECTSTORE_PUBLIC_URL)
    if address.scheme != "https":
        return [
            Warning(
                "OBJECTSTORE_PUBLIC_URL is no https address: what others send and "
                "get, passwords and bearer keys too, can be read on its way.",
                id="objectstore.W011",
            )
        ]
    return [*check_cookies(), *check_hosts(address.hostname or ""), *check_hsts()]


def check_cookies() -> list[CheckMessage]:
    if settings.SESSION_COOKIE_SECURE and settings.CSRF_COOKIE_SECURE:
        return []
    return [
        Warning(
            "OBJECTSTORE_SECURE_COOKIES is off: sessions are sent over http too.",
            id="objectstore.W012",
        )
    ]


def check_hosts(public: str) -> list[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS:
        return [
            Warning(
                "OBJECTSTORE_ALLOWED_HOSTS lets every name pass: name your own.",
                id="objectstore.W013",
            )
        ]
    if validate_host(public, settings.ALLOWED_HOSTS):
        return []
    return [
        Warning(
            f"OBJECTSTORE_ALLOWED_HOSTS lacks {public}, by which people come.",
            id="objectstore.W014",
        )
    ]


def check_hsts() -> list[CheckMessage]:
    if settings.SECURE_HSTS_SECONDS:
        return []
    return [
        Warning(
            "OBJECTSTORE_HSTS_SECONDS is 0: a browser that is given an http address "
            "tries it. Begin with 3600; it cannot be taken back.",
            id="objectstore.W015",
        )
    ]
