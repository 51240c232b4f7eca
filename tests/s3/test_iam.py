"""The IAM API with boto3: users, keys, groups, roles, policies, and who may manage."""

from __future__ import annotations

import hashlib
import itertools
import json
from urllib.parse import urlencode

import httpx
import pytest
from botocore.auth import HmacV1Auth, S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from defusedxml import ElementTree

NAMES = itertools.count(1)
READ = {"Action": "s3:ListAllMyBuckets", "Resource": "*"}
TRUST = {"Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
READY_MADE = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
OWN_ARN = "arn:aws:iam::*:user/${aws:username}"
IAM = "{https://iam.amazonaws.com/doc/2010-05-08/}"


def new_name(prefix="name"):
    return f"{prefix}-{next(NAMES)}"


def names_of(client, operation, result, field, **wanted):
    pages = client.get_paginator(operation).paginate(**wanted)
    return [one[field] for page in pages for one in page[result]]


# Users


def test_a_users_life(iam, refused):
    name = new_name("Anna")
    tags = [{"Key": "team", "Value": "blue"}]
    made = iam.create_user(UserName=name, Path="/staff/", Tags=tags)["User"]
    assert made["Arn"].endswith(f":user/staff/{name}")
    assert made["UserId"].startswith("AIDA")
    assert made["Tags"] == tags
    assert iam.get_user(UserName=name.lower())["User"] == made
    with refused("EntityAlreadyExists", 409):
        iam.create_user(UserName=name.upper())

    iam.update_user(UserName=name, NewUserName=f"{name}-b", NewPath="/left/")
    with refused("NoSuchEntity", 404):
        iam.get_user(UserName=name)
    renamed = iam.get_user(UserName=f"{name}-b")["User"]
    assert renamed["UserId"] == made["UserId"]
    assert renamed["Arn"].endswith(f":user/left/{name}-b")

    iam.delete_user(UserName=f"{name}-b")
    with refused("NoSuchEntity", 404):
        iam.delete_user(UserName=f"{name}-b")


def test_a_user_is_not_renamed_to_another_one(iam, new_user, refused):
    (one, _), (other, _) = new_user(), new_user()
    with refused("EntityAlreadyExists"):
        iam.update_user(UserName=one, NewUserName=other.upper())


def test_users_are_listed_in_pages_whatever_their_case(iam):
    path = f"/{new_name('path')}/"
    wanted = ["aa", "Ab", "ac", "Ad"]
    prefix = new_name("list")
    for name in reversed(wanted):
        iam.create_user(UserName=f"{prefix}{name}", Path=f"{path}{name}/")
    for size in (1, 3, 100):
        found = names_of(
            iam,
            "list_users",
            "Users",
            "UserName",
            PathPrefix=path,
            PaginationConfig={"PageSize": size},
        )
        assert found == [f"{prefix}{name}" for name in wanted]
    page = iam.list_users(PathPrefix=f"{path}a", MaxItems=1)
    assert (len(page["Users"]), page["IsTruncated"]) == (1, True)


@pytest.mark.parametrize(
    "parameters",
    [
        {"UserName": "no spaces"},
        {"UserName": "x" * 65},
        {"UserName": "x", "Path": "/no-end"},
        {"UserName": "x", "Tags": [{"Key": "aws:x", "Value": ""}]},
    ],
)
def test_what_can_be_no_user(client_of, parameters, refused):
    iam = client_of("iam", parameter_validation=False)
    with refused("ValidationError", 400):
        iam.create_user(**parameters)


def test_pages_are_refused_that_cannot_be(client_of, refused):
    iam = client_of("iam", parameter_validation=False)
    for wanted in ({"MaxItems": 0}, {"MaxItems": 1001}, {"Marker": "no marker"}):
        with refused("ValidationError"):
            iam.list_users(**wanted)


def test_tags_come_and_go(iam, new_user, refused):
    name, _ = new_user()
    iam.tag_user(UserName=name, Tags=[{"Key": k, "Value": "1"} for k in "ab"])
    iam.tag_user(UserName=name, Tags=[{"Key": "b", "Value": "2 ü"}])
    iam.untag_user(UserName=name, TagKeys=["a", "never"])
    assert iam.list_user_tags(UserName=name)["Tags"] == [{"Key": "b", "Value": "2 ü"}]
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    with refused("LimitExceeded", 409):
        iam.tag_user(UserName=name, Tags=many)


# Keys


def test_keys_open_what_policies_allow(
    iam, client_of, new_user, policy_document, refused
):
    name, keys = new_user()
    theirs = client_of("s3", keys)
    with refused("AccessDenied"):
        theirs.list_buckets()
    iam.put_user_policy(
        UserName=name, PolicyName="read", PolicyDocument=policy_document(READ)
    )
    theirs.list_buckets()

    iam.update_access_key(
        UserName=name, AccessKeyId=keys["AccessKeyId"], Status="Inactive"
    )
    with refused("InvalidAccessKeyId", 403):
        theirs.list_buckets()
    with refused("InvalidClientTokenId", 403):
        client_of("iam", keys).list_users()
    iam.update_access_key(
        UserName=name, AccessKeyId=keys["AccessKeyId"], Status="Active"
    )
    theirs.list_buckets()
    used = iam.get_access_key_last_used(AccessKeyId=keys["AccessKeyId"])
    assert used["UserName"] == name
    assert used["AccessKeyLastUsed"]["LastUsedDate"]

    iam.delete_access_key(UserName=name, AccessKeyId=keys["AccessKeyId"])
    with refused("InvalidAccessKeyId", 403):
        theirs.list_buckets()


def test_a_user_has_two_keys_at_most(iam, new_user, refused):
    name, first = new_user()
    second = iam.create_access_key(UserName=name)["AccessKey"]
    with refused("LimitExceeded", 409):
        iam.create_access_key(UserName=name)
    listed = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    wanted = {one["AccessKeyId"] for one in (first, second)}
    assert {one["AccessKeyId"] for one in listed} == wanted
    assert not any("SecretAccessKey" in one for one in listed)


def test_without_a_name_the_caller_is_meant(client_of, new_user, refused):
    own = {
        "Action": "iam:*AccessKey*",
        "Resource": OWN_ARN,
    }
    name, keys = new_user(own=own)
    theirs = client_of("iam", keys)
    other = theirs.create_access_key()["AccessKey"]
    assert other["UserName"] == name
    assert len(theirs.list_access_keys()["AccessKeyMetadata"]) == 2
    theirs.delete_access_key(AccessKeyId=other["AccessKeyId"])
    stranger, keys_of_stranger = new_user()
    with refused("AccessDenied"):
        theirs.create_access_key(UserName=stranger)
    with refused("NoSuchEntity"):
        theirs.delete_access_key(AccessKeyId=keys_of_stranger["AccessKeyId"])


def test_a_user_is_deleted_when_nothing_belongs_to_it(iam, new_user, refused):
    name, keys = new_user(read=READ)
    for undo in (
        lambda: iam.delete_access_key(UserName=name, AccessKeyId=keys["AccessKeyId"]),
        lambda: iam.delete_user_policy(UserName=name, PolicyName="read"),
    ):
        with refused("DeleteConflict", 409):
            iam.delete_user(UserName=name)
        undo()
    iam.delete_user(UserName=name)


# Policies


def test_an_own_policy_comes_back_as_it_was(iam, new_user, refused):
    name, _ = new_user()
    document = '{"Statement": [ {"Sid":"A1", "Effect":"Deny",\n"Action":"s3:*",'
    document += '"Resource":"arn:aws:s3:::ü%20+&<b>/*"}],  "Version":"2012-10-17"}'
    for _ in range(2):
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
    found = iam.get_user_policy(UserName=name, PolicyName="own")
    assert found["PolicyDocument"] == json.loads(document)
    assert iam.list_user_policies(UserName=name)["PolicyNames"] == ["own"]
    with refused("NoSuchEntity", 404):
        iam.get_user_policy(UserName=name, PolicyName="other")
    with refused("NoSuchEntity", 404):
        iam.delete_user_policy(UserName=name, PolicyName="other")


@pytest.mark.parametrize(
    "document",
    [
        "no json",
        '{"Version": "2010-10-17", "Statement": []}',
        '{"Statement": {"Effect": "Allow", "Action": "s3:*"}}',
        '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", '
        '"Principal": "*"}}',
    ],
)
def test_a_policy_that_breaks_the_grammar(iam, new_user, document, refused):
    name, _ = new_user()
    with refused("MalformedPolicyDocument", 400):
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
    with refused("MalformedPolicyDocument", 400):
        iam.create_policy(PolicyName=new_name(), PolicyDocument=document)
    assert iam.list_user_policies(UserName=name)["PolicyNames"] == []


def test_a_managed_policys_life(iam, client_of, new_user, policy_document, refused):
    name, keys = new_user()
    theirs = client_of("s3", keys)
    made = iam.create_policy(
        PolicyName=new_name("policy"),
        Path="/team/",
        Description="read",
        PolicyDocument=policy_document(READ),
    )["Policy"]
    arn = made["Arn"]
    assert arn.endswith(f":policy/team/{made['PolicyName']}")
    for _ in range(2):
        iam.attach_user_policy(UserName=name, PolicyArn=arn)
    theirs.list_buckets()
    found = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (found["AttachmentCount"], found["Description"]) == (1, "read")
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    assert [one["UserName"] for one in entities["PolicyUsers"]] == [name]
    with refused("DeleteConflict"):
        iam.delete_policy(PolicyArn=arn)

    nothing = policy_document({**READ, "Effect": "Deny"})
    version = iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=nothing, SetAsDefault=True
    )["PolicyVersion"]
    assert version["VersionId"] == "v2"
    with refused("AccessDenied"):
        theirs.list_buckets()
    kept = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert kept["Document"] == json.loads(nothing)
    with refused("NoSuchEntity"):
        iam.get_policy_version(PolicyArn=arn, VersionId="v1")
    with refused("NotImplemented"):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=nothing)

    iam.detach_user_policy(UserName=name, PolicyArn=arn)
    with refused("NoSuchEntity"):
        iam.detach_user_policy(UserName=name, PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)
    with refused("NoSuchEntity"):
        iam.attach_user_policy(UserName=name, PolicyArn=arn)


def test_ready_made_policies(iam, client_of, new_user, policy_document, refused):
    name, keys = new_user()
    iam.attach_user_policy(UserName=name, PolicyArn=READY_MADE)
    client_of("s3", keys).list_buckets()
    with refused("AccessDenied"):
        client_of("s3", keys).create_bucket(Bucket="never-made")
    attached = iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
    assert attached == [
        {"PolicyName": "AmazonS3ReadOnlyAccess", "PolicyArn": READY_MADE}
    ]
    listed = names_of(iam, "list_policies", "Policies", "Arn", Scope="AWS")
    assert READY_MADE in listed
    assert READY_MADE not in names_of(
        iam, "list_policies", "Policies", "Arn", Scope="Local"
    )
    with refused("AccessDenied"):
        iam.create_policy_version(
            PolicyArn=READY_MADE,
            PolicyDocument=policy_document(READ),
            SetAsDefault=True,
        )
    with refused("AccessDenied"):
        iam.delete_policy(PolicyArn=READY_MADE)


# Groups


def test_a_groups_policies_are_its_members(
    iam, client_of, new_user, policy_document, refused
):
    name, keys = new_user()
    theirs = client_of("s3", keys)
    group = new_name("group")
    made = iam.create_group(GroupName=group, Path="/teams/")["Group"]
    iam.add_user_to_group(GroupName=group, UserName=name)
    found = iam.get_group(GroupName=group.upper())
    assert found["Group"] == made
    assert [one["UserName"] for one in found["Users"]] == [name]
    joined = iam.list_groups_for_user(UserName=name)["Groups"]
    assert [one["GroupName"] for one in joined] == [group]

    with refused("AccessDenied"):
        theirs.list_buckets()
    iam.put_group_policy(
        GroupName=group, PolicyName="read", PolicyDocument=policy_document(READ)
    )
    theirs.list_buckets()
    iam.delete_group_policy(GroupName=group, PolicyName="read")
    iam.attach_group_policy(GroupName=group, PolicyArn=READY_MADE)
    theirs.list_buckets()

    with refused("DeleteConflict"):
        iam.delete_group(GroupName=group)
    with refused("DeleteConflict"):
        iam.delete_access_key(UserName=name, AccessKeyId=keys["AccessKeyId"])
        iam.delete_user(UserName=name)
    iam.remove_user_from_group(GroupName=group, UserName=name)
    iam.detach_group_policy(GroupName=group, PolicyArn=READY_MADE)
    iam.update_group(GroupName=group, NewGroupName=f"{group}-b")
    iam.delete_group(GroupName=f"{group}-b")
    with refused("NoSuchEntity"):
        iam.get_group(GroupName=group)


# Roles


def test_a_roles_life(iam, policy_document, refused):
    name = new_name("role")
    trust = policy_document(TRUST)
    made = iam.create_role(
        RoleName=name,
        Path="/apps/",
        AssumeRolePolicyDocument=trust,
        Description="for apps",
        MaxSessionDuration=7200,
        Tags=[{"Key": "app", "Value": "1"}],
    )["Role"]
    assert made["AssumeRolePolicyDocument"] == json.loads(trust)
    assert made["RoleId"].startswith("AROA")
    found = iam.get_role(RoleName=name)["Role"]
    assert (found["Description"], found["MaxSessionDuration"]) == ("for apps", 7200)

    iam.update_role(RoleName=name, MaxSessionDuration=3600)
    changed = iam.get_role(RoleName=name)["Role"]
    assert (changed["Description"], changed["MaxSessionDuration"]) == ("for apps", 3600)
    with refused("ValidationError"):
        iam.update_role(RoleName=name, MaxSessionDuration=43_201)
    with refused("MalformedPolicyDocument"):
        iam.update_assume_role_policy(
            RoleName=name, PolicyDocument=policy_document({**TRUST, "Resource": "*"})
        )
    other = policy_document({**TRUST, "Effect": "Deny"})
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=other)
    kept = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    assert kept == json.loads(other)
    assert name in names_of(iam, "list_roles", "Roles", "RoleName", PathPrefix="/apps/")

    iam.attach_role_policy(RoleName=name, PolicyArn=READY_MADE)
    with refused("DeleteConflict"):
        iam.delete_role(RoleName=name)
    iam.detach_role_policy(RoleName=name, PolicyArn=READY_MADE)
    iam.delete_role(RoleName=name)
    with refused("NoSuchEntity"):
        iam.get_role(RoleName=name)


def test_boundaries_are_refused_because_nothing_would_hold_them(iam, refused):
    with refused("NotImplemented", 501):
        iam.create_user(UserName=new_name(), PermissionsBoundary=READY_MADE)


# Who may manage


def test_a_user_may_do_what_policies_allow_on_its_arn(
    client_of, new_user, live_store, refused
):
    own = {"Action": "iam:GetUser", "Resource": OWN_ARN}
    name, keys = new_user(own=own)
    other, _ = new_user()
    theirs = client_of("iam", keys)
    assert theirs.get_user()["User"]["UserName"] == name
    assert theirs.get_user(UserName=name)["User"]["UserName"] == name
    with refused("AccessDenied", 403) as refusal:
        theirs.get_user(UserName=other)
    assert "iam:GetUser" in refusal.response["Error"]["Message"]
    with refused("AccessDenied", 403):
        theirs.get_user(UserName="nobody-of-this-name")
    with refused("AccessDenied", 403):
        theirs.put_user_policy(UserName=name, PolicyName="more", PolicyDocument="{}")


def test_conditions_bound_which_policies_are_attached(client_of, new_user, refused):
    name, keys = new_user(
        attach={
            "Action": "iam:AttachUserPolicy",
            "Resource": "*",
            "Condition": {"ArnEquals": {"iam:PolicyARN": READY_MADE}},
        }
    )
    theirs = client_of("iam", keys)
    with refused("AccessDenied"):
        theirs.attach_user_policy(
            UserName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
        )
    theirs.attach_user_policy(UserName=name, PolicyArn=READY_MADE)


def test_accounts_do_not_see_each_other(
    iam, client_of, new_user, stranger, policy_document, refused
):
    name, keys = new_user()
    made = iam.create_policy(
        PolicyName=new_name(), PolicyDocument=policy_document(READ)
    )["Policy"]
    theirs = client_of(
        "iam",
        {
            "AccessKeyId": stranger["access_key_id"],
            "SecretAccessKey": stranger["secret_access_key"],
        },
    )
    with refused("NoSuchEntity"):
        theirs.get_user(UserName=name)
    with refused("NoSuchEntity"):
        theirs.get_access_key_last_used(AccessKeyId=keys["AccessKeyId"])
    with refused("NoSuchEntity"):
        theirs.get_policy(PolicyArn=made["Arn"])
    with refused("NoSuchEntity"):
        theirs.delete_policy(PolicyArn=made["Arn"])
    assert name not in names_of(theirs, "list_users", "Users", "UserName")
    users = theirs.get_account_summary()["SummaryMap"]["Users"]
    theirs.create_user(UserName=name)
    assert theirs.get_account_summary()["SummaryMap"]["Users"] == users + 1
    theirs.delete_user(UserName=name)


# The wire


def signed(live_store, body, service="iam", headers=None):
    """Sign a form as SDKs do, for the test to change."""
    request = AWSRequest(
        "POST",
        f"{live_store.url}/",
        data=body,
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            **(headers or {}),
        },
    )
    keys = Credentials(live_store.access_key_id, live_store.secret_access_key)
    auth = S3SigV4Auth if service == "s3" else SigV4Auth
    auth(keys, service, "us-east-1").add_auth(request)
    return dict(request.headers)


def form(action, version="2010-05-08", **parameters):
    return urlencode({"Action": action, "Version": version, **parameters})


def test_an_answer_and_a_refusal_as_iam_writes_them(live_store):
    body = form("GetUser")
    answer = httpx.post(live_store.url, content=body, headers=signed(live_store, body))
    assert answer.status_code == 200
    root = ElementTree.fromstring(answer.text)
    assert root.tag == f"{IAM}GetUserResponse"
    assert root.findtext(f"{IAM}GetUserResult/{IAM}User/{IAM}Arn").endswith(":root")
    request_id = root.findtext(f"{IAM}ResponseMetadata/{IAM}RequestId")
    assert request_id == answer.headers["x-amzn-requestid"]

    body = form("GetUser", UserName="nobody")
    answer = httpx.post(live_store.url, content=body, headers=signed(live_store, body))
    assert answer.status_code == 404
    root = ElementTree.fromstring(answer.text)
    assert root.tag == f"{IAM}ErrorResponse"
    error = root.find(f"{IAM}Error")
    assert error.findtext(f"{IAM}Type") == "Sender"
    assert error.findtext(f"{IAM}Code") == "NoSuchEntity"
    assert root.findtext(f"{IAM}RequestId") == answer.headers["x-amzn-requestid"]


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        ("", "MissingAction", 400),
        (form("GetUser", version="2020-01-01"), "ValidationError", 400),
        (form("CreateSAMLProvider"), "NotImplemented", 501),
        (form("CreateUser"), "ValidationError", 400),
        (form("ListUsers", MaxItems="many"), "ValidationError", 400),
        ("&".join(f"a{n}=1" for n in range(1001)), "ValidationError", 400),
        (b"Action=\xff\xfe", "ValidationError", 400),
    ],
)
def test_calls_that_cannot_be_read(live_store, body, code, status):
    answer = httpx.post(live_store.url, content=body, headers=signed(live_store, body))
    assert answer.status_code == status
    assert f"<Code>{code}</Code>" in answer.text


def test_a_body_that_was_not_signed_is_refused(live_store):
    headers = signed(live_store, form("GetUser"))
    answer = httpx.post(live_store.url, content=form("ListUsers"), headers=headers)
    assert answer.status_code == 403
    assert "<Code>SignatureDoesNotMatch</Code>" in answer.text


@pytest.mark.parametrize("stated", ["UNSIGNED-PAYLOAD", "0" * 64, "digest"])
def test_a_digest_that_is_stated_must_be_the_bodys(live_store, stated):
    body = form("GetUser")
    digest = hashlib.sha256(body.encode()).hexdigest()
    stated = digest if stated == "digest" else stated
    headers = signed(live_store, body, headers={"X-Amz-Content-SHA256": stated})
    answer = httpx.post(live_store.url, content=body, headers=headers)
    assert answer.status_code == (200 if stated == digest else 400)


def test_a_signature_for_another_service_is_refused(live_store):
    body = form("GetUser")
    headers = signed(live_store, body, "s3")
    answer = httpx.post(live_store.url, content=body, headers=headers)
    assert answer.status_code == 400
    assert "<Code>IncompleteSignature</Code>" in answer.text
    listing = httpx.get(live_store.url, headers=signed(live_store, b"", "iam"))
    assert listing.status_code == 400
    assert "<Code>AuthorizationHeaderMalformed</Code>" in listing.text


def test_version_2_signs_no_call(live_store):
    """It leaves the form out: whoever sees a call could send another in its place."""
    request = AWSRequest("POST", f"{live_store.url}/")
    keys = Credentials(live_store.access_key_id, live_store.secret_access_key)
    HmacV1Auth(keys).add_auth(request)
    answer = httpx.post(
        live_store.url, content=form("ListUsers"), headers=dict(request.headers)
    )
    assert answer.status_code == 400
    assert "signed by version 4" in answer.text


def test_nobody_is_refused_before_the_form_is_read(live_store):
    answer = httpx.post(live_store.url, content=form("GetUser"))
    assert answer.status_code == 403
    assert "<Code>MissingAuthenticationToken</Code>" in answer.text


def test_a_form_has_its_bounds(live_store):
    body = "a=" + "x" * 1024 * 1024
    answer = httpx.post(live_store.url, content=body, headers=signed(live_store, body))
    assert answer.status_code == 413
    assert "<Code>RequestEntityTooLarge</Code>" in answer.text


def test_a_bearer_key_calls_too(live_store):
    answer = httpx.post(
        live_store.url,
        content=form("GetCallerIdentity", "2011-06-15"),
        headers={"Authorization": f"Bearer {live_store.api_key}"},
    )
    assert answer.status_code == 200
    assert "<GetCallerIdentityResponse xmlns=" in answer.text
