"""Hostile signatures, framings and ranges: read or refused by name, never a failure."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from urllib.parse import urlencode

from hypothesis import example, given, settings
from hypothesis import strategies as st

from iam import sigv2, sigv4
from iam.chunked import ChunkedReader
from iam.sigv4 import SignedRequest, SigningContext, signing_key
from kernel.errors import (
    AccessDenied,
    AuthorizationHeaderMalformed,
    AuthorizationQueryParametersError,
    IncompleteBody,
    InvalidArgument,
    InvalidRange,
    InvalidRequest,
    MalformedTrailerError,
    NotImplemented,
    RequestTimeTooSkewed,
    SignatureDoesNotMatch,
)
from kernel.ranges import parse_copy_range, parse_range

NOW = datetime(2025, 7, 6, 10, 30, tzinfo=UTC)
KEY = signing_key("secret", "20250706", "us-east-1", "s3")
SEED = SigningContext(
    KEY, "20250706T103000Z", "20250706/us-east-1/s3/aws4_request", "0" * 64
)

# What WSGI hands over: text of single bytes, without line ends.
HEADER_TEXT = st.text(
    st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=60
)
# Text that comes near to what is looked for.
SCOPES = st.builds(
    "/".join,
    st.lists(
        st.sampled_from(
            ["AKIA", "20250706", "99999999", "²²²²²²²²", "us-east-1", "s3", ""]
        )
        | st.just("aws4_request"),
        min_size=3,
        max_size=7,
    ),
)
TIMES = st.sampled_from(
    [
        "20250706T103000Z",
        "20250706T996199Z",
        "99991231T235959Z",
        "00010101T000000Z",
        "00000000T000000Z",
        "２０２５0706T103000Z",
        "Sun, 06 Jul 2025 10:30:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 +1400",
        "Fri, 31 Dec 9999 23:59:59 -1400",
        "Sun, 06 Jul 2025 10:30:00 +9999",
        "Sun, 99999999999999999999 Jul 2025 10:30:00 GMT",
    ]
)
PARSING = (
    AccessDenied,
    AuthorizationHeaderMalformed,
    AuthorizationQueryParametersError,
    InvalidArgument,
    NotImplemented,
    SignatureDoesNotMatch,
)
VERIFYING = (AccessDenied, RequestTimeTooSkewed, SignatureDoesNotMatch)


def refuse_or_verify(request: SignedRequest) -> None:
    """Nobody here knows the secret, so whatever can be read must not hold."""
    try:
        credential = sigv4.parse_authorization(request)
    except PARSING:
        return
    if credential is None:
        return
    try:
        sigv4.verify(request, credential, "secret", now=NOW)
    except VERIFYING:
        return
    raise AssertionError("a forged signature holds")


SCOPE = "AKIA/20250706/us-east-1/s3/aws4_request"
WHOLE = {
    "host": "localhost",
    "authorization": (
        f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host, Signature={'0' * 64}"
    ),
    "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
}
# Each is left as it should be in half of the examples, so that all are reached.
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "authorization": HEADER_TEXT
        | HEADER_TEXT.map("AWS4-HMAC-SHA256 ".__add__)
        | st.builds(
            "AWS4-HMAC-SHA256 Credential={}, SignedHeaders={}, Signature={}".format,
            SCOPES | HEADER_TEXT,
            st.sampled_from(["host", "host;x-amz-date", ";;"]) | HEADER_TEXT,
            HEADER_TEXT,
        ),
        "date": TIMES | HEADER_TEXT,
        "x-amz-date": TIMES | HEADER_TEXT,
        "x-amz-content-sha256": st.sampled_from(sorted(sigv4.PAYLOAD_FORMS))
        | HEADER_TEXT,
        "x-amz-security-token": HEADER_TEXT,
    },
)


@given(changes=CHANGES, query=HEADER_TEXT)
@settings(max_examples=1000)
def test_any_headers(changes, query):
    headers = {**WHOLE, **changes}
    refuse_or_verify(SignedRequest("GET", "/bucket/key", query, headers))


PARAMETERS = st.fixed_dictionaries(
    {
        "X-Amz-Algorithm": st.just("AWS4-HMAC-SHA256") | st.text(max_size=20),
        "X-Amz-Credential": st.just(SCOPE) | SCOPES | st.text(max_size=40),
        "X-Amz-Date": TIMES | st.text(max_size=20),
        "X-Amz-Expires": st.sampled_from(["60", "604800", "-1", "9" * 5000, "６０"])
        | st.text(max_size=10),
        "X-Amz-SignedHeaders": st.just("host") | st.text(max_size=20),
        "X-Amz-Signature": st.just("0" * 64) | st.text(max_size=70),
    },
    optional={
        "X-Amz-Security-Token": st.text(max_size=20),
    },
)


@given(
    parameters=PARAMETERS,
    tail=st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"),
        max_size=30,
    ),
)
@settings(max_examples=500)
def test_any_presigned_query(parameters, tail):
    query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&{urlencode(parameters)}&{tail}"
    refuse_or_verify(SignedRequest("GET", "/b/k", query, {"host": "localhost"}))


@given(
    headers=st.fixed_dictionaries(
        {},
        optional={
            "authorization": st.just("AWS AKIA:c2lnbmF0dXJl")
            | HEADER_TEXT.map("AWS ".__add__),
            "date": TIMES | HEADER_TEXT,
            "x-amz-date": TIMES | HEADER_TEXT,
        },
    ),
    query=st.just("")
    | HEADER_TEXT
    | st.builds(
        "AWSAccessKeyId=AKIA&Signature=0&Expires={}".format,
        st.sampled_from(["1751798000", "²", "６０", "9" * 5000, ""]) | HEADER_TEXT,
    ),
)
@settings(max_examples=1000)
def test_any_signature_of_version_2(headers, query):
    request = SignedRequest("GET", "/b/k", query, {"host": "localhost", **headers})
    with contextlib.suppress(AuthorizationHeaderMalformed, *VERIFYING):
        credential = sigv2.parse_authorization(request)
        if credential is not None:
            sigv2.verify(request, credential, "secret", now=NOW)
            raise AssertionError("a forged signature holds")


PIECES = st.sampled_from(
    [
        b"0",
        b"5",
        b"ffffffffffffffff",
        b"-1",
        b"1_0",
        b"0x5",
        b"\r\n",
        b"\n",
        b";",
        b";chunk-signature=",
        b"0" * 64,
        b"hello",
        b"x-amz-checksum-crc32:",
        b"x-amz-trailer-signature:",
        b"AAAAAA==",
        b"\xff",
        b" " * 5000,
    ]
)


@given(
    framed=st.binary(max_size=300) | st.lists(PIECES, max_size=14).map(b"".join),
    length=st.integers(0, 20),
    signing=st.sampled_from([None, SEED]),
    trailers=st.sampled_from([(), ("x-amz-checksum-crc32",)]),
    size=st.integers(1, 400),
    most=st.integers(1, 400),
)
@example(b"5\r\nhello\r\n0\r\n\r\n", 5, None, (), 3, 1)
@settings(max_examples=1000)
def test_any_framing(framed, length, signing, trailers, size, most):
    rest = memoryview(framed)

    def read(wanted: int) -> bytes:
        nonlocal rest
        piece = bytes(rest[: min(wanted, most)])
        rest = rest[len(piece) :]
        return piece

    reader = ChunkedReader(
        read, decoded_length=length, signing=signing, trailer_names=trailers
    )
    given_bytes = 0
    refused = contextlib.suppress(
        IncompleteBody, InvalidRequest, MalformedTrailerError, SignatureDoesNotMatch
    )
    with refused:
        while piece := reader.read(size):
            given_bytes += len(piece)
        assert given_bytes == length
        assert signing is None
        assert set(reader.trailers) == set(trailers) or not trailers
    assert given_bytes <= length


RANGES = st.text(max_size=40) | st.builds(
    "{}{}{}-{}{}".format,
    st.sampled_from(["bytes=", "Bytes=", "bytes =", "bits=", "", " bytes="]),
    st.sampled_from(["", " ", "-", "+"]),
    st.integers(0, 10**45) | st.sampled_from(["", "５", "1_0", "0x1"]),
    st.integers(0, 10**45) | st.sampled_from(["", "５", " 1"]),
    st.sampled_from(["", ",0-1", " ", "\n"]),
)


@given(header=st.none() | RANGES, size=st.integers(0, 10**13))
@settings(max_examples=500)
def test_any_range(header, size):
    with contextlib.suppress(InvalidRange):
        found = parse_range(header, size)
        assert found is None or 0 <= found.start <= found.end < size


@given(header=RANGES, size=st.integers(0, 10**13))
@settings(max_examples=500)
def test_any_copy_range(header, size):
    with contextlib.suppress(InvalidArgument, InvalidRequest):
        found = parse_copy_range(header, size)
        assert 0 <= found.start <= found.end < size
