"""Changes of one account that come at once: one is made, the others are refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from iam import groups, managed_policies, operations, quotas, users
from iam.models import Identity
from kernel.errors import EntityAlreadyExists, LimitExceeded

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        "connection.vendor == 'sqlite'", reason="SQLite lets one writer in at a time"
    ),
]
DOCUMENT = (
    '{"Version": "2012-10-17", "Statement":'
    ' [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
)


def at_once(*works: Callable[[], Any]) -> list[type]:
    """Do all this in threads; tell the kinds of what came of it."""
    outcomes: list[type] = []
    start = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            start.wait(timeout=30)
            outcomes.append(type(work()))
        except Exception as error:
            outcomes.append(type(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.parametrize(
    "create",
    [
        lambda root: users.create_user(root, "ann", now=timezone.now()),
        lambda root: groups.create_group(root, "ann", now=timezone.now()),
        lambda root: managed_policies.create_policy(
            root, "ann", DOCUMENT, now=timezone.now()
        ),
    ],
    ids=["users", "groups", "policies"],
)
def test_one_name_is_given_once(root: Any, create: Callable[[Any], Any]) -> None:
    outcomes = at_once(*[lambda: create(root)] * 4)
    assert outcomes.count(EntityAlreadyExists) == 3


def test_a_user_and_a_service_account_share_their_names(root: Any) -> None:
    outcomes = at_once(
        *[
            lambda kind=kind: users.create_user(  # type: ignore[misc]
                root, "ann", kind=kind, now=timezone.now()
            )
            for kind in ("user", "service")
        ]
    )
    assert set(outcomes) == {Identity, EntityAlreadyExists}


def test_a_quota_holds_for_those_who_come_at_once(root: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(quotas.QUOTAS, "UsersQuota", 1)
    outcomes = at_once(
        *[
            lambda name=name: users.create_user(root, name, now=timezone.now())  # type: ignore[misc]
            for name in ("ann", "ben", "cat")
        ]
    )
    assert outcomes.count(LimitExceeded) == 2


def test_a_name_is_taken_by_one_who_is_renamed(root: Any) -> None:
    operations.create_identity(users.account_of(root), "old", now=timezone.now())
    outcomes = at_once(
        lambda: users.update_user(root, "old", new_name="new"),
        lambda: users.create_user(root, "new", now=timezone.now()),
    )
    assert outcomes.count(EntityAlreadyExists) == 1
