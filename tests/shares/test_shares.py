"""Share links: what they lead to, how they end, and that they give nothing more."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent
from iam.models import InlinePolicy
from iam.operations import create_identity, put_identity_policy
from iam.queries import principal_of
from kernel.bodies import Body
from kernel.errors import AccessDenied, InvalidArgument, NoSuchEntity, NoSuchKey
from kernel.results import ObjectAttributes
from lifecycle.restores import carry_out_restores, take_due_jobs
from objects.operations import delete_object, put_object
from objects.restores import restore_object
from shares import operations
from shares.models import Share
from shares.operations import ShareEndedError, create_share

NOW = timezone.now()
SCRIPT = b"<script>alert(document.domain)</script>"


def statement(actions: Any, resource: Any, effect: str = "Allow") -> str:
    said = {"Effect": effect, "Action": actions, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [said]})


def put(
    root: Any,
    bucket: str,
    key: str,
    data: bytes = b"data",
    kind: str = "",
    storage_class: str = "",
) -> Any:
    attributes = ObjectAttributes(content_type=kind, storage_class=storage_class)
    body = Body.of(data)
    return put_object(
        root, bucket, key, body=body, attributes=attributes, now=timezone.now()
    )


@pytest.fixture
def filled(root: Any, bucket: str) -> str:
    put(root, bucket, "trip/plan.txt", b"the plan")
    put(root, bucket, "trip/page.html", SCRIPT, "text/html")
    put(root, bucket, "secret.txt", b"secret")
    return bucket


def share(principal: Any, bucket: str, key: str, **terms: Any) -> tuple[Share, str]:
    made = create_share(
        principal,
        bucket,
        key,
        **{"expires_at": timezone.now() + timedelta(days=2), **terms},
        now=timezone.now(),
    )
    return made.share, f"/-/share/{made.token}"


def body_of(response: Any) -> bytes:
    assert response.status_code == 200
    return b"".join(response.streaming_content)


def test_link_leads_to_the_object_without_a_sign_in(
    client: Client, root: Any, filled: str
) -> None:
    made, link = share(root, filled, "trip/plan.txt")
    page = client.get(link)
    assert b"plan.txt" in page.content
    assert Share.objects.get(pk=made.pk).download_count == 0
    response = client.get(f"{link}/download")
    assert 'filename="plan.txt"' in response.headers["Content-Disposition"]
    assert body_of(response) == b"the plan"
    made.refresh_from_db()
    assert made.download_count == 1
    assert made.last_used_at is not None


def test_the_token_is_not_in_the_database(root: Any, filled: str) -> None:
    made, link = share(root, filled, "trip/plan.txt", password="open sesame")
    token = link.rpartition("/")[2]
    row = str(Share.objects.filter(pk=made.pk).values().get())
    assert token not in row
    assert "open sesame" not in row
    assert operations.token_of(root, made) == token


def test_uploaded_page_is_only_ever_saved(
    client: Client, root: Any, filled: str
) -> None:
    _, link = share(root, filled, "trip/page.html")
    response = client.get(f"{link}/download")
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["Content-Security-Policy"].startswith("sandbox;")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert body_of(response) == SCRIPT


def test_a_shared_name_shows_what_turns_it_round(
    client: Client, root: Any, bucket: str
) -> None:
    put(root, bucket, "in/photo\u202egpj.exe")
    for key in ("in/photo\u202egpj.exe", "in/"):
        _, link = share(root, bucket, key, is_folder=key.endswith("/"))
        assert "photo⟨U+202E⟩gpj.exe</" in client.get(link).content.decode()


def test_what_lies_in_the_archive_says_so_and_is_not_offered(
    client: Client, root: Any, filled: str
) -> None:
    put(root, filled, "trip/old.mov", bytes(20_000), storage_class="archive")
    _, alone = share(root, filled, "trip/old.mov")
    _, folder = share(root, filled, "trip/", is_folder=True)
    for link in (alone, folder):
        text = client.get(link).content.decode()
        assert "old.mov" in text
        assert "ask who sent you this link" in text.lower()
    assert "/download" not in client.get(alone).content.decode()
    assert client.get(folder).content.count(b"/download?") == 2
    restore_object(root, filled, "trip/old.mov", days=1, now=timezone.now())
    for link in (alone, folder):
        text = client.get(link).content.decode()
        assert "being restored from an archive" in text
        assert text.count("/download") == (2 if link == folder else 0)
    carry_out_restores(
        take_due_jobs(timezone.now()), now=timezone.now(), clock=timezone.now
    )
    assert f'{alone}/download"' in client.get(alone).content.decode()
    assert client.get(folder).content.count(b"/download?") == 3


def test_link_to_a_version_stays_with_it(
    client: Client, root: Any, versioned: str
) -> None:
    old = put(root, versioned, "a.txt", b"old")
    put(root, versioned, "a.txt", b"new")
    _, fixed = share(root, versioned, "a.txt", version_id=old.version_id)
    _, moving = share(root, versioned, "a.txt")
    assert body_of(client.get(f"{fixed}/download")) == b"old"
    assert body_of(client.get(f"{moving}/download")) == b"new"


def test_folder_leads_to_what_is_in_it_and_no_further(
    client: Client, root: Any, filled: str
) -> None:
    _, link = share(root, filled, "trip/", is_folder=True)
    assert b"plan.txt" in client.get(link).content
    inside = client.get(f"{link}/download", {"key": "trip/plan.txt"})
    assert body_of(inside) == b"the plan"
    for key in ("secret.txt", "trip", "", "trip/none"):
        assert client.get(f"{link}/download", {"key": key}).status_code == 404
    archive = zipfile.ZipFile(io.BytesIO(body_of(client.get(f"{link}/all.zip"))))
    assert set(archive.namelist()) == {"trip/plan.txt", "trip/page.html"}


def test_right_to_one_prefix_is_enough_for_its_archive(
    client: Client, make_principal: Any, filled: str
) -> None:
    bucket = f"arn:aws:s3:::{filled}"
    lists = json.loads(statement("s3:ListBucket", bucket))
    lists["Statement"][0]["Condition"] = {"StringLike": {"s3:prefix": "trip/*"}}
    reads = statement("s3:GetObject", f"{bucket}/trip/*")
    ada = make_principal("ada", json.dumps(lists), reads)
    _, link = share(ada, filled, "trip/", is_folder=True)
    archive = zipfile.ZipFile(io.BytesIO(body_of(client.get(f"{link}/all.zip"))))
    assert set(archive.namelist()) == {"trip/plan.txt", "trip/page.html"}


def test_one_objects_link_is_no_archive(client: Client, root: Any, filled: str) -> None:
    _, link = share(root, filled, "trip/plan.txt")
    assert client.get(f"{link}/all.zip").status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": NOW - timedelta(seconds=1)},
        {"revoked_at": NOW},
        {"most_downloads": 1, "download_count": 1},
    ],
)
def test_ended_link_looks_like_one_that_never_was(
    client: Client, root: Any, filled: str, change: dict[str, Any]
) -> None:
    made, link = share(root, filled, "trip/plan.txt")
    Share.objects.filter(pk=made.pk).update(**change)
    for path in (link, f"{link}/download", "/-/share/never-made"):
        response = client.get(path)
        assert response.status_code == 404
        assert b"This link has ended" in response.content


def test_link_ends_with_its_makers_right(
    client: Client, account: Any, filled: str
) -> None:
    identity = create_identity(account, "anna", now=timezone.now())
    reads = statement("s3:GetObject", f"arn:aws:s3:::{filled}/trip/*")
    put_identity_policy(identity, "reads", reads)
    _, link = share(principal_of(identity), filled, "trip/plan.txt")
    assert client.get(link).status_code == 200
    InlinePolicy.objects.filter(identity=identity).delete()
    assert client.get(link).status_code == 404
    assert client.get(f"{link}/download").status_code == 404
    put_identity_policy(identity, "reads", reads)
    assert client.get(link).status_code == 200
    identity.is_active = False
    identity.save()
    assert client.get(f"{link}/download").status_code == 404


def test_link_ends_with_the_object_and_the_bucket(
    client: Client, root: Any, filled: str
) -> None:
    made, link = share(root, filled, "trip/plan.txt")
    Share.objects.filter(pk=made.pk).update(bucket_row_id=made.bucket_row_id + 1)
    assert client.get(f"{link}/download").status_code == 404
    Share.objects.filter(pk=made.pk).update(bucket_row_id=made.bucket_row_id)
    delete_object(root, filled, "trip/plan.txt", now=timezone.now())
    assert client.get(link).status_code == 404


def test_nobody_shares_what_they_may_not_read(make_principal: Any, filled: str) -> None:
    reader = make_principal(
        "reader", statement("s3:GetObject", f"arn:aws:s3:::{filled}/trip/*")
    )
    share(reader, filled, "trip/plan.txt")
    with pytest.raises(AccessDenied):
        share(reader, filled, "secret.txt")
    with pytest.raises(AccessDenied):
        share(reader, filled, "trip/", is_folder=True)


def test_sharing_can_be_denied(make_principal: Any, filled: str) -> None:
    kept = make_principal(
        "kept",
        statement("s3:*", "*"),
        statement("objectstore:CreateShare", "*", "Deny"),
    )
    with pytest.raises(AccessDenied):
        share(kept, filled, "trip/plan.txt")


@pytest.mark.parametrize(
    "terms",
    [
        {"expires_at": NOW - timedelta(days=1)},
        {"expires_at": NOW + timedelta(days=4000)},
        {"most_downloads": 0},
        {"password": "short"},
    ],
)
def test_terms_are_bounded(root: Any, filled: str, terms: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        share(root, filled, "trip/plan.txt", **terms)
    with pytest.raises(NoSuchKey):
        share(root, filled, "none.txt")


def test_password_is_asked_for_once(client: Client, root: Any, filled: str) -> None:
    made, link = share(root, filled, "trip/plan.txt", password="open sesame")
    page = client.get(link)
    assert b"plan.txt" not in page.content
    assert client.get(f"{link}/download").status_code == 403
    wrong = client.post(link, {"password": "close sesame"})
    assert wrong.status_code == 403
    assert b"not the password" in wrong.content
    right = client.post(link, {"password": "open sesame"})
    assert right.status_code == 303
    assert body_of(client.get(f"{link}/download")) == b"the plan"
    assert Client().get(f"{link}/download").status_code == 403
    denied = AuditEvent.objects.get(
        action="objectstore:UseShare", key=made.key, outcome="AccessDenied"
    )
    assert "password" in denied.reason


@pytest.mark.usefixtures("clock")
def test_passwords_cannot_be_tried_for_long(
    client: Client, root: Any, filled: str
) -> None:
    _, link = share(root, filled, "trip/plan.txt", password="open sesame")
    answers = [client.post(link, {"password": str(n)}).status_code for n in range(12)]
    assert answers[:10] == [403] * 10
    assert answers[10:] == [429] * 2
    assert client.post(link, {"password": "open sesame"}).status_code == 429


def test_forged_form_is_refused(root: Any, filled: str) -> None:
    _, link = share(root, filled, "trip/plan.txt", password="open sesame")
    stranger = Client(enforce_csrf_checks=True)
    assert stranger.post(link, {"password": "open sesame"}).status_code == 403


def test_head_counts_nothing(client: Client, root: Any, filled: str) -> None:
    made, link = share(root, filled, "trip/plan.txt")
    assert client.head(f"{link}/download").status_code == 200
    made.refresh_from_db()
    assert made.download_count == 0


def test_each_use_is_in_the_audit_log(client: Client, root: Any, filled: str) -> None:
    made, link = share(root, filled, "trip/plan.txt", password="")
    body_of(client.get(f"{link}/download", headers={"user-agent": "curl"}))
    operations.revoke_share(root, made.pk, now=timezone.now())
    events = AuditEvent.objects.filter(action__contains="Share").order_by("pk")
    assert [event.action.partition(":")[2] for event in events] == [
        "CreateShare",
        "UseShare",
        "RevokeShare",
    ]
    assert {event.key for event in events} == {"trip/plan.txt"}
    assert events[1].user_agent == "curl"
    assert events[1].parameters["share"] == made.pk


def test_others_links_are_neither_seen_nor_ended(
    root: Any, make_principal: Any, filled: str
) -> None:
    made, _ = share(root, filled, "trip/plan.txt")
    anna = make_principal("anna", statement("s3:*", "*"))
    auditor = make_principal("auditor", statement("objectstore:ListShares", "*"))
    assert operations.list_shares(anna, now=NOW) == []
    with pytest.raises(NoSuchEntity):
        operations.revoke_share(anna, made.pk, now=NOW)
    assert operations.list_shares(auditor, now=NOW) == [made]
    with pytest.raises(AccessDenied):
        operations.revoke_share(auditor, made.pk, now=NOW)
    with pytest.raises(AccessDenied):
        operations.token_of(auditor, made)


def test_other_account_sees_nothing(root: Any, other_root: Any, filled: str) -> None:
    made, _ = share(root, filled, "trip/plan.txt")
    assert operations.list_shares(other_root, now=NOW) == []
    with pytest.raises(NoSuchEntity):
        operations.revoke_share(other_root, made.pk, now=NOW)


def test_old_links_are_forgotten(root: Any, filled: str) -> None:
    old, _ = share(root, filled, "trip/plan.txt")
    kept, _ = share(root, filled, "trip/plan.txt")
    Share.objects.filter(pk=old.pk).update(expires_at=NOW - timedelta(days=100))
    operations.forget_old_shares(now=NOW)
    assert list(Share.objects.all()) == [kept]


def test_rest_makes_lists_and_ends(client: Client, filled: str, api_key: str) -> None:
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {api_key}"
    asked = {
        "bucket_name": filled,
        "key": "trip/plan.txt",
        "expires_at": (timezone.now() + timedelta(days=2)).isoformat(),
        "most_downloads": 1,
    }
    made = client.post("/v1/shares", asked, content_type="application/json")
    assert made.status_code == 201, made.content
    link = made.json()["url"]
    assert body_of(Client().get(f"{link}/download")) == b"the plan"
    assert Client().get(f"{link}/download").status_code == 404
    (listed,) = client.get("/v1/shares").json()["shares"]
    assert listed["download_count"] == 1
    assert "url" not in listed
    assert client.delete(f"/v1/shares/{listed['id']}").status_code == 204
    assert client.delete("/v1/shares/999999").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_last_downloads_are_given_out_once(root: Any, filled: str) -> None:
    made, link = share(root, filled, "trip/plan.txt", most_downloads=5)
    outcomes: list[int] = []

    def take() -> None:
        try:
            response = Client().get(f"{link}/download")
            if response.status_code == 200:
                body_of(response)
            outcomes.append(response.status_code)
        finally:
            connections.close_all()

    takers = [threading.Thread(target=take) for _ in range(16)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    assert sorted(outcomes) == [200] * 5 + [404] * 11
    made.refresh_from_db()
    assert made.download_count == 5
    with pytest.raises(ShareEndedError):
        operations.find_share(link.rpartition("/")[2], timezone.now())
