"""What names a whole account leaves its users to their own policies."""

import json

import pytest

from buckets.access import find_bucket, is_allowed
from buckets.configurations import Configuration
from buckets.operations import change_configuration, put_bucket_policy

pytestmark = pytest.mark.django_db


def bucket_policy(principal):
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "s3:ListBucket",
        "Resource": "arn:aws:s3:::bucket",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


LISTER = json.dumps(
    {"Statement": {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}}
)


def may_list(principal, bucket):
    return is_allowed(principal, "s3:ListBucket", find_bucket(bucket))


def test_a_bucket_policy_for_the_account(root, bucket, make_principal):
    put_bucket_policy(root, bucket, bucket_policy(root.account_number))
    assert not may_list(make_principal("alice"), bucket)
    assert may_list(make_principal("lister", LISTER), bucket)
    assert may_list(root, bucket)


def test_a_bucket_policy_for_the_user(root, bucket, make_principal):
    alice = make_principal("alice")
    put_bucket_policy(root, bucket, bucket_policy(alice.arn))
    assert may_list(alice, bucket)
    assert not may_list(make_principal("bob"), bucket)


def test_an_acl_for_the_account(root, bucket, make_principal):
    grant = {"grantee": {"id": root.canonical_id}, "permission": "FULL_CONTROL"}
    info = find_bucket(bucket)
    change_configuration(info, Configuration.OWNERSHIP, "ObjectWriter")
    change_configuration(info, Configuration.ACL, {"grants": [grant]})
    assert not may_list(make_principal("alice"), bucket)
    assert may_list(make_principal("lister", LISTER), bucket)
    assert may_list(root, bucket)
