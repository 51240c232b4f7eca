"""Answers in the words of AWS: headers, elements and codes that clients read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from kernel.http.responses import encoded_word

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


@pytest.mark.parametrize("marked", [False, True])
def test_a_range_is_of_what_one_has_the_rest_of(s3, s3_bucket, marked):
    url = s3.generate_presigned_url("get_object", {"Bucket": s3_bucket, "Key": "key"})
    etag = s3.put_object(Bucket=s3_bucket, Key="key", Body=b"0123456789")["ETag"]
    date = httpx.get(url).headers["last-modified"]
    wanted = {"Range": "bytes=2-4"}
    for held in (
        (etag, date) if marked else ('"other"', "Sat, 01 Jan 2000 00:00:00 GMT")
    ):
        got = httpx.get(url, headers={**wanted, "If-Range": held})
        assert got.content == (b"234" if marked else b"0123456789")
        assert got.status_code == (206 if marked else 200)


def test_a_marker_under_a_prefix_passes_all_of_it(s3, s3_bucket):
    for key in ("a", "dir/1", "dir/2", "z"):
        s3.put_object(Bucket=s3_bucket, Key=key, Body=b"x")
        s3.create_multipart_upload(Bucket=s3_bucket, Key=key)
    wanted = {"Bucket": s3_bucket, "Delimiter": "/"}
    pages = [
        s3.list_objects(**wanted, Marker="dir/1"),
        s3.list_object_versions(**wanted, KeyMarker="dir/1"),
        s3.list_multipart_uploads(**wanted, KeyMarker="dir/1"),
    ]
    for page in pages:
        assert "CommonPrefixes" not in page
    assert [one["Key"] for one in pages[0]["Contents"]] == ["z"]
    assert [one["Key"] for one in pages[1]["Versions"]] == ["z"]
    assert [one["Key"] for one in pages[2]["Uploads"]] == ["z"]


@pytest.fixture
def begin(s3, s3_bucket):
    """Begin an upload and store its first part."""

    def make(part=None, **options):
        place = {"Bucket": s3_bucket, "Key": "key"}
        upload = s3.create_multipart_upload(**place, **options)
        named = {**place, "UploadId": upload["UploadId"]}
        stored = s3.upload_part(**named, PartNumber=1, Body=b"x", **(part or {}))
        return named, {"PartNumber": 1, "ETag": stored["ETag"]}, stored

    return make


def test_parts_have_the_checksum_of_their_upload(s3, begin, refused):
    with refused("InvalidRequest", 400) as told:
        begin({"ChecksumAlgorithm": "CRC32"}, ChecksumAlgorithm="SHA256")
    assert "expected checksum Type: sha256" in told.response["Error"]["Message"]


def test_the_checksums_of_all_parts_are_told_again(s3, begin, refused):
    sha256 = {"ChecksumAlgorithm": "SHA256"}
    named, part, stored = begin(sha256, **sha256)
    with refused("InvalidRequest", 400) as told:
        s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [part]})
    assert "must include the checksum" in told.response["Error"]["Message"]
    with refused("BadDigest", 400):
        wrong = {**part, "ChecksumCRC32": "AAAAAA=="}
        s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [wrong]})
    part["ChecksumSHA256"] = stored["ChecksumSHA256"]
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [part]})


def test_a_checksum_that_an_upload_has_not_is_no_parts(s3, begin, refused):
    named, part, stored = begin()
    told = {**part, "ChecksumCRC32": stored["ChecksumCRC32"]}
    with refused("InvalidPart", 400):
        s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [told]})
    with refused("InvalidRequest", 400):
        s3.complete_multipart_upload(**named, MultipartUpload={"Parts": []})
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [part]})


@pytest.mark.parametrize("algorithm", ["CRC32C", "CRC64NVME"])
def test_a_part_may_leave_its_checksum_to_the_server(connect, s3_bucket, algorithm):
    silent = connect(request_checksum_calculation="when_required")
    place = {"Bucket": s3_bucket, "Key": "key"}
    upload = silent.create_multipart_upload(
        **place, ChecksumAlgorithm=algorithm, ChecksumType="FULL_OBJECT"
    )
    named = {**place, "UploadId": upload["UploadId"]}
    stored = silent.upload_part(**named, PartNumber=1, Body=b"x")
    whole = silent.complete_multipart_upload(
        **named, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": stored["ETag"]}]}
    )
    plain = silent.put_object(**place, Body=b"x", ChecksumAlgorithm=algorithm)
    shown = f"Checksum{algorithm}"
    assert stored[shown] == whole[shown] == plain[shown]


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        ({"ChecksumType": "COMPOSITE"}, "InvalidRequest"),
        ({"ChecksumCRC32C": "AAAAAA=="}, "BadDigest"),
        ({"ChecksumCRC32": "AAAAAA=="}, "BadDigest"),
    ],
)
def test_what_is_said_of_the_whole_holds(s3, begin, refused, stated, code):
    crc32c = {"ChecksumAlgorithm": "CRC32C"}
    named, part, _ = begin(crc32c, **crc32c, ChecksumType="FULL_OBJECT")
    with refused(code, 400):
        s3.complete_multipart_upload(
            **named, MultipartUpload={"Parts": [part]}, **stated
        )


def test_a_checksum_of_the_whole_that_nobody_can_check_is_refused(s3, begin, refused):
    named, part, _ = begin()
    parts = {"MultipartUpload": {"Parts": [part]}}
    with refused("InvalidRequest", 400) as told:
        s3.complete_multipart_upload(**named, **parts, ChecksumType="FULL_OBJECT")
    assert "using the null checksum mode" in told.response["Error"]["Message"]
    with refused("NotImplemented", 501):
        s3.complete_multipart_upload(**named, **parts, ChecksumCRC32="AAAAAA==")


def test_a_copy_without_parts_has_a_checksum_of_all_bytes(s3, s3_bucket, begin):
    crc32 = {"ChecksumAlgorithm": "CRC32"}
    named, part, stored = begin(crc32, **crc32)
    part["ChecksumCRC32"] = stored["ChecksumCRC32"]
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [part]})
    copied = s3.copy_object(
        Bucket=s3_bucket,
        Key="copy",
        CopySource={"Bucket": s3_bucket, "Key": "key"},
        StorageClass="STANDARD_IA",
    )["CopyObjectResult"]
    plain = s3.put_object(Bucket=s3_bucket, Key="plain", Body=b"x", **crc32)
    wanted = ("ETag", "ChecksumCRC32", "ChecksumType")
    assert [copied[name] for name in wanted] == [plain[name] for name in wanted]


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-checksum-sha512": "AAAA"},
        {"x-amz-checksum-sha256": ""},
        {"x-amz-checksum-crc32": "jNqDGg==", "x-amz-sdk-checksum-algorithm": "SHA256"},
    ],
    ids=["unknown", "empty", "another"],
)
def test_no_checksum_is_passed_over(connect, s3_bucket, refused, headers):
    client = connect(request_checksum_calculation="when_required")
    client.meta.events.register(
        "before-sign.s3.PutObject",
        lambda request, **_: [
            request.headers.add_header(name, value) for name, value in headers.items()
        ],
    )
    with refused("InvalidRequest", 400):
        client.put_object(Bucket=s3_bucket, Key="key", Body=b"x")


def test_an_upload_does_not_replace_what_came_since(s3, s3_bucket, begin, refused):
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"first")
    named, part, _ = begin()
    etag = s3.put_object(Bucket=s3_bucket, Key="key", Body=b"second")["ETag"]
    with refused("ConditionalRequestConflict", 409):
        s3.complete_multipart_upload(
            **named, MultipartUpload={"Parts": [part]}, IfMatch=etag
        )
    assert s3.get_object(Bucket=s3_bucket, Key="key")["Body"].read() == b"second"


def test_an_acl_comes_in_headers_or_in_the_body(s3, open_bucket, refused):
    acl = s3.get_bucket_acl(Bucket=open_bucket)
    policy = {"Owner": acl["Owner"], "Grants": acl["Grants"]}
    with refused("UnexpectedContent", 400):
        s3.put_bucket_acl(Bucket=open_bucket, ACL="private", AccessControlPolicy=policy)


def test_metadata_that_headers_cannot_carry_is_told_as_encoded_words():
    assert encoded_word("ä _b-c.d%") == "=?UTF-8?Q?=C3=A4_=5Fb-c.d%?="
