"""What is unsafe about the secrets, said at start."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

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
