"""Keys and policies over REST."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from iam.operations import create_api_key, create_group, create_identity, create_policy

pytestmark = pytest.mark.django_db

READS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": ["arn:aws:s3:::photos", "arn:aws:s3:::photos/*"],
        }
    ],
}


@pytest.fixture
def call(client, api_key):
    """Ask /v1/iam with the root's key, or another one."""

    def call(method, path, document=None, *, key=api_key):
        return client.generic(
            method,
            f"/v1/iam{path}",
            b"" if document is None else json.dumps(document).encode(),
            content_type="application/json",
            headers={"Authorization": f"Bearer {key}"},
        )

    return call


@pytest.fixture
def app(account):
    return create_identity(account, "app", now=timezone.now())


@pytest.fixture
def app_key(app):
    return create_api_key(app, now=timezone.now()).api_key


def test_a_key_lives(call, app, client):
    wanted = {"user_name": "app", "name": "web", "expires_at": "2099-01-31T00:00:00Z"}
    created = call("POST", "/keys", wanted)
    assert created.status_code == 201
    facts = created.json()
    assert facts["secret"].startswith("osk_")
    assert (facts["kind"], facts["user_name"], facts["status"]) == (
        "api",
        "app",
        "active",
    )
    assert facts["expires_at"] == "2099-01-31T00:00:00Z"
    path = f"/keys/{facts['key_id']}"
    secret = facts.pop("secret")
    assert call("GET", path).json() == facts
    # The key is the user's, who may look at it and do nothing else.
    assert call("GET", "/keys", key=secret).json()["keys"][0]["name"] == "web"

    changed = call("PATCH", path, {"status": "inactive", "expires_at": None})
    assert (changed.json()["status"], changed.json()["expires_at"]) == (
        "inactive",
        None,
    )
    assert call("GET", "/keys", key=secret).status_code == 401
    assert call("DELETE", path).status_code == 204
    assert call("GET", path).status_code == 404
    assert call("GET", path).json()["error"]["code"] == "NoSuchEntity"


def test_a_key_pair_has_the_secret_that_signs(call, app):
    facts = call("POST", "/keys", {"kind": "s3", "user_name": "app"}).json()
    assert facts["key_id"].startswith("AKIA")
    assert len(facts["secret"]) == 40
    listed = call("GET", "/keys?user_name=app").json()["keys"]
    assert [(one["key_id"], one["kind"]) for one in listed] == [(facts["key_id"], "s3")]
    assert "secret" not in listed[0]


def test_without_a_user_a_key_is_the_callers(call):
    made = call("POST", "/keys", {}).json()
    assert made["user_name"] == "main"
    assert call("GET", "/policies", key=made["secret"]).status_code == 200
    assert len(call("GET", "/keys?limit=1").json()["keys"]) == 1


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"user_name": "nobody"}, 404),
        ({"kind": "ssh"}, 400),
        ({"unknown": 1}, 400),
        ({"expires_at": "soon"}, 400),
    ],
)
def test_what_no_key_can_be(call, document, status):
    assert call("POST", "/keys", document).status_code == status


def test_json_that_is_nested_too_deeply_is_refused(client, api_key):
    answer = client.post(
        "/v1/iam/keys",
        b"[" * 200_000,
        content_type="application/json",
        headers={"Authorization": f"Bearer {api_key}"},
    )
    assert answer.status_code == 400, answer.content


def test_keys_of_others_crowd_out_no_own_one(call, app_key):
    for _ in range(2):
        assert call("POST", "/keys", {}).status_code == 201
    (own,) = call("GET", "/keys?limit=1", key=app_key).json()["keys"]
    assert own["user_name"] == "app"


def test_the_door_is_asked_about_keys(call, app_key, api_key):
    root_key = call("GET", "/keys?user_name=main").status_code
    assert root_key == 404  # The root user is no user that has a name in IAM.
    of_root = next(
        one for one in call("GET", "/keys").json()["keys"] if one["user_name"] == "main"
    )["key_id"]
    for method, path, document in (
        ("POST", "/keys", {}),
        ("GET", f"/keys/{of_root}", None),
        ("PATCH", f"/keys/{of_root}", {"status": "inactive"}),
        ("DELETE", f"/keys/{of_root}", None),
        ("GET", "/keys?user_name=other", None),
    ):
        refused = call(method, path, document, key=app_key)
        assert refused.status_code == 403, (method, path)
    assert call("GET", "/keys", key="wrong-key").status_code == 401
    assert call("GET", "/keys").status_code == 200


def test_a_policy_lives(call, app, app_key, account, client):
    made = call("PUT", "/policies/Photos", {"document": READS, "description": "look"})
    assert made.status_code == 201
    assert made.json() == {
        "policy_name": "Photos",
        "arn": f"arn:aws:iam::{account.number}:policy/Photos",
    }
    shown = call("GET", "/policies/photos").json()
    assert (shown["document"], shown["description"]) == (READS, "look")
    assert shown["attached_count"] == 0

    buckets = "/v1/buckets/photos/objects"
    client.put("/v1/buckets/photos", headers=bearer_of(call))
    asked = {"headers": {"Authorization": f"Bearer {app_key}"}}
    assert client.get(buckets, **asked).status_code == 403
    attached = "/policies/Photos/attachments"
    assert call("PUT", f"{attached}/users/app").status_code == 204
    assert call("PUT", f"{attached}/users/app").status_code == 204
    assert client.get(buckets, **asked).status_code == 200
    assert call("GET", attached).json() == {
        "users": ["app"],
        "groups": [],
        "roles": [],
    }
    assert call("DELETE", "/policies/Photos").status_code == 409
    assert call("DELETE", f"{attached}/users/app").status_code == 204
    assert call("DELETE", f"{attached}/users/app").status_code == 404
    assert client.get(buckets, **asked).status_code == 403

    other = {**READS, "Statement": [{**READS["Statement"][0], "Effect": "Deny"}]}
    assert call("PUT", "/policies/Photos", {"document": other}).status_code == 200
    shown = call("GET", "/policies/Photos").json()
    assert (shown["document"], shown["description"]) == (other, "look")
    assert call("DELETE", "/policies/Photos").status_code == 204
    assert call("GET", "/policies/Photos").status_code == 404


def bearer_of(call):
    made = call("POST", "/keys", {}).json()
    return {"Authorization": f"Bearer {made['secret']}"}


def test_groups_take_ready_made_policies(call, account):
    create_group(account, "readers", now=timezone.now())
    path = "/policies/AmazonS3ReadOnlyAccess/attachments"
    assert call("PUT", f"{path}/groups/readers").status_code == 204
    assert call("GET", path).json()["groups"] == ["readers"]
    assert call("PUT", f"{path}/groups/nobody").status_code == 404
    refused = call("PUT", f"{path}/machines/one")
    assert refused.status_code == 400
    assert refused.json()["error"]["details"]["argument_name"] == "kind"


def test_an_own_policy_comes_before_a_ready_made_one(call, account):
    ready = call("GET", "/policies/IAMFullAccess").json()
    assert ready["is_ready_made"]
    assert call("DELETE", "/policies/IAMFullAccess").status_code == 403
    call("PUT", "/policies/IAMFullAccess", {"document": READS})
    assert not call("GET", "/policies/IAMFullAccess").json()["is_ready_made"]
    assert call("DELETE", "/policies/IAMFullAccess").status_code == 204
    assert call("GET", "/policies/IAMFullAccess").json() == ready


def test_policies_are_listed_in_pages(call, account):
    for number in range(3):
        create_policy(account, f"p{number}", json.dumps(READS), now=timezone.now())
    names = []
    token = ""
    while True:
        page = call("GET", f"/policies?limit=2&continuation_token={token}").json()
        names += [one["policy_name"] for one in page["policies"]]
        token = page["next_continuation_token"]
        if not page["is_truncated"]:
            break
    assert {"p0", "p1", "p2", "AdministratorAccess"} <= set(names)
    assert len(names) == len(set(names))
    assert token is None


@pytest.mark.parametrize(
    "document", [{}, {"document": []}, {"document": {"Statement": []}}, {"x": 1}]
)
def test_what_is_no_policy(call, document):
    assert call("PUT", "/policies/P", document).status_code == 400
    assert call("GET", "/policies/P").status_code == 404


def test_the_door_is_asked_about_policies(call, app_key, app):
    call("PUT", "/policies/Photos", {"document": READS})
    for method, path, document in (
        ("GET", "/policies", None),
        ("GET", "/policies/Photos", None),
        ("GET", "/policies/Photos/attachments", None),
        ("GET", "/policies/Nothing", None),
        ("PUT", "/policies/Photos", {"document": READS}),
        ("PUT", "/policies/Others", {"document": READS}),
        ("PUT", "/policies/Photos/attachments/users/app", None),
        ("DELETE", "/policies/Photos/attachments/users/app", None),
        ("DELETE", "/policies/Photos", None),
    ):
        refused = call(method, path, document, key=app_key)
        assert refused.status_code == 403, (method, path)


def test_another_account_sees_nothing(call, other_root, account):
    call("PUT", "/policies/Photos", {"document": READS})
    from iam.models import Identity

    stranger = Identity.objects.get(pk=other_root.identity_id)
    key = create_api_key(stranger, now=timezone.now()).api_key
    assert call("GET", "/policies/Photos", key=key).status_code == 404
    assert "Photos" not in call("GET", "/policies", key=key).content.decode()
    users = {one["user_name"] for one in call("GET", "/keys", key=key).json()["keys"]}
    assert users == {"other"}
