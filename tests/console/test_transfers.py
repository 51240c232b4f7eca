"""Copying, moving and renaming: nothing at the target is written over unasked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from console.models import Job, JobState
from kernel.bodies import Body
from objects.listings import list_objects
from objects.operations import get_object, put_object


def put(root: Any, bucket: str, key: str, data: bytes = b"data") -> Any:
    return put_object(root, bucket, key, body=Body.of(data), now=timezone.now())


def keys_in(root: Any, bucket: str) -> list[str]:
    return [one.key for one in list_objects(root, bucket).contents]


def bytes_of(root: Any, bucket: str, key: str) -> bytes:
    return b"".join(get_object(root, bucket, key).chunks)


def send(operator: Any, name: str, /, **given: Any) -> Any:
    given = {"kind": "move", "confirmed": "1", "bucket": name, **given}
    return operator.post(f"/admin/buckets/{name}/transfer/", given)


def test_taken_key_is_asked_about(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, "a", b"mine")
    put(root, bucket, "b", b"theirs")
    asked = send(operator, bucket, key="a", target="b")
    assert "1 key is taken" in asked.content.decode()
    assert "What is there now is lost" in asked.content.decode()
    assert bytes_of(root, bucket, "b") == b"theirs"
    send(operator, bucket, key="a", target="b", taken="skip")
    assert bytes_of(root, bucket, "b") == b"theirs"
    assert "a" in keys_in(root, bucket)
    send(operator, bucket, key="a", target="b", taken="overwrite")
    assert keys_in(root, bucket) == ["b"]
    assert bytes_of(root, bucket, "b") == b"mine"


def test_spaces_at_a_names_ends_are_kept(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, " a ")
    send(operator, bucket, key=" a ", target=" b ")
    assert keys_in(root, bucket) == [" b "]


@pytest.mark.parametrize("kind", ["move", "copy"])
@pytest.mark.parametrize(
    "chosen", [{"folder": "in/in/"}, {"search": "prefix=in/in/&q=txt"}]
)
def test_a_folder_goes_up_into_one_of_its_name_without_loss(
    operator: Any, root: Any, bucket: str, kind: str, chosen: dict[str, str]
) -> None:
    put(root, bucket, "in/in/a.txt", b"upper")
    put(root, bucket, "in/in/in/a.txt", b"lower")
    target = "in" if "folder" in chosen else "in/"
    send(operator, bucket, kind=kind, target=target, taken="overwrite", **chosen)
    job = Job.objects.get()
    assert (job.done_count, job.failed_count) == (1, 1)
    assert job.failures[0]["key"] == "in/in/in/a.txt"
    assert bytes_of(root, bucket, "in/a.txt") == b"upper"
    assert bytes_of(root, bucket, "in/in/in/a.txt") == b"lower"


def test_both_are_kept(operator: Any, root: Any, bucket: str, versioned: str) -> None:
    put(root, bucket, "x/photo.jpg", b"mine")
    put(root, versioned, "photo.jpg", b"theirs")
    send(
        operator,
        bucket,
        key="x/photo.jpg",
        kind="copy",
        taken="keep",
        **into(versioned),
    )
    assert keys_in(root, versioned) == ["photo (2).jpg", "photo.jpg"]
    assert bytes_of(root, versioned, "photo (2).jpg") == b"mine"


def into(bucket: str) -> dict[str, str]:
    return {"bucket": bucket, "target": ""}


def test_two_of_one_name_are_both_kept(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, "x/a", b"x")
    put(root, bucket, "y/a", b"y")
    keys = ["x/a", "y/a"]
    assert b"taken" in send(operator, bucket, key=keys, target="to/").content
    send(operator, bucket, key=keys, target="to/", taken="keep")
    assert keys_in(root, bucket) == ["to/a", "to/a (2)"]


def test_what_is_there_already_stays_as_it_is(
    operator: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, "to/a", b"there")
    put(root, bucket, "b", b"comes")
    moved = send(operator, bucket, key=["b", "to/a"], target="to/")
    assert moved.status_code == 302
    assert keys_in(root, bucket) == ["to/a", "to/b"]


def test_folder_into_one_that_holds_something_is_asked_about(
    operator: Any, root: Any, bucket: str
) -> None:
    for key, data in (("old/a", b"mine"), ("old/b", b"b"), ("to/old/a", b"theirs")):
        put(root, bucket, key, data)
    asked = send(operator, bucket, folder="old/", target="to/").content.decode()
    assert "holds 1 object" in asked
    assert not Job.objects.exists()
    send(operator, bucket, folder="old/", target="to/", taken="skip")
    job = Job.objects.get()
    assert (job.state, job.done_count, job.failed_count) == (JobState.DONE, 1, 1)
    assert job.failures[0]["error"] == "There is an object at the target already."
    assert keys_in(root, bucket) == ["old/a", "to/old/a", "to/old/b"]
    send(operator, bucket, folder="old/", target="to/", taken="keep")
    assert keys_in(root, bucket) == ["to/old/a", "to/old/a (2)", "to/old/b"]


def test_folder_is_renamed_from_its_own_name(
    operator: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, "2026/old/a")
    page = f"/admin/buckets/{bucket}/transfer/"
    form = operator.post(page, {"folder": "2026/old/", "kind": "move"})
    assert form.context_data["form"]["target"].value() == "2026/old"
    gone = send(operator, bucket, folder="2026/old/", target="2026/new")
    assert gone["Location"] == f"/admin/jobs/{Job.objects.get().pk}/"
    assert keys_in(root, bucket) == ["2026/new/a"]


def test_several_folders_lead_to_their_jobs(
    operator: Any, root: Any, bucket: str
) -> None:
    """The target is empty yet, and would tell nothing of them."""
    for key in ("one/a", "two/b", "c"):
        put(root, bucket, key)
    gone = send(operator, bucket, folder=["one/", "two/"], target="to/")
    assert gone["Location"] == "/admin/jobs/"
    gone = send(operator, bucket, folder=["to/one/", "to/two/"], key="c", target="in/")
    shown = operator.get(gone["Location"]).content.decode()
    for job in Job.objects.order_by("-pk")[:2]:
        assert f'href="/admin/jobs/{job.pk}/">a job</a>' in shown


def test_what_is_chosen_is_told_to_its_end(
    operator: Any, root: Any, bucket: str
) -> None:
    given = {"key": [f"key-{n}" for n in range(9)], "kind": "copy"}
    text = operator.post(f"/admin/buckets/{bucket}/transfer/", given).content.decode()
    assert "Copy 9 items" in text
    assert "and 3 more" in text


def test_nothing_goes_where_it_is(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, "f/a")
    for given in ({"key": "f/a", "target": "f/"}, {"folder": "f/", "target": "f"}):
        refused = send(operator, bucket, **given)
        assert refused.status_code == 400
        assert b"All of it is there already" in refused.content
    assert keys_in(root, bucket) == ["f/a"]


def test_folder_that_may_not_be_listed_is_not_written_over(
    sign_in: Any, root: Any, bucket: str, versioned: str
) -> None:
    """Who may put and not list is asked, and by default nothing is lost."""
    put(root, bucket, "a", b"mine")
    put(root, versioned, "a", b"theirs")

    def allow(actions: list[str], name: str) -> dict[str, Any]:
        arns = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
        return {"Effect": "Allow", "Action": actions, "Resource": arns}

    statements = [
        allow(["s3:*"], bucket),
        allow(["s3:PutObject"], versioned),
        {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"},
    ]
    policy = {"Version": "2012-10-17", "Statement": statements}
    client = sign_in("writer", json.dumps(policy))
    asked = send(client, bucket, key="a", kind="copy", **into(versioned))
    assert b"may not see" in asked.content
    send(client, bucket, key="a", kind="copy", taken="skip", **into(versioned))
    assert bytes_of(root, versioned, "a") == b"theirs"


def test_copy_that_is_done_again_finds_what_it_has_copied(
    operator: Any, root: Any, bucket: str
) -> None:
    """Else each round would number all that the one before has copied."""
    for key in ("in/a", "in/b"):
        put(root, bucket, key)
    for taken in ("keep", "skip"):
        send(operator, bucket, folder="in/", target="out", kind="copy", taken=taken)
        again = Job.objects.latest("pk")
        assert (again.state, again.done_count, again.failed_count) == ("done", 2, 0)
    assert keys_in(root, bucket) == ["in/a", "in/b", "out/a", "out/b"]
    put(root, bucket, "in/a", b"other")
    send(operator, bucket, folder="in/", target="out", kind="copy", taken="keep")
    assert keys_in(root, bucket)[2:] == ["out/a", "out/a (2)", "out/b"]
