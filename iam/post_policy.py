"""Policies of form uploads: what a form may contain, and until when.

AWS, "POST policy" (sigv4-HTTPPOSTConstructPolicy). Pure: no Django, the time is an
argument; field names come in lower case.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from iam.sigv4 import is_timestamp, signing_key
from kernel.errors import (
    AccessDenied,
    EntityTooLarge,
    EntityTooSmall,
    InvalidArgument,
    InvalidPolicyDocument,
    SignatureDoesNotMatch,
)

# Fields that no condition need name.
UNCHECKED = frozenset(
    {"awsaccesskeyid", "file", "policy", "signature", "x-amz-signature"}
)
UNCHECKED_PREFIXES = ("x-ignore-", "x-amz-checksum-")
REFUSED = "Invalid according to Policy: "


@dataclass(frozen=True, slots=True)
class FormCredential:
    """Who signed a form, and how."""

    access_key_id: str
    signature: str
    date: str = ""
    region: str = ""
    service: str = ""
    signed_at: str = ""

    @property
    def is_version_4(self) -> bool:
        return bool(self.date)


@dataclass(frozen=True, slots=True)
class PostPolicy:
    """A policy as it was read."""

    expires_at: datetime
    conditions: tuple[tuple[str, str, str], ...]
    least: int
    most: int | None


def credential_of(fields: Mapping[str, str]) -> FormCredential | None:
    """Find the signature of a form, of version 4 or 2; None for an anonymous one.

    Raises InvalidArgument for a policy without all that signs it.
    """
    if "policy" not in fields:
        return None
    if fields.get("x-amz-algorithm") == "AWS4-HMAC-SHA256":
        scope = needed(fields, "x-amz-credential").split("/")
        if len(scope) < 5 or scope[-1] != "aws4_request":
            raise InvalidArgument(
                "The x-amz-credential field is malformed.",
                argument_name="x-amz-credential",
                argument_value=fields["x-amz-credential"][:256],
            )
        date, region, service = scope[-4:-1]
        return FormCredential(
            "/".join(scope[:-4]),
            needed(fields, "x-amz-signature"),
            date,
            region,
            service,
            signing_time(fields),
        )
    return FormCredential(needed(fields, "awsaccesskeyid"), needed(fields, "signature"))


def signing_time(fields: Mapping[str, str]) -> str:
    text = needed(fields, "x-amz-date")
    if not is_timestamp(text):
        raise InvalidArgument(
            "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
            argument_name="x-amz-date",
            argument_value=text[:256],
        )
    return text


def needed(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name)
    if not value:
        raise InvalidArgument(
            f"Bucket POST must contain a field named '{name}'. If it is specified, "
            "please check the order of the fields.",
            argument_name=name,
            argument_value="",
        )
    return value


def verify(policy: str, credential: FormCredential, secret: str) -> None:
    """Check the signature, which is over the policy as it was sent."""
    if credential.is_version_4:
        key = signing_key(
            secret, credential.date, credential.region, credential.service
        )
        wanted = hmac.new(key, policy.encode(), hashlib.sha256).hexdigest()
    else:
        digest = hmac.new(secret.encode(), policy.encode(), hashlib.sha1).digest()
        wanted = base64.b64encode(digest).decode()
    if not hmac.compare_digest(wanted.encode(), credential.signature.encode()):
        raise SignatureDoesNotMatch(
            aws_access_key_id=credential.access_key_id,
            string_to_sign=policy,
            signature_provided=credential.signature,
        )


def read_policy(text: str) -> PostPolicy:
    """Read a policy, still in base64. Raises InvalidPolicyDocument."""
    try:
        document = json.loads(base64.b64decode(text, validate=True))
    except (ValueError, RecursionError):
        raise InvalidPolicyDocument("Invalid Policy: Invalid JSON.") from None
    if not isinstance(document, dict):
        raise InvalidPolicyDocument("Invalid Policy: Invalid JSON.")
    conditions = document.get("conditions")
    if not isinstance(conditions, list) or not conditions:
        raise InvalidPolicyDocument("Invalid Policy: Policy missing conditions.")
    found: list[tuple[str, str, str]] = []
    least, most = 0, None
    for condition in conditions:
        if is_length_range(condition):
            least, most = read_range(condition)
        else:
            found += read_condition(condition)
    return PostPolicy(read_expiration(document), tuple(found), least, most)


def read_expiration(document: Mapping[str, Any]) -> datetime:
    text = document.get("expiration")
    if not isinstance(text, str):
        raise InvalidPolicyDocument("Invalid Policy: Policy missing expiration.")
    if "T" not in text:
        raise InvalidPolicyDocument(f"Invalid Policy: Invalid expiration: '{text}'")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidPolicyDocument(
            f"Invalid Policy: Invalid expiration: '{text}'"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def is_length_range(condition: Any) -> bool:
    return (
        isinstance(condition, list)
        and bool(condition)
        and str(condition[0]).lower() == "content-length-range"
    )


def read_range(condition: list[Any]) -> tuple[int, int]:
    try:
        least, most = (int(one) for one in condition[1:])
    except (TypeError, ValueError, OverflowError):
        raise InvalidPolicyDocument(
            "Invalid Policy: Invalid content-length-range."
        ) from None
    if least < 0 or most < 0:
        raise InvalidPolicyDocument("Invalid Policy: Invalid content-length-range.")
    return least, most


def read_condition(condition: Any) -> list[tuple[str, str, str]]:
    """Give (operator, field, value) for each comparison a condition makes."""
    if isinstance(condition, dict) and condition:
        return [("eq", str(name).lower(), str(v)) for name, v in condition.items()]
    if (
        isinstance(condition, list)
        and len(condition) == 3
        and all(isinstance(one, str) for one in condition)
        and condition[0].lower() in {"eq", "starts-with"}
        and condition[1].startswith("$")
    ):
        operator, field, value = condition
        return [(operator.lower(), field[1:].lower(), value)]
    raise InvalidPolicyDocument("Invalid Policy: Invalid condition.")


def check_form(policy: PostPolicy, fields: Mapping[str, str], now: datetime) -> None:
    """Refuse a form that the policy does not allow: AccessDenied.

    `fields` has the bucket too.
    """
    if policy.expires_at <= now:
        raise AccessDenied(REFUSED + "Policy expired.")
    for operator, field, value in policy.conditions:
        if not holds(operator, field, fields.get(field, ""), value):
            raise AccessDenied(
                f'{REFUSED}Policy Condition failed: ["{operator}", "${field}", '
                f'"{value}"]'
            )
    named = {field for _, field, _ in policy.conditions}
    extra = [
        field
        for field in fields
        if field not in named
        and field not in UNCHECKED
        and not field.startswith(UNCHECKED_PREFIXES)
    ]
    if extra:
        raise AccessDenied(f"{REFUSED}Extra input fields: {', '.join(sorted(extra))}")


def holds(operator: str, field: str, given: str, wanted: str) -> bool:
    if operator == "eq":
        return given == wanted
    if field == "content-type" and "," in given:
        return all(one.strip().startswith(wanted) for one in given.split(","))
    return given.startswith(wanted)


def check_length(policy: PostPolicy, length: int) -> None:
    """Refuse a file whose length the policy does not allow."""
    if policy.most is not None and length > policy.most:
        raise EntityTooLarge(proposed_size=length, max_size_allowed=policy.most)
    if length < policy.least:
        raise EntityTooSmall(proposed_size=length, min_size_allowed=policy.least)
