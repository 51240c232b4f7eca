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
    operator.post(page, {"upload": f"{begun['upload_id']} left.bin"})
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
