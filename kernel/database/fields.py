"""Column types that the domain's order and integrity rest on."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db import models

from kernel.database.vendor import is_postgresql


class ByteOrderedField(models.CharField):  # type: ignore[type-arg]
    """Text that compares by its UTF-8 bytes, as S3 lists keys.

    PostgreSQL is told ``COLLATE "C"``; SQLite's default, BINARY, does so already.
    """

    def db_parameters(self, connection: Any) -> dict[str, str | None]:
        parameters = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


@lru_cache(maxsize=64)
def column_time(value: datetime | None) -> Any:
    """Write a time for raw SQL as the ORM does: SQLite keeps naive UTC text."""
    if value is None or is_postgresql():
        return value
    # Cut off the text: 0.5 us less than taking the zone off the time.
    return value.astimezone(UTC).isoformat(" ")[: -len("+00:00")]
