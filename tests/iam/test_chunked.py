"""aws-chunked bodies: AWS's own example, tampering, and garbage."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iam.chunked import ChunkedReader
from iam.sigv4 import SigningContext, signing_key
from kernel import errors

# AWS, "Transferring payload in multiple chunks", the documented example.
KEY = signing_key(
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", "s3"
)
SEED = SigningContext(
    KEY,
    "20130524T000000Z",
    "20130524/us-east-1/s3/aws4_request",
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
)
SIGNATURES = [
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
]
EXAMPLE = (
    b"10000;chunk-signature="
    + SIGNATURES[0].encode()
    + b"\r\n"
    + b"a" * 65536
    + b"\r\n400;chunk-signature="
    + SIGNATURES[1].encode()
    + b"\r\n"
    + b"a" * 1024
    + b"\r\n0;chunk-signature="
    + SIGNATURES[2].encode()
    + b"\r\n\r\n"
)


def source(data, most=10**9):
    place = 0

    def read(size):
        nonlocal place
        piece = data[place : place + min(size, most)]
        place += len(piece)
        return piece

    return read


def read_all(reader, size=10_000):
    pieces = []
    while piece := reader.read(size):
        pieces.append(piece)
    return b"".join(pieces)


def reader_of(data, length, signing=None, trailers=(), most=10**9):
    return ChunkedReader(
        source(data, most),
        decoded_length=length,
        signing=signing,
        trailer_names=trailers,
    )


def test_the_documented_example():
    assert read_all(reader_of(EXAMPLE, 66560, SEED)) == b"a" * 66560


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b"aaaa", b"aaab", 1),
        lambda data: data.replace(b"ad80", b"ad81", 1),
        lambda data: data.replace(b"b6c6", b"b6c7", 1),
    ],
    ids=["bytes", "chunk signature", "last signature"],
)
def test_a_changed_chunk_is_refused(change):
    with pytest.raises(errors.SignatureDoesNotMatch):
        read_all(reader_of(change(EXAMPLE), 66560, SEED))


def test_a_chunk_left_out_is_refused():
    second = EXAMPLE.index(b"400;")
    with pytest.raises(errors.SignatureDoesNotMatch):
        read_all(reader_of(EXAMPLE[second:], 1024, SEED))


def test_no_byte_of_a_bad_small_chunk_is_released():
    reader = reader_of(EXAMPLE.replace(b"ad80", b"ad81", 1), 66560, SEED)
    with pytest.raises(errors.SignatureDoesNotMatch):
        reader.read(1)


def unsigned(data, trailer=b"", chunk=1000):
    pieces = [data[n : n + chunk] for n in range(0, len(data), chunk)]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return framed + b"0\r\n" + trailer + b"\r\n"


def test_trailers_are_given_after_the_end():
    framed = unsigned(b"hello", b"x-amz-checksum-crc32:NhCmhg==\r\n")
    reader = reader_of(framed, 5, trailers=("x-amz-checksum-crc32",))
    assert read_all(reader) == b"hello"
    assert reader.trailers == {"x-amz-checksum-crc32": "NhCmhg=="}


def test_a_trailer_that_was_not_announced_is_refused():
    framed = unsigned(b"hello", b"x-amz-checksum-sha1:AA==\r\n")
    with pytest.raises(errors.MalformedTrailerError):
        read_all(reader_of(framed, 5, trailers=("x-amz-checksum-crc32",)))


@pytest.mark.parametrize("gap", [b"\r\n", b"\n\r\n"], ids=["AWS", "minio-go"])
def test_a_signed_trailer_is_verified(gap):
    empty = hashlib.sha256(b"").hexdigest()
    last = SEED.sign("AWS4-HMAC-SHA256-PAYLOAD", SEED.signature, empty, empty)
    line = b"x-amz-checksum-crc32:AAAAAA==\n"
    final = SEED.sign(
        "AWS4-HMAC-SHA256-TRAILER", last, hashlib.sha256(line).hexdigest()
    )
    framed = b"0;chunk-signature=%s\r\nx-amz-checksum-crc32:AAAAAA==" % last.encode()
    framed += gap + b"x-amz-trailer-signature:%s\r\n\r\n"
    names = ("x-amz-checksum-crc32",)
    assert read_all(reader_of(framed % final.encode(), 0, SEED, names)) == b""
    with pytest.raises(errors.SignatureDoesNotMatch):
        read_all(reader_of(framed % b"0" * 64, 0, SEED, names))


@given(
    data=st.binary(max_size=5000),
    chunk=st.integers(1, 3000),
    most=st.integers(1, 4000),
    size=st.integers(1, 4000),
)
def test_any_framing_and_any_reads_give_the_same_bytes(data, chunk, most, size):
    reader = reader_of(unsigned(data, chunk=chunk), len(data), most=most)
    assert read_all(reader, size) == data


@given(garbage=st.binary(max_size=300), length=st.integers(0, 300))
def test_garbage_is_refused_and_never_fails_otherwise(garbage, length):
    reader = reader_of(garbage, length, SEED)
    try:
        read_all(reader)
    except errors.ObjectStoreError:
        return
    assert length == 0


@pytest.mark.parametrize("cut", [1, 3, 10, 70])
def test_a_cut_stream_is_incomplete(cut):
    framed = unsigned(b"x" * 100)
    with pytest.raises(errors.ObjectStoreError):
        read_all(reader_of(framed[:-cut] if cut > 4 else framed[: 100 - cut], 100))


def test_a_trailer_that_comes_twice_is_refused():
    line = b"x-amz-checksum-crc32:NhCmhg==\r\n"
    with pytest.raises(errors.MalformedTrailerError):
        read_all(
            reader_of(
                unsigned(b"hello", line + line), 5, trailers=("x-amz-checksum-crc32",)
            )
        )
