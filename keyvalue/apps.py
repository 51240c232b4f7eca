"""The key-value dialects' app."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

from kernel.http.requests import is_loopback


class KeyValueConfig(AppConfig):
    name = "keyvalue"
    verbose_name = "Key-value dialects"

    def ready(self) -> None:
        checks.register(check_anonymous_is_local)


def check_anonymous_is_local(**_: Any) -> list[checks.CheckMessage]:
    """Refuse to serve without keys on an address that others can reach."""
    host = settings.SERVER_HOST
    if (
        not settings.OBJECTSTORE_KV_ANONYMOUS
        or host == "localhost"
        or is_loopback(host)
    ):
        return []
    return [
        checks.Error(
            f"OBJECTSTORE_KV_ANONYMOUS is set while the server listens on {host}.",
            hint="Unset it, or set OBJECTSTORE_HOST=127.0.0.1.",
            id="keyvalue.E001",
        )
    ]
