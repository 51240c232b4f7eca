"""What `manage.py check` says beside Django's own checks, most of it with `--deploy`.

Django looks for its middleware by name, and here they go by names of our own: its
security.W001 to W003 are silenced; what they and those behind them ask is asked here.
"""

from __future__ import annotations

import os
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Warning
from django.http.request import validate_host
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.module_loading import import_string

from blobs.locations import PREFIX as STORAGE
from objectstore_site.environment import KNOWN

# What programs beside the server are told.
CLIENTS = frozenset(
    f"OBJECTSTORE_{name}"
    for name in ("API_KEY", "CONFIG", "ENDPOINT", "PROFILE", "URL")
)
PROTECTIONS = (SecurityMiddleware, CsrfViewMiddleware, XFrameOptionsMiddleware)


def check_names(**_: Any) -> list[CheckMessage]:
    """Tell of variables that no setting reads: a slip of the pen changes nothing."""
    unknown = sorted(
        name
        for name in set(os.environ) - KNOWN - CLIENTS
        if name.startswith("OBJECTSTORE_") and not name.startswith(STORAGE)
    )
    return [
        Warning(
            f"No setting is called {name}.", hint=meant(name), id="objectstore.W016"
        )
        for name in unknown
    ]


def meant(name: str) -> str:
    near = get_close_matches(name, KNOWN, n=1)
    return f"Is {near[0]} meant?" if near else "docs/settings.md has them all."


def check_archives(**_: Any) -> list[CheckMessage]:
    """Tell of archives that are no storage class: what is in them is read at once."""
    name = "OBJECTSTORE_ARCHIVE_CLASSES"
    classes = settings.OBJECTSTORE_STORAGE_CLASSES
    unknown = set(settings.OBJECTSTORE_ARCHIVE_CLASSES) - set(classes)
    if name not in os.environ or not unknown:
        return []
    return [
        Warning(
            f"{name} names {', '.join(sorted(unknown))}: no such storage class.",
            hint=f"There are {', '.join(classes)}.",
            id="objectstore.W017",
        )
    ]


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


def check_data_folder(**_: Any) -> list[CheckMessage]:
    """See that nobody else may look into the data folder."""
    if not settings.DATA_DIR.stat().st_mode & 0o077:
        return []
    return [
        Warning(
            f"Others may look into {settings.DATA_DIR}, where small objects and "
            "sessions are kept.",
            hint=f"chmod 700 {settings.DATA_DIR}",
            id="objectstore.W018",
        )
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
