"""Answers in the words of AWS: headers, elements and codes that clients read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

MIB = 1024 * 1024
SOON = datetime.now(UTC) + timedelta(days=1)


def head_of(client, bucket, **wanted):
    return client.head_object(Bucket=bucket, Key="key", **wanted)


def test_an_object_without_a_type_is_binary(s3, s3_bucket):
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"x")
    assert head_of(s3, s3_bucket)["ContentType"] == "binary/octet-stream"


def test_objects_from_before_versions_have_the_version_null(s3, s3_bucket):
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"x")
    assert "VersionId" not in head_of(s3, s3_bucket)
    s3.put_bucket_versioning(
        Bucket=s3_bucket, VersioningConfiguration={"Status": "Suspended"}
    )
    assert head_of(s3, s3_bucket)["VersionId"] == "null"


def test_versions_are_listed_with_their_checksums(s3, s3_bucket):
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"x", ChecksumAlgorithm="SHA256")
    (version,) = s3.list_object_versions(Bucket=s3_bucket)["Versions"]
    assert version["ChecksumAlgorithm"] == ["SHA256"]
    assert version["ChecksumType"] == "FULL_OBJECT"


@pytest.mark.parametrize(("wanted", "is_told"), [("0-99", True), ("0-3", False)])
def test_a_range_of_all_has_the_checksum_of_all(s3, s3_bucket, wanted, is_told):
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"0123456789")
    got = s3.get_object(
        Bucket=s3_bucket, Key="key", Range=f"bytes={wanted}", ChecksumMode="ENABLED"
    )
    assert ("ChecksumCRC32" in got) is is_told


def test_a_plain_object_is_its_own_first_part(s3, s3_bucket):
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"x")
    part = head_of(s3, s3_bucket, PartNumber=1, ChecksumMode="ENABLED")
    assert part["ChecksumCRC32"]


@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
def test_parts_show_their_checksums_where_they_make_up_the_whole_one(
    s3, s3_bucket, kind
):
    place = {"Bucket": s3_bucket, "Key": "key"}
    upload = s3.create_multipart_upload(
        **place, ChecksumAlgorithm="CRC32", ChecksumType=kind
    )
    named = {**place, "UploadId": upload["UploadId"]}
    part = s3.upload_part(**named, PartNumber=1, Body=b"x", ChecksumAlgorithm="CRC32")
    told = {
        "ETag": part["ETag"],
        "PartNumber": 1,
        "ChecksumCRC32": part["ChecksumCRC32"],
    }
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [told]})
    parts = s3.get_object_attributes(**place, ObjectAttributes=["ObjectParts"])
    is_composite = kind == "COMPOSITE"
    assert ("Parts" in parts["ObjectParts"]) is is_composite
    got = head_of(s3, s3_bucket, PartNumber=1, ChecksumMode="ENABLED")
    assert ("ChecksumCRC32" in got) is is_composite


def test_parts_are_listed_with_checksums_where_the_upload_has_them(s3, s3_bucket):
    place = {"Bucket": s3_bucket, "Key": "key"}
    named = {**place, "UploadId": s3.create_multipart_upload(**place)["UploadId"]}
    assert s3.upload_part(**named, PartNumber=1, Body=b"x")["ChecksumCRC32"]
    (part,) = s3.list_parts(**named)["Parts"]
    assert "ChecksumCRC32" not in part


def test_nobody_has_a_copy_of_a_time_to_come(s3, s3_bucket):
    source = {"Bucket": s3_bucket, "Key": "key"}
    s3.put_object(**source, Body=b"x")
    assert s3.get_object(**source, IfModifiedSince=SOON)["Body"].read() == b"x"
    s3.copy_object(
        Bucket=s3_bucket, Key="copy", CopySource=source, CopySourceIfModifiedSince=SOON
    )


def test_buckets_are_created_with_tags(s3, new_bucket, refused):
    tags = [{"Key": "team", "Value": "red"}]
    name = new_bucket(CreateBucketConfiguration={"Tags": tags})
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == tags
    with refused("InvalidTag", 400):
        new_bucket(CreateBucketConfiguration={"Tags": tags * 2})
    with refused("NotImplemented", 501):
        new_bucket(CreateBucketConfiguration={"Bucket": {"Type": "Directory"}})
    with refused("InvalidLocationConstraint", 400):
        new_bucket(CreateBucketConfiguration={"LocationConstraint": "moon"})


@pytest.mark.parametrize("tagging", ["a=1&a=2", "a=1,b=2"])
def test_a_header_of_tags_is_a_query(s3, s3_bucket, refused, tagging):
    with refused("InvalidArgument", 400) as told:
        s3.put_object(Bucket=s3_bucket, Key="key", Body=b"x", Tagging=tagging)
    assert told.response["Error"]["ArgumentName"] == "x-amz-tagging"


def test_refusals_of_delete_markers_name_the_method(s3, s3_bucket, refused):
    s3.put_bucket_versioning(
        Bucket=s3_bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    place = {"Bucket": s3_bucket, "Key": "key"}
    marker = s3.delete_object(**place)
    with refused("MethodNotAllowed", 405) as told:
        s3.put_object_tagging(
            **place, VersionId=marker["VersionId"], Tagging={"TagSet": []}
        )
    assert told.response["Error"]["Method"] == "PUT"
    assert "Allow" not in told.response["Error"]


def test_versioning_is_one_of_two_words(s3, s3_bucket, refused):
    with refused("MalformedXML", 400):
        s3.put_bucket_versioning(
            Bucket=s3_bucket, VersioningConfiguration={"Status": "enabled"}
        )


def test_a_token_says_where_to_go_on_alone(s3, s3_bucket):
    for key in "abc":
        s3.put_object(Bucket=s3_bucket, Key=key, Body=b"x")
    wanted = {"Bucket": s3_bucket, "MaxKeys": 1, "StartAfter": "a"}
    page = s3.list_objects_v2(**wanted)
    assert page["StartAfter"] == "a"
    page = s3.list_objects_v2(**wanted, ContinuationToken=page["NextContinuationToken"])
    assert [one["Key"] for one in page["Contents"]] == ["c"]
    assert "StartAfter" not in page
