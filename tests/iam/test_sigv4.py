"""Version 4 signatures against those that botocore makes."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from django.utils import timezone

from iam import sigv4
from iam.sigv4 import SignedRequest
from kernel import errors

SECRET = "secret+key/with=signs"
CREDENTIALS = Credentials("AKIAEXAMPLE", SECRET)
PATHS = [
    "/bucket/key",
    "/bucket/a%20b",
    "/bucket/%C3%BC%2B%25~",
    "/bucket//double/",
    "/bucket/a%3Fb%26c",
    "/",
]
QUERIES = ["", "?list-type=2&prefix=a%2Fb&delimiter=%2F", "?acl", "?x=%20&x=a%2Bb"]


def signed(path, query="", method="GET", signer=None, **headers):
    request = AWSRequest(method, f"http://localhost:8000{path}{query}", headers=headers)
    request.context["payload_signing_enabled"] = True
    (signer or S3SigV4Auth(CREDENTIALS, "s3", "us-east-1")).add_auth(request)
    return as_signed_request(request)


def as_signed_request(request):
    parts = urlsplit(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers.setdefault("host", parts.netloc)
    return SignedRequest(request.method, parts.path, parts.query, headers)


def verify(request, secret=SECRET, now=None):
    credential = sigv4.parse_authorization(request)
    return sigv4.verify(request, credential, secret, now=now or timezone.now())


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("query", QUERIES)
def test_what_botocore_signs_is_accepted(path, query):
    verify(signed(path, query, **{"x-amz-meta-a": "b  c", "Content-Type": "a/b"}))


@pytest.mark.parametrize("path", PATHS)
def test_presigned_urls_are_accepted(path):
    signer = S3SigV4QueryAuth(CREDENTIALS, "s3", "us-east-1", expires=60)
    verify(signed(path, "?versionId=x", signer=signer))


def test_our_own_presigned_urls_are_accepted():
    query = sigv4.presign(
        method="GET",
        host="localhost:8000",
        raw_path="/bucket/%C3%BC",
        parameters=[("versionId", "a b")],
        access_key_id="AKIAEXAMPLE",
        secret=SECRET,
        region="us-east-1",
        expires=60,
        now=timezone.now(),
    )
    request = SignedRequest("GET", "/bucket/%C3%BC", query, {"host": "localhost:8000"})
    verify(request)


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"raw_path": "/bucket/other"},
        {"query": "acl"},
    ],
)
def test_a_changed_request_is_refused_with_what_was_signed(change):
    request = signed("/bucket/key")
    facts = {
        name: getattr(request, name)
        for name in ("method", "raw_path", "query", "headers")
    }
    with pytest.raises(errors.SignatureDoesNotMatch) as refusal:
        verify(SignedRequest(**{**facts, **change}))
    assert refusal.value.details["string_to_sign"].startswith("AWS4-HMAC-SHA256")


def test_another_secret_is_refused():
    with pytest.raises(errors.SignatureDoesNotMatch):
        verify(signed("/bucket/key"), secret="other")


def test_an_added_header_is_refused():
    request = signed("/bucket/key")
    request.headers["x-amz-acl"] = "public-read"
    with pytest.raises(errors.AccessDenied) as refusal:
        verify(request)
    assert refusal.value.details["headers_not_signed"] == "x-amz-acl"


def test_an_old_request_is_refused():
    later = timezone.now() + timedelta(minutes=16)
    with pytest.raises(errors.RequestTimeTooSkewed):
        verify(signed("/bucket/key"), now=later)


def test_a_presigned_url_expires():
    signer = S3SigV4QueryAuth(CREDENTIALS, "s3", "us-east-1", expires=60)
    request = signed("/bucket/key", signer=signer)
    with pytest.raises(errors.AccessDenied, match="expired"):
        verify(request, now=timezone.now() + timedelta(seconds=62))


def test_the_key_of_one_day_presigns_for_no_other():
    """Signing keys are given away for a day: AWS holds them to it."""
    now = timezone.now()
    earlier = (now - timedelta(days=3)).strftime("%Y%m%d")
    query = sigv4.presign(
        method="GET",
        host="localhost",
        raw_path="/bucket/key",
        parameters=[],
        access_key_id="AKIAEXAMPLE",
        secret=SECRET,
        region="us-east-1",
        expires=60,
        now=now,
    )
    query = query.replace(f"%2F{now:%Y%m%d}%2F", f"%2F{earlier}%2F")
    request = SignedRequest("GET", "/bucket/key", query, {"host": "localhost"})
    with pytest.raises(errors.AuthorizationQueryParametersError, match="not the same"):
        sigv4.parse_authorization(request)


@pytest.mark.parametrize(
    ("authorization", "refusal"),
    [
        ("AWS4-HMAC-SHA256 nonsense", errors.AuthorizationHeaderMalformed),
        (
            "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=0",
            errors.AuthorizationHeaderMalformed,
        ),
        ("AWS4-ECDSA-P256-SHA256 Credential=a", errors.NotImplemented),
    ],
)
def test_a_header_that_cannot_be_read(authorization, refusal):
    request = SignedRequest("GET", "/", "", {"authorization": authorization})
    with pytest.raises(refusal):
        sigv4.parse_authorization(request)


@pytest.mark.parametrize("expires", ["-1", "604801", "soon"])
def test_an_expiry_out_of_bounds(expires):
    signer = S3SigV4QueryAuth(CREDENTIALS, "s3", "us-east-1", expires=60)
    request = signed("/bucket/key", signer=signer)
    query = request.query.replace("X-Amz-Expires=60", f"X-Amz-Expires={expires}")
    changed = SignedRequest("GET", request.raw_path, query, request.headers)
    with pytest.raises(errors.AuthorizationQueryParametersError):
        sigv4.parse_authorization(changed)
