"""The audit log: every change is in it, with its refusals, and no secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audit import operations as audit
from audit.models import AuditEvent
from audit.operations import Search
from buckets.configurations import Configuration
from buckets.operations import (
    create_bucket,
    delete_bucket,
    delete_configuration,
    put_bucket_policy,
    put_bucket_versioning,
    put_configuration,
)
from buckets.quotas import put_bucket_quota
from iam import administration, groups, managed_policies, roles, sessions, users
from iam.entities import EntityKind
from iam.principals import RequestFacts
from kernel.bodies import Body
from kernel.database.commit import commit
from kernel.errors import AccessDenied, BucketNotEmpty, NoSuchKey
from objects.operations import (
    ObjectIdentifier,
    delete_object,
    delete_objects,
    get_object,
    put_object,
)

PUBLIC = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::bucket/secret/*",
            }
        ],
    }
)
FACTS = RequestFacts(request_id="R1", source_ip="192.0.2.7", user_agent="tool/1")


@pytest.fixture
def events(root: Any) -> Callable[..., list[AuditEvent]]:
    """The log since the fixture began, oldest first."""
    last = AuditEvent.objects.order_by("-id").values_list("pk", flat=True).first() or 0

    def read(**having: Any) -> list[AuditEvent]:
        return list(AuditEvent.objects.filter(pk__gt=last, **having).order_by("id"))

    return read


def test_change_says_who_what_and_what_was_before(
    root: Any, bucket: str, events: Any
) -> None:
    someone = root.asking(FACTS)
    put_configuration(someone, bucket, Configuration.CORS, {"rules": [1]})
    put_configuration(someone, bucket, Configuration.CORS, {"rules": [2]})
    delete_configuration(someone, bucket, Configuration.CORS)
    first, second, third = events(action="s3:PutBucketCORS")
    assert (first.before, first.after) == (None, {"rules": [1]})
    assert (second.before, second.after) == ({"rules": [1]}, {"rules": [2]})
    assert (third.before, third.after) == ({"rules": [2]}, None)
    assert first.principal_arn == root.arn
    assert first.source_ip == "192.0.2.7"
    assert first.user_agent == "tool/1"
    assert first.request_id == "R1"
    assert first.bucket_name == bucket
    assert first.resource == "arn:aws:s3:::bucket"
    assert first.outcome == "Success"
    assert first.account_id == root.account_id


def test_each_kind_of_change_is_kept_once(root: Any, events: Any) -> None:
    now = timezone.now()
    create_bucket(root, "kept", now=now)
    put_bucket_versioning(root, "kept", "Enabled")
    put_bucket_policy(root, "kept", PUBLIC.replace("bucket/", "kept/"))
    put_bucket_quota(root, "kept", quota_bytes=10, quota_objects=None)
    delete_bucket(root, "kept", now=now)
    assert [event.action for event in events(bucket_name="kept")] == [
        "s3:CreateBucket",
        "s3:PutBucketVersioning",
        "s3:PutBucketPolicy",
        "objectstore:PutBucketQuota",
        "s3:DeleteBucket",
    ]


def test_temporary_credentials_leave_a_trace(
    root: Any, make_principal: Any, events: Any
) -> None:
    now = timezone.now()
    anyone = {"Effect": "Allow", "Action": "sts:*", "Principal": {"AWS": "*"}}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [anyone]})
    role = roles.create_role(root, "backup", trust, now=now)
    ann = make_principal("ann").asking(FACTS)
    narrowing = sessions.Narrowing(source_identity="ann-herself")
    made = sessions.assume_role(ann, role.arn, "tonight", narrowing=narrowing, now=now)
    with pytest.raises(AccessDenied):
        sessions.assume_role(ann, f"{role.arn}-not-there", "tonight", now=now)
    own = sessions.get_session_token(ann, now=now)
    assumed, refused = events(action="sts:AssumeRole")
    assert assumed.principal_arn == ann.arn
    assert assumed.source_ip == "192.0.2.7"
    assert assumed.resource == role.arn
    assert assumed.account_id == root.account_id
    assert assumed.outcome == "Success"
    assert assumed.parameters["session_name"] == "tonight"
    assert assumed.parameters["narrowing"]["source_identity"] == "ann-herself"
    assert assumed.after["access_key_id"] == made.credentials.access_key_id
    assert refused.outcome == "AccessDenied"
    (token,) = events(action="sts:GetSessionToken")
    assert token.after["access_key_id"] == own.access_key_id
    kept = json.dumps([[one.parameters, one.after] for one in events()])
    for secret in (made.credentials, own):
        assert secret.secret_access_key not in kept
        assert secret.session_token not in kept


def test_identities_are_kept_without_their_secrets(root: Any, events: Any) -> None:
    now = timezone.now()
    made = users.create_user(root, "ann", password="correct horse battery", now=now)
    pair = administration.create_access_key(root, made.unique_id, now=now)
    groups.create_group(root, "readers", now=now)
    groups.add_user_to_group(root, "readers", "ann")
    policy = managed_policies.create_policy(
        root,
        "reads",
        json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}
                ],
            }
        ),
        now=now,
    )
    administration.set_policies(root, EntityKind.USER, made.unique_id, [policy.pk], [])
    kept = events()
    assert [event.action for event in kept] == [
        "iam:CreateUser",
        "iam:CreateAccessKey",
        "iam:CreateGroup",
        "iam:AddUserToGroup",
        "iam:CreatePolicy",
        "iam:AttachUserPolicy",
    ]
    assert kept[-1].parameters["policy_arn"] == policy.arn
    everything = json.dumps([event.parameters for event in kept])
    assert "battery" not in everything
    assert pair.secret_access_key not in everything


def test_refused_change_is_kept_with_its_code(
    root: Any, bucket: str, events: Any
) -> None:
    put_object(root, bucket, "a", body=Body.of(b"x"), now=timezone.now())
    with pytest.raises(BucketNotEmpty):
        delete_bucket(root, bucket, now=timezone.now())
    (event,) = events(action="s3:DeleteBucket")
    assert event.outcome == "BucketNotEmpty"


def test_refusal_of_the_door_is_kept_once_also_of_reading(
    make_principal: Any, root: Any, bucket: str, events: Any
) -> None:
    stranger = make_principal("stranger").asking(FACTS)
    with pytest.raises(AccessDenied):
        put_bucket_versioning(stranger, bucket, "Enabled")
    put_object(root, bucket, "a", body=Body.of(b"x"), now=timezone.now())
    with pytest.raises(AccessDenied):
        get_object(stranger, bucket, "a")
    with pytest.raises(AccessDenied):
        administration.list_identities(stranger)
    changed, read, listed = events(outcome="AccessDenied")
    assert changed.action == "s3:PutBucketVersioning"
    assert changed.parameters == {"name": bucket, "status": "Enabled"}
    assert (read.action, read.key) == ("s3:GetObject", "a")
    assert "no identity-based policy" in read.reason
    assert read.principal_id == stranger.unique_id
    assert listed.action == "iam:ListUsers"


def test_reads_and_plain_writes_are_not_kept(
    root: Any, bucket: str, events: Any
) -> None:
    put_object(root, bucket, "a", body=Body.of(b"x"), now=timezone.now())
    get_object(root, bucket, "a")
    delete_object(root, bucket, "a", now=timezone.now())
    with pytest.raises(NoSuchKey):
        get_object(root, bucket, "a")
    assert events(bucket_name=bucket, action__contains="Object") == []


def test_plain_writes_are_kept_where_all_is(
    root: Any, versioned: str, events: Any, settings: Any
) -> None:
    settings.OBJECTSTORE_AUDIT = "all"
    now = timezone.now()
    info = put_object(root, versioned, "a", body=Body.of(b"x"), now=now)
    delete_object(root, versioned, "a", now=now)
    delete_object(root, versioned, "a", version_id=info.version_id, now=now)
    kept = events(bucket_name=versioned, key="a")
    assert [event.action for event in kept] == [
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
    ]
    assert kept[0].parameters == {"version_id": info.version_id}


def test_deletions_of_one_request_are_one_event(
    root: Any, bucket: str, events: Any
) -> None:
    now = timezone.now()
    for key in ("a", "b"):
        put_object(root, bucket, key, body=Body.of(b"x"), now=now)
    wanted = [ObjectIdentifier("a"), ObjectIdentifier("b")]
    delete_objects(root.asking(FACTS), bucket, wanted, now=now)
    (event,) = events(action="s3:DeleteObjects")
    assert event.parameters == {"deleted": 2, "failed": 0, "first": "a", "last": "b"}


@pytest.mark.django_db(transaction=True)
def test_change_that_rolls_back_leaves_no_event(root: Any, bucket: str) -> None:
    """Through the group commit, on the writer's own thread."""
    AuditEvent.objects.all().delete()
    put_bucket_versioning(root, bucket, "Enabled")

    def fails() -> None:
        put_bucket_versioning(root, bucket, "Suspended")
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        commit(fails)
    kept = AuditEvent.objects.filter(action="s3:PutBucketVersioning")
    assert [event.after for event in kept] == ["Enabled"]


def test_refusals_of_one_caller_are_bounded(
    make_principal: Any, bucket: str, events: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("audit.keeping.MOST_REFUSALS", 3)
    stranger = make_principal("noisy").asking(FACTS)
    for number in range(10):
        with pytest.raises(AccessDenied):
            put_object(
                stranger, bucket, str(number), body=Body.of(b""), now=timezone.now()
            )
    kept = events(outcome="AccessDenied")
    assert len(kept) <= 2 * 3
    assert any("More refusals" in event.reason for event in kept)


def test_log_is_read_by_page_and_by_those_who_may(
    root: Any, other_root: Any, make_principal: Any, bucket: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(audit, "PER_PAGE", 2)
    for status in ("Enabled", "Suspended", "Enabled"):
        put_bucket_versioning(root, bucket, status)
    search = audit.Search(action="Versioning")
    first = audit.list_events(root, search)
    assert [event.after for event in first.events] == ["Enabled", "Suspended"]
    second = audit.list_events(root, search, before=first.next_before)
    assert [event.after for event in second.events] == ["Enabled"]
    assert second.next_before is None
    assert [event.after for event in audit.export_events(root, search)] == [
        *("Enabled", "Suspended", "Enabled")
    ]
    assert audit.list_events(other_root, search).events == []
    with pytest.raises(AccessDenied):
        audit.list_events(make_principal("nosy"), search)


def test_search_says_where_it_stopped(root: Any, bucket: str, monkeypatch: Any) -> None:
    put_bucket_versioning(root, bucket, "Enabled")
    for _ in range(5):
        put_bucket_quota(root, bucket, quota_bytes=1, quota_objects=None)
    monkeypatch.setattr(audit, "MOST_PASSED", 3)
    search = audit.Search(action="PutBucketVersioning")
    found = audit.list_events(root, search)
    assert found.stopped_early
    pages = 0
    while not found.events:
        found = audit.list_events(root, search, before=found.next_before)
        pages += 1
    assert pages == 1


def test_days_say_where_a_search_begins_and_ends(
    root: Any, bucket: str, monkeypatch: Any
) -> None:
    AuditEvent.objects.all().delete()
    now = timezone.now()
    numbers = []
    for days in range(9, -1, -1):
        put_bucket_quota(root, bucket, quota_bytes=days, quota_objects=None)
        event = AuditEvent.objects.latest("pk")
        AuditEvent.objects.filter(pk=event.pk).update(
            created_at=now - timedelta(days=days)
        )
        numbers.append(event.pk)
    monkeypatch.setattr(audit, "MOST_PASSED", 3)
    search = audit.Search(
        since=now - timedelta(days=8, hours=2), until=now - timedelta(days=6)
    )
    found = audit.list_events(root, search)
    assert [event.pk for event in found.events] == numbers[1:4][::-1][1:]
    assert not found.stopped_early


def test_old_events_are_forgotten(root: Any, bucket: str, settings: Any) -> None:
    put_bucket_versioning(root, bucket, "Enabled")
    count = AuditEvent.objects.count()
    later = timezone.now() + timedelta(days=settings.OBJECTSTORE_AUDIT_DAYS + 1)
    assert audit.forget_old_events(now=timezone.now()) == 0
    assert audit.forget_old_events(now=later) == count


def test_events_come_from_every_dialect(
    bucket: str, api_key: str, settings: Any
) -> None:
    settings.OBJECTSTORE_AUDIT = "all"
    client = Client(headers={"authorization": f"Bearer {api_key}"})
    client.put("/objects/by-key-value", b"x", content_type="text/plain")
    client.put(f"/v1/buckets/{bucket}/objects/by-rest", b"x", content_type="text/plain")
    client.put(f"/{bucket}/by-s3", b"x", content_type="text/plain")
    kept = AuditEvent.objects.filter(action="s3:PutObject").order_by("id")
    assert [event.key for event in kept] == ["by-key-value", "by-rest", "by-s3"]
    assert all(event.request_id for event in kept)
    assert all(event.source_ip == "127.0.0.1" for event in kept)
    assert all(event.key_id.startswith("AKEY") for event in kept)


def test_sign_ins_are_kept(operator: Any, django_user_model: Any) -> None:
    client = Client()
    client.post("/admin/login/", {"username": "operator", "password": "wrong"})
    client.post("/admin/login/", {"username": "operator", "password": "secret"})
    kept = AuditEvent.objects.filter(action="console:SignIn").order_by("id")
    failed, done = list(kept)[-2:]
    assert failed.outcome == "AuthenticationFailed"
    assert failed.parameters == {"username": "operator"}
    assert done.outcome == "Success"


def test_failed_sign_ins_are_told_to_the_account_they_are_of(
    root: Any, other_root: Any, operator: Any
) -> None:
    now = timezone.now()
    users.create_user(other_root, "ben", password="correct horse battery", now=now)
    for name in ("ben", "typed-a-password-here"):
        Client().post("/admin/login/", {"username": name, "password": "wrong"})

    def names(principal: Any) -> list[str]:
        found = audit.list_events(principal, Search(action="SignIn")).events
        return [event.parameters["username"] for event in found]

    assert names(other_root) == ["ben"]
    assert names(root) == ["typed-a-password-here"]


def test_a_new_password_is_kept(operator: Any) -> None:
    client = Client()
    client.force_login(operator)
    given = dict.fromkeys(("new_password1", "new_password2"), "a-long-pass-phrase-7")
    page = "/admin/password_change/"
    client.post(page, {"old_password": "wrong", **given})
    kept = AuditEvent.objects.filter(action="console:ChangePassword")
    assert not kept.exists()
    assert client.post(page, {"old_password": "secret", **given}).status_code == 302
    (event,) = kept
    assert event.principal_arn.endswith(":root")
    assert event.account_id is not None
    assert "phrase" not in json.dumps(event.parameters)
