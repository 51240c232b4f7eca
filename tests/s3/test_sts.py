"""Temporary credentials with boto3: who gets them, what they may, when they end."""

from __future__ import annotations

import itertools
import json
from types import SimpleNamespace

import httpx
import pytest

NAMES = itertools.count(1)
LIST = {"Action": "s3:ListAllMyBuckets", "Resource": "*"}
EVERYTHING = {"Action": "s3:*", "Resource": "*"}
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
SESSION = "session-1"


@pytest.fixture
def account(sts):
    return sts.get_caller_identity()["Account"]


@pytest.fixture
def new_role(iam, policy_document):
    """Create roles that principals may assume, with policies of their own."""

    def make(principal, *statements, trusted=None, **options):
        name = f"role-of-{next(NAMES)}"
        trust = {"Action": "sts:AssumeRole", "Principal": {"AWS": principal}}
        made = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=policy_document(trust | (trusted or {})),
            **options,
        )["Role"]
        if statements:
            iam.put_role_policy(
                RoleName=name,
                PolicyName="own",
                PolicyDocument=policy_document(*statements),
            )
        return SimpleNamespace(name=name, arn=made["Arn"], id=made["RoleId"])

    return make


@pytest.fixture
def assumed(client_of, new_user, new_role, iam):
    """Assume a new role that may do everything in S3, narrowed by options."""

    def make(*statements, trusted=None, **options):
        name, keys = new_user()
        arn = iam.get_user(UserName=name)["User"]["Arn"]
        role = new_role(arn, *(statements or [EVERYTHING]), trusted=trusted)
        answer = client_of("sts", keys).assume_role(
            RoleArn=role.arn, RoleSessionName=SESSION, **options
        )
        return SimpleNamespace(role=role, keys=answer["Credentials"], answer=answer)

    return make


def arn_of(iam, name):
    return iam.get_user(UserName=name)["User"]["Arn"]


# Who is asking


def test_the_caller(sts, iam, client_of, new_user, account):
    root = sts.get_caller_identity()
    assert root["UserId"] == account
    assert root["Arn"] == f"arn:aws:iam::{account}:root"
    name, keys = new_user(deny={"Effect": "Deny", "Action": "*", "Resource": "*"})
    user = client_of("sts", keys).get_caller_identity()
    assert user["Arn"] == arn_of(iam, name)
    assert user["UserId"].startswith("AIDA")


def test_a_session_of_a_role(client_of, assumed, account):
    made = assumed()
    assert made.answer["AssumedRoleUser"] == {
        "AssumedRoleId": f"{made.role.id}:{SESSION}",
        "Arn": f"arn:aws:sts::{account}:assumed-role/{made.role.name}/{SESSION}",
    }
    assert made.keys["AccessKeyId"].startswith("ASIA")
    caller = client_of("sts", made.keys).get_caller_identity()
    assert caller["Arn"] == made.answer["AssumedRoleUser"]["Arn"]
    assert caller["UserId"] == f"{made.role.id}:{SESSION}"


# Who may assume a role


def test_a_trust_policy_that_names_the_user_is_enough(client_of, assumed, s3_bucket):
    theirs = client_of("s3", assumed().keys)
    theirs.put_object(Bucket=s3_bucket, Key="k", Body=b"by a role")
    assert theirs.get_object(Bucket=s3_bucket, Key="k")["Body"].read() == b"by a role"


def test_a_trust_policy_that_names_the_account_leaves_it_to_the_user(
    client_of, new_user, new_role, account, refused
):
    role = new_role(f"arn:aws:iam::{account}:root", LIST)
    _, keys = new_user()
    with refused("AccessDenied", 403):
        client_of("sts", keys).assume_role(RoleArn=role.arn, RoleSessionName=SESSION)
    _, keys = new_user(may={"Action": "sts:AssumeRole", "Resource": role.arn})
    made = client_of("sts", keys).assume_role(RoleArn=role.arn, RoleSessionName=SESSION)
    client_of("s3", made["Credentials"]).list_buckets()


def test_who_is_not_trusted(sts, iam, client_of, new_user, new_role, account, refused):
    name, _ = new_user()
    role = new_role(arn_of(iam, name), LIST)
    _, keys = new_user(may={"Action": "sts:*", "Resource": "*"})
    theirs = client_of("sts", keys)
    with refused("AccessDenied"):
        theirs.assume_role(RoleArn=role.arn, RoleSessionName=SESSION)
    with refused("AccessDenied"):
        theirs.assume_role(
            RoleArn=f"arn:aws:iam::{account}:role/nobody", RoleSessionName=SESSION
        )
    with refused("AccessDenied"):
        sts.assume_role(RoleArn=role.arn, RoleSessionName=SESSION)
    _, keys = new_user(
        deny={"Effect": "Deny", "Action": "sts:*", "Resource": "*"},
        may={"Action": "sts:*", "Resource": "*"},
    )
    everybody = new_role("*", LIST)
    with refused("AccessDenied"):
        client_of("sts", keys).assume_role(
            RoleArn=everybody.arn, RoleSessionName=SESSION
        )


def test_another_account_needs_both_sides(
    client_of, stranger, new_role, policy_document, refused
):
    root = {
        "AccessKeyId": stranger["access_key_id"],
        "SecretAccessKey": stranger["secret_access_key"],
    }
    theirs = client_of("iam", root)
    theirs.create_user(UserName="visitor")
    keys = theirs.create_access_key(UserName="visitor")["AccessKey"]
    arn = theirs.get_user(UserName="visitor")["User"]["Arn"]
    role = new_role(arn, LIST)
    visitor = client_of("sts", keys)
    with refused("AccessDenied"):
        visitor.assume_role(RoleArn=role.arn, RoleSessionName=SESSION)
    theirs.put_user_policy(
        UserName="visitor",
        PolicyName="may",
        PolicyDocument=policy_document(
            {"Action": "sts:AssumeRole", "Resource": role.arn}
        ),
    )
    made = visitor.assume_role(RoleArn=role.arn, RoleSessionName=SESSION)
    buckets = client_of("s3", made["Credentials"]).list_buckets()
    assert buckets["Owner"]["ID"] != stranger["canonical_id"]


def test_an_external_id(client_of, assumed, refused):
    wanted = {"Condition": {"StringEquals": {"sts:ExternalId": "mine"}}}
    assumed(trusted=wanted, ExternalId="mine")
    with refused("AccessDenied"):
        assumed(trusted=wanted, ExternalId="other")
    with refused("AccessDenied"):
        assumed(trusted=wanted)


def test_a_role_assumes_another(client_of, assumed, new_role, refused):
    first = assumed(LIST)
    second = new_role(first.role.arn, EVERYTHING, MaxSessionDuration=7200)
    chained = client_of("sts", first.keys)
    made = chained.assume_role(RoleArn=second.arn, RoleSessionName="next")
    assert made["AssumedRoleUser"]["Arn"].endswith(f"/{second.name}/next")
    with refused("ValidationError"):
        chained.assume_role(
            RoleArn=second.arn, RoleSessionName="next", DurationSeconds=7200
        )


# What a session may do


def test_a_roles_policies_hold_at_once(iam, client_of, assumed, refused):
    made = assumed(LIST)
    theirs = client_of("s3", made.keys)
    theirs.list_buckets()
    with refused("AccessDenied"):
        theirs.create_bucket(Bucket="never-made-by-a-role")
    iam.delete_role_policy(RoleName=made.role.name, PolicyName="own")
    with refused("AccessDenied"):
        theirs.list_buckets()


def test_a_session_policy_only_narrows(
    client_of, assumed, s3_bucket, policy_document, refused
):
    narrow = policy_document(
        {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{s3_bucket}/mine/*"},
        {"Action": "iam:*", "Resource": "*"},
    )
    made = assumed(Policy=narrow)
    assert made.answer["PackedPolicySize"] > 0
    theirs = client_of("s3", made.keys)
    theirs.put_object(Bucket=s3_bucket, Key="mine/k", Body=b"")
    with refused("AccessDenied"):
        theirs.put_object(Bucket=s3_bucket, Key="k", Body=b"")
    with refused("AccessDenied"):
        theirs.get_object(Bucket=s3_bucket, Key="mine/k")
    with refused("AccessDenied"):
        client_of("iam", made.keys).list_users()


def test_a_session_policy_that_is_gone_leaves_nothing(
    iam, client_of, assumed, policy_document, refused
):
    policy = iam.create_policy(
        PolicyName=f"narrow-{next(NAMES)}", PolicyDocument=policy_document(LIST)
    )["Policy"]["Arn"]
    made = assumed(PolicyArns=[{"arn": policy}])
    theirs = client_of("s3", made.keys)
    theirs.list_buckets()
    with refused("AccessDenied"):
        theirs.create_bucket(Bucket="never-made-by-a-role")
    iam.delete_policy(PolicyArn=policy)
    with refused("AccessDenied"):
        theirs.list_buckets()


def test_a_bucket_policy_may_name_the_role(
    s3, client_of, assumed, s3_bucket, policy_document, refused
):
    made = assumed(LIST)
    theirs = client_of("s3", made.keys)
    with refused("AccessDenied"):
        theirs.list_objects_v2(Bucket=s3_bucket)
    for principal in (made.role.arn, made.answer["AssumedRoleUser"]["Arn"]):
        statement = {
            "Principal": {"AWS": principal},
            "Action": "s3:ListBucket",
            "Resource": f"arn:aws:s3:::{s3_bucket}",
        }
        s3.put_bucket_policy(Bucket=s3_bucket, Policy=policy_document(statement))
        theirs.list_objects_v2(Bucket=s3_bucket)


def test_session_tags(iam, client_of, assumed, s3_bucket, refused):
    tags = [{"Key": "team", "Value": "blue"}]
    own = {
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{s3_bucket}/${{aws:PrincipalTag/team}}/*",
    }
    with refused("AccessDenied"):
        assumed(own, Tags=tags)
    trusted = {
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": {"aws:RequestTag/team": ["blue", "red"]}},
    }
    theirs = client_of("s3", assumed(own, trusted=trusted, Tags=tags).keys)
    theirs.put_object(Bucket=s3_bucket, Key="blue/k", Body=b"")
    with refused("AccessDenied"):
        theirs.put_object(Bucket=s3_bucket, Key="red/k", Body=b"")


def test_sessions_issued_before_a_time_can_be_denied(
    iam, client_of, assumed, policy_document, refused
):
    made = assumed()
    theirs = client_of("s3", made.keys)
    theirs.list_buckets()
    revoke = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": "2999-01-01T00:00:00Z"}},
    }
    iam.put_role_policy(
        RoleName=made.role.name,
        PolicyName="revoke",
        PolicyDocument=policy_document(revoke),
    )
    with refused("AccessDenied"):
        theirs.list_buckets()


def test_a_token_that_would_be_too_large(assumed, refused):
    trusted = {"Action": ["sts:AssumeRole", "sts:TagSession"]}
    tags = [{"Key": f"{n}", "Value": f"{n * 7919**60:x}"[:200]} for n in range(1, 50)]
    with refused("PackedPolicyTooLarge", 400):
        assumed(trusted=trusted, Tags=tags)


# GetSessionToken


def test_a_session_token_is_its_user(iam, client_of, new_user, refused):
    name, keys = new_user(
        list=LIST,
        manage={"Action": "iam:*", "Resource": "*"},
        tokens={"Effect": "Deny", "Action": "s3:CreateBucket", "Resource": "*"},
    )
    made = client_of("sts", keys).get_session_token()["Credentials"]
    assert client_of("sts", made).get_caller_identity()["Arn"] == arn_of(iam, name)
    client_of("s3", made).list_buckets()
    with refused("AccessDenied"):
        client_of("iam", made).list_users()
    with refused("AccessDenied"):
        client_of("sts", made).get_session_token()
    with refused("AccessDenied"):
        client_of("s3", made).create_bucket(Bucket="never-made-with-a-token")


def test_a_policy_may_deny_tokens(client_of, new_user, refused):
    deny = {"Effect": "Deny", "Action": "sts:GetSessionToken", "Resource": "*"}
    _, keys = new_user(deny=deny)
    with refused("AccessDenied"):
        client_of("sts", keys).get_session_token()


def test_roots_token_may_do_everything_in_s3(client_of, sts, s3_bucket):
    made = sts.get_session_token(DurationSeconds=900)["Credentials"]
    client_of("s3", made).put_object(Bucket=s3_bucket, Key="k", Body=b"")


# How long


@pytest.mark.parametrize("seconds", [899, 43_201])
def test_sessions_have_bounds(client_of, new_user, new_role, seconds, refused):
    _, keys = new_user()
    theirs = client_of("sts", keys, parameter_validation=False)
    role = new_role("*", LIST)
    with refused("ValidationError", 400):
        theirs.assume_role(
            RoleArn=role.arn, RoleSessionName=SESSION, DurationSeconds=seconds
        )
    with refused("ValidationError", 400):
        theirs.assume_role(RoleArn=role.arn, RoleSessionName="1")


def test_a_role_says_how_long_its_sessions_last(
    iam, client_of, new_user, new_role, refused
):
    name, keys = new_user()
    role = new_role(arn_of(iam, name), LIST, MaxSessionDuration=7200)
    theirs = client_of("sts", keys)
    made = theirs.assume_role(
        RoleArn=role.arn, RoleSessionName=SESSION, DurationSeconds=7200
    )
    assert made["Credentials"]["Expiration"]
    with refused("ValidationError"):
        theirs.assume_role(
            RoleArn=role.arn, RoleSessionName=SESSION, DurationSeconds=7201
        )


# Made where the server's keys are, in the past.
EXPIRED = """
import json
from datetime import timedelta
from django.utils import timezone
from iam.models import Identity
from iam.queries import principal_of
from iam.sessions import get_session_token
root = principal_of(Identity.objects.filter(kind="root").order_by("pk").first())
ago = timezone.now() - timedelta(seconds=901)
made = get_session_token(root, duration=900, now=ago)
print(json.dumps({
    "AccessKeyId": made.access_key_id,
    "SecretAccessKey": made.secret_access_key,
    "SessionToken": made.session_token,
}))
"""


def test_an_expired_token(live_store, client_of, refused):
    printed = live_store.manage("shell", "-c", EXPIRED)
    keys = json.loads(printed.splitlines()[-1])
    with refused("ExpiredToken", 400):
        client_of("s3", keys).list_buckets()
    with refused("ExpiredToken", 403):
        client_of("sts", keys).get_caller_identity()


# Where a token stands, and what is none


def test_a_role_that_is_gone_ends_its_sessions(iam, client_of, assumed, refused):
    made = assumed()
    iam.delete_role_policy(RoleName=made.role.name, PolicyName="own")
    iam.delete_role(RoleName=made.role.name)
    with refused("InvalidToken", 400):
        client_of("s3", made.keys).list_buckets()
    with refused("InvalidClientTokenId", 403):
        client_of("sts", made.keys).get_caller_identity()


def test_tokens_that_are_none(client_of, assumed, live_store, refused):
    one, other = assumed().keys, assumed().keys
    first = one["SessionToken"][:-1]
    wrong = {
        "altered": one | {"SessionToken": first[:-20] + "A" + first[-19:] + "="},
        "of another session": one | {"SessionToken": other["SessionToken"]},
        "no token at all": one | {"SessionToken": "token"},
        "not even ASCII": one | {"SessionToken": "t%C3%BC"},
        "with a lasting key": {
            "AccessKeyId": live_store.access_key_id,
            "SecretAccessKey": live_store.secret_access_key,
            "SessionToken": one["SessionToken"],
        },
    }
    for keys in wrong.values():
        with refused("InvalidToken", 400):
            client_of("s3", keys).list_buckets()
        with refused("InvalidClientTokenId", 403):
            client_of("iam", keys).list_users()
    without = {name: one[name] for name in ("AccessKeyId", "SecretAccessKey")}
    with refused("InvalidAccessKeyId", 403):
        client_of("s3", without).list_buckets()
    with refused("SignatureDoesNotMatch", 403):
        client_of("s3", one | {"SecretAccessKey": "wrong"}).list_buckets()


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned_urls_and_headers_of_both_versions(
    client_of, assumed, s3_bucket, version
):
    theirs = client_of("s3", assumed().keys, signature_version=version)
    theirs.put_object(Bucket=s3_bucket, Key="k", Body=b"signed")
    url = theirs.generate_presigned_url(
        "get_object", {"Bucket": s3_bucket, "Key": "k"}, ExpiresIn=60
    )
    assert "security-token=" in url.lower()
    assert httpx.get(url).content == b"signed"
    kept = [part for part in url.split("&") if "security-token=" not in part.lower()]
    assert httpx.get("&".join(kept)).status_code == 403


def test_a_forms_token(s3, client_of, assumed, s3_bucket):
    theirs = client_of("s3", assumed().keys)
    form = theirs.generate_presigned_post(s3_bucket, "by-form")
    assert "x-amz-security-token" in form["fields"]
    answer = httpx.post(form["url"], data=form["fields"], files={"file": b"data"})
    assert answer.status_code == 204
    assert s3.get_object(Bucket=s3_bucket, Key="by-form")["Body"].read() == b"data"
    form["fields"].pop("x-amz-security-token")
    answer = httpx.post(form["url"], data=form["fields"], files={"file": b"data"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("operation", "wanted"),
    [
        ("get_session_token", {"SerialNumber": "arn:aws:iam::1:mfa/x"}),
        ("get_federation_token", {"Name": "someone"}),
    ],
)
def test_what_is_not_there_says_so(sts, operation, wanted, refused):
    with refused("NotImplemented", 501):
        getattr(sts, operation)(**wanted)
