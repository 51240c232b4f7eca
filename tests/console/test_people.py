"""Users, groups, policies, keys and the simulator."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from console.settings.policies import IDENTITY_POLICIES
from iam import administration, groups, inline_policies, managed_policies
from iam.entities import EntityKind
from iam.models import AccessKey, Group, ManagedPolicy
from iam.operations import put_identity_policy
from iam.policy import PolicyKind, parse_policy
from kernel.bodies import Body
from kernel.errors import AccessDenied
from objects.operations import put_object

READ = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "ReadAll",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:ListBucket", "s3:ListAllMyBuckets"],
            "Resource": "*",
        }
    ],
}

DELETE = {"act": "delete", "confirmed": "1"}


def make_user(operator: Any, name: str = "ada", **given: str) -> str:
    response = operator.post(
        "/admin/create-user/", {"kind": "user", "name": name, **given}
    )
    assert response.status_code == 302, response.content
    return str(response.url)


def test_user_is_made_and_signs_in(operator: Any, bucket: str) -> None:
    page = make_user(operator, password="a-long-pass-phrase-7")
    operator.post(
        page, {"act": "put_policy", "name": "read", "document": json.dumps(READ)}
    )
    client = Client()
    given = {"username": "ada", "password": "a-long-pass-phrase-7"}
    assert client.post("/admin/login/", given).url == "/admin/"
    assert bucket.encode() in client.get("/admin/buckets/").content
    assert client.get("/admin/users/").status_code == 403


@pytest.mark.usefixtures("clock")
def test_passwords_cannot_be_tried_for_long(operator: Any, bucket: str) -> None:
    right = {"username": "ada", "password": "a-long-pass-phrase-7"}
    make_user(operator, password=right["password"])
    client = Client()
    for number in range(11):
        wrong = {**right, "password": f"guess {number}"}
        assert b"Too many" not in client.post("/admin/login/", wrong).content
    assert b"Too many attempts" in client.post("/admin/login/", right).content
    elsewhere = Client(REMOTE_ADDR="192.0.2.9")
    assert elsewhere.post("/admin/login/", right).url == "/admin/"


@pytest.mark.usefixtures("clock")
def test_passwords_are_not_tried_from_ever_new_addresses(operator: Any) -> None:
    """Who has one address of IPv6 has all of its /64."""
    right = {"username": "ada", "password": "a-long-pass-phrase-7"}
    make_user(operator, password=right["password"])
    for number in range(11):
        client = Client(REMOTE_ADDR=f"2001:db8::{number:x}")
        wrong = {**right, "password": f"guess {number}"}
        assert b"Too many" not in client.post("/admin/login/", wrong).content
    client = Client(REMOTE_ADDR="2001:db8::ffff")
    assert b"Too many attempts" in client.post("/admin/login/", right).content


def test_weak_password_is_refused(operator: Any, account: Any) -> None:
    response = operator.post(
        "/admin/create-user/", {"kind": "user", "name": "ada", "password": "123"}
    )
    assert response.status_code == 400
    assert not account.identities.filter(name="ada").exists()


def test_policy_is_made_and_attached(operator: Any, account: Any) -> None:
    page = make_user(operator)
    operator.post(
        "/admin/create-policy/", {"name": "readers", "document": json.dumps(READ)}
    )
    policy = ManagedPolicy.objects.get(name="readers")
    operator.post(page, {"act": "attach", "policy": policy.pk})
    ada = account.identities.get(name="ada")
    assert list(ada.managed_policies.all()) == [policy]
    operator.post(f"/admin/policies/{policy.unique_id}/", DELETE)
    assert list(ada.managed_policies.all()) == []


def test_policies_that_others_attached_meanwhile_stay(
    operator: Any, account: Any
) -> None:
    """Two tabs show a user without policies; each ticks another one, and saves."""
    page = make_user(operator)
    first, second = ManagedPolicy.objects.order_by("name")[:2]
    shown = operator.get(page).content.decode()
    assert 'name="had_policy"' not in shown
    operator.post(page, {"act": "attach", "policy": first.pk})
    operator.post(page, {"act": "attach", "policy": second.pk})
    ada = account.identities.get(name="ada")
    assert set(ada.managed_policies.all()) == {first, second}
    shown = operator.get(page).content.decode()
    assert f'name="had_policy" value="{first.pk}"' in shown
    operator.post(page, {"act": "attach", "had_policy": [first.pk, second.pk]})
    assert not ada.managed_policies.exists()


def test_members_that_a_page_is_too_short_for_stay(
    operator: Any, account: Any, monkeypatch: Any
) -> None:
    """Saving a group takes nobody out who was not shown."""
    for name in ("ada", "zoe"):
        make_user(operator, name=name)
    ada, zoe = account.identities.filter(name__in=("ada", "zoe")).order_by("name")
    operator.post("/admin/groups/", {"name": "team"})
    group = Group.objects.get()
    page = f"/admin/groups/{group.unique_id}/"
    operator.post(page, {"member": [ada.pk, zoe.pk]})
    shorten(monkeypatch, to=2)
    shown = operator.get(page).content.decode()
    had = re.findall(r'name="had_member" value="(\d+)"', shown)
    assert had == [str(ada.pk)]
    assert "Only the first 2 users are shown" in shown
    operator.post(page, {"had_member": had})
    assert list(group.members.all()) == [zoe]


def shorten(monkeypatch: Any, *, to: int) -> None:
    listed = administration.list_identities
    monkeypatch.setattr(administration, "MOST_LISTED", to)
    monkeypatch.setattr(administration, "list_identities", partial(listed, most=to))


def test_broken_policy_is_refused_with_a_reason(operator: Any) -> None:
    broken = {"Version": "2012-10-17", "Statement": [{"Effect": "Maybe"}]}
    response = operator.post(
        "/admin/create-policy/", {"name": "x", "document": json.dumps(broken)}
    )
    assert response.status_code == 400
    assert not ManagedPolicy.objects.filter(name="x").exists()


def test_templates_are_policies() -> None:
    for title, _, text in IDENTITY_POLICIES:
        parse_policy(text, name=title, kind=PolicyKind.IDENTITY)


def test_group_gives_its_policies(operator: Any, account: Any, bucket: str) -> None:
    page = make_user(operator, password="a-long-pass-phrase-7")
    operator.post("/admin/groups/", {"name": "team"})
    group = Group.objects.get()
    operator.post(
        "/admin/create-policy/", {"name": "readers", "document": json.dumps(READ)}
    )
    ada = account.identities.get(name="ada")
    operator.post(
        f"/admin/groups/{group.unique_id}/",
        {"member": ada.pk, "policy": ManagedPolicy.objects.get(name="readers").pk},
    )
    client = Client()
    client.force_login(ada.user)
    assert client.get(f"/admin/buckets/{bucket}/objects/").status_code == 200
    operator.post(page, {"act": "join", "had_group": group.pk})
    assert client.get(f"/admin/buckets/{bucket}/objects/").status_code == 403


def test_disabled_user_is_out(operator: Any, account: Any) -> None:
    page = make_user(operator, password="a-long-pass-phrase-7")
    ada = account.identities.get(name="ada")
    client = Client()
    client.force_login(ada.user)
    assert client.get("/admin/").status_code == 200
    operator.post(page, {"act": "set_active", "is_active": "0"})
    assert client.get("/admin/").status_code == 302


def test_deleted_user_takes_keys_and_sign_in_along(
    operator: Any, account: Any, django_user_model: Any
) -> None:
    page = make_user(operator, password="a-long-pass-phrase-7")
    operator.post(page, DELETE)
    assert not account.identities.filter(name="ada").exists()
    assert not django_user_model.objects.filter(username="ada").exists()


def test_root_cannot_be_deleted(operator: Any, account: Any) -> None:
    root = account.identities.get(kind="root")
    response = operator.post(f"/admin/users/{root.unique_id}/", DELETE)
    assert response.status_code == 403


# Keys


def test_secret_is_shown_once(operator: Any, account: Any) -> None:
    root = account.identities.get(kind="root")
    given = {"identity": root.unique_id, "kind": "s3", "name": "laptop"}
    response = operator.post("/admin/create-key/", given)
    secret = response.context_data["secret"]
    assert secret.encode() in response.content
    assert "no-store" in response.headers["Cache-Control"]
    assert secret.encode() not in operator.get("/admin/keys/").content


def test_key_is_rotated_with_an_overlap(operator: Any, access_key: Any) -> None:
    old = access_key.access_key_id
    response = operator.post(
        "/admin/keys/", {"act": "rotate", "key": old, "overlap": "24"}
    )
    assert response.context_data["secret"]
    row = AccessKey.objects.get(access_key_id=old)
    assert row.expires_at is not None
    assert row.expires_at > timezone.now()
    assert AccessKey.objects.count() == 2


def test_key_is_disabled_and_deleted(operator: Any, access_key: Any) -> None:
    key = {"key": access_key.access_key_id}
    operator.post("/admin/keys/", {"act": "disable", **key})
    assert AccessKey.objects.get().status == "Inactive"
    operator.post("/admin/keys/", {**DELETE, **key})
    assert not AccessKey.objects.exists()


# Simulator


def ask(operator: Any, **given: str) -> Any:
    response = operator.get("/admin/simulator/", given)
    assert response.status_code == 200
    return response.context_data["outcome"]


def test_simulator_names_the_statement(
    operator: Any, account: Any, bucket: str, root: Any
) -> None:
    page = make_user(operator)
    operator.post(
        page, {"act": "put_policy", "name": "read", "document": json.dumps(READ)}
    )
    put_object(root, bucket, "a", body=Body.of(b"x"), now=timezone.now())
    ada = account.identities.get(name="ada").unique_id
    question = {"who": ada, "bucket": bucket, "key": "a"}
    allowed = ask(operator, **question, action="s3:GetObject")
    assert allowed.verdict.is_allowed
    assert allowed.policy == "read"
    assert json.loads(allowed.statement)["Sid"] == "ReadAll"
    denied = ask(operator, **question, action="s3:DeleteObject")
    assert not denied.verdict.is_allowed
    assert denied.statement == ""


def test_simulator_asks_for_everybody(operator: Any, bucket: str) -> None:
    outcome = ask(
        operator, who="anonymous", action="s3:GetObject", bucket=bucket, key="a"
    )
    assert not outcome.verdict.is_allowed


def test_a_policy_is_not_deleted_past_the_right_to_detach_it(
    root: Any, make_principal: Any
) -> None:
    document = json.dumps(READ)
    now = timezone.now()
    policy = managed_policies.create_policy(root, "bounds", document, now=now)
    deletes = json.loads(document)
    deletes["Statement"] = [
        {"Effect": "Allow", "Action": "iam:DeletePolicy", "Resource": "*"}
    ]
    ada = make_principal("ada", json.dumps(deletes))
    managed_policies.attach_policy(root, EntityKind.USER, "ada", policy.arn)
    with pytest.raises(AccessDenied):
        administration.delete_policy(ada, policy.unique_id)
    administration.delete_policy(root, policy.unique_id)


@pytest.mark.parametrize("held_by", ["member", "attached", "inline"])
def test_a_group_is_not_deleted_past_the_right_to_empty_it(
    root: Any, make_principal: Any, held_by: str
) -> None:
    allowed = {"Effect": "Allow", "Action": "iam:DeleteGroup", "Resource": "*"}
    deletes = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    ada = make_principal("ada", deletes)
    now = timezone.now()
    group = groups.create_group(root, "bound", now=now)
    if held_by == "member":
        groups.add_user_to_group(root, "bound", "ada")
    elif held_by == "attached":
        policy = managed_policies.create_policy(root, "no", json.dumps(READ), now=now)
        managed_policies.attach_policy(root, EntityKind.GROUP, "bound", policy.arn)
    else:
        inline_policies.put_policy(
            root, EntityKind.GROUP, "bound", "no", json.dumps(READ)
        )
    with pytest.raises(AccessDenied):
        administration.delete_group(ada, group.unique_id)
    administration.delete_group(root, group.unique_id)


def test_forged_rows_are_refused(operator: Any, root: Any) -> None:
    group = groups.create_group(root, "forged", now=timezone.now())
    for wrong in ("x", "9" * 30, "-1"):
        url = f"/admin/groups/{group.unique_id}/"
        assert operator.post(url, {"policy": wrong}).status_code == 400


def test_what_ends_with_a_user_is_said_before(
    operator: Any, account: Any, root: Any, bucket: str
) -> None:
    from console.models import Job, JobKind
    from iam.queries import principal_of
    from shares.operations import create_share

    page = make_user(operator)
    ada = account.identities.get(name="ada")
    put_identity_policy(ada, "all", json.dumps(READ))
    now = timezone.now()
    put_object(root, bucket, "a", body=Body.of(b"x"), now=now)
    later = now + timedelta(days=1)
    create_share(principal_of(ada), bucket, "a", expires_at=later, now=now)
    Job.objects.create(
        kind=JobKind.PURGE,
        identity=ada,
        account=account,
        bucket_name=bucket,
        created_at=now,
    )
    text = operator.post(page, {"act": "delete"}).content.decode()
    assert (
        "With it go 1 share link that people may still use, 1 job under way, for good."
        in text
    )


def test_policies_of_a_user_are_shown_to_those_who_may_read_them(
    operator: Client, sign_in: Any
) -> None:
    page = make_user(operator)
    given = {"act": "put_policy", "name": "hers", "document": json.dumps(READ)}
    operator.post(page, given)
    seeing = {"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"}
    reading = {**seeing, "Action": ["iam:GetUser", "iam:GetUserPolicy"]}
    for statement, is_shown in ((seeing, False), (reading, True)):
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        shown = sign_in(f"sees-{is_shown}", document).get(page)
        assert shown.status_code == 200
        assert (b"ReadAll" in shown.content) is is_shown
