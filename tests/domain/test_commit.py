"""The commit seam: durable together, failing alone."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import (
    DatabaseError,
    IntegrityError,
    OperationalError,
    connection,
    connections,
    transaction,
)

from kernel.database import commit as seam
from kernel.database.commit import commit, is_cut_off
from kernel.database.rows import fetch_one
from kernel.errors import NoSuchKey, ServiceUnavailable

pytestmark = pytest.mark.django_db(transaction=True)

WAITS = 30


def add(name: str) -> Callable[[], int]:
    return lambda: Group.objects.create(name=name).pk


def names() -> set[str]:
    return set(Group.objects.values_list("name", flat=True))


class Caller(threading.Thread):
    """Commits one write from a thread of its own and keeps the outcome."""

    def __init__(self, record: Callable[[], Any]) -> None:
        super().__init__()
        self.record = record
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = commit(self.record)
        except BaseException as error:
            self.error = error
        finally:
            connections.close_all()


def call_from_threads(records: list[Callable[[], Any]]) -> list[Caller]:
    callers = [Caller(record) for record in records]
    for caller in callers:
        caller.start()
    join(*callers)
    return callers


def call_at_once(records: list[Callable[[], Any]]) -> list[Caller]:
    """Commit each from its own thread; where commits are shared, in one of them."""
    if connection.vendor != "sqlite":
        return call_from_threads(records)
    entered, leave = threading.Event(), threading.Event()

    def hold_the_writer() -> None:
        entered.set()
        assert leave.wait(WAITS)

    holder = Caller(hold_the_writer)
    holder.start()
    assert entered.wait(WAITS)
    callers = [Caller(record) for record in records]
    for caller in callers:
        caller.start()
    wait_until(lambda: waiting_writes() == len(records))
    leave.set()
    join(holder, *callers)
    return callers


def join(*callers: Caller) -> None:
    for caller in callers:
        caller.join(WAITS)
        assert not caller.is_alive()


def waiting_writes() -> int:
    return seam._committer("default")._waiting.qsize()


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + WAITS
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_the_result_comes_back_and_the_row_is_there():
    key = commit(add("one"))
    assert Group.objects.get(pk=key).name == "one"


def test_many_callers_each_get_their_own_result():
    callers = call_at_once([add(f"name-{number}") for number in range(40)])
    assert [caller.error for caller in callers] == [None] * 40
    for number, caller in enumerate(callers):
        assert Group.objects.get(pk=caller.result).name == f"name-{number}"


def test_waiting_writes_share_one_transaction():
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL commits each by itself")
    began = []
    original = transaction.Atomic.__enter__

    def count(atomic: Any) -> None:
        if threading.current_thread().name == "group-commit":
            began.append(connection.in_atomic_block)
        original(atomic)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transaction.Atomic, "__enter__", count)
        call_at_once([lambda: connection.in_atomic_block for _ in range(20)])
    # One for the write that holds the writer, one for all that waited behind it.
    assert began == [False, False]


def test_one_failing_write_harms_no_other():
    def half_done() -> None:
        Group.objects.create(name="half")
        raise NoSuchKey(key="k")

    records = [add("a"), half_done, add("b"), half_done, add("c")]
    callers = call_at_once(records)
    assert [type(caller.error) for caller in callers] == [
        type(None),
        NoSuchKey,
        type(None),
        NoSuchKey,
        type(None),
    ]
    assert names() == {"a", "b", "c"}


@pytest.mark.parametrize(("changes", "expected"), [(False, 3), (True, 6)])
def test_writes_run_again_only_where_one_left_something_to_undo(changes, expected):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL commits each by itself")
    ran = []

    def refused() -> None:
        ran.append("refused")
        if changes:
            Group.objects.create(name="half")
        raise NoSuchKey(key="k")

    def adds(name: str) -> Callable[[], int]:
        return lambda: ran.append(name) or Group.objects.create(name=name).pk

    call_at_once([adds("a"), adds("b"), refused])
    assert names() == {"a", "b"}
    assert len(ran) == expected


def test_a_violation_is_answered_to_its_own_caller():
    commit(add("taken"))
    callers = call_at_once([add("free"), add("taken"), add("also free")])
    assert callers[0].error is None
    assert isinstance(callers[1].error, IntegrityError)
    assert callers[2].error is None
    assert names() == {"taken", "free", "also free"}


def test_of_two_that_want_the_same_name_one_gets_it():
    callers = call_at_once([add("wanted") for _ in range(10)])
    won = [caller for caller in callers if caller.error is None]
    assert len(won) == 1
    assert all(
        isinstance(caller.error, IntegrityError)
        for caller in callers
        if caller is not won[0]
    )
    assert names() == {"wanted"}


def test_a_violation_inside_an_atomic_block_of_the_write_can_be_survived():
    commit(add("taken"))

    def take_another() -> str:
        try:
            with transaction.atomic():
                Group.objects.create(name="taken")
        except IntegrityError:
            return Group.objects.create(name="another").name
        return "taken"

    first, second = call_at_once([take_another, add("beside")])
    assert (first.result, first.error, second.error) == ("another", None, None)
    assert names() == {"taken", "another", "beside"}


def test_an_exit_is_answered_and_the_writer_goes_on():
    def leave() -> None:
        raise SystemExit(3)

    callers = call_at_once([add("before"), leave, add("after")])
    assert isinstance(callers[1].error, SystemExit)
    assert names() == {"before", "after"}
    assert commit(add("later"))


def test_an_error_keeps_its_own_traceback():
    def fail() -> None:
        raise ValueError("the cause")

    with pytest.raises(ValueError, match="the cause") as raised:
        commit(fail)
    assert "fail" in [entry.name for entry in raised.traceback]


def test_a_callers_transaction_takes_its_writes_along():
    def give_up() -> None:
        with transaction.atomic():
            commit(add("inside"))
            raise ValueError("rolled back")

    with pytest.raises(ValueError, match="rolled back"):
        give_up()
    assert names() == set()
    with transaction.atomic():
        commit(add("first"))
        with pytest.raises(IntegrityError):
            commit(add("first"))
        commit(add("second"))
    assert names() == {"first", "second"}


def test_without_group_commit_it_is_the_same(settings):
    settings.OBJECTSTORE_GROUP_COMMIT = False
    commit(add("taken"))
    with pytest.raises(IntegrityError):
        commit(add("taken"))
    assert names() == {"taken"}


def test_a_writer_that_cannot_connect_says_so_and_tries_again(monkeypatch):
    if connection.vendor != "sqlite":
        pytest.skip("SQLite alone has one writer")

    class Unreachable:
        connection = None

        def cursor(self) -> None:
            raise OperationalError("unable to open database file")

    committer = seam._GroupCommitter("default")
    with monkeypatch.context() as patch:
        patch.setattr(committer, "_using", "nowhere")
        patch.setattr(seam, "connections", {"nowhere": Unreachable()})
        patch.setattr(seam, "_commit_alone", refuse)
        with pytest.raises(OperationalError):
            committer.submit(add("lost"))
    committer.submit(add("found"))
    assert names() == {"found"}


def refuse(record: Any, using: str) -> None:
    raise OperationalError("unable to open database file")


def test_a_database_that_another_process_holds_is_waited_for_once(monkeypatch):
    if connection.vendor != "sqlite":
        pytest.skip("SQLite alone has one writer")
    commit(lambda: wait_for_the_database(milliseconds=100))
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with monkeypatch.context() as patch:
            patch.setattr(seam, "_commit_alone", refuse)
            callers = call_from_threads([add(str(number)) for number in range(5)])
    finally:
        other.execute("ROLLBACK")
        other.close()
        commit(lambda: wait_for_the_database(milliseconds=30_000))
    assert {type(caller.error) for caller in callers} == {ServiceUnavailable}
    assert commit(add("later"))
    assert names() == {"later"}


def wait_for_the_database(milliseconds: int) -> None:
    connection.connection.execute(f"PRAGMA busy_timeout = {milliseconds}")


def test_an_error_of_the_database_keeps_what_it_comes_from() -> None:
    with pytest.raises(DatabaseError) as raised:
        seam._commit_alone(lambda: fetch_one("SELECT 1 FROM nowhere", []), "default")
    assert isinstance(raised.value.__cause__, connection.Database.Error)
    assert not is_cut_off(raised.value)


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="it cannot be hung up on")
def test_a_database_that_hung_up_is_told_from_one_that_refuses() -> None:
    end = "SELECT pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(OperationalError) as raised:
        commit(lambda: fetch_one(end, []))
    assert is_cut_off(raised.value)
