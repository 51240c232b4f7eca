"""Links for uploads: what comes in, where it goes, and what it does not tell."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent
from buckets.models import Bucket
from buckets.operations import delete_bucket
from iam.models import InlinePolicy
from kernel.bodies import Body
from kernel.errors import AccessDenied, InvalidArgument
from objects.listings import list_objects
from objects.operations import get_object, head_object, put_object
from shares.operations import create_share
from shares.public import PAGE_POLICY

pytestmark = pytest.mark.django_db


def statement(actions: Any, resource: Any, effect: str = "Allow") -> str:
    said = {"Effect": effect, "Action": actions, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [said]})


def ask(principal: Any, bucket: str, key: str = "in/", **terms: Any) -> tuple[Any, str]:
    made = create_share(
        principal,
        bucket,
        key,
        **{
            "expires_at": timezone.now() + timedelta(days=2),
            "takes_uploads": True,
            "most_downloads": 3,
            "most_size": 100,
            **terms,
        },
        now=timezone.now(),
    )
    return made.share, f"/-/share/{made.token}"


def send(link: str, name: str, data: bytes = b"data", client: Any = None) -> Any:
    client = client or Client(enforce_csrf_checks=True)
    return client.put(
        f"{link}/upload?name={name}", data, content_type="application/octet-stream"
    )


def keys(root: Any, bucket: str) -> list[str]:
    return [one.key for one in list_objects(root, bucket).contents]


def read(root: Any, bucket: str, key: str) -> bytes:
    return b"".join(get_object(root, bucket, key).chunks)


def test_files_arrive_beside_what_is_there(root: Any, bucket: str) -> None:
    body = Body.of(b"mine")
    put_object(root, bucket, "in/a.txt", body=body, now=timezone.now())
    share, link = ask(root, bucket)
    page = Client().get(link)
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert b"a.txt" not in page.content
    answer = send(link, "a.txt", b"theirs")
    assert (answer.status_code, answer.json()) == (201, {"size": 6})
    assert send(link, "a.txt", b"again").status_code == 201
    assert keys(root, bucket) == ["in/a (2).txt", "in/a (3).txt", "in/a.txt"]
    assert read(root, bucket, "in/a.txt") == b"mine"
    assert read(root, bucket, "in/a (2).txt") == b"theirs"
    info = head_object(root, bucket, "in/a (2).txt").info
    assert info.content_type == "text/plain"
    share.refresh_from_db()
    assert share.download_count == 2
    event = AuditEvent.objects.filter(action="objectstore:UseShare").latest("pk")
    assert event.key == "in/a (3).txt"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("..%2F..%2Fetc%2Fpasswd", "in/passwd"),
        ("C%3A%5Cmy%5Cplan.txt", "in/plan.txt"),
        ("..", "in/__"),
        ("", "in/file"),
        ("a%00b%3Ac", "in/a_b_c"),
    ],
)
def test_names_lead_nowhere_else(root: Any, bucket: str, name: str, key: str) -> None:
    _, link = ask(root, bucket)
    assert send(link, name).status_code == 201
    assert keys(root, bucket) == [key]


def test_so_many_files_and_so_large(root: Any, bucket: str) -> None:
    share, link = ask(root, bucket, most_downloads=1)
    assert send(link, "large", bytes(101)).status_code == 400
    assert send(link, "a").status_code == 201
    assert send(link, "b").status_code == 404
    assert Client().get(link).status_code == 404
    assert keys(root, bucket) == ["in/a"]
    share.refresh_from_db()
    assert share.is_used_up


def test_what_does_not_arrive_is_not_counted(root: Any, bucket: str) -> None:
    share, link = ask(root, bucket, most_downloads=1)
    Bucket.objects.update(quota_bytes=2)
    answer = send(link, "a")
    assert answer.status_code >= 400
    assert "quota" in answer.json()["error"].lower()
    Bucket.objects.update(quota_bytes=None)
    assert send(link, "a").status_code == 201
    share.refresh_from_db()
    assert share.download_count == 1


def test_nothing_is_shown_or_downloaded(root: Any, bucket: str) -> None:
    body = Body.of(b"mine")
    put_object(root, bucket, "in/a.txt", body=body, now=timezone.now())
    _, link = ask(root, bucket)
    for path in ("/download?key=in/a.txt", "/all.zip"):
        assert Client().get(f"{link}{path}").status_code == 404
    _, downloads = ask(
        root,
        bucket,
        takes_uploads=False,
        is_folder=True,
        most_downloads=None,
        most_size=None,
    )
    assert send(downloads, "b").status_code == 404
    assert keys(root, bucket) == ["in/a.txt"]


def test_a_link_ends_with_its_makers_right(
    root: Any, make_principal: Any, bucket: str
) -> None:
    maker = make_principal(
        "maker", statement("s3:PutObject", f"arn:aws:s3:::{bucket}/in/*")
    )
    with pytest.raises(AccessDenied):
        ask(maker, bucket, "out/")
    _, link = ask(maker, bucket)
    assert send(link, "a").status_code == 201
    InlinePolicy.objects.all().delete()
    assert send(link, "b").status_code == 404
    assert Client().get(link).status_code == 404


def test_a_link_into_a_bucket_that_is_gone_tells_nothing_of_it(
    root: Any, bucket: str
) -> None:
    _, link = ask(root, bucket)
    delete_bucket(root, bucket, now=timezone.now())
    gone = send(link, "a.txt")
    assert (gone.status_code, gone.json()) == (404, {"error": "This link has ended."})


def test_a_password_is_asked_for(root: Any, bucket: str) -> None:
    _, link = ask(root, bucket, password="open sesame")
    visitor = Client()
    assert send(link, "a", client=visitor).status_code == 403
    visitor.post(link, {"password": "open sesame"})
    assert send(link, "a", client=visitor).status_code == 201


@pytest.mark.parametrize(
    "terms",
    [
        {"most_size": None},
        {"most_downloads": None},
        {"most_size": 0},
        {"most_size": 10**15},
        {"version_id": "x"},
        {"takes_uploads": False, "is_folder": True},
    ],
)
def test_terms_are_bounded(root: Any, bucket: str, terms: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        ask(root, bucket, **terms)
    with pytest.raises(InvalidArgument):
        ask(root, bucket, "no-folder")


def test_rest_makes_and_tells_of_it(root: Any, bucket: str, api_key: str) -> None:
    rest = Client(headers={"Authorization": f"Bearer {api_key}"})
    until = (timezone.now() + timedelta(days=2)).isoformat()
    given = {
        "bucket_name": bucket,
        "key": "in/",
        "takes_uploads": True,
        "most_downloads": 5,
        "most_size": 4096,
        "expires_at": until,
    }
    made = rest.post("/v1/shares", given, content_type="application/json")
    assert made.status_code == 201, made.content
    facts = made.json()
    assert (facts["takes_uploads"], facts["most_size"]) == (True, 4096)
    assert facts["is_folder"]
    assert send(facts["url"].removeprefix("http://testserver"), "a").status_code == 201
    listed = rest.get("/v1/shares").json()["shares"]
    assert (listed[0]["download_count"], listed[0]["most_downloads"]) == (1, 5)


# By the page's form, without a script


def send_form(link: str, name: str, data: bytes = b"data", client: Any = None) -> Any:
    client = client or Client(enforce_csrf_checks=True)
    file = SimpleUploadedFile(name, data) if name else ""
    return client.post(f"{link}/upload", {"file": file})


def test_form_sends_one_file(root: Any, bucket: str) -> None:
    share, link = ask(root, bucket)
    page = Client().get(link).content.decode()
    assert f'method="post" enctype="multipart/form-data" action="{link}/upload"' in page
    answer = send_form(link, "a b.txt", b"by form")
    assert answer.status_code == 200
    assert "a b.txt has arrived" in answer.content.decode()
    assert answer.headers["Content-Security-Policy"] == PAGE_POLICY
    assert read(root, bucket, "in/a b.txt") == b"by form"
    assert head_object(root, bucket, "in/a b.txt").info.content_type == "text/plain"
    send_form(link, "a b.txt", b"again")
    assert keys(root, bucket) == ["in/a b (2).txt", "in/a b.txt"]
    share.refresh_from_db()
    assert share.download_count == 2


def test_form_keeps_to_the_links_terms(root: Any, bucket: str) -> None:
    share, link = ask(root, bucket, most_downloads=1)
    for name, data in (("large", bytes(101)), ("huge", bytes(200_000)), ("", b"")):
        refused = send_form(link, name, data)
        assert refused.status_code == 400
        assert f'href="{link}"' in refused.content.decode()
    assert Client().post(f"{link}/upload", {"other": "x"}).status_code == 400
    wrong = Client().post(f"{link}/upload", b"x", content_type="text/plain")
    assert wrong.status_code == 412
    assert keys(root, bucket) == []
    assert send_form(link, "a").status_code == 200
    assert send_form(link, "b").status_code == 404
    assert keys(root, bucket) == ["in/a"]
    share.refresh_from_db()
    assert share.download_count == 1


def test_form_without_its_password_is_sent_to_the_page(root: Any, bucket: str) -> None:
    _, link = ask(root, bucket, password="open sesame")
    client = Client()
    refused = send_form(link, "a", client=client)
    assert (refused.status_code, refused.headers["Location"]) == (303, link)
    assert keys(root, bucket) == []
    client.post(link, {"password": "open sesame"})
    assert send_form(link, "a", client=client).status_code == 200


def test_form_to_a_link_for_downloads_is_refused(root: Any, bucket: str) -> None:
    _, link = ask(root, bucket, takes_uploads=False, is_folder=True, most_size=None)
    assert send_form(link, "a").status_code == 404
    assert keys(root, bucket) == []


@pytest.mark.usefixtures("clock")
def test_form_is_slowed_like_the_script(
    root: Any, bucket: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr("shares.public.UPLOADS", "1/m")
    _, link = ask(root, bucket)
    assert send_form(link, "a").status_code == 200
    assert send_form(link, "b").status_code == 429
    assert send(link, "c").status_code == 429
    assert keys(root, bucket) == ["in/a"]
