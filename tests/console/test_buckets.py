"""The pages of buckets: the list, what is near its quota, and half-made buckets."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from buckets.models import BucketUsage
from buckets.operations import create_bucket, put_bucket_policy
from buckets.quotas import put_bucket_quota
from console.pages import buckets as pages
from kernel.bodies import Body
from objects.multipart import (
    abort_multipart_upload,
    create_multipart_upload,
    list_multipart_uploads,
)
from objects.operations import delete_object, put_object


def allow(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def put(root: Any, bucket: str, key: str, size: int) -> None:
    put_object(root, bucket, key, body=Body.of(bytes(size)), now=timezone.now())


@pytest.mark.parametrize(
    ("quota", "percent", "tone"),
    [
        ({"quota_bytes": 1000}, 79, ""),
        ({"quota_bytes": 987}, 80, "warn"),
        ({"quota_objects": 1}, 100, "bad"),
        ({"quota_bytes": 790, "quota_objects": 50}, 100, "bad"),
    ],
)
def test_quota_that_is_nearly_used_is_told(
    operator: Any, root: Any, bucket: str, quota: Any, percent: int, tone: str
) -> None:
    put(root, bucket, "a", 790)
    bounds = {"quota_bytes": None, "quota_objects": None, **quota}
    put_bucket_quota(root, bucket, **bounds)
    page = operator.get(f"/admin/buckets/{bucket}/")
    assert page.context_data["quota_percent"] == percent
    assert page.context_data["quota_tone"] == tone
    near = operator.get("/admin/").context_data["near_quota"]
    assert [row.bucket.name for row in near] == ([bucket] if tone else [])


def test_quota_of_nothing_is_full(operator: Any, root: Any, bucket: str) -> None:
    put_bucket_quota(root, bucket, quota_bytes=0, quota_objects=None)
    page = operator.get(f"/admin/buckets/{bucket}/")
    assert page.context_data["quota_percent"] == 100
    assert b"uploads are refused" in page.content


def test_quota_of_objects_counts_earlier_versions(
    operator: Any, root: Any, versioned: str
) -> None:
    put(root, versioned, "a", 1)
    put(root, versioned, "a", 1)
    put_bucket_quota(root, versioned, quota_bytes=None, quota_objects=4)
    page = operator.get(f"/admin/buckets/{versioned}/")
    assert b"2 of 4 objects and versions" in page.content


def test_most_objects_are_not_sought_among_the_largest(
    operator: Any, root: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("console.pages.dashboard.MOST_SHOWN", 1)
    for name, sizes in (("large", [5000]), ("many", [1, 1, 1])):
        create_bucket(root, name, now=timezone.now())
        for number, size in enumerate(sizes):
            put(root, name, str(number), size)
    shown = operator.get("/admin/").context_data
    assert [bar.name for bar in shown["by_size"]] == ["large"]
    assert [bar.name for bar in shown["by_count"]] == ["many"]


def test_search_says_when_it_shows_not_all(
    operator: Any, root: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(pages, "MOST_FOUND", 2)
    for number in range(3):
        create_bucket(root, f"found-{number}", now=timezone.now())
    cut = operator.get("/admin/buckets/?q=found")
    assert len(cut.context_data["rows"]) == 2
    assert b"These are the first 2 by name" in cut.content
    assert b"These are the first" not in operator.get("/admin/buckets/?q=d-1").content


def test_what_was_refused_of_a_new_bucket_is_told(sign_in: Any) -> None:
    client = sign_in(
        "maker", allow("s3:CreateBucket", "s3:ListAllMyBuckets", "s3:ListBucket")
    )
    asked = {
        "preset": "plain",
        "storage_class": "standard",
        "name": "half",
        "quota": "1",
    }
    made = client.post("/admin/create-bucket/", asked, follow=True)
    assert made.redirect_chain == [("/admin/buckets/half/", 302)]
    assert b"The bucket half is there, without this. Quota:" in made.content


def test_uploads_that_ended_meanwhile_are_no_obstacle(
    operator: Any, root: Any, bucket: str
) -> None:
    now = timezone.now()
    chosen = []
    for key in ("a", "b"):
        upload = create_multipart_upload(root, bucket, key, now=now)
        chosen.append(f"{upload.upload_id} {key}")
    abort_multipart_upload(root, bucket, "a", chosen[0].partition(" ")[0], now=now)
    page = f"/admin/buckets/{bucket}/unfinished/"
    given = {"upload": chosen, "confirmed": "1"}
    answer = operator.post(page, given, follow=True)
    assert b"a: it was completed or given up meanwhile." in answer.content
    assert list_multipart_uploads(root, bucket).uploads == []


def test_simulator_shows_no_policy_that_may_not_be_read(
    operator: Any, sign_in: Any, root: Any, bucket: str
) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyHere",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/*",
            }
        ],
    }
    put_bucket_policy(root, bucket, json.dumps(policy))
    asked = {"who": "anonymous", "action": "s3:GetObject", "bucket": bucket, "key": "k"}
    curious = sign_in("curious", allow("iam:SimulatePrincipalPolicy", "iam:ListUsers"))
    for client, is_shown in ((operator, True), (curious, False)):
        outcome = client.get("/admin/simulator/", asked).context_data["outcome"]
        assert not outcome.verdict.is_allowed
        assert ("OnlyHere" in outcome.statement) is is_shown


def test_counters_are_verified(operator: Any, root: Any, versioned: str) -> None:
    for _ in range(3):
        put(root, versioned, "a", 5)
    page = f"/admin/buckets/{versioned}/"
    right = operator.post(page, follow=True)
    assert b"all counters are right (3 rows)" in right.content
    BucketUsage.objects.filter(shard=0).update(objects_count=F("objects_count") + 2)
    wrong = operator.post(page, follow=True)
    assert b"objects_count says +2 beside what is there" in wrong.content


def test_bucket_of_too_many_rows_is_not_counted_at_once(
    operator: Any, root: Any, bucket: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(pages, "MOST_VERIFIED", 0)
    put(root, bucket, "a", 5)
    assert operator.post(f"/admin/buckets/{bucket}/").status_code == 400


def test_inventory_has_every_version(
    operator: Any, root: Any, versioned: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr("console.pages.usage.LISTED_AT_ONCE", 2)
    for key in ("a", "=b", "f/c", "f/c"):
        put(root, versioned, key, 5)
    delete_object(root, versioned, "a", now=timezone.now())
    link = f"/admin/buckets/{versioned}/inventory.csv"
    answer = operator.get(link)
    assert answer.headers["Content-Disposition"].endswith('-inventory.csv"')
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [row["key"] for row in rows] == ["'=b", "a", "a", "f/c", "f/c"]
    assert [row["is_delete_marker"] for row in rows][:2] == ["false", "true"]
    assert [row["size"] for row in rows] == ["5", "", "5", "5", "5"]
    below = operator.get(link, {"prefix": "f/"}).getvalue().decode()
    assert len(below.splitlines()) == 3
