"""Encryption at rest: what clients see, and what is on the disk."""

from __future__ import annotations

import os

import pytest

KEY = b"k" * 32
SIZES = [1, 16 * 1024, 16 * 1024 + 1, 65_536, 400_001]


@pytest.fixture
def secure_bucket(secure_s3, s3_bucket):
    secure_s3.create_bucket(Bucket=s3_bucket)
    return s3_bucket


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "options",
    [
        {"ServerSideEncryption": "AES256"},
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "default"},
        {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY},
    ],
    ids=["SSE-S3", "SSE-KMS", "SSE-C"],
)
def test_bytes_and_ranges_come_back(secure_s3, secure_bucket, options, size):
    place = {"Bucket": secure_bucket, "Key": "key"}
    data = os.urandom(size)
    put = secure_s3.put_object(**place, Body=data, **options)
    customers = {k: v for k, v in options.items() if k.startswith("SSECustomer")}
    got = secure_s3.get_object(**place, **customers)
    for name in ("ServerSideEncryption", "SSEKMSKeyId", "SSECustomerAlgorithm"):
        assert put.get(name) == got.get(name) == options.get(name)
    assert got["Body"].read() == data
    middle = size // 2
    part = secure_s3.get_object(**place, **customers, Range=f"bytes={middle}-")
    assert part["Body"].read() == data[middle:]


def test_the_disk_holds_no_plain_byte(secure_s3, secure_bucket, secure_store):
    mark = b"a sentence that nobody is to find on the disk " * 1000
    for key, data in (("large", mark), ("small", mark[:1000])):
        secure_s3.put_object(
            Bucket=secure_bucket, Key=key, Body=data, ServerSideEncryption="AES256"
        )
    for path in secure_store.folder.rglob("*"):
        if path.is_file() and path.suffix != ".log":
            assert mark[:46] not in path.read_bytes()


def test_a_bucket_encrypts_by_default(secure_s3, secure_bucket):
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    secure_s3.put_bucket_encryption(
        Bucket=secure_bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    kept = secure_s3.get_bucket_encryption(Bucket=secure_bucket)
    assert kept["ServerSideEncryptionConfiguration"]["Rules"][0] == rule
    secure_s3.put_object(Bucket=secure_bucket, Key="key", Body=b"1")
    head = secure_s3.head_object(Bucket=secure_bucket, Key="key")
    assert head["ServerSideEncryption"] == "AES256"
    secure_s3.delete_bucket_encryption(Bucket=secure_bucket)


def test_a_customers_key_is_wanted_again(secure_s3, secure_bucket, refused):
    place = {"Bucket": secure_bucket, "Key": "key"}
    own = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}
    secure_s3.put_object(**place, Body=b"1", **own)
    with refused("InvalidRequest", 400):
        secure_s3.get_object(**place)
    with refused("AccessDenied", 403):
        secure_s3.get_object(**place, **{**own, "SSECustomerKey": b"x" * 32})
    with refused("400", 400):
        secure_s3.head_object(**place)


def test_copies_are_sealed_anew(secure_s3, secure_bucket):
    source = {"Bucket": secure_bucket, "Key": "source"}
    own = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}
    secure_s3.put_object(**source, Body=b"bytes", **own)
    secure_s3.copy_object(
        Bucket=secure_bucket,
        Key="copy",
        CopySource=source,
        CopySourceSSECustomerAlgorithm="AES256",
        CopySourceSSECustomerKey=KEY,
        ServerSideEncryption="aws:kms",
    )
    got = secure_s3.get_object(Bucket=secure_bucket, Key="copy")
    assert got["Body"].read() == b"bytes"
    assert got["ServerSideEncryption"] == "aws:kms"


def test_parts_are_sealed_each_by_itself(secure_s3, secure_bucket, refused):
    own = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}
    place = {"Bucket": secure_bucket, "Key": "big"}
    made = secure_s3.create_multipart_upload(**place, **own)
    named = {**place, "UploadId": made["UploadId"]}
    parts = []
    for number, data in ((1, b"a" * 5 * 1024 * 1024), (2, b"b" * 100)):
        part = secure_s3.upload_part(**named, **own, PartNumber=number, Body=data)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    with refused("InvalidRequest", 400):
        secure_s3.upload_part(**named, PartNumber=3, Body=b"c")
    secure_s3.complete_multipart_upload(
        **named, **own, MultipartUpload={"Parts": parts}
    )
    got = secure_s3.get_object(**place, **own, Range="bytes=5242870-5242889")
    assert got["Body"].read() == b"a" * 10 + b"b" * 10


def test_what_is_refused(s3, s3_bucket, refused):
    place = {"Bucket": s3_bucket, "Key": "key", "Body": b"1"}
    with refused("InvalidRequest", 400):
        # A customer's key over a line that others can read.
        s3.put_object(**place, SSECustomerAlgorithm="AES256", SSECustomerKey=KEY)
    with refused("KMS.NotFoundException", 400):
        s3.put_object(**place, ServerSideEncryption="aws:kms", SSEKMSKeyId="unknown")
    with refused("InvalidArgument", 400):
        s3.put_object(**place, ServerSideEncryption="rot13")


def test_a_part_has_the_key_of_its_upload(secure_s3, secure_bucket, refused):
    place = {"Bucket": secure_bucket, "Key": "key"}
    own = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}
    other = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"o" * 32}
    for created, sent in (({}, own), (own, {}), (own, other)):
        upload = secure_s3.create_multipart_upload(**place, **created)["UploadId"]
        with refused("InvalidRequest", 400):
            secure_s3.upload_part(
                **place, **sent, UploadId=upload, PartNumber=1, Body=b"1"
            )


def test_an_unknown_algorithm_is_refused_to_readers(secure_s3, secure_bucket, refused):
    place = {"Bucket": secure_bucket, "Key": "key"}
    own = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}
    secure_s3.put_object(**place, Body=b"1", **own)
    with refused("InvalidEncryptionAlgorithmError", 400):
        secure_s3.get_object(**place, **{**own, "SSECustomerAlgorithm": "KMS"})
