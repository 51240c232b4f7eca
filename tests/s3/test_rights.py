"""Which right each operation asks for, and what it refuses to overlook."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest


@pytest.fixture
def limited(connect, new_user):
    """Make clients of users who may do these actions, and no other."""

    def make(*actions):
        _, keys = new_user(only={"Action": list(actions), "Resource": "*"})
        return connect(
            access_key_id=keys["AccessKeyId"], secret_access_key=keys["SecretAccessKey"]
        )

    return make


@pytest.fixture
def account_number(iam):
    arn = iam.create_user(UserName="who-numbers-accounts")["User"]["Arn"]
    yield arn.split(":")[4]
    iam.delete_user(UserName="who-numbers-accounts")


def test_attributes_want_a_right_of_their_own(s3, s3_bucket, limited, refused):
    place = {"Bucket": s3_bucket, "Key": "key", "ObjectAttributes": ["ETag"]}
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"x")
    with refused("AccessDenied", 403):
        limited("s3:GetObject").get_object_attributes(**place)
    with refused("AccessDenied", 403):
        limited("s3:GetObjectAttributes").get_object_attributes(**place)
    both = limited("s3:GetObject", "s3:GetObjectAttributes")
    assert both.get_object_attributes(**place)["ETag"]


def test_comparing_etags_takes_the_right_to_read(s3, s3_bucket, limited, refused):
    place = {"Bucket": s3_bucket, "Key": "key"}
    etag = s3.put_object(**place, Body=b"1")["ETag"]
    writer = limited("s3:PutObject")
    writer.put_object(Bucket=s3_bucket, Key="new", Body=b"", IfNoneMatch="*")
    with refused("AccessDenied", 403):
        writer.put_object(**place, Body=b"2", IfMatch=etag)
    both = limited("s3:PutObject", "s3:GetObject")
    both.put_object(**place, Body=b"2", IfMatch=etag)


def test_tags_are_copied_by_those_who_may_read_them(s3, s3_bucket, limited, refused):
    source = {"Bucket": s3_bucket, "Key": "source"}
    target = {"Bucket": s3_bucket, "Key": "copy", "CopySource": source}
    s3.put_object(**source, Body=b"x", Tagging="team=red")
    writer = limited("s3:GetObject", "s3:PutObject", "s3:PutObjectTagging")
    with refused("AccessDenied", 403):
        writer.copy_object(**target)
    writer.copy_object(**target, TaggingDirective="REPLACE", Tagging="team=blue")
    reader = limited("s3:GetObject*", "s3:PutObject*")
    reader.copy_object(**target)
    tags = s3.get_object_tagging(Bucket=s3_bucket, Key="copy")["TagSet"]
    assert tags == [{"Key": "team", "Value": "red"}]


def test_the_expected_owner_asks_for_no_right_of_its_own(
    s3, s3_bucket, limited, refused, account_number
):
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"x")
    listed = {"Objects": [{"Key": "key"}]}
    client = limited("s3:DeleteObject")
    with refused("AccessDenied", 403):
        client.delete_objects(
            Bucket=s3_bucket, Delete=listed, ExpectedBucketOwner="000000000009"
        )
    with refused("InvalidBucketOwnerAWSAccountID", 400):
        client.delete_object(Bucket=s3_bucket, Key="key", ExpectedBucketOwner="me")
    gone = client.delete_objects(
        Bucket=s3_bucket, Delete=listed, ExpectedBucketOwner=account_number
    )
    assert [one["Key"] for one in gone["Deleted"]] == ["key"]


def test_a_delete_on_an_etag_wants_the_right_to_know_it(
    s3, s3_bucket, limited, refused
):
    place = {"Bucket": s3_bucket, "Key": "key"}
    etag = s3.put_object(**place, Body=b"x")["ETag"]
    client = limited("s3:DeleteObject")
    with refused("AccessDenied", 403):
        client.delete_object(**place, IfMatch=etag)
    limited("s3:DeleteObject", "s3:GetObject").delete_object(**place, IfMatch=etag)
    with refused("404"):
        s3.head_object(**place)


@pytest.mark.parametrize(
    "condition",
    [{"IfMatchSize": 1}, {"IfMatchLastModifiedTime": "2020-01-01T00:00:00Z"}],
)
def test_conditions_that_are_not_there_keep_from_deleting(
    s3, s3_bucket, refused, condition
):
    place = {"Bucket": s3_bucket, "Key": "key"}
    s3.put_object(**place, Body=b"x")
    with refused("NotImplemented", 501):
        s3.delete_object(**place, **condition)
    ((name, value),) = condition.items()
    named = {"Key": "key", name.removeprefix("IfMatch"): value}
    with refused("NotImplemented", 501):
        s3.delete_objects(Bucket=s3_bucket, Delete={"Objects": [named]})
    assert s3.head_object(**place)


def test_a_bypass_has_no_meaning_without_object_lock(s3, s3_bucket, refused):
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"x")
    with refused("InvalidArgument", 400):
        s3.delete_object(Bucket=s3_bucket, Key="key", BypassGovernanceRetention=True)


def test_versions_that_cannot_be_are_not_found_by_delete_objects(s3, s3_bucket):
    listed = {"Objects": [{"Key": "key", "VersionId": "bad"}]}
    (error,) = s3.delete_objects(Bucket=s3_bucket, Delete=listed)["Errors"]
    assert error["Code"] == "NoSuchVersion"


def test_a_rename_onto_itself_loses_nothing(s3, s3_bucket, refused):
    place = {"Bucket": s3_bucket, "Key": "a key"}
    s3.put_object(**place, Body=b"kept")
    with refused("InvalidRequest", 400):
        s3.rename_object(**place, RenameSource=f"{s3_bucket}/a%20key")
    assert s3.get_object(**place)["Body"].read() == b"kept"
    s3.rename_object(Bucket=s3_bucket, Key="new", RenameSource=f"{s3_bucket}/a%20key")
    assert s3.head_object(Bucket=s3_bucket, Key="new")


def test_the_redirect_of_a_page_is_not_copied(s3, s3_bucket):
    source = {"Bucket": s3_bucket, "Key": "source"}
    s3.put_object(**source, Body=b"x", WebsiteRedirectLocation="/one")
    s3.copy_object(Bucket=s3_bucket, Key="plain", CopySource=source)
    head = s3.head_object(Bucket=s3_bucket, Key="plain")
    assert "WebsiteRedirectLocation" not in head
    s3.copy_object(
        Bucket=s3_bucket, Key="led", CopySource=source, WebsiteRedirectLocation="/two"
    )
    head = s3.head_object(Bucket=s3_bucket, Key="led")
    assert head["WebsiteRedirectLocation"] == "/two"


def test_a_copy_onto_itself_may_say_what_is_so(s3, s3_bucket, refused):
    source = {"Bucket": s3_bucket, "Key": "key"}
    s3.put_object(**source, Body=b"x", Metadata={"a": "1"})
    with refused("InvalidRequest", 400):
        s3.copy_object(**source, CopySource=source)
    s3.copy_object(**source, CopySource=source, StorageClass="STANDARD")
    assert s3.head_object(**source)["Metadata"] == {"a": "1"}


def test_tags_and_locks_are_told_to_those_who_may_read_them(s3, new_bucket, limited):
    bucket = new_bucket(ObjectLockEnabledForBucket=True)
    place = {"Bucket": bucket, "Key": "key"}
    until = datetime.now(UTC) + timedelta(seconds=2)
    version = s3.put_object(
        **place,
        Body=b"x",
        Tagging="team=red",
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=until,
        ObjectLockLegalHoldStatus="OFF",
    )["VersionId"]
    told = {
        "TagCount": "s3:GetObjectTagging",
        "ObjectLockMode": "s3:GetObjectRetention",
        "ObjectLockRetainUntilDate": "s3:GetObjectRetention",
        "ObjectLockLegalHoldStatus": "s3:GetObjectLegalHold",
    }
    assert told.keys() <= s3.head_object(**place).keys()
    reader = limited("s3:GetObject")
    assert not told.keys() & reader.head_object(**place).keys()
    assert not told.keys() & reader.get_object(**place).keys()
    for action in set(told.values()):
        shown = limited("s3:GetObject", action).head_object(**place).keys()
        wanted = {name for name, asked in told.items() if asked == action}
        assert told.keys() & shown == wanted
    by_version = limited("s3:GetObjectVersion", "s3:GetObjectVersionTagging")
    shown = by_version.head_object(**place, VersionId=version)
    assert shown["TagCount"] == 1
