"""What a bucket can be told, with boto3; each is set, read, enforced and removed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from s3api.dispatch import SUBRESOURCES

LATER = datetime(2140, 1, 1, tzinfo=UTC)


def test_a_bucket_comes_and_goes(s3, refused):
    s3.create_bucket(Bucket="comes-and-goes")
    # AWS in us-east-1: one's own bucket again is no error.
    s3.create_bucket(Bucket="comes-and-goes")
    head = s3.head_bucket(Bucket="comes-and-goes")
    assert head["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket="comes-and-goes")["LocationConstraint"] is None
    names = [one["Name"] for one in s3.list_buckets()["Buckets"]]
    assert "comes-and-goes" in names
    s3.put_object(Bucket="comes-and-goes", Key="key", Body=b"")
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket="comes-and-goes")
    s3.delete_object(Bucket="comes-and-goes", Key="key")
    s3.delete_bucket(Bucket="comes-and-goes")
    with refused("404", 404):
        s3.head_bucket(Bucket="comes-and-goes")


def test_names_and_places_that_are_refused(s3, refused, stranger, connect, s3_bucket):
    with refused("InvalidLocationConstraint", 400):
        s3.create_bucket(
            Bucket="elsewhere",
            CreateBucketConfiguration={"LocationConstraint": "us-east-1"},
        )
    with refused("IllegalLocationConstraintException", 400):
        s3.create_bucket(
            Bucket="elsewhere",
            CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
        )
    other = connect(
        access_key_id=stranger["access_key_id"],
        secret_access_key=stranger["secret_access_key"],
    )
    with refused("BucketAlreadyExists", 409):
        other.create_bucket(Bucket=s3_bucket)
    with refused("AccessDenied", 403):
        other.list_objects_v2(Bucket=s3_bucket)
    with refused("AccessDenied", 403):
        s3.list_objects_v2(Bucket=s3_bucket, ExpectedBucketOwner="999999999999")


def test_buckets_are_listed_in_pages(s3, new_bucket):
    names = sorted(new_bucket() for _ in range(3))
    page = s3.list_buckets(Prefix=names[0][:7], MaxBuckets=2)
    assert len(page["Buckets"]) == 2
    assert page["Buckets"][0]["BucketRegion"] == "us-east-1"
    rest = s3.list_buckets(
        Prefix=names[0][:7], ContinuationToken=page["ContinuationToken"]
    )
    assert rest["Buckets"][0]["Name"] > page["Buckets"][-1]["Name"]


def test_tags_of_buckets_and_objects(s3, s3_bucket, refused):
    tags = [{"Key": "team", "Value": "blue"}]
    with refused("NoSuchTagSet", 404):
        s3.get_bucket_tagging(Bucket=s3_bucket)
    s3.put_bucket_tagging(Bucket=s3_bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=s3_bucket)["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket=s3_bucket)
    place = {"Bucket": s3_bucket, "Key": "key"}
    s3.put_object(**place, Body=b"", Tagging="a=1")
    assert s3.head_object(**place)["TagCount"] == 1
    s3.put_object_tagging(**place, Tagging={"TagSet": tags})
    assert s3.get_object_tagging(**place)["TagSet"] == tags
    many = [{"Key": str(number), "Value": ""} for number in range(51)]
    with refused("BadRequest", 400) as told:
        s3.put_object_tagging(**place, Tagging={"TagSet": many[:11]})
    message = told.response["Error"]["Message"]
    assert message == "Object tags cannot be greater than 10"
    with refused("BadRequest", 400):
        s3.put_bucket_tagging(Bucket=s3_bucket, Tagging={"TagSet": many})
    s3.delete_object_tagging(**place)
    assert s3.get_object_tagging(**place)["TagSet"] == []


def statement(bucket: str, **more: object) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "s3:GetObject",
                    "Resource": f"arn:aws:s3:::{bucket}/*",
                    **more,
                }
            ],
        }
    )


def test_a_policy_opens_a_bucket_once_that_is_not_blocked(
    s3, s3_bucket, refused, live_store
):
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"open")
    url = f"{live_store.url}/{s3_bucket}/key"
    assert httpx.get(url).status_code == 403
    with refused("AccessDenied", 403):
        s3.put_bucket_policy(Bucket=s3_bucket, Policy=statement(s3_bucket))
    s3.delete_public_access_block(Bucket=s3_bucket)
    s3.put_bucket_policy(Bucket=s3_bucket, Policy=statement(s3_bucket))
    assert httpx.get(url).content == b"open"
    status = s3.get_bucket_policy_status(Bucket=s3_bucket)
    assert status["PolicyStatus"]["IsPublic"]
    s3.put_public_access_block(
        Bucket=s3_bucket,
        PublicAccessBlockConfiguration={"RestrictPublicBuckets": True},
    )
    block = s3.get_public_access_block(Bucket=s3_bucket)
    assert block["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"]
    assert httpx.get(url).status_code == 403
    assert json.loads(s3.get_bucket_policy(Bucket=s3_bucket)["Policy"])
    s3.delete_bucket_policy(Bucket=s3_bucket)
    with refused("NoSuchBucketPolicy", 404):
        s3.get_bucket_policy(Bucket=s3_bucket)
    with refused("MalformedPolicy", 400):
        s3.put_bucket_policy(Bucket=s3_bucket, Policy="{}")


def test_acls_are_off_until_ownership_allows_them(s3, s3_bucket, refused):
    with refused("AccessControlListNotSupported", 400):
        s3.put_object(Bucket=s3_bucket, Key="key", Body=b"", ACL="public-read")
    rules = s3.get_bucket_ownership_controls(Bucket=s3_bucket)["OwnershipControls"]
    assert rules["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    s3.put_bucket_ownership_controls(
        Bucket=s3_bucket,
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
    )
    rules = s3.get_bucket_ownership_controls(Bucket=s3_bucket)["OwnershipControls"]
    assert rules["Rules"] == [{"ObjectOwnership": "BucketOwnerPreferred"}]
    # Public access is still blocked.
    with refused("AccessDenied", 403):
        s3.put_object(Bucket=s3_bucket, Key="key", Body=b"", ACL="public-read")


def test_acls_count_where_ownership_controls_were_removed(s3, s3_bucket, refused):
    s3.delete_bucket_ownership_controls(Bucket=s3_bucket)
    s3.delete_bucket_ownership_controls(Bucket=s3_bucket)
    with refused("OwnershipControlsNotFoundError", 404):
        s3.get_bucket_ownership_controls(Bucket=s3_bucket)
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"", ACL="bucket-owner-read")
    grants = s3.get_object_acl(Bucket=s3_bucket, Key="key")["Grants"]
    assert [one["Permission"] for one in grants] == ["FULL_CONTROL"]


def test_acls_let_others_in(s3, open_bucket, live_store, stranger, connect, refused):
    place = {"Bucket": open_bucket, "Key": "key"}
    url = f"{live_store.url}/{open_bucket}/key"
    s3.put_object(**place, Body=b"for all", ACL="public-read")
    assert httpx.get(url).content == b"for all"
    s3.put_object_acl(**place, ACL="private")
    assert httpx.get(url).status_code == 403
    other = connect(
        access_key_id=stranger["access_key_id"],
        secret_access_key=stranger["secret_access_key"],
    )
    with refused("AccessDenied", 403):
        other.get_object(**place)
    s3.put_object_acl(**place, GrantRead=f"id={stranger['canonical_id']}")
    assert other.get_object(**place)["Body"].read() == b"for all"
    grants = s3.get_object_acl(**place)["Grants"]
    assert [one["Permission"] for one in grants] == ["READ"]
    s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read")
    acl = s3.get_bucket_acl(Bucket=open_bucket)
    assert {one["Permission"] for one in acl["Grants"]} == {"READ", "FULL_CONTROL"}
    assert other.list_objects_v2(Bucket=open_bucket)["KeyCount"] == 1
    acl["Grants"] = acl["Grants"][:1]
    s3.put_bucket_acl(
        Bucket=open_bucket,
        AccessControlPolicy={"Grants": acl["Grants"], "Owner": acl["Owner"]},
    )
    with refused("AccessDenied", 403):
        other.list_objects_v2(Bucket=open_bucket)


def test_cors_of_a_bucket(s3, s3_bucket, live_store, refused):
    with refused("NoSuchCORSConfiguration", 404):
        s3.get_bucket_cors(Bucket=s3_bucket)
    rule = {
        "AllowedOrigins": ["https://*.example.com"],
        "AllowedMethods": ["PUT"],
        "AllowedHeaders": ["x-amz-*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 60,
    }
    s3.put_bucket_cors(Bucket=s3_bucket, CORSConfiguration={"CORSRules": [rule]})
    assert s3.get_bucket_cors(Bucket=s3_bucket)["CORSRules"] == [rule]
    url = f"{live_store.url}/{s3_bucket}/key"
    asked = {
        "Origin": "https://www.example.com",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "x-amz-date",
    }
    allowed = httpx.options(url, headers=asked)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == asked["Origin"]
    assert allowed.headers["access-control-max-age"] == "60"
    refusal = httpx.options(url, headers={**asked, "Origin": "https://other.org"})
    assert refusal.status_code == 403
    assert "AccessForbidden" in refusal.text
    # The headers are on refusals too, else a browser hides why.
    denied = httpx.put(url, headers={"Origin": asked["Origin"]}, content=b"")
    assert denied.status_code == 403
    assert denied.headers["access-control-allow-origin"] == asked["Origin"]
    s3.delete_bucket_cors(Bucket=s3_bucket)


def test_lifecycle_rules_are_kept_as_they_were_put(s3, s3_bucket, refused):
    rules = [
        {
            "ID": "old",
            "Status": "Enabled",
            "Filter": {
                "And": {
                    "Prefix": "logs/",
                    "Tags": [{"Key": "a", "Value": "1"}],
                    "ObjectSizeGreaterThan": 10,
                }
            },
            "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}],
            "NoncurrentVersionExpiration": {
                "NoncurrentDays": 5,
                "NewerNoncurrentVersions": 2,
            },
        }
    ]
    place = {"Bucket": s3_bucket}
    s3.put_bucket_lifecycle_configuration(
        **place, LifecycleConfiguration={"Rules": rules}
    )
    kept = s3.get_bucket_lifecycle_configuration(**place)["Rules"]
    assert kept[0]["Filter"] == rules[0]["Filter"]
    assert kept[0]["NoncurrentVersionExpiration"] == {
        "NoncurrentDays": 5,
        "NewerNoncurrentVersions": 2,
    }
    assert kept[0]["Transitions"] == rules[0]["Transitions"]
    s3.delete_bucket_lifecycle(**place)
    with refused("NoSuchLifecycleConfiguration", 404):
        s3.get_bucket_lifecycle_configuration(**place)


def test_infrequent_access_is_not_reached_before_thirty_days(s3, s3_bucket, refused):
    def put(element):
        rule = {"ID": "r", "Status": "Enabled", "Filter": {}, **element}
        s3.put_bucket_lifecycle_configuration(
            Bucket=s3_bucket, LifecycleConfiguration={"Rules": [rule]}
        )

    for name in ("STANDARD_IA", "ONEZONE_IA"):
        with refused("InvalidArgument", 400) as refusal:
            put({"Transitions": [{"Days": 29, "StorageClass": name}]})
        assert refusal.response["Error"]["Message"] == (
            "'Days' in Transition action must be greater than or equal to 30 for "
            f"storageClass '{name}'"
        )
        move = {"NoncurrentDays": 29, "StorageClass": name}
        with refused("InvalidArgument", 400):
            put({"NoncurrentVersionTransitions": [move]})
    put({"Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}]})
    # These have no such minimum, and `cold` is no class of AWS's.
    for name in ("GLACIER", "GLACIER_IR", "INTELLIGENT_TIERING", "COLD"):
        put({"Transitions": [{"Days": 1, "StorageClass": name}]})


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({}, "all_storage_classes_128K"),
        (
            {"TransitionDefaultMinimumObjectSize": "varies_by_storage_class"},
            "varies_by_storage_class",
        ),
    ],
)
def test_the_smallest_size_to_be_moved_is_kept(s3, s3_bucket, asked, kept):
    rule = {"ID": "r", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 7}}
    name = "TransitionDefaultMinimumObjectSize"
    put = s3.put_bucket_lifecycle_configuration(
        Bucket=s3_bucket, LifecycleConfiguration={"Rules": [rule]}, **asked
    )
    assert put[name] == kept
    shown = s3.get_bucket_lifecycle_configuration(Bucket=s3_bucket)
    assert shown[name] == kept
    assert len(shown["Rules"]) == 1


def test_an_unknown_smallest_size_is_refused(s3, s3_bucket, refused):
    rule = {"ID": "r", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 7}}
    with refused("InvalidRequest", 400):
        s3.put_bucket_lifecycle_configuration(
            Bucket=s3_bucket,
            LifecycleConfiguration={"Rules": [rule]},
            TransitionDefaultMinimumObjectSize="value",
        )


def test_object_lock_holds(s3, new_bucket, refused):
    bucket = new_bucket(ObjectLockEnabledForBucket=True)
    place = {"Bucket": bucket, "Key": "key"}
    s3.put_object_lock_configuration(
        Bucket=bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
        },
    )
    rule = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    assert rule["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 1}
    version = s3.put_object(**place, Body=b"1")["VersionId"]
    head = s3.head_object(**place)
    assert head["ObjectLockMode"] == "GOVERNANCE"
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert abs(head["ObjectLockRetainUntilDate"] - tomorrow) < timedelta(minutes=5)
    with refused("AccessDenied", 403):
        s3.delete_object(**place, VersionId=version)
    s3.put_object_retention(
        **place, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": LATER}
    )
    assert s3.get_object_retention(**place)["Retention"]["RetainUntilDate"] == LATER
    s3.put_object_legal_hold(**place, LegalHold={"Status": "ON"})
    assert s3.get_object_legal_hold(**place)["LegalHold"]["Status"] == "ON"
    with refused("AccessDenied", 403):
        s3.delete_object(**place, VersionId=version, BypassGovernanceRetention=True)
    s3.put_object_legal_hold(**place, LegalHold={"Status": "OFF"})
    s3.delete_object(**place, VersionId=version, BypassGovernanceRetention=True)
    with refused("InvalidBucketState", 409):
        s3.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
        )


def test_a_legal_hold_that_was_never_set_is_none(s3, new_bucket, refused):
    place = {"Bucket": new_bucket(ObjectLockEnabledForBucket=True), "Key": "key"}
    s3.put_object(**place, Body=b"1")
    with refused("NoSuchObjectLockConfiguration", 404):
        s3.get_object_legal_hold(**place)
    assert "ObjectLockLegalHoldStatus" not in s3.head_object(**place)
    for status in ("ON", "OFF"):
        s3.put_object_legal_hold(**place, LegalHold={"Status": status})
        assert s3.get_object_legal_hold(**place)["LegalHold"]["Status"] == status
        assert s3.head_object(**place)["ObjectLockLegalHoldStatus"] == status


@pytest.mark.parametrize("status", ["ON", "OFF"])
def test_a_legal_hold_that_an_upload_states_is_kept(s3, new_bucket, status):
    place = {"Bucket": new_bucket(ObjectLockEnabledForBucket=True), "Key": "key"}
    stated = {"ObjectLockLegalHoldStatus": status}
    made = s3.put_object(**place, **stated, Body=b"1")
    assert s3.head_object(**place)["ObjectLockLegalHoldStatus"] == status
    s3.copy_object(**place, **stated, CopySource=place, MetadataDirective="REPLACE")
    assert s3.get_object_legal_hold(**place)["LegalHold"]["Status"] == status
    upload = {
        **place,
        "UploadId": s3.create_multipart_upload(**place, **stated)["UploadId"],
    }
    etag = s3.upload_part(**upload, PartNumber=1, Body=b"2")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    s3.complete_multipart_upload(**upload, MultipartUpload=parts)
    assert s3.get_object_legal_hold(**place)["LegalHold"]["Status"] == status
    earlier = {**place, "VersionId": made["VersionId"]}
    assert s3.get_object_legal_hold(**earlier)["LegalHold"]["Status"] == status


@pytest.mark.parametrize("status", ["ON", "OFF"])
def test_a_legal_hold_is_stated_only_where_there_is_object_lock(
    s3, new_bucket, refused, status
):
    place = {"Bucket": new_bucket(), "Key": "key"}
    stated = {"ObjectLockLegalHoldStatus": status}
    with refused("InvalidRequest", 400):
        s3.put_object(**place, **stated, Body=b"1")
    with refused("InvalidRequest", 400):
        s3.create_multipart_upload(**place, **stated)


def test_website_payment_and_encryption_are_kept(s3, s3_bucket, refused):
    website = {
        "IndexDocument": {"Suffix": "index.html"},
        "ErrorDocument": {"Key": "error.html"},
        "RoutingRules": [
            {
                "Condition": {"KeyPrefixEquals": "old/"},
                "Redirect": {"ReplaceKeyPrefixWith": "new/"},
            }
        ],
    }
    s3.put_bucket_website(Bucket=s3_bucket, WebsiteConfiguration=website)
    kept = s3.get_bucket_website(Bucket=s3_bucket)
    assert {name: kept[name] for name in website} == website
    s3.delete_bucket_website(Bucket=s3_bucket)
    with refused("NoSuchWebsiteConfiguration", 404):
        s3.get_bucket_website(Bucket=s3_bucket)
    assert s3.get_bucket_request_payment(Bucket=s3_bucket)["Payer"] == "BucketOwner"
    s3.put_bucket_request_payment(
        Bucket=s3_bucket, RequestPaymentConfiguration={"Payer": "Requester"}
    )
    assert s3.get_bucket_request_payment(Bucket=s3_bucket)["Payer"] == "Requester"
    s3.put_bucket_request_payment(
        Bucket=s3_bucket, RequestPaymentConfiguration={"Payer": "BucketOwner"}
    )
    with refused("ServerSideEncryptionConfigurationNotFoundError", 404):
        s3.get_bucket_encryption(Bucket=s3_bucket)


@pytest.mark.parametrize(
    "call",
    [
        "get_bucket_notification_configuration",
        "get_bucket_logging",
        "get_bucket_replication",
        "list_bucket_inventory_configurations",
        "get_bucket_accelerate_configuration",
    ],
)
def test_what_is_not_there_says_so(s3, s3_bucket, refused, call):
    with refused("NotImplemented", 501):
        getattr(s3, call)(Bucket=s3_bucket)


def test_listening_to_events_as_on_minio_is_no_listing(s3, s3_bucket, refused):
    def listen(params, **_):
        params["url"] += "&events=s3%3AObjectCreated%3A%2A"

    s3.meta.events.register("before-call.s3.ListObjects", listen)
    with refused("NotImplemented", 501):
        s3.list_objects(Bucket=s3_bucket)


def test_no_sub_resource_of_aws_is_passed_over(s3):
    model = s3.meta.service_model
    for name in model.operation_names:
        _, _, query = model.operation_model(name).http["requestUri"].partition("?")
        named = {one.partition("=")[0] for one in query.split("&")}
        assert not query or named & set(SUBRESOURCES), name


def test_requesters_pay_or_stay_out(s3, open_bucket, stranger, connect, refused):
    place = {"Bucket": open_bucket, "Key": "key"}
    s3.put_object(**place, Body=b"1", ACL="authenticated-read")
    other = connect(
        access_key_id=stranger["access_key_id"],
        secret_access_key=stranger["secret_access_key"],
    )
    assert other.get_object(**place)["Body"].read() == b"1"
    s3.put_bucket_request_payment(
        Bucket=open_bucket, RequestPaymentConfiguration={"Payer": "Requester"}
    )
    with refused("AccessDenied", 403):
        other.get_object(**place)
    paid = other.get_object(**place, RequestPayer="requester")
    assert paid["Body"].read() == b"1"
    assert s3.get_object(**place)["Body"].read() == b"1"
