"""Constraints that the databases keep in different ways."""

from __future__ import annotations

from typing import Any

from django.db import models


class UniqueBesides(models.UniqueConstraint):
    """A unique constraint with a condition on SQLite, and over all rows on PostgreSQL.

    For rows that another index holds. SQLite writes a page of its log for each index
    that a row is in, and merges two indexes for a query that is written so;
    PostgreSQL writes the row's entry alone, and sorts all that such a query may find.
    """

    def _get_condition_sql(self, model: Any, schema_editor: Any) -> str | None:
        if schema_editor.connection.vendor != "sqlite":
            return None
        condition: str | None = super()._get_condition_sql(  # type: ignore[misc]
            model, schema_editor
        )
        return condition
