"""What AWS was seen to answer where its documentation says little or nothing."""

from __future__ import annotations

import httpx
import pytest
from botocore.exceptions import ClientError

from kernel.checksums import ChecksumAlgorithm

PUBLIC = "http://acs.amazonaws.com/groups/global/AllUsers"


@pytest.fixture
def error_of():
    """Give the <Error> that a call is answered with."""

    def call(operation, **parameters):
        with pytest.raises(ClientError) as caught:
            operation(**parameters)
        return caught.value.response["Error"]

    return call


def test_an_empty_set_of_tags_takes_them_off(s3, s3_bucket, refused):
    s3.put_bucket_tagging(
        Bucket=s3_bucket, Tagging={"TagSet": [{"Key": "a", "Value": "1"}]}
    )
    s3.put_bucket_tagging(Bucket=s3_bucket, Tagging={"TagSet": []})
    with refused("NoSuchTagSet", 404):
        s3.get_bucket_tagging(Bucket=s3_bucket)


def test_a_tag_has_a_key_and_a_value(connect, s3_bucket, refused):
    s3 = connect(parameter_validation=False)
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"")
    for tag in ({"Key": "a"}, {"Value": "1"}):
        with refused("MalformedXML", 400):
            s3.put_bucket_tagging(Bucket=s3_bucket, Tagging={"TagSet": [tag]})
        with refused("MalformedXML", 400):
            s3.put_object_tagging(
                Bucket=s3_bucket, Key="key", Tagging={"TagSet": [tag]}
            )


def test_a_bucket_is_not_created_again_with_tags(s3, s3_bucket, refused):
    with refused("BucketAlreadyOwnedByYou", 409):
        s3.create_bucket(
            Bucket=s3_bucket,
            CreateBucketConfiguration={"Tags": [{"Key": "a", "Value": "1"}]},
        )
    s3.create_bucket(Bucket=s3_bucket, CreateBucketConfiguration={"Tags": []})


def test_a_lifecycle_rule_has_a_filter_or_a_prefix(s3, s3_bucket, refused):
    rule = {"ID": "r", "Status": "Enabled", "Expiration": {"Days": 7}}

    def put(**more):
        s3.put_bucket_lifecycle_configuration(
            Bucket=s3_bucket, LifecycleConfiguration={"Rules": [{**rule, **more}]}
        )

    with refused("MalformedXML", 400):
        put()
    put(Prefix="")
    put(Filter={})
    tags = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    with refused("InvalidRequest", 400):
        put(Filter={"And": {"Prefix": "", "Tags": tags}})


def test_who_names_a_version_is_not_told_when_the_object_expires(s3, new_bucket):
    bucket = new_bucket()
    s3.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    rule = {"ID": "r", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 7}}
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [rule]}
    )
    put = s3.put_object(Bucket=bucket, Key="key", Body=b"")
    assert 'rule-id="r"' in put["Expiration"]
    assert "Expiration" in s3.head_object(Bucket=bucket, Key="key")
    named = s3.head_object(Bucket=bucket, Key="key", VersionId=put["VersionId"])
    assert "Expiration" not in named


def test_grants_of_accounts_come_before_those_of_groups(s3, open_bucket):
    s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read")
    grants = s3.get_bucket_acl(Bucket=open_bucket)["Grants"]
    assert [one["Permission"] for one in grants] == ["FULL_CONTROL", "READ"]
    assert grants[1]["Grantee"]["URI"] == PUBLIC


def test_nonsense_is_told_from_acls_that_are_off(s3, s3_bucket, error_of):
    place = {"Bucket": s3_bucket, "Key": "key"}
    s3.put_object(**place, Body=b"")
    for put in (
        lambda **asked: s3.put_bucket_acl(Bucket=s3_bucket, **asked),
        lambda **asked: s3.put_object_acl(**place, **asked),
        lambda **asked: s3.put_object(**place, Body=b"", **asked),
    ):
        assert error_of(put, ACL="nonsense")["Code"] == "InvalidArgument"
        wrong = error_of(put, GrantRead="uri=http://acs.amazonaws.com/nobody")
        assert wrong["Message"] == "Invalid group uri"
        assert error_of(put, GrantRead="id=nobody")["ArgumentValue"] == "nobody"
        said = error_of(put, GrantReadACP="nonsense")
        assert said["ArgumentName"] == "x-amz-grant-read-acp"
        off = error_of(put, ACL="public-read")
        assert off["Code"] == "AccessControlListNotSupported"


def test_governance_is_bypassed_only_where_something_can_be_locked(
    s3, s3_bucket, refused, new_bucket
):
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"")
    with refused("InvalidArgument", 400):
        s3.delete_object(Bucket=s3_bucket, Key="key", BypassGovernanceRetention=True)
    with refused("InvalidArgument", 400):
        s3.delete_objects(
            Bucket=s3_bucket,
            Delete={"Objects": [{"Key": "key"}]},
            BypassGovernanceRetention=True,
        )
    locked = new_bucket(ObjectLockEnabledForBucket=True)
    s3.delete_object(Bucket=locked, Key="key", BypassGovernanceRetention=True)


def test_completing_nothing(s3, s3_bucket, error_of):
    place = {"Bucket": s3_bucket, "Key": "key"}
    absent = error_of(s3.complete_multipart_upload, **place, UploadId="nonsense")
    assert absent["Code"] == "NoSuchUpload"
    upload = s3.create_multipart_upload(**place)["UploadId"]
    empty = error_of(s3.complete_multipart_upload, **place, UploadId=upload)
    assert empty["Message"] == "You must specify at least one part"


def test_the_last_page_of_uploads_names_its_last(s3, s3_bucket):
    upload = s3.create_multipart_upload(Bucket=s3_bucket, Key="key")["UploadId"]
    listed = s3.list_multipart_uploads(Bucket=s3_bucket)
    assert listed["IsTruncated"] is False
    assert (listed["NextKeyMarker"], listed["NextUploadIdMarker"]) == ("key", upload)


def test_attributes_show_a_composite_checksum_without_its_parts(s3, s3_bucket):
    place = {"Bucket": s3_bucket, "Key": "key"}
    upload = s3.create_multipart_upload(
        **place, ChecksumAlgorithm=ChecksumAlgorithm.SHA256
    )["UploadId"]
    part = s3.upload_part(
        **place,
        UploadId=upload,
        PartNumber=1,
        Body=b"1",
        ChecksumAlgorithm=ChecksumAlgorithm.SHA256,
    )
    listed = {name: part[name] for name in ("ETag", "ChecksumSHA256")}
    s3.complete_multipart_upload(
        **place,
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, **listed}]},
    )
    shown = s3.get_object_attributes(**place, ObjectAttributes=["Checksum"])
    head = s3.head_object(**place, ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == f"{shown['Checksum']['ChecksumSHA256']}-1"


def test_a_wrong_digest_is_shown_in_hex(s3, s3_bucket, error_of):
    wrong = error_of(
        s3.put_object,
        Bucket=s3_bucket,
        Key="key",
        Body=b"",
        ContentMD5="CY9rzUYh03PK3k6DJie09g==",
    )
    assert wrong["ExpectedDigest"] == "098f6bcd4621d373cade4e832627b4f6"


def test_half_a_retention_is_malformed(connect, new_bucket, refused):
    s3 = connect()
    place = {"Bucket": new_bucket(ObjectLockEnabledForBucket=True), "Key": "key"}
    s3.put_object(**place, Body=b"")
    with refused("MalformedXML", 400):
        s3.put_object_retention(**place, Retention={"Mode": "GOVERNANCE"})


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"IndexDocument": {"Suffix": ""}}, "InvalidArgument"),
        ({"IndexDocument": {"Suffix": "a/b"}}, "InvalidArgument"),
        ({"ErrorDocument": {"Key": "error.html"}}, "InvalidArgument"),
        (
            {
                "RedirectAllRequestsTo": {"HostName": "example.com"},
                "IndexDocument": {"Suffix": "index.html"},
            },
            "InvalidArgument",
        ),
        (
            {
                "IndexDocument": {"Suffix": "index.html"},
                "RoutingRules": [
                    {"Condition": {}, "Redirect": {"ReplaceKeyWith": "other"}}
                ],
            },
            "InvalidRequest",
        ),
    ],
)
def test_websites_that_are_refused(s3, s3_bucket, refused, document, code):
    with refused(code, 400):
        s3.put_bucket_website(Bucket=s3_bucket, WebsiteConfiguration=document)


def test_copies_in_a_suspended_bucket_are_null(s3, s3_bucket):
    place = {"Bucket": s3_bucket, "Key": "key"}
    s3.put_object(**place, Body=b"")
    assert "VersionId" not in s3.copy_object(
        Bucket=s3_bucket, Key="copy", CopySource=place
    )
    for status in ("Enabled", "Suspended"):
        s3.put_bucket_versioning(
            Bucket=s3_bucket, VersioningConfiguration={"Status": status}
        )
    copied = s3.copy_object(Bucket=s3_bucket, Key="copy", CopySource=place)
    assert copied["VersionId"] == "null"


def test_a_copy_onto_itself_where_the_bucket_encrypts(s3, s3_bucket, refused):
    place = {"Bucket": s3_bucket, "Key": "key"}
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(
        Bucket=s3_bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    s3.put_object(**place, Body=b"same")
    s3.copy_object(**place, CopySource=place)
    assert s3.get_object(**place)["Body"].read() == b"same"
    s3.delete_bucket_encryption(Bucket=s3_bucket)
    s3.copy_object(**place, CopySource=place)
    with refused("InvalidRequest", 400):
        s3.copy_object(**place, CopySource=place)


def test_a_versioned_bucket_is_emptied_of_all_versions(s3, s3_bucket, error_of):
    s3.put_bucket_versioning(
        Bucket=s3_bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    s3.delete_object(Bucket=s3_bucket, Key="key")
    left = error_of(s3.delete_bucket, Bucket=s3_bucket)
    assert left["Message"].endswith("You must delete all versions in the bucket.")


def test_preflights_that_are_refused(s3_bucket, live_store):
    def preflight(bucket, **headers):
        answer = httpx.options(f"{live_store.url}/{bucket}/key", headers=headers)
        assert answer.headers["content-type"] == "application/xml"
        return answer.status_code, answer.text

    status, body = preflight(s3_bucket)
    assert status == 400
    assert "<Code>BadRequest</Code>" in body
    status, body = preflight(s3_bucket, Origin="http://a.example")
    assert status == 403
    assert "CORS is not enabled for this bucket" in body
    assert "<Method>OPTIONS</Method>" in body
    status, body = preflight("no-such-bucket", Origin="http://a.example")
    assert status == 403
    assert "CORSResponse: Bucket not found" in body


def test_a_preflight_that_is_allowed_has_no_body(s3, s3_bucket, live_store):
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    s3.put_bucket_cors(Bucket=s3_bucket, CORSConfiguration={"CORSRules": [rule]})
    answer = httpx.options(
        f"{live_store.url}/{s3_bucket}/key",
        headers={
            "Origin": "http://a.example",
            "Access-Control-Request-Method": "GET",
        },
    )
    assert answer.status_code == 200
    assert answer.headers["content-length"] == "0"
    assert "content-type" not in answer.headers


def test_a_plus_sign_in_a_copys_source_is_a_space(connect, s3_bucket):
    s3 = connect()

    def write_otherwise(params, **_):
        params["headers"]["x-amz-copy-source"] = f"{s3_bucket}/a+b%2Bc"

    s3.meta.events.register("before-call.s3.CopyObject", write_otherwise)
    s3.put_object(Bucket=s3_bucket, Key="a b+c", Body=b"same")
    s3.copy_object(Bucket=s3_bucket, Key="copy", CopySource=f"{s3_bucket}/replaced")
    assert s3.get_object(Bucket=s3_bucket, Key="copy")["Body"].read() == b"same"


def test_an_action_of_a_lifecycle_rule_says_something(s3, s3_bucket, refused):
    rule = {"ID": "r", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 7}}
    with refused("MalformedXML", 400):
        s3.put_bucket_lifecycle_configuration(
            Bucket=s3_bucket,
            LifecycleConfiguration={
                "Rules": [{**rule, "NoncurrentVersionExpiration": {}}]
            },
        )


def test_nobody_in_particular_is_told_of_owners(s3, open_bucket, live_store):
    s3.put_object(Bucket=open_bucket, Key="key", Body=b"")
    s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read")
    assert "Owner" in s3.list_objects(Bucket=open_bucket)["Contents"][0]
    listed = httpx.get(f"{live_store.url}/{open_bucket}").text
    assert "<Key>key</Key>" in listed
    assert "<Owner>" not in listed


def test_ownership_that_says_nothing_is_refused(s3, refused):
    with refused("InvalidArgument", 400):
        s3.create_bucket(Bucket="owned-by-nobody", ObjectOwnership="")


def test_a_copy_onto_itself_says_what_it_changes(s3, s3_bucket, refused):
    place = {"Bucket": s3_bucket, "Key": "key"}
    s3.put_object(**place, Body=b"same", StorageClass="STANDARD_IA")
    with refused("InvalidRequest", 400):
        s3.copy_object(**place, CopySource=place)
    s3.copy_object(**place, CopySource=place, StorageClass="STANDARD_IA")
    assert s3.head_object(**place)["StorageClass"] == "STANDARD_IA"


@pytest.mark.parametrize("parameter", ["versionId=null", "partNumber=1"])
def test_what_was_meant_for_a_version_or_a_part_takes_no_objects_place(
    s3, s3_bucket, refused, parameter
):
    def add(params, **_):
        params["url"] += f"?{parameter}"

    place = {"Bucket": s3_bucket, "Key": "key"}
    s3.put_object(**place, Body=b"whole")
    for operation in ("PutObject", "CopyObject"):
        s3.meta.events.register(f"before-call.s3.{operation}", add)
    with refused("InvalidArgument", 400) as refusal:
        s3.put_object(**place, Body=b"part")
    assert refusal.response["Error"]["ArgumentName"] == parameter.partition("=")[0]
    with refused("InvalidArgument", 400):
        s3.copy_object(**place, CopySource=place, MetadataDirective="REPLACE")
    assert s3.get_object(**place)["Body"].read() == b"whole"


def test_a_version_is_named_only_where_there_is_one(s3, s3_bucket, refused):
    def add(params, **_):
        params["url"] += f"{'&' if '?' in params['url'] else '?'}versionId=null"

    place = {"Bucket": s3_bucket, "Key": "key"}
    upload = s3.create_multipart_upload(**place)["UploadId"]
    part = {**place, "UploadId": upload, "PartNumber": 1}
    s3.upload_part(**part, Body=b"first")
    calls = {
        "UploadPart": lambda: s3.upload_part(**part, Body=b"second"),
        "ListParts": lambda: s3.list_parts(**place, UploadId=upload),
        "CreateMultipartUpload": lambda: s3.create_multipart_upload(**place),
        "ListObjectVersions": lambda: s3.list_object_versions(Bucket=s3_bucket),
        "GetBucketTagging": lambda: s3.get_bucket_tagging(Bucket=s3_bucket),
        "DeleteBucket": lambda: s3.delete_bucket(Bucket=s3_bucket),
    }
    for operation, call in calls.items():
        s3.meta.events.register(f"before-call.s3.{operation}", add)
        with refused("InvalidArgument", 400) as refusal:
            call()
        assert refusal.response["Error"]["ArgumentName"] == "versionId"
        s3.meta.events.unregister(f"before-call.s3.{operation}", add)
    (kept,) = s3.list_parts(**place, UploadId=upload)["Parts"]
    assert kept["Size"] == len(b"first")


def test_a_marker_of_a_version_says_something(s3, s3_bucket, error_of):
    def listing(**markers):
        return error_of(s3.list_object_versions, Bucket=s3_bucket, **markers)

    empty = listing(KeyMarker="key", VersionIdMarker="")
    assert empty["Code"] == "InvalidArgument"
    assert empty["Message"] == "A version-id marker cannot be empty."
    assert empty["ArgumentName"] == "version-id-marker"
    alone = listing(VersionIdMarker="null")
    assert alone["Code"] == "InvalidArgument"
    assert alone["Message"] == (
        "A version-id marker cannot be specified without a key marker."
    )
    s3.list_object_versions(Bucket=s3_bucket, KeyMarker="key")


def test_a_copys_source_is_a_version_that_can_be_read(s3, new_bucket, error_of):
    place = {"Bucket": new_bucket(), "Key": "key"}
    s3.put_bucket_versioning(
        Bucket=place["Bucket"], VersioningConfiguration={"Status": "Enabled"}
    )
    s3.put_object(**place, Body=b"")
    marker = s3.delete_object(**place)["VersionId"]
    upload = s3.create_multipart_upload(**place)["UploadId"]

    def copied(source):
        yield error_of(s3.copy_object, **place, CopySource=source)
        part = {**place, "UploadId": upload, "PartNumber": 1}
        yield error_of(s3.upload_part_copy, **part, CopySource=source)

    for error in copied({**place, "VersionId": marker}):
        assert error["Code"] == "InvalidRequest"
        assert "delete marker by version id" in error["Message"]
    for error in copied(place):
        assert error["Code"] == "NoSuchKey"

    def take_off(params, **_):
        name = "x-amz-copy-source"
        params["headers"][name] = params["headers"][name].partition("=")[0] + "="

    for operation in ("CopyObject", "UploadPartCopy"):
        s3.meta.events.register(f"before-call.s3.{operation}", take_off)
    for error in copied({**place, "VersionId": marker}):
        assert error["Message"] == "Version id cannot be the empty string"
        assert error["ArgumentName"] == "x-amz-copy-source"
