"""What is wrong with the database's columns, said before they list in wrong order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.db import connections

from kernel.database.fields import ByteOrderedField

BYTE_ORDERED = frozenset({"C", "POSIX", "ucs_basic"})
COLLATIONS = """
    SELECT class.relname, attribute.attname, collation_.collname
    FROM pg_attribute attribute
    JOIN pg_class class ON class.oid = attribute.attrelid
    JOIN pg_collation collation_ ON collation_.oid = attribute.attcollation
    WHERE class.relkind IN ('r', 'p') AND pg_table_is_visible(class.oid)
      AND class.relname = ANY(%s)
"""


def check_byte_order(
    databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """Tell of key columns on PostgreSQL that do not compare by bytes.

    They would list keys in an order that is not S3's and lose some between pages.
    """
    columns = set(byte_ordered_columns())
    return [
        Error(
            f"The column {table}.{column} compares by the collation {collation}.",
            hint=f'ALTER TABLE {table} ALTER COLUMN {column} TYPE varchar COLLATE "C";',
            id="kernel.E001",
        )
        for alias in databases or ()
        if connections[alias].vendor == "postgresql"
        for table, column, collation in collations(alias, columns)
        if (table, column) in columns and collation not in BYTE_ORDERED
    ]


def byte_ordered_columns() -> Iterator[tuple[str, str]]:
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, ByteOrderedField):
                yield model._meta.db_table, str(field.column)


def collations(alias: str, columns: set[tuple[str, str]]) -> list[tuple[str, str, str]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(COLLATIONS, [sorted({table for table, _ in columns})])
        return list(cursor.fetchall())
