"""What is wrong in a JSON document, on which line, and what to beware of in it.

The domain says whether a document will do; where it will not, parts of it are asked
one by one, to tell which of them is to blame.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings

from buckets.configurations import policy_kind
from buckets.cors import check_cors
from buckets.lifecycle import check_lifecycle
from console.settings.positions import Path, lines_of, without
from console.settings.widgets import reason
from iam.actions import S3_ACTIONS
from iam.policy import PolicyKind, is_public, parse_policy
from kernel.errors import ObjectStoreError

MOST_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say about a document."""

    line: int
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document: its list of parts, its check, and words to offer."""

    part: str
    check: Callable[[Any, str], Any]
    beware: Callable[[Any, str], str] = lambda part, bucket: ""


def check_identity_policy(document: Any, bucket: str) -> None:
    parse_policy(json.dumps(document), name="policy", kind=PolicyKind.IDENTITY)


def check_bucket_policy(document: Any, bucket: str) -> None:
    parse_policy(json.dumps(document), name="policy", kind=policy_kind(), bucket=bucket)


def lets_everybody_in(statement: Any, bucket: str) -> str:
    """Warn of a statement of a bucket's policy that opens it to the public."""
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    policy = parse_policy(text, name="policy", kind=policy_kind(), bucket=bucket)
    return "Lets everybody in, without a key." if is_public(policy) else ""


def allows_everything(statement: Any, bucket: str) -> str:
    """Warn of a statement of an identity's policy that leaves nothing out."""
    if statement.get("Effect") != "Allow" or statement.get("Condition"):
        return ""
    if "NotAction" in statement:
        return "Allows all actions but these, also those that come later."
    if "*" not in listed(statement.get("Resource")):
        return ""
    wide = {"*", "s3:*", "iam:*"} & set(listed(statement.get("Action")))
    return f"Allows {min(wide)} on everything in the account." if wide else ""


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


KINDS = {
    "identity": Kind("Statement", check_identity_policy, allows_everything),
    "bucket": Kind("Statement", check_bucket_policy, lets_everybody_in),
    "lifecycle": Kind(
        "Rules",
        lambda document, bucket: check_lifecycle(
            document, settings.OBJECTSTORE_STORAGE_CLASSES
        ),
    ),
    "cors": Kind("CORSRules", lambda document, bucket: check_cors(document)),
}


def findings(kind_name: str, text: str, bucket: str = "") -> list[Finding]:
    """Say what is wrong in a document; nothing is the best of answers."""
    if not text.strip() or len(text) > MOST_BYTES:
        return []
    try:
        document = json.loads(text)
        lines = lines_of(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        return [Finding(line, "error", getattr(error, "msg", str(error)))]
    except RecursionError:
        return [Finding(1, "error", "Too deep.")]
    kind = KINDS[kind_name]
    try:
        kind.check(document, bucket)
    except ObjectStoreError as error:
        path = place_of(kind, document, bucket, error)
        return [Finding(lines.get(path, 1), "error", reason(error))]
    return list(warnings(kind, document, bucket, lines))


def line_of(kind_name: str, text: str, bucket: str = "") -> int:
    """Give the line of the first error of a document, 0 where there is none."""
    found = findings(kind_name, text, bucket)
    return next((one.line for one in found if one.level == "error"), 0)


def place_of(kind: Kind, document: Any, bucket: str, error: ObjectStoreError) -> Path:
    """Find the member that is to blame for a refusal, as near as can be."""
    if not isinstance(document, dict):
        return ()
    parts = document.get(kind.part)
    if not isinstance(parts, list):
        return next(mentioned(document, error), ())
    for number, part in enumerate(parts):
        alone = {**document, kind.part: [part]}
        refusal = refusal_of(kind, alone, bucket)
        if refusal is None:
            continue
        path: Path = (kind.part, number)
        if not isinstance(part, dict):
            return path
        for name in part:
            fewer = {**document, kind.part: [without(part, name)]}
            if refusal_of(kind, fewer, bucket) is None:
                return (*path, name)
        named = next(mentioned(part, refusal), ())
        return (*path, *named)
    return next(mentioned(document, error), ())


def mentioned(element: Any, error: ObjectStoreError) -> Iterator[Path]:
    """Give the members that a refusal's text speaks of, by value before by name."""
    text = error.text.lower()
    members = list(walk(element, ()))
    for path, value in members:
        if isinstance(value, str) and len(value) > 2 and value.lower() in text:
            yield path
    for path, _ in members:
        if isinstance(path[-1], str) and path[-1].lower() in text:
            yield path


def walk(element: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Give all members, those further in first."""
    members: Any = ()
    if isinstance(element, dict):
        members = element.items()
    if isinstance(element, list):
        members = enumerate(element)
    for name, value in members:
        yield from walk(value, (*path, name))
        yield (*path, name), value


def refusal_of(kind: Kind, document: Any, bucket: str) -> ObjectStoreError | None:
    try:
        kind.check(document, bucket)
    except ObjectStoreError as error:
        return error
    return None


def warnings(
    kind: Kind, document: Any, bucket: str, lines: dict[Path, int]
) -> Iterator[Finding]:
    parts = document.get(kind.part)
    is_list = isinstance(parts, list)
    for number, part in enumerate(listed(parts)):
        text = kind.beware(part, bucket)
        if text:
            path: Path = (kind.part, number) if is_list else (kind.part,)
            yield Finding(lines.get(path, 1), "warning", text)


def as_json(found: list[Finding]) -> list[dict[str, Any]]:
    return [asdict(one) for one in found]


# What the editor offers while one types: names of members, and values by name.
CONDITIONS = (
    *("StringEquals", "StringNotEquals", "StringLike", "StringNotLike"),
    *("NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan"),
    *("DateLessThan", "DateGreaterThan", "Bool", "Null"),
    *("IpAddress", "NotIpAddress", "ArnLike", "ArnEquals"),
)
CONDITION_KEYS = (
    *("aws:SourceIp", "aws:SecureTransport", "aws:CurrentTime", "aws:username"),
    *("aws:PrincipalArn", "aws:UserAgent", "s3:prefix", "s3:delimiter", "s3:max-keys"),
    *("s3:x-amz-acl", "s3:VersionId", "s3:ExistingObjectTag/"),
)
IAM_ACTIONS = (
    *("iam:ListUsers", "iam:GetUser", "iam:CreateUser", "iam:DeleteUser"),
    *("iam:ListAccessKeys", "iam:CreateAccessKey", "iam:UpdateAccessKey"),
    *("iam:DeleteAccessKey", "iam:AttachUserPolicy", "iam:DetachUserPolicy"),
    *("iam:PutUserPolicy", "iam:CreatePolicy", "iam:SimulatePrincipalPolicy", "iam:*"),
)


def words(kind_name: str) -> dict[str, Any]:
    """Give what the editor may offer in a document of this kind."""
    if kind_name in {"identity", "bucket"}:
        return policy_words(kind_name)
    if kind_name == "lifecycle":
        classes = list(settings.OBJECTSTORE_STORAGE_CLASSES)
        return {
            "names": LIFECYCLE_NAMES,
            "values": {"Status": ["Enabled", "Disabled"], "StorageClass": classes},
        }
    return {
        "names": CORS_NAMES,
        "values": {
            "AllowedMethods": ["GET", "PUT", "POST", "DELETE", "HEAD"],
            "AllowedOrigins": ["*", "https://"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag", "x-amz-version-id"],
        },
    }


LIFECYCLE_NAMES = (
    *("Rules", "ID", "Status", "Filter", "Prefix", "Tag", "Key", "Value", "And"),
    *("Tags", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "Expiration", "Days"),
    *("Date", "ExpiredObjectDeleteMarker", "Transitions", "StorageClass"),
    *("NoncurrentVersionExpiration", "NoncurrentDays", "NewerNoncurrentVersions"),
    *("NoncurrentVersionTransitions", "AbortIncompleteMultipartUpload"),
    *("DaysAfterInitiation", "TransitionDefaultMinimumObjectSize"),
)
CORS_NAMES = (
    *("CORSRules", "ID", "AllowedOrigins", "AllowedMethods", "AllowedHeaders"),
    *("ExposeHeaders", "MaxAgeSeconds"),
)


def policy_words(kind_name: str) -> dict[str, Any]:
    names = ["Version", "Statement", "Sid", "Effect", "Action", "Resource", "Condition"]
    actions = ["s3:*", *sorted(S3_ACTIONS)]
    if kind_name == "bucket":
        names += ["Principal", "NotPrincipal", "AWS"]
    else:
        actions += IAM_ACTIONS
    return {
        "names": [*names, "NotAction", "NotResource", *CONDITIONS, *CONDITION_KEYS],
        "values": {
            "Effect": ["Allow", "Deny"],
            "Version": ["2012-10-17"],
            "Action": actions,
            "NotAction": actions,
            "Resource": ["arn:aws:s3:::", "arn:aws:s3:::BUCKET/*", "*"],
            "Principal": ["*"],
            "aws:SecureTransport": ["true", "false"],
        },
    }
