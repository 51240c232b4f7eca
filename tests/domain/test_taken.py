"""Keys that are taken, and free names beside them."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from iam.operations import create_identity
from iam.queries import principal_of
from kernel.bodies import Body
from kernel.errors import AccessDenied, InvalidArgument
from objects.operations import delete_object, put_object
from objects.taken import numbered, taken_keys

pytestmark = pytest.mark.django_db(transaction=True)


def put(root: Any, bucket: str, *keys: str) -> None:
    for key in keys:
        put_object(root, bucket, key, body=Body.of(b"x"), now=timezone.now())


def test_taken_keys_come_with_free_names(root: Any, bucket: str) -> None:
    put(root, bucket, "a/b.txt", "a/b (2).txt", "plain", "v1.2/name")
    keys = ["a/b.txt", "a/new.txt", "plain", "v1.2/name"]
    assert taken_keys(root, bucket, keys) == {
        "a/b.txt": "a/b (3).txt",
        "plain": "plain (2)",
        "v1.2/name": "v1.2/name (2)",
    }


def test_names_that_are_on_their_way_are_not_free(root: Any, bucket: str) -> None:
    put(root, bucket, "b.txt")
    assert taken_keys(root, bucket, ["b.txt", "b (2).txt"]) == {"b.txt": "b (3).txt"}


def test_a_deleted_key_is_free(root: Any, versioned: str) -> None:
    put(root, versioned, "b.txt")
    delete_object(root, versioned, "b.txt", now=timezone.now())
    assert taken_keys(root, versioned, ["b.txt"]) == {}


def test_a_name_that_would_be_too_long_is_not_offered(root: Any, bucket: str) -> None:
    put(root, bucket, "k" * 1024)
    assert taken_keys(root, bucket, ["k" * 1024]) == {"k" * 1024: ""}


def test_very_many_copies_still_find_a_name(root: Any, bucket: str) -> None:
    put(root, bucket, "a.b", *(f"a ({number}).b" for number in range(2, 40)))
    [name] = taken_keys(root, bucket, ["a.b"]).values()
    assert name.startswith("a (")
    assert name not in {f"a ({number}).b" for number in range(2, 40)}


def test_questions_are_bounded_and_asked_at_the_door(
    account: Any, root: Any, bucket: str
) -> None:
    with pytest.raises(InvalidArgument):
        taken_keys(root, bucket, [str(number) for number in range(1001)])
    stranger = create_identity(account, "stranger", now=timezone.now())
    with pytest.raises(AccessDenied):
        taken_keys(principal_of(stranger), bucket, ["a"])


def test_hidden_files_are_numbered_at_their_end() -> None:
    assert numbered("x/.profile", 2) == "x/.profile (2)"
    assert numbered("a.tar.gz", 3) == "a.tar (3).gz"
