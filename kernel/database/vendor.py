"""Which database it is: asked once, since asking Django's connection takes 2 us."""

from __future__ import annotations

from functools import lru_cache

from django.db import connection


@lru_cache(maxsize=1)
def is_postgresql() -> bool:
    return bool(connection.vendor == "postgresql")
