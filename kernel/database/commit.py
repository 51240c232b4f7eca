"""The one seam through which operations write: durable before it returns.

SQLite lets one writer in at a time and pays an fsync for each commit. There, one
thread of the process takes the waiting writes, runs one after the other, commits them
together, then answers them all. Measured with 16 connections and durable 4 KiB rows:
1,700 writes a second with a commit each, 3,900 to 7,200 together.
PostgreSQL batches commits itself, so there it is a plain transaction.
"""

from __future__ import annotations

import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import DatabaseError, OperationalError, connections, transaction

from kernel import auditing, telemetry
from kernel.database.rows import connection_of
from kernel.errors import InsufficientStorage, ServiceUnavailable
from kernel.kept_settings import settings
from kernel.telemetry import traced

MOST_TOGETHER = 256
MOST_TRIES = 5
# PostgreSQL's codes for a deadlock and for a serialisation failure: try again.
TRANSIENT = frozenset({"40P01", "40001"})
# How the codes begin with which it hangs up; a connection that just broke has none.
CONNECTION_LOST = ("08", "57P")


@traced("commit")
def commit[T](record: Callable[[], T], *, using: str = "default") -> T:
    """Run `record` in a transaction and return its result once it is durable.

    `record` may touch only the database, and may run more than once. Inside a
    transaction of the caller's it joins that transaction, so that the caller's own
    rows and the store's commit or roll back together.

    An open audit event is written in the same transaction.

    Raises InsufficientStorage when the database's disk is full.
    """
    event = auditing.take()
    if event is None:
        return _commit(record, using)
    try:
        result = _commit(auditing.writing(event, record), using)
    except BaseException:
        event.is_taken = False
        raise
    event.is_written = True
    return result


def _commit[T](record: Callable[[], T], using: str) -> T:
    connection = connection_of(using)
    if connection.in_atomic_block:
        with transaction.atomic(using=using):
            return record()
    if connection.vendor == "sqlite" and settings.OBJECTSTORE_GROUP_COMMIT:
        return _committer(using).submit(record)
    return _commit_alone(record, using)


def joins_a_transaction(using: str = "default") -> bool:
    """Tell whether `commit` would join a transaction of the caller's.

    Those that Django's test cases roll back are none: nothing in them is ever kept.
    """
    blocks = connections[using].atomic_blocks
    return bool(blocks) and not blocks[0]._from_testcase  # type: ignore[attr-defined]


def commit_apart[T](record: Callable[[], T], *, using: str = "default") -> T:
    """Commit through another connection, whatever becomes of the caller's transaction.

    For databases that let several write: on SQLite it would wait for the caller.
    """

    def run() -> T:
        try:
            return _commit_alone(record, using)
        finally:
            connections[using].close()

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(run).result()


def _commit_alone[T](record: Callable[[], T], using: str) -> T:
    for attempt in range(1, MOST_TRIES + 1):
        try:
            began = time.perf_counter()
            with transaction.atomic(using=using):
                result = record()
            _note(1, began)
            return result
        except DatabaseError as error:
            if attempt < MOST_TRIES and _is_transient(error):
                continue
            refusal = _translated(error)
            if refusal is error:
                # From itself it would forget the driver's error that it comes from.
                raise
            raise refusal from error
    raise AssertionError("the last attempt returns or raises")


def _note(writes: int, began: float) -> None:
    if telemetry.watcher is not None:
        telemetry.watcher.committed(writes, time.perf_counter() - began)


def _is_transient(error: DatabaseError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) in TRANSIENT


def is_cut_off(error: BaseException) -> bool:
    """Tell whether PostgreSQL hung up or was not there: another time it may be."""
    code = getattr(error.__cause__, "sqlstate", "")
    return isinstance(error, OperationalError) and (
        code is None or code.startswith(CONNECTION_LOST)
    )


def _is_busy(error: BaseException) -> bool:
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return bool(code == sqlite3.SQLITE_BUSY)


def _translated(error: BaseException) -> BaseException:
    """Turn what the caller can act on into a refusal; leave the rest as it is."""
    cause = error.__cause__
    code = getattr(cause, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL or getattr(cause, "sqlstate", None) == "53100":
        return InsufficientStorage()
    if _is_busy(error):
        return ServiceUnavailable("The database is busy. Please try again.")
    if isinstance(error, OperationalError) and code == sqlite3.SQLITE_IOERR_WRITE:
        return InsufficientStorage()
    return error


class _Write:
    """One waiting write: what to run, and where its outcome goes."""

    __slots__ = ("done", "error", "record", "result")

    def __init__(self, record: Callable[[], Any]) -> None:
        self.record = record
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()

    def outcome(self) -> Any:
        self.done.acquire()
        if self.error is not None:
            raise self.error
        return self.result


class _HalfDoneError(Exception):
    """A write failed after it had changed something, which is to be undone."""


def _run_plainly(write: _Write, connection: Any) -> None:
    """Run a write without a savepoint, which costs it a copy of each page."""
    sqlite = connection.connection
    changes = sqlite.total_changes
    try:
        write.result = write.record()
        write.error = None
    except Exception as error:
        if sqlite.total_changes != changes:
            raise _HalfDoneError from error
        write.error = _translated(error)
        connection.needs_rollback = False


def _run_in_savepoint(write: _Write, connection: Any) -> None:
    # Raw savepoints: Django's own cost 10 us each, these 1 us.
    execute = connection.connection.execute
    execute("SAVEPOINT one_write")
    try:
        write.result = write.record()
        write.error = None
    except Exception as error:
        execute("ROLLBACK TO one_write")
        write.error = _translated(error)
        # An error inside Django's own atomic block marks the whole
        # transaction for rollback; the savepoint has undone it already.
        connection.needs_rollback = False
    execute("RELEASE one_write")


class _GroupCommitter:
    """The writer thread of one process and one SQLite database."""

    def __init__(self, using: str) -> None:
        self._using = using
        self._waiting: queue.SimpleQueue[_Write] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="group-commit", daemon=True).start()

    def submit[T](self, record: Callable[[], T]) -> T:
        write = _Write(record)
        self._waiting.put(write)
        result: T = write.outcome()
        return result

    def _run(self) -> None:
        while True:
            batch = self._take()
            began = time.perf_counter()
            try:
                self._commit_together(batch)
                _note(len(batch), began)
            except BaseException as error:
                self._commit_one_by_one(batch, error)
            for write in batch:
                write.done.release()

    def _take(self) -> list[_Write]:
        batch = [self._waiting.get()]
        try:
            while len(batch) < MOST_TOGETHER:
                batch.append(self._waiting.get_nowait())
        except queue.Empty:
            pass
        return batch

    def _connected(self) -> Any:
        """Give the connection: what hinders it is an answer, not this thread's end."""
        connection = connections[self._using]
        if connection.connection is None:
            # The one writer keeps the upper pages of every index at hand. Not more:
            # where a B-tree was balanced, SQLite's commit walks all cached pages of a
            # database below 1 GiB. With 64 MiB a PUT takes 30 us more than with 8.
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA cache_size = -8192")
        return connection

    def _commit_together(self, batch: list[_Write]) -> None:
        try:
            self._run_all(batch, _run_plainly)
        except _HalfDoneError:
            self._run_all(batch, _run_in_savepoint)

    def _run_all(self, batch: list[_Write], run: Callable[[_Write, Any], None]) -> None:
        connection = self._connected()
        with transaction.atomic(using=self._using):
            for write in batch:
                run(write, connection)

    def _commit_one_by_one(self, batch: list[_Write], error: BaseException) -> None:
        """Find the write that spoils the batch, so that the others still commit.

        Where another process holds the database none does: each by itself would wait
        for as long as all did.
        """
        if _is_busy(error):
            for write in batch:
                write.error = _translated(error)
            return
        for write in batch:
            try:
                write.result = _commit_alone(write.record, self._using)
                write.error = None
            except Exception as own_error:
                write.error = own_error
            except BaseException:
                write.error = error


_committers: dict[str, _GroupCommitter] = {}
_starting = threading.Lock()
# A forked child starts its own.
os.register_at_fork(after_in_child=_committers.clear)


def _committer(using: str) -> _GroupCommitter:
    """Give this process's writer."""
    found = _committers.get(using)
    if found is None:
        with _starting:
            found = _committers.get(using)
            if found is None:
                found = _committers[using] = _GroupCommitter(using)
    return found
