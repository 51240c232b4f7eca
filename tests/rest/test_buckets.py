"""Bucket operations, as the API reference has them."""

from __future__ import annotations

import uuid
from datetime import datetime

import pytest

pytestmark = pytest.mark.django_db

DOCUMENTED = {
    "region": "us-west-1",
    "storage_class": "standard",
    "versioning": {"enabled": True},
    "lifecycle": {
        "rules": [
            {
                "id": "transition-to-cold",
                "status": "enabled",
                "transitions": [{"days": 30, "storage_class": "cold"}],
            }
        ]
    },
    "cors": {
        "rules": [
            {
                "allowed_origins": ["*"],
                "allowed_methods": ["GET", "PUT", "POST"],
                "allowed_headers": ["*"],
                "max_age_seconds": 3600,
            }
        ]
    },
}


def test_the_documented_bucket(rest):
    created = rest("PUT", "/my-bucket", DOCUMENTED)
    assert created.status_code == 201
    facts = created.json()
    assert set(facts) == {"bucket_name", "region", "created_at", "bucket_id"}
    assert (facts["bucket_name"], facts["region"]) == ("my-bucket", "us-west-1")
    assert uuid.UUID(facts["bucket_id"])
    assert datetime.strptime(facts["created_at"], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007
    details = rest("GET", "/my-bucket").json()
    assert details["versioning"] == {"enabled": True}
    assert details["cors"] == DOCUMENTED["cors"]
    rule = details["lifecycle"]["rules"][0]
    assert rule["id"] == "transition-to-cold"
    assert rule["status"] == "enabled"
    assert rule["transitions"] == [{"days": 30, "storage_class": "cold"}]
    assert (details["object_count"], details["total_size"]) == (0, 0)


def test_a_bucket_with_nothing_said(rest):
    assert rest("PUT", "/plain").status_code == 201
    details = rest("GET", "/plain").json()
    assert details["storage_class"] == "standard"
    assert details["versioning"] == {"enabled": False}
    assert details["lifecycle"] == details["cors"] == {"rules": []}


def test_counts_are_exact(rest):
    rest("PUT", "/counted")
    rest("PUT", "/counted/objects/a", b"12345")
    rest("PUT", "/counted/objects/b", b"1")
    rest("PUT", "/counted/objects/b", b"22")
    rest("DELETE", "/counted/objects/a")
    details = rest("GET", "/counted").json()
    assert (details["object_count"], details["total_size"]) == (1, 2)


def test_buckets_are_listed_in_pages(rest):
    for name in ("bucket-c", "bucket-a", "bucket-b"):
        rest("PUT", f"/{name}")
    seen, token = [], ""
    while True:
        page = rest("GET", f"?limit=1&continuation_token={token}").json()
        seen += [one["name"] for one in page["buckets"]]
        assert set(page["buckets"][0]) == {
            "name",
            "region",
            "created_at",
            "storage_class",
        }
        if not page["is_truncated"]:
            break
        token = page["next_continuation_token"]
    assert seen == ["bucket-a", "bucket-b", "bucket-c"]
    assert page["next_continuation_token"] is None


def test_a_bucket_is_deleted_once_it_is_empty(rest):
    rest("PUT", "/full")
    rest("PUT", "/full/objects/key", b"x")
    refused = rest("DELETE", "/full")
    assert (refused.status_code, refused.json()["error"]["code"]) == (
        409,
        "BucketNotEmpty",
    )
    rest("DELETE", "/full/objects/key")
    assert rest("DELETE", "/full").status_code == 204
    assert rest("GET", "/full").status_code == 404


DELETED_BEFORE_IT_IS_MOVED = {
    "expiration": {"days": 30},
    "transitions": [{"days": 30, "storage_class": "cold"}],
}


@pytest.mark.parametrize(
    "body",
    [
        {"region": "no such region!"},
        {"versioning": {"enabled": "perhaps"}},
        {"unknown": 1},
        {"lifecycle": {"rules": [{"status": "enabled"}]}},
        {"lifecycle": {"rules": [{"status": "on", "expiration": {"days": 1}}]}},
        {"lifecycle": {"rules": [{"status": "enabled", "expiration": {"days": 0}}]}},
        {"lifecycle": {"rules": [{"status": "enabled", **DELETED_BEFORE_IT_IS_MOVED}]}},
        {"cors": {"rules": [{"allowed_origins": ["*"]}]}},
        {"cors": {"rules": [{"allowed_origins": ["*"], "allowed_methods": ["PATCH"]}]}},
        [],
    ],
)
def test_a_document_that_is_not_of_the_form_makes_no_bucket(rest, body):
    answer = rest("PUT", "/my-bucket", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "InvalidRequest"
    assert rest("GET", "/my-bucket").status_code == 404


@pytest.mark.parametrize("kind", ["lifecycle", "cors"])
def test_configurations_are_set_read_and_removed(rest, kind):
    rest("PUT", "/my-bucket")
    assert rest("GET", f"/my-bucket/{kind}").status_code == 404
    assert rest("PUT", f"/my-bucket/{kind}", DOCUMENTED[kind]).status_code == 204
    rules = rest("GET", f"/my-bucket/{kind}").json()["rules"]
    assert DOCUMENTED[kind]["rules"][0].items() <= rules[0].items()
    assert rest("DELETE", f"/my-bucket/{kind}").status_code == 204
    assert rest("GET", f"/my-bucket/{kind}").status_code == 404


def test_policy_tags_and_versioning(rest):
    rest("PUT", "/my-bucket")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "222222222222"},
                "Action": ["s3:GetObject"],
                "Resource": "arn:aws:s3:::my-bucket/*",
            }
        ],
    }
    assert rest("PUT", "/my-bucket/policy", policy).status_code == 204
    assert rest("GET", "/my-bucket/policy").json() == policy
    assert rest("PUT", "/my-bucket/policy", {"Statement": []}).status_code == 400
    assert rest("PUT", "/my-bucket/tags", {"tags": {"team": "red"}}).status_code == 204
    assert rest("GET", "/my-bucket/tags").json() == {"tags": {"team": "red"}}
    assert rest("PUT", "/my-bucket/versioning", {"enabled": True}).status_code == 204
    assert rest("GET", "/my-bucket/versioning").json() == {"enabled": True}


def test_a_public_policy_opens_the_bucket_to_everyone(rest, client):
    rest("PUT", "/my-bucket")
    rest("PUT", "/my-bucket/objects/key", b"open")
    path = "/v1/buckets/my-bucket/objects/key"
    assert client.get(path).status_code == 403
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::my-bucket/*",
    }
    policy = {"Version": "2012-10-17", "Statement": statement}
    refused = rest("PUT", "/my-bucket/policy", policy)
    assert refused.status_code == 403
    assert "BlockPublicPolicy" in refused.json()["error"]["message"]
    assert rest("DELETE", "/my-bucket/public-access-block").status_code == 204
    assert rest("PUT", "/my-bucket/policy", policy).status_code == 204
    assert client.get(path).status_code == 200
    assert client.delete(path).status_code == 403


def test_a_browser_sees_a_page(rest):
    rest("PUT", "/my-bucket")
    for path in ("", "/my-bucket", "/my-bucket/objects"):
        answer = rest("GET", path, Accept="text/html,application/xhtml+xml")
        assert answer["Content-Type"].startswith("text/html")
        assert b"my-bucket" in answer.content


def test_who_is_signed_in_is_told_of_a_path_that_means_nothing(client, admin_user):
    client.force_login(admin_user)
    for method in ("GET", "POST"):
        answer = client.generic(method, "/v1/buckets/")
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "InvalidRequest"


def test_no_page_leads_to_a_path_that_means_nothing(rest):
    rest("PUT", "/my-bucket")
    page = rest("GET", "/my-bucket", Accept="text/html").content
    assert b'href="/v1/buckets"' in page
    assert b'href="/v1/buckets/"' not in page


def test_the_documentation_is_served(client, db):
    assert client.get("/docs").status_code == 200
    assert client.get("/v1/schema").status_code == 200


def test_the_schema_comes_in_the_form_that_is_asked_for(client, db):
    as_json = client.get("/v1/schema", headers={"Accept": "application/json, */*"})
    assert as_json["Content-Type"] == "application/json"
    assert "/v1/buckets" in as_json.json()["paths"]
    as_yaml = client.get("/v1/schema", headers={"Accept": "application/yaml"})
    assert as_yaml.content.startswith(b"openapi:")


def test_pages_of_other_origins_come_in_by_cors_rules(rest, client):
    rest("PUT", "/my-bucket")
    path = "/v1/buckets/my-bucket/objects/key"
    asked = {
        "Origin": "https://app.example.com",
        "Access-Control-Request-Method": "PUT",
    }
    assert client.options(path, headers=asked).status_code == 403
    rule = {
        "allowed_origins": ["https://*.example.com"],
        "allowed_methods": ["GET", "PUT"],
        "allowed_headers": ["*"],
    }
    rest("PUT", "/my-bucket/cors", {"rules": [rule]})
    allowed = client.options(path, headers=asked)
    assert allowed.status_code == 200
    assert allowed["Access-Control-Allow-Origin"] == asked["Origin"]
    answer = rest("PUT", "/my-bucket/objects/key", b"x", Origin=asked["Origin"])
    assert answer["Access-Control-Allow-Origin"] == asked["Origin"]
    other = rest("GET", "/my-bucket/objects/key", Origin="https://elsewhere.org")
    assert "Access-Control-Allow-Origin" not in other
