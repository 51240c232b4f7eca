"""What is written while a job is at an object is neither lost nor mixed with it."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from buckets.operations import create_bucket
from kernel.bodies import Body
from kernel.errors import PreconditionFailed
from kernel.results import ObjectAttributes
from objects import bulk, edits
from objects.bulk import transfer
from objects.edits import Edit, edit_object
from objects.operations import get_object, head_object, put_object

pytestmark = pytest.mark.django_db


def put(root: Any, bucket: str, data: bytes, kind: str = "text/plain") -> None:
    attributes = ObjectAttributes(content_type=kind)
    put_object(
        root,
        bucket,
        "key",
        body=Body.of(data),
        attributes=attributes,
        now=timezone.now(),
    )


def read(root: Any, bucket: str) -> bytes:
    return b"".join(get_object(root, bucket, "key").chunks)


def test_a_move_leaves_what_it_has_not_copied(
    root: Any, bucket: str, monkeypatch: Any
) -> None:
    create_bucket(root, "target", now=timezone.now())
    put(root, bucket, b"old")
    delete = bulk.delete_object

    def overwritten_first(*arguments: Any, **options: Any) -> Any:
        put(root, bucket, b"new")
        return delete(*arguments, **options)

    monkeypatch.setattr(bulk, "delete_object", overwritten_first)
    with pytest.raises(PreconditionFailed):
        transfer(
            root,
            bucket,
            "key",
            "target",
            "key",
            removes_source=True,
            now=timezone.now(),
        )
    assert (read(root, bucket), read(root, "target")) == (b"new", b"old")


def test_an_edit_gives_no_metadata_to_what_it_has_not_seen(
    root: Any, bucket: str, monkeypatch: Any
) -> None:
    put(root, bucket, b"old")
    copy = edits.copy_object

    def overwritten_first(*arguments: Any, **options: Any) -> Any:
        put(root, bucket, b"new", "image/png")
        return copy(*arguments, **options)

    monkeypatch.setattr(edits, "copy_object", overwritten_first)
    edit = Edit(metadata={"of": "old"})
    with pytest.raises(PreconditionFailed):
        edit_object(root, bucket, "key", edit, now=timezone.now())
    info = head_object(root, bucket, "key").info
    assert (read(root, bucket), info.content_type) == (b"new", "image/png")
    assert info.metadata == {}
