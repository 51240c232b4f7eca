"""What is written while a job is at an object is neither lost nor mixed with it."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from buckets.operations import create_bucket
from kernel.bodies import Body
from kernel.errors import AccessDenied, OperationAborted, PreconditionFailed
from kernel.results import ObjectAttributes
from objects import copies, edits, queries, tagging, transfers
from objects.copies import rename_object
from objects.edits import Edit, edit_object
from objects.listings import list_objects
from objects.operations import get_object, head_object, put_object
from objects.tagging import put_object_tagging
from objects.transfers import Taken, TargetTakenError, transfer

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
    delete = transfers.delete_object

    def overwritten_first(*arguments: Any, **options: Any) -> Any:
        put(root, bucket, b"new")
        return delete(*arguments, **options)

    monkeypatch.setattr(transfers, "delete_object", overwritten_first)
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


@pytest.mark.parametrize("taken", [Taken.KEEP, Taken.SKIP])
def test_a_move_that_is_done_again_doubles_nothing(
    root: Any, bucket: str, monkeypatch: Any, taken: Taken
) -> None:
    began_at = timezone.now()
    create_bucket(root, "target", now=began_at)
    put(root, bucket, b"data")

    def move() -> list[Any]:
        steps = transfers.copy_prefix(
            root,
            bucket,
            prefix="",
            target_bucket="target",
            target_prefix="",
            removes_source=True,
            taken=taken,
            marker={},
            began_at=began_at,
        )
        return [failure for step in steps for failure in step.failures]

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(transfers, "delete_object", killed)
        with pytest.raises(KeyboardInterrupt):
            move()
    assert move() == []
    assert [one.key for one in list_objects(root, "target").contents] == ["key"]
    assert list_objects(root, bucket).contents == []


def test_a_move_takes_nothing_away_for_what_was_there_before(
    root: Any, bucket: str
) -> None:
    create_bucket(root, "target", now=timezone.now())
    for name in ("target", bucket):
        put(root, name, b"data")
    options = {"removes_source": True, "began_at": timezone.now()}
    place = (root, bucket, "key", "target", "key")
    with pytest.raises(TargetTakenError):
        transfer(*place, taken=Taken.SKIP, now=timezone.now(), **options)
    transfer(*place, taken=Taken.KEEP, now=timezone.now(), **options)
    kept = [one.key for one in list_objects(root, "target").contents]
    assert kept == ["key", "key (2)"]


READS_ALONE = """{"Statement": [{
    "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"
}]}"""


def test_a_move_that_may_not_delete_copies_nothing(
    root: Any, bucket: str, make_principal: Any
) -> None:
    create_bucket(root, "target", now=timezone.now())
    put(root, bucket, b"data")
    with pytest.raises(AccessDenied):
        transfer(
            make_principal("reader", READS_ALONE),
            bucket,
            "key",
            "target",
            "key",
            removes_source=True,
            now=timezone.now(),
        )
    assert list_objects(root, "target").contents == []


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


def tags_of(root: Any, bucket: str, key: str = "key") -> dict[str, str]:
    return dict(head_object(root, bucket, key).info.tags)


def tagged_before_commit(monkeypatch: Any, module: Any, tag: Any) -> None:
    """Let another tagging come between what a module reads and what it writes."""
    name = "commit" if hasattr(module, "commit") else "commit_version"
    real = getattr(module, name)
    others = iter([tag])

    def commit(*arguments: Any) -> Any:
        next(others, lambda: None)()
        return real(*arguments)

    monkeypatch.setattr(module, name, commit)


def test_an_edit_of_tags_keeps_those_that_come_meanwhile(
    root: Any, bucket: str, monkeypatch: Any
) -> None:
    put(root, bucket, b"data")
    put_object_tagging(root, bucket, "key", {"old": "1", "kept": "1"})
    tagged_before_commit(
        monkeypatch,
        tagging,
        lambda: put_object_tagging(
            root, bucket, "key", {"old": "1", "kept": "2", "other": "1"}
        ),
    )
    edit = Edit(tags={"mine": "1", "old": None})
    edit_object(root, bucket, "key", edit, now=timezone.now())
    assert tags_of(root, bucket) == {"kept": "2", "other": "1", "mine": "1"}


def test_an_edit_of_metadata_keeps_tags_that_come_meanwhile(
    root: Any, bucket: str, monkeypatch: Any
) -> None:
    put(root, bucket, b"data")
    tagged_before_commit(
        monkeypatch,
        copies,
        lambda: put_object_tagging(root, bucket, "key", {"other": "1"}),
    )
    edit = Edit(metadata={"mine": "1"})
    edit_object(root, bucket, "key", edit, now=timezone.now())
    info = head_object(root, bucket, "key").info
    assert dict(info.metadata) == {"mine": "1"}
    assert tags_of(root, bucket) == {"other": "1"}


def test_a_rename_takes_tags_along_that_come_meanwhile(
    root: Any, bucket: str, monkeypatch: Any
) -> None:
    put(root, bucket, b"data")
    tagged_before_commit(
        monkeypatch,
        copies,
        lambda: put_object_tagging(root, bucket, "key", {"other": "1"}),
    )
    rename_object(root, bucket, "key", "new", now=timezone.now())
    assert tags_of(root, bucket, "new") == {"other": "1"}


def test_an_edit_gives_up_where_the_tags_never_rest(
    root: Any, bucket: str, monkeypatch: Any
) -> None:
    put(root, bucket, b"data")
    find, numbers = tagging.find_object, iter(range(100))

    def tagged_first(*arguments: Any, **options: Any) -> Any:
        found = find(*arguments, **options)
        text = queries.as_json({"count": str(next(numbers))})
        queries.update_version(found.info.id, tags=text)
        return found

    monkeypatch.setattr(tagging, "find_object", tagged_first)
    with pytest.raises(OperationAborted):
        edit_object(root, bucket, "key", Edit(tags={"a": "1"}), now=timezone.now())
    assert "a" not in tags_of(root, bucket)
