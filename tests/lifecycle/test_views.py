"""Previews and runs over REST."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from kernel.bodies import Body
from lifecycle.operations import run_lifecycle
from objects.operations import put_object
from tests.rest.conftest import Rest

pytestmark = pytest.mark.django_db

RULES = {
    "rules": [
        {
            "id": "tidy",
            "status": "enabled",
            "filter": {"prefix": "logs/"},
            "expiration": {"days": 5},
        }
    ]
}


@pytest.fixture
def rest(client, api_key):
    return Rest(client, api_key)


@pytest.fixture
def logs(root, bucket):
    age = timezone.now() - timedelta(days=30)
    for key in ("logs/a", "logs/b", "data/a"):
        put_object(root, bucket, key, body=Body.of(b"12345"), now=age)
    return bucket


def test_a_preview_of_rules_that_are_not_saved(rest, logs):
    answer = rest("POST", f"/{logs}/lifecycle/preview", RULES)
    assert answer.status_code == 200
    preview = answer.json()
    assert preview["bucket_name"] == logs
    assert preview["actions"] == [
        {
            "rule_id": "tidy",
            "action": "expiration",
            "storage_class": None,
            "count": 2,
            "size": 10,
            "samples": [
                {"key": "logs/a", "version_id": "null"},
                {"key": "logs/b", "version_id": "null"},
            ],
        }
    ]
    assert len(preview["days"]) == 30
    assert rest("GET", f"/{logs}/objects").json()["contents"][1]["key"] == "logs/a"


def test_a_preview_of_the_saved_rules_on_a_date(rest, logs):
    refused = rest("POST", f"/{logs}/lifecycle/preview", {})
    assert refused.status_code == 404
    rest("PUT", f"/{logs}/lifecycle", RULES)
    path = f"/{logs}/lifecycle/preview"
    early = rest("POST", path, {"date": "2001-01-01"}).json()
    assert (early["date"], early["actions"]) == ("2001-01-01T00:00:00Z", [])
    for body in ({}, b""):
        assert rest("POST", path, body).json()["actions"][0]["count"] == 2


@pytest.mark.parametrize(
    "body",
    [
        {"date": "soon"},
        {"rules": [{"status": "enabled"}]},
        {"rules": "all"},
        {"unknown": 1},
        [],
    ],
)
def test_what_is_not_of_the_form_is_refused(rest, logs, body):
    answer = rest("POST", f"/{logs}/lifecycle/preview", body)
    assert answer.status_code == 400


def test_runs_are_listed_newest_first(rest, logs):
    assert rest("GET", f"/{logs}/lifecycle/runs").json() == {"runs": []}
    rest("PUT", f"/{logs}/lifecycle", RULES)
    for _ in range(2):
        run_lifecycle(logs, now=timezone.now())
    latest, first = rest("GET", f"/{logs}/lifecycle/runs").json()["runs"]
    assert latest["actions"] == []
    assert first["actions"] == [
        {
            "rule_id": "tidy",
            "action": "expiration",
            "storage_class": None,
            "count": 2,
            "size": 10,
        }
    ]
    assert first["finished_at"] is not None
    assert len(rest("GET", f"/{logs}/lifecycle/runs?limit=1").json()["runs"]) == 1


def test_strangers_see_neither(client, logs):
    path = f"/v1/buckets/{logs}/lifecycle"
    assert client.get(f"{path}/runs").status_code == 403
    answer = client.post(f"{path}/preview", "{}", "application/json")
    assert answer.status_code == 403
