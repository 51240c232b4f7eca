"""The seam through which changes and refusals are written down; nobody keeps them
unless told to.

An `audited` operation opens an event; the door says in it what is asked for, and the
operation's commit writes it in the same transaction: no change is without its event,
and no event without its change.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Protocol

from kernel.errors import AccessDenied, ObjectStoreError

DONE = "Success"
# Parameters that are not kept: secrets, and what says nothing of the change.
UNSAID = frozenset(
    {
        *("password", "secret_access_key", "api_key", "customer_key"),
        *("principal", "now", "context", "reserved", "expected_owner", "stated_owner"),
    }
)


@dataclass(slots=True)
class Event:
    """What was asked by whom, and what came of it."""

    principal: Any
    action: str = ""
    resource: str = ""
    bucket_name: str = ""
    key: str = ""
    # Whose log it belongs to: the owner of what was asked for.
    account_id: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    before: Any = None
    after: Any = None
    outcome: str = DONE
    reason: str = ""
    is_taken: bool = False
    is_written: bool = False


class Keeper(Protocol):
    """Who keeps the events."""

    @property
    def keeps_writes(self) -> bool:
        """Tell whether plain writes of objects are kept too."""

    def write(self, event: Event) -> None:
        """Keep an event with the transaction that it is part of."""

    def write_alone(self, event: Event) -> None:
        """Keep an event of what was refused, for which there is no transaction."""


class _OfThread(threading.local):
    event: Event | None = None


current = _OfThread()
keeper: Keeper | None = None


def audited[**P, T](action: str = "") -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Write down each change that an operation makes, and each that it refuses.

    The operation's first parameter is the principal. The action is the first one that
    the door is asked for, where none is given.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(function)

        @wraps(function)
        def call(*arguments: P.args, **named: P.kwargs) -> T:
            if keeper is None or current.event is not None:
                return function(*arguments, **named)
            given = signature.bind(*arguments, **named).arguments
            event = current.event = opened(action, given)
            try:
                return function(*arguments, **named)
            except ObjectStoreError as error:
                note_failure(event, error)
                raise
            finally:
                current.event = None

        return call

    return decorate


def opened(action: str, given: Mapping[str, Any]) -> Event:
    principal = next(iter(given.values()))
    said = {
        name: value
        for name, value in given.items()
        if name not in UNSAID and value not in (None, "")
    }
    return Event(
        principal,
        action,
        bucket_name=given.get("bucket_name", ""),
        key=given.get("key", ""),
        parameters=said,
    )


def note_failure(event: Event, error: ObjectStoreError) -> None:
    """Keep that an operation failed, once it was known what it was asked for."""
    if keeper is None or event.is_written or not event.action:
        return
    event.outcome, event.reason, event.is_written = error.code, error.text, True
    keeper.write_alone(event)


def asked(
    action: str,
    resource: str,
    bucket_name: str = "",
    key: str = "",
    account_id: int | None = None,
) -> None:
    """Say in the open event what the door is asked for; the first question counts."""
    event = current.event
    if event is None or event.resource:
        return
    event.action = event.action or action
    event.resource = resource
    event.bucket_name, event.key, event.account_id = bucket_name, key, account_id


def tell(*, before: Any = None, after: Any = None) -> None:
    """Say in the open event what was there and what is there now."""
    if current.event is not None:
        current.event.before, current.event.after = before, after


def refused(
    principal: Any,
    action: str,
    resource: str,
    bucket_name: str = "",
    key: str = "",
    account_id: int | None = None,
    *,
    reason: str,
) -> None:
    """Keep what the door has refused, be it a change or not."""
    if keeper is None:
        return
    event = Event(
        principal,
        action,
        resource,
        bucket_name,
        key,
        account_id,
        outcome=AccessDenied.__name__,
        reason=reason,
    )
    if current.event is not None:
        event.parameters = current.event.parameters
        current.event.is_written = True
    keeper.write_alone(event)


def note(
    principal: Any,
    action: str,
    bucket_name: str,
    key: str = "",
    *,
    account_id: int | None = None,
    **parameters: Any,
) -> None:
    """Keep what the transaction at hand does, whatever else is kept."""
    if keeper is not None:
        resource = f"arn:aws:s3:::{bucket_name}/{key}".rstrip("/")
        event = Event(principal, action, resource, bucket_name, key, account_id)
        event.parameters = parameters
        keeper.write(event)


def note_write(
    principal: Any,
    action: str,
    bucket_name: str,
    key: str,
    account_id: int | None = None,
    version_id: str = "",
) -> None:
    """Keep a plain write of an object, where those are kept."""
    if keeper is not None and keeper.keeps_writes:
        said = {"version_id": version_id} if version_id else {}
        note(principal, action, bucket_name, key, account_id=account_id, **said)


# What the commit seam asks


def take() -> Event | None:
    """Give the open event to the first commit that asks for it."""
    event = current.event
    if event is None or not event.action or event.is_taken or event.is_written:
        return None
    event.is_taken = True
    return event


def writing[T](event: Event, record: Callable[[], T]) -> Callable[[], T]:
    """Make a change write its event: both in one transaction, on whatever thread."""

    def run() -> T:
        outer, current.event = current.event, event
        try:
            result = record()
        finally:
            current.event = outer
        if keeper is not None:
            keeper.write(event)
        return result

    return run
