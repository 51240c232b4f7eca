"""Raw SQL for the hot paths.

Django's cursor costs 10 us a statement on SQLite beside the 8 us of the statement
itself. Where nobody listens to it (no query log, no wrappers), statements go straight
to the driver; everywhere else, and on PostgreSQL, through Django's cursor.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from kernel.telemetry import traced

Row = tuple[Any, ...]


@traced("query", "db.query.text")
def fetch_all(sql: str, values: Sequence[Any]) -> list[Row]:
    """Run a statement with %s for its values and give all rows."""
    connection = _connection()
    if _is_plain(connection):
        with connection.wrap_database_errors:
            rows: list[Row] = connection.connection.execute(
                _with_question_marks(sql), values
            ).fetchall()
            return rows
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def fetch_one(sql: str, values: Sequence[Any]) -> Row | None:
    """Run a statement and give its first row.

    All rows are taken: a RETURNING that is not read to its end is not done.
    """
    rows = fetch_all(sql, values)
    return rows[0] if rows else None


@traced("query", "db.query.text")
def execute(sql: str, values: Sequence[Any]) -> int:
    """Run a statement and give the number of rows it changed."""
    connection = _connection()
    if _is_plain(connection):
        with connection.wrap_database_errors:
            done = connection.connection.execute(_with_question_marks(sql), values)
            return int(done.rowcount)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


_of_thread = threading.local()


def _connection() -> Any:
    """Give this thread's connection, which Django takes 2 us to find."""
    try:
        return _of_thread.connection
    except AttributeError:
        _of_thread.connection = connections[DEFAULT_DB_ALIAS]
        return _of_thread.connection


def _is_plain(connection: Any) -> bool:
    return (
        connection.vendor == "sqlite"
        and connection.connection is not None
        and not connection.execute_wrappers
        and not connection.force_debug_cursor
        and not connection.needs_rollback
    )


@lru_cache(maxsize=1024)
def _with_question_marks(sql: str) -> str:
    return sql.replace("%s", "?")
