"""Conditions of policies on how, when and on what terms a request comes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

OBJECTS = {"Action": "s3:*", "Resource": "*"}
PAST, FUTURE = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"


@pytest.fixture
def restricted(connect, new_user):
    """Make clients of users whose one policy has a condition."""

    def make(condition, **options):
        _, keys = new_user(only={**OBJECTS, "Condition": condition})
        return connect(
            access_key_id=keys["AccessKeyId"],
            secret_access_key=keys["SecretAccessKey"],
            **options,
        )

    return make


@pytest.mark.parametrize(
    ("condition", "is_allowed"),
    [
        ({"DateLessThan": {"aws:CurrentTime": FUTURE}}, True),
        ({"DateLessThan": {"aws:CurrentTime": PAST}}, False),
        ({"NumericGreaterThan": {"aws:EpochTime": "1500000000"}}, True),
        ({"StringEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}}, True),
        ({"StringEquals": {"s3:authType": "REST-HEADER"}}, True),
        ({"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}, False),
        ({"NumericLessThan": {"s3:signatureAge": "600000"}}, True),
        ({"NumericGreaterThan": {"s3:signatureAge": "600000"}}, False),
        ({"StringLike": {"s3:x-amz-content-sha256": "UNSIGNED-*"}}, False),
        ({"Null": {"s3:x-amz-content-sha256": "true"}}, False),
        ({"Bool": {"aws:ViaAWSService": "false"}}, True),
        ({"Bool": {"aws:PrincipalIsAWSService": "false"}}, True),
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, True),
        ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, False),
        ({"StringEquals": {"s3:ResourceAccount": "000000000000"}}, False),
        ({"Null": {"aws:ResourceAccount": "false"}}, True),
    ],
)
def test_when_and_how_a_request_comes(
    restricted, s3_bucket, refused, condition, is_allowed
):
    client = restricted(condition)
    if is_allowed:
        client.put_object(Bucket=s3_bucket, Key="key", Body=b"x")
        return
    with refused("AccessDenied", 403):
        client.put_object(Bucket=s3_bucket, Key="key", Body=b"x")


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_how_a_presigned_url_is_signed(restricted, s3, s3_bucket, version):
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"x")
    name = {"s3": "AWS", "s3v4": "AWS4-HMAC-SHA256"}[version]
    wanted = {"s3:authType": "REST-QUERY-STRING", "s3:signatureversion": name}
    client = restricted({"StringEquals": wanted}, signature_version=version)
    url = client.generate_presigned_url(
        "get_object", {"Bucket": s3_bucket, "Key": "key"}
    )
    assert httpx.get(url).status_code == 200


def test_a_presigned_url_is_refused_before_its_end(s3, s3_bucket, denying):
    """AWS, "Bucket policy examples using Signature Version 4 condition keys"."""
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"x")
    named = {"Bucket": s3_bucket, "Key": "key"}
    url = s3.generate_presigned_url("get_object", named)
    age = {"s3:signatureAge": "600000"}
    denying(s3_bucket, "s3:GetObject", {"NumericGreaterThan": age})
    assert httpx.get(url).status_code == 200
    denying(s3_bucket, "s3:GetObject", {"NumericLessThan": age})
    assert httpx.get(url).status_code == 403


def test_so_is_a_form(s3, s3_bucket, denying):
    form = s3.generate_presigned_post(s3_bucket, "key")
    age = {"s3:signatureAge": "600000"}

    def sent(**fields):
        told = {**form["fields"], **fields}
        return httpx.post(form["url"], data=told, files={"file": b"x"})

    denying(s3_bucket, "s3:PutObject", {"NumericGreaterThan": age})
    assert sent().status_code == 204
    denying(s3_bucket, "s3:PutObject", {"NumericLessThan": age})
    assert sent().status_code == 403
    # Its time is what the policy signs.
    denying(s3_bucket, "s3:PutObject", {"NumericGreaterThan": age})
    for moment in ("", "yesterday", "20200101T000000Z"):
        assert sent(**{"x-amz-date": moment}).status_code == 403


@pytest.mark.parametrize(
    ("key", "is_known"),
    [
        ("aws:SecureTransprt", False),
        ("s3:nokey", False),
        ("s3:ExistingObjectTag", False),
        ("s3:ExistingObjectTag/color", True),
        ("aws:PrincipalTag/a/b", True),
        ("aws:SourceVpce", True),
        ("AWS:sourceIP", True),
        ("s3:x-amz-acl", True),
        ("sts:ExternalId", True),
    ],
)
def test_a_key_that_there_is_not_is_refused(s3_bucket, denying, refused, key, is_known):
    """Its condition would never hold, and what it denies would be let in."""
    condition = {"StringEquals": {key: "value"}}
    if is_known:
        denying(s3_bucket, "s3:GetObject", condition)
        return
    with refused("MalformedPolicy", 400):
        denying(s3_bucket, "s3:GetObject", condition)


def test_a_deny_from_a_day_on_holds(s3, s3_bucket, refused):
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{s3_bucket}/*",
        "Condition": {"DateGreaterThan": {"aws:CurrentTime": PAST}},
    }
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"x")
    s3.put_bucket_policy(Bucket=s3_bucket, Policy=json.dumps({"Statement": statement}))
    with refused("AccessDenied", 403):
        s3.get_object(Bucket=s3_bucket, Key="key")


ENFORCED = {
    "Null": {"s3:if-none-match": "true"},
    "Bool": {"s3:ObjectCreationOperation": "true"},
}


def test_conditional_writes_can_be_enforced(s3, s3_bucket, refused):
    """AWS, "Enforce conditional writes on Amazon S3 buckets"."""
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{s3_bucket}/*",
        "Condition": ENFORCED,
    }
    s3.put_bucket_policy(Bucket=s3_bucket, Policy=json.dumps({"Statement": statement}))
    place = {"Bucket": s3_bucket, "Key": "key"}
    with refused("AccessDenied", 403):
        s3.put_object(**place, Body=b"x")
    s3.put_object(**place, Body=b"x", IfNoneMatch="*")
    place["Key"] = "parts"
    named = {**place, "UploadId": s3.create_multipart_upload(**place)["UploadId"]}
    part = s3.upload_part(**named, PartNumber=1, Body=b"x")
    told = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    with refused("AccessDenied", 403):
        s3.complete_multipart_upload(**named, MultipartUpload=told)
    s3.complete_multipart_upload(**named, MultipartUpload=told, IfNoneMatch="*")


def test_conditional_deletes_can_be_enforced(s3, s3_bucket, refused):
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteObject",
        "Resource": f"arn:aws:s3:::{s3_bucket}/*",
        "Condition": {"Null": {"s3:if-match": "true"}},
    }
    place = {"Bucket": s3_bucket, "Key": "key"}
    etag = s3.put_object(**place, Body=b"x")["ETag"]
    s3.put_bucket_policy(Bucket=s3_bucket, Policy=json.dumps({"Statement": statement}))
    with refused("AccessDenied", 403):
        s3.delete_object(**place)
    s3.delete_object(**place, IfMatch=etag)


def test_what_is_denied_by_the_time_is_denied_at_every_door(
    s3_bucket, connect, client_of, new_user, refused
):
    late = {"DateGreaterThan": {"aws:CurrentTime": PAST}}
    _, keys = new_user(
        all={"Action": "*", "Resource": "*"},
        over={"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": late},
    )
    named = {
        "access_key_id": keys["AccessKeyId"],
        "secret_access_key": keys["SecretAccessKey"],
    }
    for ask in (
        lambda: connect(**named).list_objects_v2(Bucket=s3_bucket),
        connect(**named).list_buckets,
        client_of("iam", keys).list_users,
        client_of("sts", keys).get_session_token,
    ):
        with refused("AccessDenied", 403):
            ask()


@pytest.fixture
def denying(s3):
    """Deny an action in a bucket under a condition."""

    def put(bucket, action, condition):
        statement = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": action,
            "Resource": f"arn:aws:s3:::{bucket}/*",
            "Condition": condition,
        }
        policy = json.dumps({"Statement": statement})
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)

    return put


def test_a_tag_that_may_not_be_set_comes_with_no_upload_either(
    s3, s3_bucket, denying, refused
):
    place = {"Bucket": s3_bucket, "Key": "key"}
    s3.put_object(**place, Body=b"x")
    s3.put_object(Bucket=s3_bucket, Key="public", Body=b"x", Tagging="seen=by-all")
    public = {"StringEquals": {"s3:RequestObjectTag/seen": "by-all"}}
    denying(s3_bucket, "s3:PutObjectTagging", public)
    tags = {"TagSet": [{"Key": "seen", "Value": "by-all"}]}
    source = {"Bucket": s3_bucket, "Key": "public"}
    for ask in (
        lambda: s3.put_object_tagging(**place, Tagging=tags),
        lambda: s3.put_object(**place, Body=b"x", Tagging="seen=by-all"),
        lambda: s3.create_multipart_upload(**place, Tagging="seen=by-all"),
        lambda: s3.copy_object(**place, CopySource=source),
    ):
        with refused("AccessDenied", 403):
            ask()
    s3.put_object(**place, Body=b"x", Tagging="seen=by-few")


@pytest.fixture
def locked_bucket(new_bucket):
    return new_bucket(ObjectLockEnabledForBucket=True)


def until(days):
    return datetime.now(UTC) + timedelta(days=days)


@pytest.mark.parametrize(
    ("condition", "mode", "days", "is_allowed"),
    [
        ({"StringEquals": {"s3:object-lock-mode": "COMPLIANCE"}}, "COMPLIANCE", 1, 0),
        ({"StringEquals": {"s3:object-lock-mode": "COMPLIANCE"}}, "GOVERNANCE", 1, 1),
        (
            {"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": "10"}},
            "GOVERNANCE",
            11,
            0,
        ),
        (
            {"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": "10"}},
            "GOVERNANCE",
            10,
            1,
        ),
        (
            {"DateGreaterThan": {"s3:object-lock-retain-until-date": FUTURE}},
            "GOVERNANCE",
            36_000,
            0,
        ),
    ],
)
def test_retention_has_limits_however_it_is_asked_for(
    s3, locked_bucket, denying, refused, condition, mode, days, is_allowed
):
    """AWS, "Setting limits on retention periods with a bucket policy"."""
    place = {"Bucket": locked_bucket, "Key": "key"}
    s3.put_object(**place, Body=b"x")
    denying(locked_bucket, "s3:PutObjectRetention", condition)
    stated = {"Mode": mode, "RetainUntilDate": until(days)}
    headers = {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": until(days)}
    for ask in (
        lambda: s3.put_object_retention(**place, Retention=stated),
        lambda: s3.put_object(**place, Body=b"x", **headers),
    ):
        if is_allowed:
            ask()
            continue
        with refused("AccessDenied", 403):
            ask()


def test_a_hold_may_be_put_and_not_released(s3, locked_bucket, denying, refused):
    place = {"Bucket": locked_bucket, "Key": "key"}
    released = {"StringEquals": {"s3:object-lock-legal-hold": "OFF"}}
    denying(locked_bucket, "s3:PutObjectLegalHold", released)
    s3.put_object(**place, Body=b"x", ObjectLockLegalHoldStatus="ON")
    s3.put_object_legal_hold(**place, LegalHold={"Status": "ON"})
    with refused("AccessDenied", 403):
        s3.put_object_legal_hold(**place, LegalHold={"Status": "OFF"})
