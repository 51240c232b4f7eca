"""The policy grammar and its evaluation, held against AWS's documented meaning."""

import json
import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iam.actions import ACCOUNT_ACTIONS, BUCKET_ACTIONS, OBJECT_ACTIONS
from iam.patterns import Pattern
from iam.policy import (
    S3_ACTIONS,
    AccessRequest,
    Effect,
    PolicyKind,
    evaluate,
    is_public,
    parse_policy,
)
from kernel.errors import MalformedPolicy, MalformedPolicyDocument

ALICE = "arn:aws:iam::111111111111:user/alice"
OBJECT = "arn:aws:s3:::bucket/docs/a.txt"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def document(*statements, version="2012-10-17"):
    return {"Version": version, "Statement": list(statements)}


def identity(*statements, name="", version="2012-10-17"):
    return parse_policy(
        document(*statements, version=version), name=name, kind=PolicyKind.IDENTITY
    )


def bucket_statement(**elements):
    return {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::bucket/*",
        **elements,
    }


def bucket_policy(*statements, bucket="bucket"):
    return parse_policy(
        document(*statements), name="bucket", kind=PolicyKind.BUCKET, bucket=bucket
    )


def asking(action="s3:GetObject", resource=OBJECT, arn=ALICE, **context):
    """Ask as alice; keyword `aws__sourceip` stands for the key `aws:sourceip`."""
    account = arn.split(":")[4] if ":" in arn else ""
    keys = {name.replace("__", ":"): value for name, value in context.items()}
    return AccessRequest(action, resource, arn, account, context=keys)


def allows(policy, **request):
    return evaluate(asking(**request), [policy]).is_allowed


def holds(condition, context, version="2012-10-17"):
    """Tell whether a statement with the condition lets a request pass."""
    policy = identity({**EVERYTHING, "Condition": condition}, version=version)
    request = AccessRequest("s3:GetObject", OBJECT, ALICE, context=context)
    return evaluate(request, [policy]).is_allowed


# Evaluation


def test_nothing_speaks_of_it():
    decision = evaluate(asking(), [])
    assert decision.effect is None
    assert not decision.is_allowed
    assert not decision.is_denied


def test_an_explicit_deny_wins_wherever_it_stands():
    allow = identity(EVERYTHING, name="allow")
    deny = identity(
        EVERYTHING, {**EVERYTHING, "Effect": "Deny", "Sid": "No"}, name="deny"
    )
    for policies in ([allow, deny], [deny, allow]):
        decision = evaluate(asking(), policies)
        assert decision.effect is Effect.DENY
        assert (decision.policy, decision.sid, decision.statement) == ("deny", "No", 1)


def test_the_decision_names_the_first_statement_that_allows():
    policy = identity(
        {**EVERYTHING, "Action": "s3:PutObject", "Sid": "Put"},
        {**EVERYTHING, "Sid": "First"},
        {**EVERYTHING, "Sid": "Second"},
        name="mine",
    )
    decision = evaluate(asking(), iter([policy]))
    assert (decision.policy, decision.sid, decision.statement) == ("mine", "First", 1)


@pytest.mark.parametrize(
    ("element", "action", "expected"),
    [
        ({"Action": "s3:GetObject"}, "s3:GetObject", True),
        ({"Action": "S3:getobject"}, "s3:GetObject", None),
        ({"Action": "s3:getobject"}, "s3:GetObject", True),
        ({"Action": "s3:Get*"}, "s3:GetObjectAcl", True),
        ({"Action": "s3:Get*"}, "s3:PutObject", False),
        ({"Action": "s3:*Object"}, "s3:DeleteObject", True),
        ({"Action": "s3:???Object"}, "s3:PutObject", True),
        ({"Action": "s3:???Object"}, "s3:DeleteObject", False),
        ({"Action": ["s3:PutObject", "s3:GetObject"]}, "s3:GetObject", True),
        ({"NotAction": "s3:Delete*"}, "s3:DeleteObject", False),
        ({"NotAction": "s3:Delete*"}, "s3:GetObject", True),
        ({"NotAction": ["iam:*", "sts:*"]}, "sts:AssumeRole", False),
    ],
)
def test_actions(element, action, expected):
    statement = {"Effect": "Allow", "Resource": "*", **element}
    if expected is None:
        with pytest.raises(MalformedPolicyDocument):
            identity(statement)
    else:
        assert allows(identity(statement), action=action) is expected


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ({"Resource": "*"}, True),
        ({"Resource": OBJECT}, True),
        ({"Resource": OBJECT.upper().replace("ARN", "arn")}, False),
        ({"Resource": "arn:aws:s3:::bucket/*"}, True),
        ({"Resource": "arn:aws:s3:::bucket"}, False),
        ({"Resource": "arn:aws:s3:::b?cket/*/b/a.txt"}, False),
        ({"Resource": "arn:aws:s3:::b?cket/*.txt"}, True),
        ({"Resource": "arn:aws:s3:::*/a.txt"}, True),
        ({"Resource": ["arn:aws:s3:::x/*", "arn:aws:s3:::bucket/docs/*"]}, True),
        ({"NotResource": "arn:aws:s3:::bucket/docs/*"}, False),
        ({"NotResource": "arn:aws:s3:::bucket/private/*"}, True),
    ],
)
def test_resources(element, expected):
    statement = {"Effect": "Allow", "Action": "s3:*", **element}
    assert allows(identity(statement)) is expected


# Wildcards and variables


def test_many_stars_cost_no_more_than_one():
    """With a backtracking matcher this would not end."""
    pattern = Pattern.parse("a*" * 5000 + "b")
    assert not pattern.matches("a" * 100_000, {})
    assert pattern.matches("a" * 100_000 + "b", {})
    assert not Pattern.parse("?*" * 5000 + "b").matches("a" * 100_000, {})


def test_many_marks_cost_little():
    """Policies of this size are anybody's own; who asks for a key need be nobody."""
    patterns = [f"arn:aws:s3:::b/*{'a?' * 250}c{n}*" for n in range(36)]
    policy = identity({**EVERYTHING, "Resource": patterns})
    key = "arn:aws:s3:::b/" + "a" * 1024
    assert not allows(policy, resource=key)
    began = process_time()
    assert not allows(policy, resource=key)
    assert process_time() - began < 0.2


def regex_of(pattern):
    forms = {"*": ".*", "?": "."}
    return "".join(forms.get(one, re.escape(one)) for one in pattern)


@given(st.text("ab*?/\n", max_size=9), st.text("ab/\n", max_size=9))
def test_globs_mean_what_the_regex_means(pattern, value):
    expected = re.fullmatch(regex_of(pattern), value, re.DOTALL) is not None
    assert Pattern.parse(pattern).matches(value, {}) is expected
    statement = {**EVERYTHING, "Resource": "arn:" + pattern}
    assert allows(identity(statement), resource="arn:" + value) is expected


@given(st.text(max_size=12), st.text(max_size=12))
def test_a_variables_value_is_never_a_wildcard(value, other):
    policy = identity({**EVERYTHING, "Resource": "arn:aws:s3:::b/${aws:username}/*"})
    request = f"arn:aws:s3:::b/{other}/key"
    expected = request.startswith(f"arn:aws:s3:::b/{value}/")
    assert allows(policy, resource=request, aws__username=value) is expected


@pytest.mark.parametrize("value", ["*", "?", "\ue000", "${*}"])
def test_a_user_with_a_wildcards_name_reaches_its_own_folder_alone(value):
    policy = identity({**EVERYTHING, "Resource": "arn:aws:s3:::b/${aws:username}/*"})
    assert allows(policy, resource=f"arn:aws:s3:::b/{value}/k", aws__username=value)
    assert not allows(policy, resource="arn:aws:s3:::b/x/k", aws__username=value)


@pytest.mark.parametrize(
    ("resource", "context", "expected"),
    [
        ("bucket/${aws:username}/*", {"aws:username": "docs"}, True),
        ("bucket/${AWS:UserName}/*", {"aws:username": "docs"}, True),
        ("bucket/${aws:username}/*", {"aws:username": "other"}, False),
        ("bucket/${aws:username}/*", {}, False),
        ("bucket/${aws:PrincipalTag/Team}/*", {"aws:principaltag/team": "docs"}, True),
        ("bucket/${aws:PrincipalTag/Team, 'docs'}/*", {}, True),
        (
            "bucket/${aws:PrincipalTag/Team, 'docs'}/*",
            {"aws:principaltag/team": "x"},
            False,
        ),
        ("bucket/${aws:username}/*", {"aws:username": ["docs"]}, False),
    ],
)
def test_variables_in_resources(resource, context, expected):
    policy = identity({**EVERYTHING, "Resource": f"arn:aws:s3:::{resource}"})
    request = AccessRequest("s3:GetObject", OBJECT, ALICE, context=context)
    assert evaluate(request, [policy]).is_allowed is expected


def test_escapes_stand_for_the_characters_themselves():
    policy = identity({**EVERYTHING, "Resource": "arn:aws:s3:::b/${*}${?}${$}"})
    assert allows(policy, resource="arn:aws:s3:::b/*?$")
    assert not allows(policy, resource="arn:aws:s3:::b/abc")


def test_variables_are_plain_text_before_2012():
    statement = {**EVERYTHING, "Resource": "arn:aws:s3:::b/${aws:username}"}
    policy = identity(statement, version="2008-10-17")
    assert allows(
        policy, resource="arn:aws:s3:::b/${aws:username}", aws__username="alice"
    )
    assert not allows(policy, resource="arn:aws:s3:::b/alice", aws__username="alice")


# Principals


@pytest.mark.parametrize(
    ("principal", "arn", "expected"),
    [
        ("*", "*", True),
        ({"AWS": "*"}, "*", True),
        ({"AWS": ["*"]}, ALICE, True),
        ({"AWS": ALICE}, ALICE, True),
        ({"AWS": ALICE}, ALICE + "2", False),
        ({"AWS": ALICE}, "*", False),
        ({"AWS": "111111111111"}, ALICE, True),
        ({"AWS": "arn:aws:iam::111111111111:root"}, ALICE, True),
        ({"AWS": "111111111111"}, "*", False),
        ({"AWS": ["222222222222", ALICE]}, ALICE, True),
        ({"AWS": "222222222222"}, ALICE, False),
        ({"CanonicalUser": "c0ffee"}, ALICE, True),
        ({"CanonicalUser": "deadbeef"}, ALICE, False),
        ({"Service": "logging.s3.amazonaws.com"}, ALICE, False),
    ],
)
def test_principals(principal, arn, expected):
    account = arn.split(":")[4] if ":" in arn else ""
    canonical = "c0ffee" if account else ""
    request = AccessRequest("s3:GetObject", OBJECT, arn, account, canonical)
    policy = bucket_policy(bucket_statement(Principal=principal))
    assert evaluate(request, [policy]).is_allowed is expected


def test_not_principal_denies_everyone_else():
    deny = bucket_statement(Effect="Deny", NotPrincipal={"AWS": ALICE})
    del deny["Principal"]
    policy = bucket_policy(bucket_statement(), deny)
    assert evaluate(asking(), [policy]).is_allowed
    assert evaluate(asking(arn="*"), [policy]).is_denied
    assert evaluate(asking(arn=ALICE + "2"), [policy]).is_denied


def test_not_principal_names_an_account_beside_its_user_and_means_the_user():
    """AWS, "AWS JSON policy elements: NotPrincipal": the example of Bob."""
    account = "arn:aws:iam::111111111111:root"
    deny = bucket_statement(Effect="Deny", NotPrincipal={"AWS": [ALICE, account]})
    del deny["Principal"]
    policy = bucket_policy(bucket_statement(), deny)
    assert evaluate(asking(), [policy]).is_allowed
    assert evaluate(asking(arn=account), [policy]).is_allowed
    assert evaluate(asking(arn=ALICE + "2"), [policy]).is_denied


def test_a_roles_session_is_meant_by_its_role():
    role = "arn:aws:iam::111111111111:role/backup"
    session = "arn:aws:sts::111111111111:assumed-role/backup/night"
    policy = bucket_policy(bucket_statement(Principal={"AWS": role}))
    assert allows(policy, arn=session, aws__principalarn=role)
    assert not allows(policy, arn=session, aws__principalarn=role + "2")


def test_naming_the_account_delegates_and_naming_the_user_does_not():
    account = bucket_statement(Principal={"AWS": "111111111111"})
    user = bucket_statement(Principal={"AWS": ALICE})
    root = "arn:aws:iam::111111111111:root"
    assert evaluate(asking(), [bucket_policy(account)]).is_delegated
    assert not evaluate(asking(arn=root), [bucket_policy(account)]).is_delegated
    decision = evaluate(asking(), [bucket_policy(account, user)])
    assert (decision.statement, decision.is_delegated) == (1, False)
    assert not evaluate(asking(), [identity(EVERYTHING)]).is_delegated


# Conditions


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", "a*", "a*", True),
        ("StringEquals", ["x", "a"], "a", True),
        ("StringNotEquals", "a", "b", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringEqualsIgnoreCase", "ab", "AB", True),
        ("StringNotEqualsIgnoreCase", "ab", "AB", False),
        ("StringLike", "a*c?", "abbcd", True),
        ("StringLike", "a*c?", "abbc", False),
        ("StringLike", "A*", "abc", False),
        ("StringNotLike", "a*", "abc", False),
        ("StringNotLike", ["x*", "y*"], "abc", True),
        ("NumericEquals", "10", "10.0", True),
        ("NumericEquals", 10, "10", True),
        ("NumericNotEquals", "10", "10", False),
        ("NumericLessThan", "10", "9", True),
        ("NumericLessThan", "10", "10", False),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "10", "9", False),
        ("NumericGreaterThanEquals", "10", "10", True),
        ("NumericLessThan", "10", "many", False),
        ("DateEquals", "2025-01-01T00:00:00Z", "1735689600", True),
        ("DateNotEquals", "2025-01-01T00:00:00Z", "2025-01-01T00:00:01Z", True),
        ("DateLessThan", "2025-01-01T00:00:00Z", "2024-12-31T23:59:59Z", True),
        ("DateLessThanEquals", "2025-01-01", "2025-01-01T00:00:00Z", True),
        ("DateGreaterThan", "2025-01-01T00:00:00Z", "2025-01-01T01:00:00+02:00", False),
        ("DateGreaterThanEquals", "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z", True),
        ("Bool", "true", "true", True),
        ("Bool", False, "false", True),
        ("Bool", "true", "false", False),
        ("BinaryEquals", "QUJD", "QUJD", True),
        ("BinaryEquals", "QUJD", "QUJE", False),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("IpAddress", "10.0.0.0/8", "11.1.2.3", False),
        ("IpAddress", "10.1.2.3", "10.1.2.3", True),
        ("IpAddress", ["192.168.0.0/16", "2001:db8::/32"], "2001:db8::1", True),
        ("IpAddress", "10.0.0.0/8", "2001:db8::1", False),
        ("IpAddress", "10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("IpAddress", "10.0.0.0/8", "nowhere", False),
        ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", False),
        ("NotIpAddress", "10.0.0.0/8", "11.1.2.3", True),
        ("ArnLike", "arn:aws:s3:::*", "arn:aws:s3:::bucket", True),
        ("ArnEquals", "arn:aws:*:*:*:topic-?", "arn:aws:sns:eu:1:topic-x", True),
        ("ArnLike", "arn:aws:s3:*:1:x", "arn:aws:s3:eu:2:1:x", False),
        ("ArnLike", "arn:*:*:*:*:x", "arn:a:b:c:d:x", True),
        ("ArnLike", "*", "arn:aws:s3:eu:1:x", True),
        ("ArnNotEquals", "arn:aws:s3:::b", "arn:aws:s3:::b", False),
        ("ArnNotLike", "arn:aws:s3:::b*", "arn:aws:s3:::c", True),
    ],
)
def test_operators(operator, wanted, value, expected):
    condition = {operator: {"Test:Key": wanted}}
    assert holds(condition, {"test:key": value}) is expected


POSITIVE = {
    "StringEquals": "a",
    "StringLike": "a",
    "NumericEquals": "1",
    "DateLessThan": "2025-01-01",
    "Bool": "true",
    "IpAddress": "10.0.0.0/8",
    "ArnLike": "arn:aws:s3:::b",
    "BinaryEquals": "QUJD",
}
NEGATED = {
    "StringNotEquals": "a",
    "StringNotLike": "a",
    "StringNotEqualsIgnoreCase": "a",
    "NumericNotEquals": "1",
    "DateNotEquals": "2025-01-01",
    "NotIpAddress": "10.0.0.0/8",
    "ArnNotLike": "arn:aws:s3:::b",
}


@pytest.mark.parametrize("operator", POSITIVE)
def test_without_its_key_a_positive_operator_is_false(operator):
    condition = {"test:key": POSITIVE[operator]}
    assert not holds({operator: condition}, {})
    assert holds({operator + "IfExists": condition}, {})


@pytest.mark.parametrize("operator", NEGATED)
def test_without_its_key_a_negated_operator_is_true(operator):
    condition = {"test:key": NEGATED[operator]}
    assert holds({operator: condition}, {})
    assert holds({operator + "IfExists": condition}, {})


def test_if_exists_still_asks_when_the_key_is_there():
    condition = {"StringEqualsIfExists": {"test:key": "a"}}
    assert not holds(condition, {"test:key": "b"})


def test_null_asks_whether_the_key_is_there():
    assert holds({"Null": {"test:key": "true"}}, {})
    assert not holds({"Null": {"test:key": "true"}}, {"test:key": "a"})
    assert holds({"Null": {"test:key": False}}, {"test:key": "a"})
    assert not holds({"Null": {"test:key": False}}, {})


@pytest.mark.parametrize(
    ("operator", "given_values", "expected"),
    [
        ("ForAllValues:StringEquals", ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "c"], False),
        ("ForAllValues:StringEquals", [], True),
        ("ForAllValues:StringEquals", None, True),
        ("ForAllValues:StringNotEquals", ["c", "d"], True),
        ("ForAllValues:StringNotEquals", ["a", "d"], False),
        ("ForAnyValue:StringEquals", ["c", "a"], True),
        ("ForAnyValue:StringEquals", ["c", "d"], False),
        ("ForAnyValue:StringEquals", [], False),
        ("ForAnyValue:StringEquals", None, False),
        ("ForAnyValue:StringNotEquals", ["a", "d"], True),
        ("ForAnyValue:StringNotEquals", ["a", "b"], False),
        ("ForAnyValue:StringNotEquals", None, False),
        ("ForAnyValue:StringEqualsIfExists", None, True),
        ("ForAnyValue:StringLike", "a", True),
    ],
)
def test_quantifiers(operator, given_values, expected):
    context = {} if given_values is None else {"test:key": given_values}
    assert holds({operator: {"test:key": ["a", "b"]}}, context) is expected


def test_keys_and_operators_must_all_hold():
    condition = {
        "StringEquals": {"test:one": "1", "test:two": "2"},
        "Bool": {"aws:SecureTransport": "true"},
    }
    context = {"test:one": "1", "test:two": "2", "aws:securetransport": "true"}
    assert holds(condition, context)
    for key in context:
        assert not holds(condition, {**context, key: "false"})


def test_variables_in_conditions():
    like = {"StringLike": {"s3:prefix": "home/${aws:username}/*"}}
    context = {"aws:username": "a*", "s3:prefix": "home/a*/x"}
    assert holds(like, context)
    assert not holds(like, {**context, "s3:prefix": "home/ab/x"})
    assert not holds(like, context, version="2008-10-17")
    equals = {"StringEquals": {"s3:prefix": "${aws:username}"}}
    assert holds(equals, {"aws:username": "x", "s3:prefix": "x"})
    assert not holds(equals, {"s3:prefix": "x"})
    arn = {"ArnLike": {"test:arn": "arn:aws:s3:::${aws:username}/*"}}
    assert holds(arn, {"aws:username": "a:b", "test:arn": "arn:aws:s3:::a:b/c"})
    assert not holds(arn, {"aws:username": "*", "test:arn": "arn:aws:s3:::b/c"})


@given(st.sets(st.sampled_from("abc"), min_size=1), st.sampled_from("abcd"))
def test_a_negated_operator_is_the_contrary_of_the_positive(wanted, value):
    context = {"test:key": value}
    for name in ("Equals", "Like", "EqualsIgnoreCase"):
        assert holds(
            {f"StringNot{name}": {"test:key": sorted(wanted)}}, context
        ) is not holds({f"String{name}": {"test:key": sorted(wanted)}}, context)


# The grammar


def refusal(text, kind=PolicyKind.BUCKET):
    error = MalformedPolicy if kind is PolicyKind.BUCKET else MalformedPolicyDocument
    source = text if isinstance(text, str) else json.dumps(text)
    with pytest.raises(error) as raised:
        parse_policy(source, kind=kind, bucket="bucket")
    return raised.value.text


def without(element, **elements):
    statement = bucket_statement(**elements)
    del statement[element]
    return document(statement)


FIRST_BYTE = "Policies must be valid JSON and the first byte must be '{'"
NOT_APPLICABLE = "Action does not apply to any resource(s) in statement"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", FIRST_BYTE),
        ("[]", FIRST_BYTE),
        ("{", "This policy contains invalid Json"),
        ('{"Statement": ' + "[" * 9000, "This policy contains invalid Json"),
        ('{"Id": "a", "Id": "b"}', "Duplicate keys are not allowed in a policy"),
        ({"Version": "2012-10-17"}, "Missing required field Statement"),
        (document(), "Could not parse the policy: Statement is empty!"),
        (document("x"), "Statement must be an object"),
        (
            document(bucket_statement(), version="2013-01-01"),
            "The policy must contain a valid version string",
        ),
        (
            document(bucket_statement(), version=[]),
            "The policy must contain a valid version string",
        ),
        ({**document(bucket_statement()), "Statements": 1}, "Unknown field Statements"),
        (document(bucket_statement(Actions="x")), "Unknown field Actions"),
        (without("Principal"), "Missing required field Principal"),
        (without("Action"), "Missing required field Action"),
        (without("Resource"), "Missing required field Resource"),
        (without("Effect"), "Missing required field Effect"),
        (document(bucket_statement(Effect="allow")), "Invalid effect: allow"),
        (document(bucket_statement(Effect=["Deny"])), "Invalid effect: ['Deny']"),
        (document(bucket_statement(Sid=1)), "Policy has invalid Sid"),
        (
            document(bucket_statement(Sid="a"), bucket_statement(Sid="a")),
            "Statement IDs (SID) in a single policy must be unique.",
        ),
        (document(bucket_statement(Action=1)), "Policy has invalid action"),
        (document(bucket_statement(Action="s3:Fly")), "Policy has invalid action"),
        (
            document(bucket_statement(Action="iam:GetUser")),
            "Policy has invalid action",
        ),
        (document(bucket_statement(Action="s3:ListBucket")), NOT_APPLICABLE),
        (document(bucket_statement(Resource="arn:aws:s3:::bucket")), NOT_APPLICABLE),
        (
            document(
                bucket_statement(
                    Action="s3:ListAllMyBuckets", Resource="arn:aws:s3:::bucket"
                )
            ),
            NOT_APPLICABLE,
        ),
        (
            document(bucket_statement(Resource="arn:aws:s3:::other/*")),
            "Policy has invalid resource",
        ),
        (document(bucket_statement(Resource="*")), "Policy has invalid resource"),
        (document(bucket_statement(Resource={})), "Policy has invalid resource"),
        (
            document(bucket_statement(Condition={"StringIs": {"aws:x": "a"}})),
            "Invalid Condition type : StringIs",
        ),
        (
            document(bucket_statement(Condition={"NullIfExists": {"aws:x": "true"}})),
            "Invalid Condition type : NullIfExists",
        ),
        (
            document(bucket_statement(Condition={"ForSome:Bool": {"aws:x": "true"}})),
            "Invalid Condition type : ForSome:Bool",
        ),
        (
            document(bucket_statement(Condition={"Bool": {"x": "true"}})),
            "Policy has an invalid condition key",
        ),
        (
            document(bucket_statement(Condition={"IpAddress": {"aws:SourceIp": "x"}})),
            "Invalid value in Conditions for IpAddress",
        ),
        (
            document(bucket_statement(Condition={"Null": {"aws:x": "maybe"}})),
            "Invalid value in Conditions for Null",
        ),
        (
            document(bucket_statement(Condition=[])),
            "Condition must be an object",
        ),
        (
            document(bucket_statement(Condition={"Bool": {"aws:x": {}}})),
            "Condition values must be strings, numbers or booleans",
        ),
    ],
)
def test_malformed_bucket_policies(text, message):
    assert refusal(text) == message


@pytest.mark.parametrize(
    "principal",
    [
        "alice",
        "",
        None,
        [],
        {},
        {"AWS": []},
        {"AWS": "alice"},
        {"AWS": "arn:aws:iam::111111111111:user/*"},
        {"AWS": "arn:aws:iam::111111111111:group/staff"},
        {"AWS": [1]},
        {"AWS": {"a": "b"}},
        {"CanonicalUser": "*"},
        {"Robot": "x"},
    ],
)
def test_invalid_principals(principal):
    text = refusal(document(bucket_statement(Principal=principal)))
    assert text == "Invalid principal in policy"


def test_not_principal_goes_with_deny_alone():
    text = refusal(without("Principal", NotPrincipal={"AWS": ALICE}))
    assert text == "Allow with NotPrincipal is not allowed."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "Syntax errors in policy."),
        (
            document(bucket_statement()),
            "Policy document should not specify a principal.",
        ),
        (
            document({**EVERYTHING, "Resource": "bucket"}),
            'Resource bucket must be in ARN format or "*".',
        ),
        (
            document({**EVERYTHING, "Sid": "not plain"}),
            "Statement IDs (SID) must be alpha-numeric.",
        ),
        (
            document({"Effect": "Allow", "Resource": "*"}),
            "Policy statement must contain actions.",
        ),
        (
            document({"Effect": "Allow", "Action": "*"}),
            "Policy statement must contain resources.",
        ),
        (
            document({**EVERYTHING, "NotAction": "s3:*"}),
            "Action and NotAction cannot both be in a statement",
        ),
    ],
)
def test_malformed_identity_policies(text, message):
    assert refusal(text, PolicyKind.IDENTITY) == message


def test_trust_policies_say_who_may_assume_the_role():
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": ALICE},
        "Action": "sts:AssumeRole",
    }
    policy = parse_policy(document(statement), kind=PolicyKind.TRUST)
    assert allows(policy, action="sts:AssumeRole", resource="")
    assert not allows(policy, action="sts:AssumeRole", resource="", arn=ALICE + "2")
    resource = document({**statement, "Resource": "*"})
    assert refusal(resource, PolicyKind.TRUST) == "Has prohibited field Resource"
    action = document({**statement, "Action": "s3:GetObject"})
    assert refusal(action, PolicyKind.TRUST) == (
        "AssumeRole policy may only specify STS AssumeRole actions."
    )
    all_but_one = {"Effect": "Allow", "NotPrincipal": {"AWS": ALICE}}
    negated = document({**all_but_one, "Action": "sts:AssumeRole"})
    assert refusal(negated, PolicyKind.TRUST) == (
        "Allow with NotPrincipal is not allowed."
    )


def test_a_document_over_20480_bytes_is_refused():
    def text(size):
        padding = json.dumps(document(bucket_statement(), version="2012-10-17"))
        return padding + " " * (size - len(padding))

    assert parse_policy(text(20_480), kind=PolicyKind.BUCKET)
    assert "exceeds the maximum allowed size" in refusal(text(20_481))


def test_one_statement_needs_no_list():
    policy = parse_policy(
        {"Statement": EVERYTHING, "Id": "one"}, kind=PolicyKind.IDENTITY
    )
    assert [one.index for one in policy.statements] == [0]
    assert policy.document["Id"] == "one"


def test_a_text_is_read_once():
    text = json.dumps(document(EVERYTHING))
    first = parse_policy(text, name="a", kind=PolicyKind.IDENTITY)
    assert parse_policy(text, name="a", kind=PolicyKind.IDENTITY) is first


@pytest.mark.parametrize(
    "elements",
    [
        {"Action": "s3:*", "Resource": "arn:aws:s3:::bucket"},
        {"Action": "s3:*", "Resource": "arn:aws:s3:::bucket/*"},
        {"Action": "*"},
        {"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "arn:aws:s3:::*"},
        {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::buck*"},
        {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::buck?t/${aws:username}/*"},
        {"Principal": {"AWS": "AIDAJDPLRKLG7UEXAMPLE"}},
        {"Principal": {"AWS": "arn:aws:iam::tenant1:root"}},
        {"Sid": "With spaces & signs"},
        {"Condition": {"StringLike": {"aws:PrincipalTag/cost center": "a"}}},
    ],
)
def test_well_formed_bucket_policies(elements):
    assert bucket_policy(bucket_statement(**elements)).statements


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab*:/", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["AWS", "Bool", "aws:x"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(
    st.sampled_from([*PolicyKind]),
    st.sampled_from([*bucket_statement(), "Condition", "Sid", "Version", "Statement"]),
    json_values,
)
def test_whatever_stands_in_an_element_is_read_or_refused(kind, element, value):
    statement = bucket_statement()
    text = document(statement)
    (text if element in {"Version", "Statement"} else statement)[element] = value
    try:
        parse_policy(text, kind=kind)
    except (MalformedPolicy, MalformedPolicyDocument) as error:
        assert error.text  # noqa: PT017 - either outcome is right, no other error


# The meaning of public


def test_a_wildcard_principal_is_public():
    assert is_public(bucket_policy(bucket_statement()))
    assert is_public(bucket_policy(bucket_statement(Principal={"AWS": "*"})))
    assert not is_public(bucket_policy(bucket_statement(Principal={"AWS": ALICE})))
    assert not is_public(bucket_policy(bucket_statement(Effect="Deny")))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, False),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/255.0.0.0"}}, False),
        ({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, True),
        ({"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}, True),
        ({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "::/0"]}}, True),
        ({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, True),
        ({"IpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"}}, True),
        ({"StringEquals": {"aws:SourceVpc": "vpc-1"}}, False),
        ({"StringLike": {"aws:SourceVpc": "vpc-*"}}, True),
        ({"StringEquals": {"aws:SourceVpc": "${aws:PrincipalTag/vpc}"}}, True),
        ({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, False),
        ({"StringEquals": {"aws:Referer": "https://example.org"}}, True),
        ({"ArnEquals": {"aws:SourceArn": "arn:aws:sns:eu:1:t"}}, False),
        ({"StringLike": {"aws:userid": "AROAEXAMPLE:*"}}, True),
        (
            {
                "ArnLike": {
                    "s3:DataAccessPointArn": "arn:aws:s3:eu:111111111111:accesspoint/*"
                }
            },
            False,
        ),
        ({"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:eu:*:accesspoint/*"}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
    ],
)
def test_conditions_that_bound_the_public(condition, expected):
    policy = bucket_policy(bucket_statement(Condition=condition))
    assert is_public(policy) is expected


# The actions


def test_every_action_acts_on_one_level():
    levels = (OBJECT_ACTIONS, BUCKET_ACTIONS, ACCOUNT_ACTIONS)
    assert sum(map(len, levels)) == len(S3_ACTIONS)
    assert "s3:GetObject" in OBJECT_ACTIONS
    assert "s3:ListBucket" in BUCKET_ACTIONS
