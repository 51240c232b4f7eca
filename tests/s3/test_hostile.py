"""Hostile requests: every one is answered by name, none by an internal error."""

from __future__ import annotations

import contextlib
import errno
import io
from xml.etree.ElementTree import Element

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kernel.bodies import Body, reader
from kernel.errors import (
    EntityTooLarge,
    InsufficientStorage,
    MalformedXML,
    ObjectStoreError,
)
from kernel.http import forms
from kernel.http.forms import read_form
from s3api.dispatch import SUBRESOURCES, TABLE
from s3api.documents import as_document
from s3api.reading import MOST_BYTES, parse_xml, read_xml

METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"]
TEXT = st.text(max_size=40)
ROOTS = [
    "AccessControlPolicy",
    "CompleteMultipartUpload",
    "CORSConfiguration",
    "Delete",
    "LifecycleConfiguration",
    "ObjectLockConfiguration",
    "Tagging",
    "VersioningConfiguration",
    "WebsiteConfiguration",
]
NAMES = [
    "And",
    "CORSRule",
    "Days",
    "Expiration",
    "Filter",
    "Grant",
    "Key",
    "Object",
    "Part",
    "PartNumber",
    "Prefix",
    "Rule",
    "Status",
    "Tag",
    "TagSet",
    "Value",
]
BOMB = b'<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><Tagging>&c;</Tagging>'
OUTSIDE = (
    b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><Tagging>&b;</Tagging>'
)


@given(st.binary(max_size=300))
@example(BOMB)
@example(OUTSIDE)
@example(b"<a>" * 5000)
@example(b"\xff\xfe<\x00")
def test_any_bytes_are_a_document_or_malformed(data):
    with contextlib.suppress(MalformedXML):
        parse_xml(data, "Tagging")


@pytest.mark.parametrize("data", [BOMB, OUTSIDE])
def test_entities_are_never_resolved(data):
    with pytest.raises(MalformedXML):
        parse_xml(data, "Tagging")


def test_documents_are_bounded():
    with pytest.raises(MalformedXML):
        parse_xml(b"<a>" * 30 + b"</a>" * 30, "a")
    with pytest.raises(MalformedXML):
        parse_xml(b"<a>" + b"<b/>" * 60_000 + b"</a>", "a")
    with pytest.raises(EntityTooLarge):
        read_xml(Body(lambda size: b" " * size, MOST_BYTES + 1), "a")


elements = st.recursive(
    st.builds(
        lambda name, text: f"<{name}>{text}</{name}>",
        st.sampled_from(NAMES),
        st.sampled_from(["", "1", "-1", "x", "Enabled", "true", "é", "9" * 30]),
    ),
    lambda inner: st.builds(
        lambda name, parts: f"<{name}>{''.join(parts)}</{name}>",
        st.sampled_from(NAMES),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


@given(elements)
def test_any_tree_is_a_document_or_malformed(text):
    root = parse_xml(f"<Root>{text}</Root>".encode(), "Root")
    assert isinstance(root, Element)
    with contextlib.suppress(MalformedXML):
        as_document(root)


@given(st.binary(max_size=400))
def test_any_form_is_read_or_refused(data):
    for body in (data, b"--b\r\n" + data, b"--b\r\n" + data + b"\r\n--b--\r\n"):
        source = Body.of(body)
        try:
            form = read_form(
                "multipart/form-data; boundary=b",
                lambda size, source=source: source.read(size),
                1000,
            )
        except ObjectStoreError:
            continue
        form.file.close()


@pytest.mark.django_db
@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    method=st.sampled_from(METHODS),
    path=st.sampled_from(["/", "/bucket", "/bucket/key", "/bucket/ü/..//", "/x"]),
    query=st.dictionaries(
        st.one_of(
            st.sampled_from(
                [
                    *SUBRESOURCES,
                    "versionId",
                    "partNumber",
                    "max-keys",
                    "prefix",
                    "delimiter",
                    "marker",
                    "continuation-token",
                    "encoding-type",
                    "response-content-type",
                ]
            ),
            TEXT,
        ),
        TEXT,
        max_size=3,
    ),
    headers=st.dictionaries(
        st.sampled_from(
            [
                "Range",
                "If-Match",
                "If-Modified-Since",
                "Content-MD5",
                "x-amz-acl",
                "x-amz-grant-read",
                "x-amz-copy-source",
                "x-amz-copy-source-range",
                "x-amz-tagging",
                "x-amz-storage-class",
                "x-amz-checksum-crc32",
                "x-amz-object-lock-mode",
                "x-amz-object-lock-retain-until-date",
                "x-amz-server-side-encryption",
                "x-amz-server-side-encryption-customer-key",
                "x-amz-object-attributes",
                "x-amz-max-parts",
                "x-amz-part-number-marker",
                "x-amz-mp-object-size",
                "x-amz-decoded-content-length",
                "x-amz-expected-bucket-owner",
                "x-amz-metadata-directive",
                "x-amz-rename-source",
                "Origin",
                "X-Amz-Date",
            ]
        ),
        st.one_of(
            st.sampled_from(
                ["", "1", "-1", "9" * 30, "bytes=0-", "/bucket/key", "a=b"]
            ),
            st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20),
        ),
        max_size=3,
    ),
    root=st.sampled_from(ROOTS),
    content=elements,
)
def test_no_request_is_an_internal_error(
    client, api_key, bucket, method, path, query, headers, root, content
):
    client.raise_request_exception = False
    answer = client.generic(
        method,
        path,
        f"<{root}>{content}</{root}>".encode(),
        content_type="application/xml",
        query_params=query,
        headers={"Authorization": f"Bearer {api_key}", **headers},
    )
    assert answer.status_code < 500 or answer.status_code == 501, answer.content
    if answer.status_code >= 400 and method != "HEAD" and not answer.streaming:
        assert b"<Code>" in answer.content


def test_a_form_for_which_there_is_no_room_is_refused(monkeypatch):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(forms, "SpooledTemporaryFile", lambda max_size: Full())
    data = (
        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nbytes\r\n--b--\r\n'
    )
    with pytest.raises(InsufficientStorage):
        read_form("multipart/form-data; boundary=b", reader(data), 1000)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "document"),
    [
        (
            "uploadId=any",
            "<CompleteMultipartUpload><Part><PartNumber>\xb2</PartNumber>"
            "<ETag>a</ETag></Part></CompleteMultipartUpload>",
        ),
        ("restore", "<RestoreRequest><Days>\xb2</Days></RestoreRequest>"),
    ],
)
def test_a_digit_that_is_no_number_is_refused(client, api_key, bucket, query, document):
    answer = client.post(
        f"/bucket/key?{query}",
        document.encode(),
        content_type="application/xml",
        headers={"Authorization": f"Bearer {api_key}"},
    )
    assert 400 <= answer.status_code < 500, answer.content


def test_every_row_of_the_table_is_spelled_as_a_route_is():
    for route in TABLE:
        method, _, rest = route.partition(" ")
        assert method in METHODS
        level, _, resource = rest.partition(" ")
        assert level in {"service", "bucket", "object"}
        named = resource.removesuffix("+copy").strip().removeprefix("?")
        assert named == "" or named in SUBRESOURCES
