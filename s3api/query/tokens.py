"""Calls of STS: temporary credentials, and who is asking."""

from __future__ import annotations

from iam import sessions
from iam.sessions import Narrowing, TemporaryCredentials
from kernel.errors import NotImplemented
from s3api.query.calls import Call
from s3api.query.shapes import Shape


def get_caller_identity(call: Call) -> Shape:
    principal = call.principal
    return {
        "Arn": principal.arn,
        "UserId": principal.unique_id,
        "Account": principal.account_number,
    }


def get_session_token(call: Call) -> Shape:
    refuse_second_factor(call)
    made = sessions.get_session_token(
        call.principal, duration=call.number("DurationSeconds"), now=call.now
    )
    return {"Credentials": credentials(made)}


def refuse_second_factor(call: Call) -> None:
    """Refuse a code of a device: no identity here has one."""
    if call.text("SerialNumber") or call.text("TokenCode"):
        raise NotImplemented("Multi-factor authentication is not implemented.")


def assume_role(call: Call) -> Shape:
    refuse_second_factor(call)
    if call.members("TransitiveTagKeys"):
        raise NotImplemented("Transitive session tags are not implemented.")
    made = sessions.assume_role(
        call.principal,
        call.needed("RoleArn"),
        call.needed("RoleSessionName"),
        duration=call.number("DurationSeconds"),
        narrowing=Narrowing(
            policy=call.text("Policy"),
            policy_arns=call.members("PolicyArns", "arn"),
            tags=call.tags(),
            external_id=call.text("ExternalId"),
            source_identity=call.text("SourceIdentity"),
        ),
        now=call.now,
    )
    return {
        "Credentials": credentials(made.credentials),
        "AssumedRoleUser": {"AssumedRoleId": made.unique_id, "Arn": made.arn},
        "PackedPolicySize": made.credentials.packed_percent,
        "SourceIdentity": made.source_identity or None,
    }


def credentials(made: TemporaryCredentials) -> Shape:
    return {
        "AccessKeyId": made.access_key_id,
        "SecretAccessKey": made.secret_access_key,
        "SessionToken": made.session_token,
        "Expiration": made.expires_at,
    }
