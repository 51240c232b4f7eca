"""What a bucket holds by folder, type, age and class."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from kernel.bodies import Body
from kernel.errors import AccessDenied
from kernel.results import ObjectAttributes
from objects import surveys
from objects.models import ObjectVersion
from objects.operations import delete_object, put_object


def put(root: Any, bucket: str, key: str, size: int, kind: str = "text/plain") -> None:
    put_object(
        root,
        bucket,
        key,
        body=Body.of(bytes(size)),
        attributes=ObjectAttributes(content_type=kind),
        now=timezone.now(),
    )


def counted(root: Any, bucket: str) -> dict[str, Any]:
    marker: dict[str, Any] = {}
    # Each step begins anew from what was written down: a worker may die after any.
    while True:
        steps = surveys.survey(root, bucket, marker=marker, now=timezone.now())
        step = next(steps)
        after = marker.get("after")
        marker = json.loads(json.dumps(dict(step.marker)))
        if marker["after"] == after or not step.done_count:
            return dict(marker["document"])


@pytest.mark.parametrize("rows", [1, 2, 10_000])
def test_everything_is_counted_once(
    root: Any, versioned: str, monkeypatch: Any, rows: int
) -> None:
    monkeypatch.setattr(surveys, "ROWS_PER_STEP", rows)
    put(root, versioned, "loose.txt", 1)
    put(root, versioned, "photos/2026/a.jpg", 10, "image/jpeg")
    put(root, versioned, "photos/2026/a.jpg", 30, "image/jpeg; q=1")
    put(root, versioned, "photos/b.jpg", 5, "image/jpeg")
    put(root, versioned, "text/c.txt", 7)
    document = counted(root, versioned)
    assert (document["count"], document["size"]) == (5, 53)
    assert document["states"] == {"current": [4, 43], "earlier": [1, 10]}
    assert document["types"] == {"text/plain": [2, 8], "image/jpeg": [3, 45]}
    assert document["classes"] == {"standard": [5, 53]}
    assert document["folders"] == {
        "": [1, 1, {}],
        "photos/": [3, 45, {"2026/": [2, 40], "": [1, 5]}],
        "text/": [1, 7, {"": [1, 7]}],
    }


def test_markers_are_no_content(root: Any, versioned: str) -> None:
    put(root, versioned, "a", 4)
    delete_object(root, versioned, "a", now=timezone.now())
    document = counted(root, versioned)
    assert document["states"] == {"current": [0, 0], "earlier": [1, 4]}


def test_ages_are_counted_from_the_write(root: Any, bucket: str) -> None:
    now = timezone.now()
    for days in (0, 3, 20, 60, 200, 900):
        put(root, bucket, f"{days}", 1)
        ObjectVersion.objects.filter(key=f"{days}").update(
            created_at=now - timedelta(days=days)
        )
    assert counted(root, bucket)["ages"] == [[1, 1]] * 6


@pytest.mark.parametrize("rows", [1, 3, 10_000])
def test_the_smallest_of_many_are_summed_up(
    root: Any, bucket: str, monkeypatch: Any, rows: int
) -> None:
    monkeypatch.setattr(surveys, "ROWS_PER_STEP", rows)
    monkeypatch.setattr(surveys, "MOST_FOLDERS", 3)
    monkeypatch.setattr(surveys, "MOST_INSIDE", 3)
    for number in range(8):
        put(root, bucket, f"f{number}/x/a", 10 * (number + 1))
        put(root, bucket, f"big/{number}/a", 100)
    document = counted(root, bucket)
    folders = document["folders"]
    assert len(folders) <= 4
    assert folders["big/"][:2] == [8, 800]
    assert "f7/" in folders
    assert sum(one[0] for one in folders.values()) == 16
    assert sum(one[1] for one in folders.values()) == document["size"] == 1160
    assert sum(one[1] for one in folders["big/"][2].values()) == 800
    assert len(folders["big/"][2]) <= 4


def test_a_folder_that_spans_steps_is_counted_whole(
    root: Any, bucket: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(surveys, "ROWS_PER_STEP", 2)
    monkeypatch.setattr(surveys, "MOST_FOLDERS", 3)
    monkeypatch.setattr(surveys, "MOST_INSIDE", 2)
    for number in range(2):
        put(root, bucket, f"a{number}/file", 100 + number)
        put(root, bucket, f"m/b{number}/file", 100 + number)
    # The smallest, until its last key.
    for number in range(6):
        put(root, bucket, f"m/z/{number}", 1 if number < 5 else 1000)
        put(root, bucket, f"z/{number}", 1 if number < 5 else 1000)
    folders = counted(root, bucket)["folders"]
    assert folders["z/"][:2] == [6, 1005]
    assert folders["m/"][2]["z/"] == [6, 1005]


def test_an_empty_bucket_is_counted(root: Any, bucket: str) -> None:
    (step,) = surveys.survey(root, bucket, marker={}, now=timezone.now())
    assert step.marker["document"]["count"] == 0


def test_who_may_not_list_may_not_count(make_principal: Any, bucket: str) -> None:
    stranger = make_principal("stranger")
    with pytest.raises(AccessDenied):
        next(surveys.survey(stranger, bucket, marker={}, now=timezone.now()))
