"""The commands that make accounts, users and keys, as test beds script them."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.utils import timezone

from iam.models import Account, ApiKey, Identity, InlinePolicy

pytestmark = pytest.mark.django_db

READ_ALL = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
        ],
    }
)


def run(*arguments: str) -> Any:
    written = io.StringIO()
    call_command(*arguments, stdout=written)
    return json.loads(written.getvalue())


def bearer_status(client: Any, api_key: str) -> int:
    headers = {"Authorization": f"Bearer {api_key}"}
    status: int = client.get("/v1/buckets", headers=headers).status_code
    return status


def signed_status(client: Any, access_key_id: str, secret: str) -> int:
    request = AWSRequest("GET", "http://testserver/v1/buckets")
    S3SigV4Auth(Credentials(access_key_id, secret), "s3", "us-east-1").add_auth(request)
    headers = {**request.headers, "Host": "testserver"}
    status: int = client.get("/v1/buckets", headers=headers).status_code
    return status


# create_account


def test_an_account_with_given_ids():
    given = ["--canonical-id", "c" * 64, "--number", "123456789012", "--email", "a@b.c"]
    assert run("create_account", "alpha", *given) == {
        "name": "alpha",
        "canonical_id": "c" * 64,
        "number": "123456789012",
        "root_arn": "arn:aws:iam::123456789012:root",
    }
    assert Account.objects.get(name="alpha").email == "a@b.c"


def test_an_account_with_drawn_ids():
    made = run("create_account", "alpha")
    assert re.fullmatch(r"[0-9a-f]{64}", made["canonical_id"])
    assert re.fullmatch(r"[0-9]{12}", made["number"])


def test_an_id_that_is_taken():
    run("create_account", "alpha", "--number", "123456789012")
    with pytest.raises(CommandError, match="exists already"):
        run("create_account", "beta", "--number", "123456789012")
    assert not Account.objects.filter(name="beta").exists()


# create_user


@pytest.mark.parametrize("field", ["name", "number", "canonical_id"])
def test_a_user_in_an_account_by_any_of_its_names(account, field):
    made = run("create_user", getattr(account, field), "reader", "--path", "/team/")
    assert made["arn"] == f"arn:aws:iam::{account.number}:user/team/reader"
    assert made["id"].startswith("AIDA")


@pytest.mark.parametrize("kind", ["service", "role"])
def test_other_kinds_of_identities(account, kind):
    run("create_user", "main", "machine", "--kind", kind)
    assert Identity.objects.get(name="machine").kind == kind


def test_a_user_may_what_its_policy_allows(account, client, tmp_path):
    (tmp_path / "policy.json").write_text(READ_ALL)
    run("create_user", "main", "inline", "--policy", READ_ALL)
    run("create_user", "main", "file", "--policy", f"@{tmp_path / 'policy.json'}")
    run("create_user", "main", "none")
    statuses = [
        bearer_status(
            client,
            run("create_key", "main", "--user", name, "--kind", "bearer")["api_key"],
        )
        for name in ("inline", "file", "none")
    ]
    assert statuses == [200, 200, 403]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nobody", "reader"), "no account nobody"),
        (("main", "reader", "--policy", "@/no/such/file"), "cannot be read"),
        (("main", "reader", "--policy", "{}"), "Statement"),
        (("main", "reader", "--policy", "not json"), "policy"),
    ],
)
def test_a_user_that_cannot_be_made_is_not_half_made(account, arguments, message):
    with pytest.raises(CommandError, match=message):
        run("create_user", *arguments)
    assert not Identity.objects.filter(name="reader").exists()
    assert not InlinePolicy.objects.exists()


def test_a_user_name_that_is_taken(account):
    run("create_user", "main", "reader")
    with pytest.raises(CommandError, match="already exists"):
        run("create_user", "main", "reader")


# create_key


def test_given_keys_open_the_account(account, client):
    given = ["--access-key-id", "AKIAGIVEN", "--secret-access-key", "given/secret+key"]
    made = run("create_key", "main", *given)
    assert made == {
        "access_key_id": "AKIAGIVEN",
        "secret_access_key": "given/secret+key",
    }
    assert signed_status(client, *made.values()) == 200
    assert signed_status(client, "AKIAGIVEN", "another") in {401, 403}
    made = run("create_key", "main", "--kind", "bearer", "--api-key", "given-api-key-1")
    assert made["api_key"] == "given-api-key-1"
    assert bearer_status(client, "given-api-key-1") == 200


def test_drawn_keys_open_the_account(account, client):
    assert signed_status(client, *run("create_key", "main").values()) == 200
    made = run("create_key", "main", "--kind", "bearer")
    assert bearer_status(client, made["api_key"]) == 200
    assert made["api_key"] not in ApiKey.objects.get().digest


def test_a_key_ends_after_its_days(account):
    now = timezone.now()
    run("create_key", "main", "--kind", "bearer", "--days", "2")
    expires_at = ApiKey.objects.get().expires_at
    assert now + timedelta(days=2) <= expires_at <= timezone.now() + timedelta(days=2)


@pytest.mark.usefixtures("clock")
def test_a_key_without_rate_limits(account, client, settings):
    settings.OBJECTSTORE_RATE_LIMITS = {
        **settings.OBJECTSTORE_RATE_LIMITS,
        "bucket": "1/d",
    }
    limited = run("create_key", "main", "--kind", "bearer")["api_key"]
    free = run("create_key", "main", "--kind", "bearer", "--no-rate-limit")["api_key"]
    assert [bearer_status(client, limited) for _ in range(2)] == [200, 429]
    assert [bearer_status(client, free) for _ in range(2)] == [200, 200]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nobody",), "no account nobody"),
        (("main", "--user", "nobody"), "no user nobody"),
        (("main", "--days", "-1"), "from 0 to"),
        (("main", "--days", "99999999"), "from 0 to"),
        (("main", "--kind", "bearer", "--api-key", "short"), "8 characters"),
        (("main", "--access-key-id", "TAKEN"), "exists already"),
        (("main", "--kind", "bearer", "--api-key", "taken-api-key"), "exists already"),
    ],
)
def test_a_key_that_cannot_be_made(account, arguments, message):
    run("create_key", "main", "--access-key-id", "TAKEN")
    run("create_key", "main", "--kind", "bearer", "--api-key", "taken-api-key")
    with pytest.raises(CommandError, match=message):
        run("create_key", *arguments)


# bootstrap


def bootstrap(**options: str) -> str:
    written = io.StringIO()
    call_command("bootstrap", stdout=written, **options)
    return written.getvalue()


def test_the_first_start_prints_what_opens_the_store(db, client):
    printed = bootstrap(url="http://store.example:9000")
    shown = dict(
        re.findall(r"^ +(Operator|API key|Access key|Secret key) +(.+)$", printed, re.M)
    )
    name, password = shown["Operator"].split(" / ")
    assert client.login(username=name, password=password)
    assert get_user_model().objects.get(username=name).is_superuser
    client.logout()
    assert bearer_status(client, shown["API key"]) == 200
    assert signed_status(client, shown["Access key"], shown["Secret key"]) == 200
    assert "curl -X PUT http://store.example:9000/v1/buckets/my-bucket" in printed


def test_later_starts_change_nothing_and_show_no_secret(db):
    first = bootstrap()
    before = list(ApiKey.objects.values_list("pk", "digest"))
    later = bootstrap(url="http://store.example:9000")
    assert "http://store.example:9000/admin/" in later
    assert "create_key root --kind bearer" in later
    secret = re.compile("^ +(?:Operator|API key|Access key|Secret key) +(.+)$", re.M)
    assert len(secret.findall(first)) == 4
    assert secret.findall(later) == []
    assert list(ApiKey.objects.values_list("pk", "digest")) == before


def test_the_places_are_where_the_server_is(db, settings):
    settings.SERVER_PORT = 8123
    settings.OBJECTSTORE_PUBLIC_URL = ""
    assert "http://127.0.0.1:8123/admin/" in bootstrap()
    settings.OBJECTSTORE_PUBLIC_URL = "https://store.example"
    assert "https://store.example/admin/" in bootstrap()


def test_the_first_start_takes_given_secrets(db, client, settings):
    settings.OBJECTSTORE_ROOT_USER = "operator"
    settings.OBJECTSTORE_ROOT_PASSWORD = "given-password"
    settings.OBJECTSTORE_ROOT_API_KEY = "given-api-key-1"
    settings.OBJECTSTORE_ROOT_ACCESS_KEY = "minio"
    settings.OBJECTSTORE_ROOT_SECRET_KEY = "minio123"
    bootstrap()
    assert client.login(username="operator", password="given-password")
    client.logout()
    assert bearer_status(client, "given-api-key-1") == 200
    assert signed_status(client, "minio", "minio123") == 200


def test_a_first_start_that_fails_can_be_tried_again(db, settings):
    settings.OBJECTSTORE_ROOT_API_KEY = "short"
    with pytest.raises(CommandError, match="8 characters"):
        bootstrap()
    assert not Account.objects.exists()
    assert not get_user_model().objects.exists()
    settings.OBJECTSTORE_ROOT_API_KEY = ""
    assert "The store is ready." in bootstrap()
