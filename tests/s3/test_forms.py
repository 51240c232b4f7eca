"""Uploads by HTML form: signed, anonymous, and refused."""

from __future__ import annotations

import hmac
import socket
from base64 import b64encode

import httpx
import pytest

from iam.post_policy import credential_of
from kernel.errors import InvalidArgument


def post(form, file, name="a.txt", **more):
    return httpx.post(
        form["url"], data={**form["fields"], **more}, files={"file": (name, file)}
    )


@pytest.fixture
def form(s3, s3_bucket):
    return s3.generate_presigned_post(
        s3_bucket,
        "up/${filename}",
        Fields={
            "success_action_status": "201",
            "x-amz-meta-from": "form",
            "x-amz-meta-a_name": "kept",
        },
        Conditions=[
            {"success_action_status": "201"},
            ["starts-with", "$x-amz-meta-from", ""],
            ["starts-with", "$x-amz-meta-a_name", ""],
            ["content-length-range", 1, 3_000_000],
        ],
        ExpiresIn=60,
    )


def test_a_signed_form_uploads(s3, s3_bucket, form):
    data = b"x" * 2_500_000
    answer = post(form, data, "ü.bin")
    assert answer.status_code == 201
    assert "<Key>up/ü.bin</Key>" in answer.text
    got = s3.get_object(Bucket=s3_bucket, Key="up/ü.bin")
    assert got["Body"].read() == data
    assert got["Metadata"] == {"from": "form", "a_name": "kept"}


@pytest.mark.parametrize(
    ("size", "code"), [(0, "EntityTooSmall"), (3_000_001, "EntityTooLarge")]
)
def test_the_policy_bounds_the_length(form, size, code):
    answer = post(form, b"x" * size)
    assert answer.status_code == 400
    assert f"<Code>{code}</Code>" in answer.text


def test_fields_that_the_policy_does_not_name_are_refused(form):
    answer = post(form, b"x", **{"x-amz-meta-more": "1"})
    assert answer.status_code == 403
    assert "Extra input fields: x-amz-meta-more" in answer.text


def test_another_policy_breaks_the_signature(form):
    form["fields"]["policy"] = form["fields"]["policy"][:-4] + "AAAA"
    answer = post(form, b"x")
    assert answer.status_code == 403
    assert "SignatureDoesNotMatch" in answer.text


def test_the_file_of_a_form_that_may_not_is_not_taken(live_store, s3_bucket):
    fields = b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n'
    file = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
    form = fields + file + b"x" * 300_000
    with socket.create_connection(("127.0.0.1", live_store.port), 10) as connection:
        connection.sendall(
            f"POST /{s3_bucket} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n"
            "Content-Length: 3000000000\r\n\r\n".encode()
            + form
        )
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 403 ")


def test_without_a_signature_the_bucket_decides(s3, open_bucket, live_store):
    form = {"url": f"{live_store.url}/{open_bucket}", "fields": {"key": "k"}}
    assert post(form, b"x").status_code == 403
    s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read-write")
    form["fields"]["success_action_redirect"] = "https://example.com/done?a=1"
    answer = post(form, b"x")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(
        f"https://example.com/done?a=1&bucket={open_bucket}&key=k&etag="
    )


@pytest.mark.parametrize(
    "field",
    [
        "x-amz-meta-from",
        "Content-Type",
        "Cache-Control",
        "x-amz-website-redirect-location",
    ],
)
def test_what_could_never_be_sent_back_is_refused(s3, s3_bucket, field):
    text = "/a\r\nSet-Cookie: session=mine"
    form = s3.generate_presigned_post(
        s3_bucket, "key", Fields={field: text}, Conditions=[{field: text}]
    )
    answer = post(form, b"x")
    assert (answer.status_code, "InvalidArgument" in answer.text) == (400, True)
    assert "Contents" not in s3.list_objects_v2(Bucket=s3_bucket)


def test_nor_does_a_presigned_url_bring_it(connect, s3_bucket):
    """SDKs may sign headers into the query, where any text can stand."""

    def hoist(request, **_):
        request.url += "?x-amz-meta-from=a%0D%0Ab"

    client = connect(signature_version="s3v4")
    client.meta.events.register("before-sign.s3.PutObject", hoist)
    url = client.generate_presigned_url(
        "put_object", {"Bucket": s3_bucket, "Key": "key"}
    )
    answer = httpx.put(url, content=b"x")
    assert (answer.status_code, "InvalidArgument" in answer.text) == (400, True)


def test_where_a_form_leads_is_written_as_an_address(s3, s3_bucket):
    target = "https://example.com/dönnè\r\nSet-Cookie: session=mine"
    named = {"success_action_redirect": target}
    form = s3.generate_presigned_post(
        s3_bucket, "key", Fields=named, Conditions=[named]
    )
    answer = post(form, b"x")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(
        "https://example.com/d%C3%B6nn%C3%A8%0D%0ASet-Cookie:%20session=mine?bucket="
    )
    assert "set-cookie" not in answer.headers


def test_what_is_no_form(live_store, s3_bucket):
    url = f"{live_store.url}/{s3_bucket}"
    assert httpx.post(url, content=b"x").status_code == 412
    kind = "multipart/form-data; boundary=b"
    cut = httpx.post(url, content=b"--b\r\nnonsense", headers={"content-type": kind})
    assert cut.status_code == 400
    assert "MalformedPOSTRequest" in cut.text


@pytest.mark.parametrize(
    "document",
    [
        b"[" * 14_000,
        b'{"conditions": [["content-length-range", 0, 1e999]]}',
    ],
    ids=["deep", "endless"],
)
def test_a_policy_that_cannot_be_read_is_refused(s3_bucket, live_store, document):
    policy = b64encode(document)
    key = live_store.secret_access_key.encode()
    fields = {
        "key": "k",
        "AWSAccessKeyId": live_store.access_key_id,
        "policy": policy.decode(),
        "signature": b64encode(hmac.digest(key, policy, "sha1")).decode(),
    }
    answer = post({"url": f"{live_store.url}/{s3_bucket}", "fields": fields}, b"x")
    assert answer.status_code == 400
    assert "InvalidPolicyDocument" in answer.text


@pytest.mark.parametrize("moment", [None, "", "yesterday", "2020-01-01T00:00:00Z"])
def test_a_form_of_version_4_says_when_it_was_signed(moment):
    fields = {
        "policy": "e30=",
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": "id/20200101/us-east-1/s3/aws4_request",
        "x-amz-signature": "0" * 64,
    }
    if moment is not None:
        fields["x-amz-date"] = moment
    with pytest.raises(InvalidArgument) as refusal:
        credential_of(fields)
    assert refusal.value.details["argument_name"] == "x-amz-date"
