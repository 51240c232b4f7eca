"""A whole life of objects with boto3: put, read, copy, list, delete."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import httpx
import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

MIB = 1024 * 1024


@pytest.mark.parametrize("size", [0, 1, 16 * 1024, 16 * 1024 + 1, 3 * MIB + 7])
def test_bytes_come_back_as_they_went(s3, secure_s3, s3_bucket, size):
    data = bytes(number % 251 for number in range(size))
    for client in (s3, secure_s3):
        if client is secure_s3:
            client.create_bucket(Bucket=s3_bucket)
        put = client.put_object(
            Bucket=s3_bucket, Key="a key/ü", Body=data, ContentType="text/x"
        )
        assert put["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
        assert put["ChecksumCRC32"]
        got = client.get_object(Bucket=s3_bucket, Key="a key/ü")
        assert got["Body"].read() == data
        assert got["ContentType"] == "text/x"
        assert got["ContentLength"] == size


def test_what_nobody_signed_comes_whole_over_https(connect, secure_store, secure_s3):
    secure_s3.create_bucket(Bucket="public-bucket")
    secure_s3.delete_public_access_block(Bucket="public-bucket")
    secure_s3.put_bucket_policy(
        Bucket="public-bucket",
        Policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "s3:PutObject",
                    "Resource": "arn:aws:s3:::public-bucket/*",
                },
            }
        ),
    )
    nobody = connect(secure_store, signature_version=UNSIGNED)
    put = nobody.put_object(Bucket="public-bucket", Key="key", Body=b"plain bytes")
    assert put["ChecksumCRC32"] == "cVyvyw=="
    got = secure_s3.get_object(Bucket="public-bucket", Key="key")
    assert got["Body"].read() == b"plain bytes"
    assert "ContentEncoding" not in got


def test_ranges_and_parts_of_an_object(s3, s3_bucket):
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"0123456789")
    got = s3.get_object(Bucket=s3_bucket, Key="key", Range="bytes=2-4")
    assert got["Body"].read() == b"234"
    assert got["ContentRange"] == "bytes 2-4/10"
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    part = s3.get_object(Bucket=s3_bucket, Key="key", PartNumber=1)
    assert part["Body"].read() == b"0123456789"


def test_refusals_say_what_is_missing(s3, s3_bucket, refused):
    with refused("NoSuchKey", 404) as missing:
        s3.get_object(Bucket=s3_bucket, Key="nothing")
    assert missing.response["Error"]["Key"] == "nothing"
    assert (
        missing.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"]
        == missing.response["ResponseMetadata"]["RequestId"]
    )
    with refused("NoSuchBucket", 404) as nowhere:
        s3.list_objects_v2(Bucket="no-such-bucket-here")
    assert nowhere.response["Error"]["BucketName"] == "no-such-bucket-here"
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"0123456789")
    with refused("InvalidRange", 416) as outside:
        s3.get_object(Bucket=s3_bucket, Key="key", Range="bytes=10-")
    assert outside.response["Error"]["ActualObjectSize"] == "10"


def test_metadata_headers_and_overrides(s3, s3_bucket):
    s3.put_object(
        Bucket=s3_bucket,
        Key="key",
        Body=b"x",
        Metadata={"colour": "blue", "Shape": "round"},
        CacheControl="max-age=60",
        ContentDisposition="attachment",
        ContentEncoding="gzip",
        ContentLanguage="de",
    )
    head = s3.head_object(Bucket=s3_bucket, Key="key")
    assert head["Metadata"] == {"colour": "blue", "shape": "round"}
    assert head["CacheControl"] == "max-age=60"
    assert head["ContentEncoding"] == "gzip"
    got = s3.get_object(Bucket=s3_bucket, Key="key", ResponseContentType="text/plain")
    assert got["ContentType"] == "text/plain"


@pytest.mark.parametrize("signature_version", ["s3v4", "s3"])
def test_presigned_urls_read_and_write(connect, s3_bucket, signature_version):
    s3 = connect(signature_version=signature_version)
    parameters = {"Bucket": s3_bucket, "Key": "signed"}
    url = s3.generate_presigned_url("put_object", Params=parameters, ExpiresIn=60)
    assert httpx.put(url, content=b"by url").status_code == 200
    url = s3.generate_presigned_url("get_object", Params=parameters, ExpiresIn=60)
    assert httpx.get(url).content == b"by url"
    altered = httpx.get(url.replace("/signed", "/other"))
    assert altered.status_code == 403
    assert "<Code>SignatureDoesNotMatch</Code>" in altered.text


def test_copies_keep_or_replace(s3, s3_bucket, refused):
    source = {"Bucket": s3_bucket, "Key": "source +%"}
    s3.put_object(**source, Body=b"bytes", Metadata={"a": "1"}, Tagging="t=1")
    s3.copy_object(Bucket=s3_bucket, Key="kept", CopySource=source)
    assert s3.head_object(Bucket=s3_bucket, Key="kept")["Metadata"] == {"a": "1"}
    s3.copy_object(
        Bucket=s3_bucket,
        Key="replaced",
        CopySource=source,
        Metadata={"b": "2"},
        MetadataDirective="REPLACE",
    )
    assert s3.head_object(Bucket=s3_bucket, Key="replaced")["Metadata"] == {"b": "2"}
    with refused("InvalidRequest", 400):
        s3.copy_object(Bucket=s3_bucket, Key=source["Key"], CopySource=source)
    with refused("PreconditionFailed", 412):
        s3.copy_object(
            Bucket=s3_bucket, Key="no", CopySource=source, CopySourceIfMatch="other"
        )


def test_conditions_on_reads_and_writes(s3, s3_bucket, refused):
    etag = s3.put_object(Bucket=s3_bucket, Key="key", Body=b"1")["ETag"]
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=s3_bucket, Key="key", Body=b"2", IfNoneMatch="*")
    with refused("PreconditionFailed", 412) as changed:
        s3.get_object(Bucket=s3_bucket, Key="key", IfMatch='"other"')
    assert changed.response["Error"]["Condition"] == "If-Match"
    with refused("304", 304):
        s3.get_object(Bucket=s3_bucket, Key="key", IfNoneMatch=etag)
    with refused("NotImplemented", 501):
        s3.put_object(Bucket=s3_bucket, Key="key", Body=b"2", IfNoneMatch=etag)
    with refused("PreconditionFailed", 412):
        s3.delete_object(Bucket=s3_bucket, Key="key", IfMatch='"other"')
    s3.delete_object(Bucket=s3_bucket, Key="key", IfMatch=etag)
    with refused("NoSuchKey", 404):
        s3.delete_object(Bucket=s3_bucket, Key="key", IfMatch=etag)


def test_many_are_deleted_at_once(s3, s3_bucket):
    for number in range(5):
        s3.put_object(Bucket=s3_bucket, Key=f"{number}", Body=b"")
    keys = [{"Key": f"{number}"} for number in range(6)]
    answer = s3.delete_objects(Bucket=s3_bucket, Delete={"Objects": keys})
    assert [one["Key"] for one in answer["Deleted"]] == list("012345")
    quiet = s3.delete_objects(Bucket=s3_bucket, Delete={"Objects": keys, "Quiet": True})
    assert "Deleted" not in quiet
    assert s3.list_objects_v2(Bucket=s3_bucket)["KeyCount"] == 0


@pytest.mark.parametrize("version", ["list_objects", "list_objects_v2"])
def test_listings_page_and_fold(s3, s3_bucket, version):
    keys = ["a b", "a+b", "dir/1", "dir/2", "dir/sub/3", "ü", "😀"]
    for key in keys:
        s3.put_object(Bucket=s3_bucket, Key=key, Body=b"")
    pages = s3.get_paginator(version).paginate(
        Bucket=s3_bucket, Delimiter="/", PaginationConfig={"PageSize": 2}
    )
    found: list[str] = []
    for page in pages:
        found += [one["Key"] for one in page.get("Contents", ())]
        found += [one["Prefix"] for one in page.get("CommonPrefixes", ())]
    assert sorted(found) == sorted(["a b", "a+b", "dir/", "ü", "😀"])


def test_listings_refuse_what_is_malformed(s3, s3_bucket, refused):
    with refused("InvalidArgument", 400):
        s3.list_objects_v2(Bucket=s3_bucket, ContinuationToken="not-ours")
    assert s3.list_objects_v2(Bucket=s3_bucket, MaxKeys=0)["IsTruncated"] is False


def test_versions_come_and_go(s3, s3_bucket, refused):
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"null")
    s3.put_bucket_versioning(
        Bucket=s3_bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    assert s3.get_bucket_versioning(Bucket=s3_bucket)["Status"] == "Enabled"
    first = s3.put_object(Bucket=s3_bucket, Key="key", Body=b"1")["VersionId"]
    marker = s3.delete_object(Bucket=s3_bucket, Key="key")
    assert marker["DeleteMarker"]
    with refused("NoSuchKey", 404) as deleted:
        s3.get_object(Bucket=s3_bucket, Key="key")
    headers = deleted.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-delete-marker"] == "true"
    with refused("MethodNotAllowed", 405):
        s3.get_object(Bucket=s3_bucket, Key="key", VersionId=marker["VersionId"])
    listed = s3.list_object_versions(Bucket=s3_bucket)
    assert [one["VersionId"] for one in listed["Versions"]] == [first, "null"]
    assert listed["DeleteMarkers"][0]["IsLatest"]
    s3.delete_object(Bucket=s3_bucket, Key="key", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=s3_bucket, Key="key")["Body"].read() == b"1"
    old = s3.get_object(Bucket=s3_bucket, Key="key", VersionId="null")
    assert old["Body"].read() == b"null"
    with refused("InvalidArgument", 400):
        s3.get_object(Bucket=s3_bucket, Key="key", VersionId="nonsense")


def upload(client: Any, bucket: str, key: str, parts: list[bytes], **options: Any):
    made = client.create_multipart_upload(Bucket=bucket, Key=key, **options)
    named = {"Bucket": bucket, "Key": key, "UploadId": made["UploadId"]}
    listed = []
    for number, data in enumerate(parts, 1):
        part = client.upload_part(**named, PartNumber=number, Body=data)
        listed.append({"PartNumber": number, "ETag": part["ETag"]})
    return named, listed


def test_an_upload_in_parts(s3, s3_bucket, refused):
    data = [b"a" * (5 * MIB), b"b" * (5 * MIB), b"c"]
    named, listed = upload(s3, s3_bucket, "big", data)
    assert len(s3.list_parts(**named)["Parts"]) == 3
    uploads = s3.list_multipart_uploads(Bucket=s3_bucket)["Uploads"]
    assert [one["Key"] for one in uploads] == ["big"]
    with refused("InvalidPart", 400):
        s3.complete_multipart_upload(
            **named,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": '"0"'}]},
        )
    done = s3.complete_multipart_upload(**named, MultipartUpload={"Parts": listed})
    assert done["ETag"].endswith('-3"')
    got = s3.get_object(Bucket=s3_bucket, Key="big", Range="bytes=5242879-5242880")
    assert got["Body"].read() == b"ab"
    second = s3.get_object(Bucket=s3_bucket, Key="big", PartNumber=2)
    assert second["PartsCount"] == 3
    assert second["ContentLength"] == 5 * MIB
    facts = s3.get_object_attributes(
        Bucket=s3_bucket,
        Key="big",
        ObjectAttributes=["ETag", "ObjectSize", "ObjectParts", "StorageClass"],
    )
    assert facts["ObjectSize"] == 10 * MIB + 1
    assert facts["ObjectParts"]["TotalPartsCount"] == 3


def test_parts_that_are_copied_aborted_or_too_small(s3, s3_bucket, refused):
    s3.put_object(Bucket=s3_bucket, Key="source", Body=b"0123456789")
    named, _ = upload(s3, s3_bucket, "copy", [])
    part = s3.upload_part_copy(
        **named,
        PartNumber=1,
        CopySource={"Bucket": s3_bucket, "Key": "source"},
        CopySourceRange="bytes=2-4",
    )["CopyPartResult"]
    listed = [{"PartNumber": 1, "ETag": part["ETag"]}]
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": listed})
    assert s3.get_object(Bucket=s3_bucket, Key="copy")["Body"].read() == b"234"
    named, listed = upload(s3, s3_bucket, "small", [b"1", b"2"])
    with refused("EntityTooSmall", 400):
        s3.complete_multipart_upload(**named, MultipartUpload={"Parts": listed})
    s3.abort_multipart_upload(**named)
    with refused("NoSuchUpload", 404):
        s3.list_parts(**named)


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [
        ("CRC32", "FULL_OBJECT"),
        ("CRC32C", "COMPOSITE"),
        ("CRC64NVME", "FULL_OBJECT"),
        ("SHA1", "COMPOSITE"),
        ("SHA256", "COMPOSITE"),
    ],
)
def test_checksums_of_whole_objects_and_of_parts(
    secure_s3, s3_bucket, algorithm, kind, refused
):
    secure_s3.create_bucket(Bucket=s3_bucket)
    place = {"Bucket": s3_bucket, "Key": "checked"}
    name = f"Checksum{algorithm}"
    whole = secure_s3.put_object(
        **place, Body=io.BytesIO(b"x" * 70_000), ChecksumAlgorithm=algorithm
    )
    head = secure_s3.head_object(**place, ChecksumMode="ENABLED")
    assert head[name] == whole[name]
    named, listed = [], []
    made = secure_s3.create_multipart_upload(
        **place, ChecksumAlgorithm=algorithm, ChecksumType=kind
    )
    named = {**place, "UploadId": made["UploadId"]}
    for number, data in ((1, b"x" * 5 * MIB), (2, b"y")):
        part = secure_s3.upload_part(
            **named, PartNumber=number, Body=data, ChecksumAlgorithm=algorithm
        )
        listed.append({"PartNumber": number, "ETag": part["ETag"], name: part[name]})
    named["MultipartUpload"] = {"Parts": listed}
    with refused("InvalidRequest", 400):
        secure_s3.complete_multipart_upload(
            **named, ChecksumCRC32="AAAAAA==", ChecksumSHA1="AAAA"
        )
    done = secure_s3.complete_multipart_upload(**named, ChecksumType=kind)
    assert done["ChecksumType"] == kind
    with refused("BadDigest", 400):
        secure_s3.put_object(
            **place, Body=b"z", **{name: whole[name]}, ChecksumAlgorithm=algorithm
        )


def test_a_rename_moves_the_key(s3, s3_bucket, refused):
    s3.put_object(Bucket=s3_bucket, Key="old", Body=b"same", Metadata={"m": "1"})
    s3.rename_object(Bucket=s3_bucket, Key="new", RenameSource=f"/{s3_bucket}/old")
    got = s3.get_object(Bucket=s3_bucket, Key="new")
    assert got["Body"].read() == b"same"
    assert got["Metadata"] == {"m": "1"}
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=s3_bucket, Key="old")


def test_a_restore_is_under_way_until_its_job_is_done(
    s3, s3_bucket, live_store, refused
):
    place = {"Bucket": s3_bucket, "Key": "old"}
    data = b"kept" * 10_000
    s3.put_object(**place, Body=data, StorageClass="GLACIER")
    asked = s3.restore_object(**place, RestoreRequest={"Days": 2})
    assert asked["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert s3.head_object(**place)["Restore"] == 'ongoing-request="true"'
    with refused("InvalidObjectState", 403):
        s3.get_object(**place)
    with refused("RestoreAlreadyInProgress", 409):
        s3.restore_object(**place, RestoreRequest={"Days": 2})
    live_store.manage("run_restores")
    got = s3.get_object(**place)
    assert got["Body"].read() == data
    assert 'ongoing-request="false", expiry-date="' in got["Restore"]


def test_an_archived_object_is_read_after_its_restore(s3, s3_bucket, refused):
    place = {"Bucket": s3_bucket, "Key": "old"}
    s3.put_object(**place, Body=b"kept", StorageClass="GLACIER")
    assert s3.head_object(**place)["StorageClass"] == "GLACIER"
    with refused("InvalidObjectState", 403):
        s3.get_object(**place)
    with refused("InvalidObjectState", 403):
        s3.copy_object(Bucket=s3_bucket, Key="copy", CopySource=place)
    s3.restore_object(
        **place,
        RestoreRequest={"Days": 2, "GlacierJobParameters": {"Tier": "Expedited"}},
    )
    got = s3.get_object(**place)
    assert got["Body"].read() == b"kept"
    assert 'ongoing-request="false"' in got["Restore"]
    again = s3.restore_object(**place, RestoreRequest={"Days": 3})
    assert again["ResponseMetadata"]["HTTPStatusCode"] == 200
    s3.put_object(Bucket=s3_bucket, Key="new", Body=b"")
    with refused("InvalidObjectState", 403):
        s3.restore_object(Bucket=s3_bucket, Key="new", RestoreRequest={"Days": 1})


def test_listings_tell_of_restores_to_those_who_ask(s3, s3_bucket, live_store, refused):
    s3.put_object(Bucket=s3_bucket, Key="closed", Body=b"", StorageClass="GLACIER")
    for key, size in (("open", 10), ("under-way", 40_000)):
        place = {"Bucket": s3_bucket, "Key": key}
        s3.put_object(**place, Body=bytes(size), StorageClass="GLACIER")
        s3.restore_object(**place, RestoreRequest={"Days": 2})
    for operation, rows in (
        (s3.list_objects, "Contents"),
        (s3.list_objects_v2, "Contents"),
        (s3.list_object_versions, "Versions"),
    ):
        asked = operation(Bucket=s3_bucket, OptionalObjectAttributes=["RestoreStatus"])[
            rows
        ]
        shown = {one["Key"]: one.get("RestoreStatus") for one in asked}
        assert shown["closed"] is None
        assert shown["open"]["IsRestoreInProgress"] is False
        assert "RestoreExpiryDate" in shown["open"]
        assert shown["under-way"] == {"IsRestoreInProgress": True}
        plain = operation(Bucket=s3_bucket)[rows]
        assert not any("RestoreStatus" in one for one in plain)
        with refused("InvalidArgument", 400):
            operation(Bucket=s3_bucket, OptionalObjectAttributes=["Other"])
    live_store.manage("run_restores")


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("STANDARD_IA", "STANDARD_IA"),
        ("GLACIER", "GLACIER"),
        ("DEEP_ARCHIVE", "GLACIER"),
        ("INTELLIGENT_TIERING", "STANDARD_IA"),
        ("COLD", "STANDARD_IA"),
        ("ARCHIVE", "GLACIER"),
    ],
)
def test_storage_classes_have_names_that_clients_know(s3, s3_bucket, asked, shown):
    place = {"Bucket": s3_bucket, "Key": "key"}
    s3.put_object(**place, Body=b"", StorageClass=asked)
    assert s3.head_object(**place)["StorageClass"] == shown
    (listed,) = s3.list_objects_v2(Bucket=s3_bucket)["Contents"]
    assert listed["StorageClass"] == shown


def test_a_class_that_is_none_is_said_to_be_asked_for(s3, s3_bucket):
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=s3_bucket, Key="key", Body=b"", StorageClass="OUTPOSTS")
    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidStorageClass"
    assert error["StorageClassRequested"] == "OUTPOSTS"


def test_a_delete_marker_takes_no_tags_and_no_acl(s3, open_bucket):
    s3.put_bucket_versioning(
        Bucket=open_bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    place = {"Bucket": open_bucket, "Key": "key"}
    s3.put_object(**place, Body=b"")
    marker = s3.delete_object(**place)["VersionId"]
    tags = {"TagSet": [{"Key": "a", "Value": "1"}]}
    calls = [
        lambda **which: s3.get_object_tagging(**place, **which),
        lambda **which: s3.put_object_tagging(**place, Tagging=tags, **which),
        lambda **which: s3.delete_object_tagging(**place, **which),
        lambda **which: s3.put_object_acl(**place, ACL="private", **which),
    ]
    for call in calls:
        for which in ({}, {"VersionId": marker}):
            with pytest.raises(ClientError) as caught:
                call(**which)
            answer = caught.value.response
            assert answer["Error"]["Code"] == "MethodNotAllowed"
            assert answer["Error"]["ResourceType"] == "DeleteMarker"
            headers = answer["ResponseMetadata"]["HTTPHeaders"]
            assert headers["x-amz-delete-marker"] == "true"
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object_acl(**place)
    with pytest.raises(ClientError, match="MethodNotAllowed"):
        s3.get_object_acl(**place, VersionId=marker)
