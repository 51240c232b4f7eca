"""Digests, checksums and how parts' checksums become the whole's."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.checksums import (
    ChecksumAlgorithm,
    ChecksumType,
    Hasher,
    check_checksum_algorithm,
    check_checksum_type,
    check_checksum_value,
    check_content_md5,
    combine_composite,
    combine_full_object,
    default_checksum_type,
    multipart_etag,
)
from kernel.errors import InvalidDigest, InvalidRequest

CRCS = [
    ChecksumAlgorithm.CRC32,
    ChecksumAlgorithm.CRC32C,
    ChecksumAlgorithm.CRC64NVME,
]
SHAS = [ChecksumAlgorithm.SHA1, ChecksumAlgorithm.SHA256]


def checksum(algorithm, data):
    hasher = Hasher([algorithm])
    hasher.update(data)
    return hasher.checksum(algorithm)


@pytest.mark.parametrize(
    ("algorithm", "check_value"),
    [
        ("CRC32", "cbf43926"),
        ("CRC32C", "e3069283"),
        ("CRC64NVME", "ae8b14860a799888"),
        ("SHA1", hashlib.sha1(b"123456789").hexdigest()),
        ("SHA256", hashlib.sha256(b"123456789").hexdigest()),
    ],
)
def test_checksums_have_the_published_check_values(algorithm, check_value):
    found = checksum(ChecksumAlgorithm(algorithm), b"123456789")
    assert base64.b64decode(found).hex() == check_value


@given(st.lists(st.binary(max_size=50)))
def test_a_hasher_gives_the_same_however_the_bytes_are_cut(pieces):
    cut, whole = Hasher(ChecksumAlgorithm), Hasher(ChecksumAlgorithm)
    data = b"".join(pieces)
    for piece in pieces:
        cut.update(piece)
    whole.update(data)
    assert cut.size == len(data)
    assert cut.md5_hex() == hashlib.md5(data).hexdigest()
    assert base64.b64decode(cut.md5_base64()) == hashlib.md5(data).digest()
    assert cut.sha256_hex() == hashlib.sha256(data).hexdigest()
    for algorithm in ChecksumAlgorithm:
        assert cut.checksum(algorithm) == whole.checksum(algorithm)


def test_a_hasher_takes_memoryviews():
    hasher = Hasher(ChecksumAlgorithm)
    hasher.update(memoryview(b"abc123")[3:])
    assert hasher.size == 3
    for algorithm in ChecksumAlgorithm:
        assert hasher.checksum(algorithm) == checksum(algorithm, b"123")


def test_sha256_can_be_asked_for_apart():
    hasher = Hasher(sha256=True)
    hasher.update(b"abc")
    assert hasher.sha256_hex() == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.parametrize("algorithm", ChecksumAlgorithm)
def test_a_checksum_that_was_not_asked_for_is_not_made_up(algorithm):
    with pytest.raises(ValueError, match="was not asked for"):
        Hasher().checksum(algorithm)
    others = [other for other in ChecksumAlgorithm if other is not algorithm]
    with pytest.raises(ValueError, match="was not asked for"):
        Hasher(others).checksum(algorithm)


@pytest.mark.parametrize("algorithm", CRCS)
@given(parts=st.lists(st.binary(max_size=50), max_size=5))
def test_combined_crcs_are_the_crc_of_the_whole(algorithm, parts):
    sums = [(checksum(algorithm, part), len(part)) for part in parts]
    assert combine_full_object(algorithm, sums) == checksum(algorithm, b"".join(parts))


@pytest.mark.parametrize("algorithm", CRCS)
def test_crcs_of_large_parts_combine(algorithm):
    parts = [b"a" * (1 << 20), b"b" * (1 << 20), b"c"]
    sums = [(checksum(algorithm, part), len(part)) for part in parts]
    assert combine_full_object(algorithm, sums) == checksum(algorithm, b"".join(parts))


@pytest.mark.parametrize(
    "algorithm", [ChecksumAlgorithm.CRC32, ChecksumAlgorithm.CRC32C, *SHAS]
)
def test_a_composite_checksum_is_that_of_the_parts_checksums(algorithm):
    parts = [checksum(algorithm, b"one"), checksum(algorithm, b"two")]
    digests = b"".join(base64.b64decode(part) for part in parts)
    expected = checksum(algorithm, digests) + "-2"
    assert combine_composite(algorithm, parts) == expected


def test_checksums_that_cannot_be_combined_are_refused():
    for algorithm in SHAS:
        with pytest.raises(InvalidRequest):
            combine_full_object(algorithm, [])
    with pytest.raises(InvalidRequest):
        combine_composite(ChecksumAlgorithm.CRC64NVME, [])


def test_a_multipart_etag_is_the_md5_of_the_md5s():
    one, two = hashlib.md5(b"one"), hashlib.md5(b"two")
    expected = hashlib.md5(one.digest() + two.digest()).hexdigest() + "-2"
    assert multipart_etag([one.hexdigest(), two.hexdigest()]) == expected


@pytest.mark.parametrize("algorithm", ChecksumAlgorithm)
def test_a_checksum_of_the_right_form_is_taken(algorithm):
    check_checksum_value(algorithm, checksum(algorithm, b"abc"))


@pytest.mark.parametrize("algorithm", ChecksumAlgorithm)
@pytest.mark.parametrize(
    "value", ["", "AAAA", "bad", "sum!", "ÄÖÜß", "A" * 100, "AAAA AAAA", "AAAAAA==-2"]
)
def test_a_checksum_of_another_form_is_refused_by_its_header(algorithm, value):
    with pytest.raises(InvalidRequest) as refusal:
        check_checksum_value(algorithm, value)
    header = f"x-amz-checksum-{algorithm.value.lower()}"
    assert refusal.value.text == f"Value for {header} header is invalid."


def test_content_md5_is_decoded():
    digest = hashlib.md5(b"abc").digest()
    assert check_content_md5(base64.b64encode(digest).decode()) == digest


@pytest.mark.parametrize(
    "header", ["", "YWJj", "not base64", hashlib.md5(b"abc").hexdigest(), "é"]
)
def test_content_md5_of_another_form_is_refused(header):
    with pytest.raises(InvalidDigest) as refusal:
        check_content_md5(header)
    assert refusal.value.details == {"content_md5": header}


def test_algorithms_are_known_by_name_in_either_case():
    assert check_checksum_algorithm("crc32c") is ChecksumAlgorithm.CRC32C
    with pytest.raises(InvalidRequest, match=r"\[CRC32, CRC32C, CRC64NVME, SHA1,"):
        check_checksum_algorithm("MD4")


@pytest.mark.parametrize(
    ("algorithm", "default", "refused"),
    [
        ("CRC32", ChecksumType.COMPOSITE, None),
        ("CRC32C", ChecksumType.COMPOSITE, None),
        ("CRC64NVME", ChecksumType.FULL_OBJECT, ChecksumType.COMPOSITE),
        ("SHA1", ChecksumType.COMPOSITE, ChecksumType.FULL_OBJECT),
        ("SHA256", ChecksumType.COMPOSITE, ChecksumType.FULL_OBJECT),
    ],
)
def test_each_algorithm_has_its_types(algorithm, default, refused):
    algorithm = ChecksumAlgorithm(algorithm)
    assert default_checksum_type(algorithm) is default
    for checksum_type in ChecksumType:
        if checksum_type is refused:
            with pytest.raises(InvalidRequest) as refusal:
                check_checksum_type(algorithm, checksum_type)
            assert refusal.value.text == (
                f"The {refused} checksum type cannot be used with the "
                f"{algorithm.lower()} checksum algorithm."
            )
        else:
            assert check_checksum_type(algorithm, checksum_type) is checksum_type


def test_other_types_are_refused():
    with pytest.raises(InvalidRequest, match="x-amz-checksum-type"):
        check_checksum_type(ChecksumAlgorithm.CRC32, "PARTIAL")
