"""Uploads from the browser: whole, in parts, gone on with, and never cross-site."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from objects.operations import get_object, head_object


def url(bucket: str, name: str = "upload", **query: Any) -> str:
    return f"/admin/buckets/{bucket}/{name}/?{urlencode(query)}"


def read(root: Any, bucket: str, key: str) -> bytes:
    return b"".join(get_object(root, bucket, key).chunks)


def test_whole_file(operator: Any, root: Any, bucket: str) -> None:
    data = bytes(range(256)) * 300
    response = operator.put(
        url(bucket, key="ü/a b.bin", type="image/png"),
        data,
        content_type="application/octet-stream",
    )
    assert response.json()["key"] == "ü/a b.bin"
    assert read(root, bucket, "ü/a b.bin") == data
    assert head_object(root, bucket, "ü/a b.bin").info.content_type == "image/png"


def test_file_that_is_there_is_left_alone_when_asked(
    operator: Any, root: Any, bucket: str
) -> None:
    operator.put(url(bucket, key="a"), b"first", content_type="text/plain")
    again = {"key": "a", "if": "absent"}
    response = operator.put(url(bucket, **again), b"second", content_type="text/plain")
    assert response.status_code == 412
    assert response.json()["error"]["code"] == "PreconditionFailed"
    assert read(root, bucket, "a") == b"first"


def test_parts_are_gone_on_with(
    operator: Any, root: Any, bucket: str, settings: Any
) -> None:
    settings.OBJECTSTORE_MIN_PART = 4
    begun = operator.post(url(bucket, "upload-parts", key="big", size=10)).json()
    upload = {"key": "big", "upload_id": begun["upload_id"]}

    def send(number: int, data: bytes) -> None:
        link = url(bucket, "upload-parts", **upload, part=number)
        assert operator.put(link, data, content_type="x/y").status_code == 200

    send(1, b"11111")
    listed = operator.get(url(bucket, "upload-parts", **upload)).json()
    assert [(one["part"], one["size"]) for one in listed["parts"]] == [(1, 5)]
    send(2, b"22222")
    parts = operator.get(url(bucket, "upload-parts", **upload)).json()["parts"]
    done = operator.post(
        url(bucket, "upload-parts", **upload),
        json.dumps(parts),
        content_type="application/json",
    )
    assert done.status_code == 200
    assert read(root, bucket, "big") == b"1111122222"


@pytest.mark.parametrize("number", [{"part": "one"}, {"part": "9" * 30}])
def test_part_without_a_number_is_refused_with_words(
    operator: Any, bucket: str, number: dict[str, str]
) -> None:
    begun = operator.post(url(bucket, "upload-parts", key="big")).json()
    given = {"key": "big", "upload_id": begun["upload_id"], **number}
    answer = operator.put(url(bucket, "upload-parts", **given), b"data")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "part is a whole number."


def test_upload_is_given_up(operator: Any, bucket: str) -> None:
    begun = operator.post(url(bucket, "upload-parts", key="big")).json()
    upload = {"key": "big", "upload_id": begun["upload_id"]}
    assert operator.delete(url(bucket, "upload-parts", **upload)).status_code == 204
    gone = operator.get(url(bucket, "upload-parts", **upload))
    assert gone.status_code == 404


def test_unfinished_uploads_are_shown_and_given_up(operator: Any, bucket: str) -> None:
    begun = operator.post(url(bucket, "upload-parts", key="left.bin")).json()
    page = f"/admin/buckets/{bucket}/unfinished/"
    assert b"left.bin" in operator.get(page).content
    for number, size in ((1, 700), (2, 324)):
        part = url(
            bucket,
            "upload-parts",
            key="left.bin",
            upload_id=begun["upload_id"],
            part=str(number),
        )
        sent = operator.put(part, bytes(size), content_type="x/y")
        assert sent.status_code == 200, sent.content
    [(_, parts)] = operator.get(page).context["rows"]
    assert (parts.count, parts.size) == (2, 1024)
    nothing = operator.post(page, {}, follow=True)
    assert b"Nothing was chosen" in nothing.content
    chosen = {"upload": f"{begun['upload_id']} left.bin"}
    operator.post(page, {**chosen, "confirmed": "1"})
    assert b"left.bin" not in operator.get(page).content


@pytest.mark.parametrize("method", ["put", "post", "delete"])
def test_another_site_cannot_upload(
    operator: Any, bucket: str, method: str, django_user_model: Any
) -> None:
    guarded = Client(enforce_csrf_checks=True)
    guarded.force_login(django_user_model.objects.get(username="operator"))
    send = getattr(guarded, method)
    assert send(url(bucket, "upload-parts", key="a")).status_code == 403
    assert send(url(bucket, "upload", key="a")).status_code == 403


def test_size_of_parts_grows_with_the_file() -> None:
    from console.pages.uploads import MOST_PARTS, PART_SIZE, part_size_for

    assert part_size_for(1) == PART_SIZE
    huge = 40 * 1024**4
    assert part_size_for(huge) * MOST_PARTS >= huge


def test_which_keys_are_taken_is_told_beforehand(operator: Any, bucket: str) -> None:
    operator.put(url(bucket, key="a.txt"), b"first", content_type="text/plain")
    answer = operator.post(
        url(bucket), '["a.txt", "b.txt"]', content_type="application/json"
    )
    assert answer.json() == {"taken": {"a.txt": "a (2).txt"}}


@pytest.mark.parametrize("body", ["nope", "{}", "[1]", '"a"'])
def test_a_list_of_keys_that_cannot_be_read(
    operator: Any, bucket: str, body: str
) -> None:
    answer = operator.post(url(bucket), body, content_type="application/json")
    assert answer.status_code == 400


# In a real browser


@pytest.fixture
def upload_again(page: Any, make_bucket: Any, request: Any) -> Any:
    """Upload two files where one is there already; the dialog asks what to do."""
    name = f"taken-{abs(hash(request.node.name)) % 10**9}"
    s3 = make_bucket(name)
    s3.put_object(Bucket=name, Key="note.txt", Body=b"first")
    page.goto(f"/admin/buckets/{name}/objects/")
    page.click("summary:has-text('Upload')")
    with page.expect_file_chooser() as chooser:
        page.click("[data-picks=files]")
    chooser.value.set_files(
        [
            {"name": name, "mimeType": "text/plain", "buffer": b"second"}
            for name in ("note.txt", "other.txt")
        ]
    )
    page.get_by_text("1 of 2 files are there already:").wait_for()

    def contents() -> dict[str, bytes]:
        listed = s3.list_objects_v2(Bucket=name)["Contents"]
        return {
            one["Key"]: s3.get_object(Bucket=name, Key=one["Key"])["Body"].read()
            for one in listed
        }

    return contents


@pytest.mark.parametrize(
    ("button", "then"),
    [
        (
            "Keep both",
            {"note.txt": b"first", "note (2).txt": b"second", "other.txt": b"second"},
        ),
        ("Skip these", {"note.txt": b"first", "other.txt": b"second"}),
        ("Overwrite them", {"note.txt": b"second", "other.txt": b"second"}),
    ],
)
def test_files_that_are_there_already(
    page: Any, upload_again: Any, button: str, then: dict[str, bytes]
) -> None:
    page.get_by_role("button", name=button).press("Enter")
    page.locator("#os-listing >> text=other.txt").wait_for()
    assert upload_again() == then
    if button == "Skip these":
        page.get_by_text("There already; left as it is.").wait_for()


def test_the_question_can_be_left_without_uploading(
    page: Any, upload_again: Any
) -> None:
    page.keyboard.press("Escape")
    page.get_by_text("1 of 2 files").wait_for(state="hidden")
    assert upload_again() == {"note.txt": b"first"}
