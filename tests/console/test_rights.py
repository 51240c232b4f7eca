"""What a role may not do is not shown, and is refused by the server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from buckets.access import find_bucket
from buckets.operations import create_bucket
from console.pages.bucket_access import reaches_of
from console.settings.policies import IDENTITY_POLICIES
from kernel.bodies import Body
from objects.listings import list_objects
from objects.operations import put_object

ROLES = {title: text for title, _, text in IDENTITY_POLICIES}


@pytest.fixture
def auditor(sign_in: Any) -> Any:
    return sign_in("auditor", ROLES["Auditor"])


@pytest.fixture
def filled(root: Any, bucket: str) -> str:
    put_object(root, bucket, "a.txt", body=Body.of(b"data"), now=timezone.now())
    return bucket


@pytest.mark.parametrize("page", ["purge", "undelete"])
@pytest.mark.parametrize("query", ["", "?prefix=a"])
def test_pages_that_do_one_thing_open_for_those_who_may_do_it(
    auditor: Any, operator: Any, versioned: str, page: str, query: str
) -> None:
    address = f"/admin/buckets/{versioned}/{page}/{query}"
    assert operator.get(address).status_code == 200
    assert auditor.get(address).status_code == 403


def test_auditor_sees_and_changes_nothing(
    auditor: Any, root: Any, filled: str, account: Any
) -> None:
    listing = auditor.get(f"/admin/buckets/{filled}/objects/")
    assert b"a.txt" in listing.content
    opened = auditor.get(f"/admin/buckets/{filled}/object/?key=a.txt")
    for word in (b"New folder", b">Delete<", b"Move or rename", b'value="copy"'):
        assert word not in listing.content
        assert word not in opened.content
    key = {"key": "a.txt", "confirmed": "1"}
    auditor.post(f"/admin/buckets/{filled}/delete/", key)
    assert [one.key for one in list_objects(root, filled).contents] == ["a.txt"]
    upload = auditor.put(
        f"/admin/buckets/{filled}/upload/?key=b", b"x", content_type="x/y"
    )
    assert upload.status_code == 403
    page = f"/admin/buckets/{filled}/purge/"
    refused = auditor.post(page, {"scope": "everything", "bucket_name": filled})
    assert refused.status_code == 403


def test_auditor_reads_settings_and_cannot_save(auditor: Any, filled: str) -> None:
    page = f"/admin/buckets/{filled}/settings/tags/"
    shown = auditor.get(page)
    assert b"You may read this, not change it" in shown.content
    saved = auditor.post(page, {"as_json": "1", "document": '{"a": "b"}'})
    assert saved.status_code == 403


def test_auditor_cannot_make_people_or_keys(auditor: Any, account: Any) -> None:
    root = account.identities.get(kind="root")
    assert b"Create user" not in auditor.get("/admin/users/").content
    assert auditor.post(
        "/admin/create-user/", {"kind": "user", "name": "eve"}
    ).status_code in {400, 403}
    given = {"identity": root.unique_id, "kind": "s3"}
    assert auditor.post("/admin/create-key/", given).status_code == 400
    assert root.access_keys.count() == 0
    assert not account.identities.filter(name="eve").exists()


def test_user_without_policies_sees_an_empty_house(sign_in: Any, filled: str) -> None:
    client = sign_in("nobody")
    front = client.get("/admin/")
    assert front.status_code == 200
    for word in (b"Create bucket", b">Users<", b">Buckets<"):
        assert word not in front.content
    assert client.get("/admin/buckets/").headers["Location"] == "/admin/mine/"
    assert client.get(f"/admin/buckets/{filled}/objects/").status_code == 403
    assert client.get(f"/admin/buckets/{filled}/download/?key=a.txt").status_code == 403
    assert client.get("/admin/users/").status_code == 403
    assert client.get("/admin/simulator/").status_code == 403


def test_console_belongs_to_one_account(
    operator: Any, other_root: Any, account: Any
) -> None:
    create_bucket(other_root, "theirs", now=timezone.now())
    assert b"theirs" not in operator.get("/admin/buckets/").content
    assert operator.get("/admin/buckets/theirs/objects/").status_code == 403
    stranger = other_root.unique_id
    assert operator.get(f"/admin/users/{stranger}/").status_code == 404


def test_self_service_keeps_to_its_own(sign_in: Any, root: Any, bucket: str) -> None:
    client = sign_in("ada", ROLES["Self-service"])
    made = client.post(
        "/admin/create-bucket/",
        {"preset": "plain", "name": "ada-files", "storage_class": "standard"},
    )
    assert made.status_code == 302
    assert client.get("/admin/buckets/ada-files/objects/").status_code == 200
    assert client.get(f"/admin/buckets/{bucket}/objects/").status_code == 403
    other = client.post(
        "/admin/create-bucket/",
        {"preset": "plain", "name": "bobs-files", "storage_class": "standard"},
    )
    assert other.status_code == 403


def test_self_service_is_led_nowhere_else(sign_in: Any, root: Any, filled: str) -> None:
    client = sign_in("ada", ROLES["Self-service"])
    places = (
        *("", "objects/", "object/?key=a.txt", "download/?key=a.txt", "usage/"),
        *("settings/tags/", "access/", "unfinished/", "purge/", "lifecycle/"),
        *("share/?key=a.txt", "share/?key=a&folder=1", "inventory.csv", "undelete/"),
        *("zip/?prefix=", "store-zip/?prefix=", "delete-bucket/"),
    )
    answers = {
        place: client.get(f"/admin/buckets/{filled}/{place}").status_code
        for place in places
    }
    assert set(answers.values()) == {403}, answers


def test_self_service_makes_its_own_key(sign_in: Any, account: Any) -> None:
    client = sign_in("ada", ROLES["Self-service"])
    ada = account.identities.get(name="ada")
    given = {"identity": ada.unique_id, "kind": "s3", "lifetime": "30"}
    shown = client.post("/admin/create-key/", given)
    key = ada.access_keys.get()
    assert key.expires_at is not None
    assert key.access_key_id.encode() in shown.content
    assert key.access_key_id.encode() in client.get("/admin/keys/").content


def test_jobs_of_others_are_not_seen(
    operator: Any, sign_in: Any, filled: str, root: Any
) -> None:
    operator.post(
        f"/admin/buckets/{filled}/purge/",
        {"scope": "everything", "bucket_name": filled},
    )
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
        }
    )
    client = sign_in("ada", text)
    assert b"No jobs yet" in client.get("/admin/jobs/").content
    assert b"Purge" in operator.get("/admin/jobs/").content


def test_access_asks_as_much_for_many_people(
    operator: Any, sign_in: Any, bucket: str
) -> None:
    page = f"/admin/buckets/{bucket}/access/"

    def queries() -> int:
        # What a process recalls is recalled by then.
        operator.get(page)
        with CaptureQueriesContext(connection) as captured:
            assert operator.get(page).status_code == 200
        return len(captured)

    sign_in("first", ROLES["Self-service"])
    few = queries()
    for number in range(6):
        sign_in(f"more-{number}", ROLES["Auditor"], ROLES["Self-service"])
    assert queries() == few


@pytest.mark.parametrize(
    ("statements", "answers"),
    [
        (
            [
                {
                    "Effect": "Allow",
                    "Action": "s3:ListBucket",
                    "Resource": "arn:aws:s3:::{bucket}",
                    "Condition": {"StringLike": {"s3:prefix": "in/*"}},
                },
                {
                    "Effect": "Allow",
                    "Action": ["s3:GetObject", "s3:PutObject"],
                    "Resource": "arn:aws:s3:::{bucket}/in/*",
                },
            ],
            ["in part", "in part", "in part", "no", "no"],
        ),
        (
            [{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::other/*"}],
            ["no"] * 5,
        ),
        (
            [
                {
                    "Effect": "Allow",
                    "Action": "s3:GetObject",
                    "Resource": "arn:aws:s3:::{bucket}/in/*",
                },
                {
                    "Effect": "Deny",
                    "Action": "*",
                    "Resource": "arn:aws:s3:::{bucket}/*",
                },
            ],
            ["no"] * 5,
        ),
    ],
    ids=["folder", "elsewhere", "denied"],
)
def test_access_tells_of_those_who_may_in_part(
    account: Any,
    sign_in: Any,
    bucket: str,
    statements: list[Any],
    answers: list[str],
) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    sign_in("ada", document.replace("{bucket}", bucket))
    [reach] = reaches_of(
        list(account.identities.filter(name="ada")), find_bucket(bucket)
    )
    assert [answer for _, answer in reach.answers] == answers
