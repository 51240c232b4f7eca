"""A bucket as it was at a time, and a folder brought back to that."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from iam.operations import create_identity, put_identity_policy
from iam.queries import principal_of
from kernel.bodies import Body
from kernel.errors import AccessDenied, InvalidRequest
from kernel.results import ObjectAttributes
from objects import queries, rewinds
from objects.bulk import Targets
from objects.listings import list_objects
from objects.operations import delete_object, get_object, put_object
from objects.rewinds import list_objects_as_of, restore_as_of, weigh_changes

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ("a/1", "a/2", "a/b/3", "b/4", "b0", "c", "d/e/f/5", "é/6")


def put(root: Any, bucket: str, key: str, data: bytes = b"x", **facts: Any) -> Any:
    return put_object(
        root,
        bucket,
        key,
        body=Body.of(data),
        attributes=ObjectAttributes(**facts),
        now=timezone.now(),
    )


def delete(root: Any, bucket: str, key: str) -> None:
    delete_object(root, bucket, key, now=timezone.now())


def then(root: Any, bucket: str, moment: datetime, **query: Any) -> list[str]:
    """List keys and prefixes as they were, page by page."""
    found: list[str] = []
    after = ""
    while True:
        page = list_objects_as_of(root, bucket, moment, after=after, **query)
        found += [one.key for one in page.contents] + page.common_prefixes
        after = page.next_marker
        if not after:
            return sorted(found, key=str.encode)


def now_there(root: Any, bucket: str, **query: Any) -> list[str]:
    page = list_objects(root, bucket, **query)
    found = [one.key for one in page.contents] + page.common_prefixes
    return sorted(found, key=str.encode)


def content(root: Any, bucket: str, key: str) -> bytes:
    return b"".join(get_object(root, bucket, key).chunks)


def restore(root: Any, bucket: str, moment: datetime, **how: Any) -> list[Any]:
    steps: Iterator[Any] = restore_as_of(
        root,
        bucket,
        moment,
        **{
            "prefix": "",
            "hides_added": True,
            "asked_at": timezone.now(),
            "marker": {},
            **how,
        },
    )
    return list(steps)


@pytest.mark.parametrize("seed", range(3))
def test_each_past_is_listed_as_it_was(root: Any, versioned: str, seed: int) -> None:
    dice = random.Random(seed)
    kept = []
    for _ in range(40):
        key = dice.choice(NAMES)
        if dice.random() < 0.35:
            delete(root, versioned, key)
        else:
            put(root, versioned, key)
        if dice.random() < 0.3:
            kept.append(
                (
                    timezone.now(),
                    now_there(root, versioned),
                    now_there(root, versioned, delimiter="/"),
                    now_there(root, versioned, delimiter="/", prefix="a/"),
                )
            )
    for moment, flat, folders, inside in kept:
        for size in (1, 2, 1000):
            query = {"max_keys": size}
            assert then(root, versioned, moment, **query) == flat
            query["delimiter"] = "/"
            assert then(root, versioned, moment, **query) == folders
            assert then(root, versioned, moment, prefix="a/", **query) == inside


def test_the_version_of_that_time_is_told(root: Any, versioned: str) -> None:
    first = put(root, versioned, "note", b"first")
    moment = timezone.now()
    put(root, versioned, "note", b"second, longer")
    [row] = list_objects_as_of(root, versioned, moment).contents
    assert (row.version_id, row.size) == (first.version_id, 5)


def test_before_the_bucket_there_was_nothing(root: Any, versioned: str) -> None:
    put(root, versioned, "note")
    for year in (1, 1960, 2001):
        moment = timezone.now().replace(year=year)
        assert then(root, versioned, moment) == []
    assert then(root, versioned, timezone.now().replace(year=9000)) == ["note"]


def test_a_bucket_without_versions_says_so(root: Any, bucket: str) -> None:
    with pytest.raises(InvalidRequest, match="keeps no versions"):
        list_objects_as_of(root, bucket, timezone.now())


def test_who_may_not_list_versions_is_refused(
    account: Any, root: Any, versioned: str
) -> None:
    identity = create_identity(account, "lister", now=timezone.now())
    put_identity_policy(
        identity,
        "lists",
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",'
        ' "Action": "s3:ListBucket", "Resource": "*"}]}',
    )
    with pytest.raises(AccessDenied):
        list_objects_as_of(principal_of(identity), versioned, timezone.now())


@pytest.mark.parametrize("delimiter", ["", "/"])
def test_a_long_way_is_gone_in_steps_that_lose_nothing(
    root: Any, versioned: str, monkeypatch: pytest.MonkeyPatch, delimiter: str
) -> None:
    monkeypatch.setattr(rewinds, "KEYS_PER_STEP", 2)
    for key in NAMES:
        put(root, versioned, key)
    expected = now_there(root, versioned, delimiter=delimiter)
    moment = timezone.now()
    for number in range(5):
        put(root, versioned, f"a/later-{number}")
    # Each look at the clock is past the time: every page stops after one stretch.
    query = {"delimiter": delimiter, "seconds": -1.0}
    page = list_objects_as_of(root, versioned, moment, **query)
    assert page.stopped_early
    assert then(root, versioned, moment, **query) == expected


def test_a_folder_goes_back_to_what_it_was(root: Any, versioned: str) -> None:
    put(root, versioned, "a/changed", b"old", content_type="text/x-old")
    put(root, versioned, "a/deleted", b"there")
    put(root, versioned, "a/same", b"same")
    put(root, versioned, "b/outside", b"old")
    moment = timezone.now()
    put(root, versioned, "a/changed", b"new")
    put(root, versioned, "b/outside", b"new")
    put(root, versioned, "a/added", b"added")
    delete(root, versioned, "a/deleted")

    changes = weigh_changes(root, versioned, moment, prefix="a/", now=timezone.now())
    assert (changes.deleted_count, changes.other_count) == (1, 1)
    assert (changes.added_count, changes.size) == (1, len(b"old" + b"there"))
    steps = restore(root, versioned, moment, prefix="a/")
    assert sum(step.done_count for step in steps) == 3
    here = now_there(root, versioned)
    assert here == ["a/changed", "a/deleted", "a/same", "b/outside"]
    assert content(root, versioned, "a/changed") == b"old"
    assert content(root, versioned, "b/outside") == b"new"
    assert get_object(root, versioned, "a/changed").info.content_type == "text/x-old"


def test_what_was_added_may_stay(root: Any, versioned: str) -> None:
    moment = timezone.now()
    put(root, versioned, "added")
    steps = restore(root, versioned, moment, hides_added=False)
    assert [step.done_count for step in steps] == [0]
    assert now_there(root, versioned) == ["added"]


def test_nothing_is_lost_by_going_back(root: Any, versioned: str) -> None:
    put(root, versioned, "note", b"first")
    moment = timezone.now()
    put(root, versioned, "note", b"second")
    before = timezone.now()
    restore(root, versioned, moment)
    restore(root, versioned, before)
    assert content(root, versioned, "note") == b"second"


def test_done_again_it_does_nothing(root: Any, versioned: str) -> None:
    put(root, versioned, "note", b"first")
    moment = timezone.now()
    put(root, versioned, "note", b"second")
    put(root, versioned, "added")
    asked_at = timezone.now()
    restore(root, versioned, moment, asked_at=asked_at)
    put(root, versioned, "written-meanwhile")
    again = restore(root, versioned, moment, asked_at=asked_at)
    assert [(step.done_count, step.failures) for step in again] == [(0, [])]
    assert now_there(root, versioned) == ["note", "written-meanwhile"]


def test_a_write_between_reading_and_restoring_is_not_covered(
    root: Any, versioned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(root, versioned, "note", b"first")
    moment = timezone.now()
    put(root, versioned, "note", b"second")
    put(root, versioned, "added", b"1")
    look = queries.past_of_keys

    def write_meanwhile(*arguments: Any, **options: Any) -> Any:
        found = look(*arguments, **options)
        put(root, versioned, "note", b"third")
        put(root, versioned, "added", b"2")
        return found

    monkeypatch.setattr(queries, "past_of_keys", write_meanwhile)
    [step] = restore(root, versioned, moment)
    assert sorted(one.key for one in step.failures) == ["added", "note"]
    assert content(root, versioned, "note") == b"third"
    assert now_there(root, versioned) == ["added", "note"]


def test_rights_are_asked_for_each_key(account: Any, root: Any, versioned: str) -> None:
    for key in ("mine/1", "others/2"):
        put(root, versioned, key, b"old")
    moment = timezone.now()
    for key in ("mine/1", "others/2"):
        put(root, versioned, key, b"new")
    identity = create_identity(account, "half", now=timezone.now())
    put_identity_policy(
        identity,
        "half",
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action":'
        ' ["s3:ListBucketVersions"], "Resource": "*"}, {"Effect": "Allow",'
        ' "Action": ["s3:GetObjectVersion", "s3:PutObject"],'
        f' "Resource": "arn:aws:s3:::{versioned}/mine/*"}}]}}',
    )
    [step] = restore(principal_of(identity), versioned, moment)
    assert (step.done_count, [one.key for one in step.failures]) == (1, ["others/2"])
    assert content(root, versioned, "mine/1") == b"old"
    assert content(root, versioned, "others/2") == b"new"


def test_steps_go_on_where_they_stopped(
    root: Any, versioned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewinds, "STEP_OF_EDITS", 2)
    for key in NAMES:
        put(root, versioned, key, b"old")
    moment = timezone.now() + timedelta(microseconds=1)
    for key in NAMES:
        put(root, versioned, key, b"new")
    steps = restore(root, versioned, moment)
    assert [step.done_count for step in steps] == [2, 2, 2, 2]
    assert restore(root, versioned, moment, marker=steps[-1].marker) == []
    for key in NAMES:
        assert content(root, versioned, key) == b"old"


def test_a_job_that_was_cut_off_goes_on_after_its_marker(
    root: Any, versioned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewinds, "KEYS_PER_STEP", 3)
    for key in NAMES:
        put(root, versioned, key, b"old")
    moment = timezone.now()
    for key in NAMES:
        put(root, versioned, key, b"new")
    how = {"prefix": "", "hides_added": True, "asked_at": timezone.now()}
    first = next(restore_as_of(root, versioned, moment, marker={}, **how))
    rest = list(restore_as_of(root, versioned, moment, marker=first.marker, **how))
    assert first.done_count + sum(step.done_count for step in rest) == len(NAMES)
    assert [content(root, versioned, key) for key in NAMES] == [b"old"] * len(NAMES)


def test_what_is_chosen_goes_back_and_nothing_else(root: Any, versioned: str) -> None:
    keys = ("a", "a/b", "a/c/d", "b", "b!", "c/e")
    for key in keys:
        put(root, versioned, key, b"old")
    moment = timezone.now()
    for key in keys:
        put(root, versioned, key, b"new")
    chosen = Targets(keys=("a", "b"), folders=("a/c/", "c/"))
    changes = weigh_changes(root, versioned, moment, chosen=chosen, now=timezone.now())
    assert changes.other_count == 4
    how = {"chosen": chosen, "asked_at": timezone.now()}
    steps = restore(root, versioned, moment, **how)
    back = {key for key in keys if content(root, versioned, key) == b"old"}
    assert back == {"a", "b", "a/c/d", "c/e"}
    # From each step on, only the rest is done.
    for number, step in enumerate(steps):
        rest = restore(root, versioned, moment, marker=step.marker, **how)
        assert len(rest) == len(steps) - number - 1


def test_counting_ends_with_its_time(
    root: Any, versioned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewinds, "KEYS_PER_STEP", 2)
    moment = timezone.now()
    for key in NAMES:
        put(root, versioned, key)
    whole = weigh_changes(root, versioned, moment, now=timezone.now())
    assert (whole.added_count, whole.is_whole) == (len(NAMES), True)
    cut = weigh_changes(root, versioned, moment, seconds=-1, now=timezone.now())
    assert (cut.added_count, cut.is_whole) == (2, False)
    monkeypatch.setattr(rewinds, "MOST_WEIGHED", 3)
    bounded = weigh_changes(root, versioned, moment, now=timezone.now())
    assert (bounded.added_count, bounded.is_whole) == (4, False)


def test_who_sees_a_folder_may_weigh_what_it_was(
    root: Any, versioned: str, make_principal: Any
) -> None:
    put(root, versioned, "mine/key")
    moment = timezone.now()
    delete(root, versioned, "mine/key")
    seen = {"StringLike": {"s3:prefix": "mine/*"}}
    limited = make_principal(
        "limited",
        json.dumps(
            {
                "Statement": {
                    "Effect": "Allow",
                    "Action": "s3:ListBucketVersions",
                    "Resource": "*",
                    "Condition": seen,
                }
            }
        ),
    )
    for chosen in (None, Targets(("mine/key",)), Targets((), ("mine/",))):
        changes = weigh_changes(
            limited,
            versioned,
            moment,
            prefix="mine/",
            chosen=chosen,
            now=timezone.now(),
        )
        assert changes.is_whole
    with pytest.raises(AccessDenied):
        weigh_changes(limited, versioned, moment, now=timezone.now())
