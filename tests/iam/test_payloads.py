"""Bodies of requests: whether they are framed, and what is checked of them."""

from __future__ import annotations

import pytest

from iam.payloads import request_body
from iam.signatures import Payload
from kernel.errors import InvalidChecksumValue

UNSIGNED_FRAMES = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
CRC32 = "x-amz-checksum-crc32"
FRAMED = b"5\r\nhello\r\n0\r\n%s\r\n"
TRAILER = b"x-amz-checksum-crc32:%s\r\n"


def body_of(rf, data, payload, **headers):
    request = rf.put("/bucket/key", data, headers=headers)
    return request_body(request, payload)


@pytest.mark.parametrize(
    "payload", [None, Payload("AWS4-HMAC-SHA256")], ids=["nobody's", "not covered"]
)
def test_frames_are_told_by_the_coding_where_no_signature_tells(rf, payload):
    body = body_of(
        rf,
        FRAMED % TRAILER % b"NhCmhg==",
        payload,
        content_encoding="gzip, aws-chunked",
        x_amz_decoded_content_length="5",
        x_amz_trailer=CRC32,
    )
    assert body.read_all(10) == b"hello"
    assert body.checksums == {"CRC32": "NhCmhg=="}


def test_a_coding_alone_makes_no_frames(rf):
    body = body_of(rf, b"hello", None, content_encoding="aws-chunked")
    assert body.read_all(10) == b"hello"


@pytest.mark.parametrize("value", [b"", b"no base64", b"NhCmhjYQpoY="])
def test_a_trailer_that_holds_no_checksum_is_refused(rf, value):
    body = body_of(
        rf,
        FRAMED % TRAILER % value,
        Payload("AWS4-HMAC-SHA256", UNSIGNED_FRAMES),
        x_amz_decoded_content_length="5",
        x_amz_trailer=CRC32,
    )
    with pytest.raises(InvalidChecksumValue, match="trailing header"):
        body.read_all(10)


def test_a_checksum_that_cannot_come_is_missed(rf):
    body = body_of(rf, b"hello", Payload("AWS4-HMAC-SHA256"), x_amz_trailer=CRC32)
    with pytest.raises(InvalidChecksumValue):
        body.read_all(10)
