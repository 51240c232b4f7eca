"""What is wrong with secrets and limits, said at start."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from iam.rate_limits import parsed

DEVELOPMENT = "django-insecure-"
SHORTEST = 32


def check_secret_key(**_: Any) -> list[CheckMessage]:
    """Refuse a SECRET_KEY that others know or can guess: it signs URLs and sessions."""
    key = settings.SECRET_KEY
    if settings.DEBUG or (not key.startswith(DEVELOPMENT) and len(key) >= SHORTEST):
        return []
    return [
        Error(
            "SECRET_KEY is one for development, while DEBUG is off.",
            hint=(
                f"Set OBJECTSTORE_SECRET_KEY to {SHORTEST} random characters or more, "
                "or unset it: then it is drawn and kept in the data folder."
            ),
            id="iam.E001",
        )
    ]


def check_rate_limits(**_: Any) -> list[CheckMessage]:
    """Tell of limits that cannot be read, before a request would."""
    return [
        Error(f"OBJECTSTORE_RATE_{name.upper()}: {message}", id="iam.E002")
        for name, rate in settings.OBJECTSTORE_RATE_LIMITS.items()
        if (message := rate_problem(rate))
    ]


def rate_problem(rate: str) -> str:
    try:
        if rate:
            parsed(rate)
    except ImproperlyConfigured as error:
        return str(error)
    return ""
