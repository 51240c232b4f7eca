"""Raw SQL for the hot paths.

Django's cursor costs 10 us a statement on SQLite beside the 8 us of the statement
itself. On PostgreSQL it sends each statement anew, to be parsed and planned; the
driver's own has it prepared: the two queries of a GET take 100 us in place of 350.
Where nobody listens to Django's cursor (no query log, no wrappers), statements go to
the driver.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from kernel.telemetry import traced

Row = tuple[Any, ...]


@traced("query", "db.query.text")
def fetch_all(sql: str, values: Sequence[Any]) -> list[Row]:
    """Run a statement with %s for its values and give all rows."""
    connection = connection_of_thread()
    if _is_plain(connection, "sqlite"):
        try:
            rows: list[Row] = connection.connection.execute(
                _with_question_marks(sql), values
            ).fetchall()
        except connection.Database.Error:
            with connection.wrap_database_errors:
                raise
        return rows
    with _cursor(connection) as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def fetch_one(sql: str, values: Sequence[Any]) -> Row | None:
    """Run a statement and give its first row.

    All rows are taken: a RETURNING that is not read to its end is not done.
    """
    rows = fetch_all(sql, values)
    return rows[0] if rows else None


@traced("query", "db.query.text")
def insert(sql: str, values: Sequence[Any]) -> int | None:
    """Run an INSERT of one row and give its id; None where it was not inserted.

    SQLite tells the id without a RETURNING, which takes it 4 us.
    """
    connection = connection_of_thread()
    if not _is_plain(connection, "sqlite"):
        row = fetch_one(f"{sql} RETURNING id", values)
        return None if row is None else int(row[0])
    try:
        done = connection.connection.execute(_with_question_marks(sql), values)
    except connection.Database.Error:
        with connection.wrap_database_errors:
            raise
    return done.lastrowid if done.rowcount else None


@traced("query", "db.query.text")
def execute(sql: str, values: Sequence[Any]) -> int:
    """Run a statement and give the number of rows it changed."""
    connection = connection_of_thread()
    if _is_plain(connection, "sqlite"):
        try:
            done = connection.connection.execute(_with_question_marks(sql), values)
        except connection.Database.Error:
            with connection.wrap_database_errors:
                raise
        return int(done.rowcount)
    with _cursor(connection) as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


_of_thread = threading.local()


def connection_of(using: str) -> Any:
    """Give this thread's connection to a database."""
    return connection_of_thread() if using == DEFAULT_DB_ALIAS else connections[using]


def connection_of_thread() -> Any:
    """Give this thread's default connection, which Django takes 2 us to find."""
    try:
        return _of_thread.connection
    except AttributeError:
        _of_thread.connection = connections[DEFAULT_DB_ALIAS]
        return _of_thread.connection


def _is_plain(connection: Any, vendor: str) -> bool:
    """Tell whether a connection is of this vendor, and nobody listens to its cursor."""
    return (
        connection.vendor == vendor
        and connection.connection is not None
        and not connection.execute_wrappers
        and not connection.force_debug_cursor
        and not connection.needs_rollback
    )


@contextmanager
def _cursor(connection: Any) -> Iterator[Any]:
    """Give the driver's cursor on PostgreSQL, where statements are to be prepared."""
    is_prepared = connection.vendor == "postgresql" and _prepares(connection)
    if not is_prepared:
        with connection.cursor() as cursor:
            yield cursor
        return
    driver = connection.Database
    with (
        connection.wrap_database_errors,
        driver.Cursor(connection.connection) as cursor,
    ):
        yield cursor


def _prepares(connection: Any) -> bool:
    # As Django's cursor() does: a connection that has broken meanwhile is closed.
    connection.close_if_health_check_failed()
    return (
        _is_plain(connection, "postgresql")
        and connection.connection.prepare_threshold is not None
    )


@lru_cache(maxsize=1024)
def _with_question_marks(sql: str) -> str:
    return sql.replace("%s", "?")
