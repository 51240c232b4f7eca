"""Policies to begin with, and what to beware of in one that is there."""

from __future__ import annotations

import json
from typing import Any

from buckets.configurations import configurations_of
from iam.ready_made import document_of
from kernel.results import BucketInfo

BUCKET = "arn:aws:s3:::BUCKET"
INSIDE = "arn:aws:s3:::BUCKET/*"


def policy(*statements: dict[str, Any]) -> str:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return json.dumps(document, indent=2)


def allow(sid: str, action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        **more,
        "Action": action,
        "Resource": resource,
    }


def ready_made(name: str) -> str:
    return json.dumps(json.loads(document_of(name)), indent=2)


BUCKET_POLICIES = [
    (
        "Everybody may read",
        policy(allow("EverybodyReads", "s3:GetObject", INSIDE, Principal="*")),
    ),
    (
        "Another account may read",
        policy(
            allow(
                "OtherAccountReads",
                ["s3:GetObject", "s3:ListBucket"],
                [BUCKET, INSIDE],
                Principal={"AWS": "arn:aws:iam::123456789012:root"},
            )
        ),
    ),
    (
        "Only from these addresses",
        policy(
            {
                "Sid": "OnlyFromHere",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [BUCKET, INSIDE],
                "Condition": {"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}},
            }
        ),
    ),
    (
        "Only over TLS",
        policy(
            {
                "Sid": "OnlyOverTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [BUCKET, INSIDE],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ),
    ),
]

# Policies to begin with; BUCKET stands for a name to put in.
IDENTITY_POLICIES = [
    (
        "Administrator",
        "Everything in the account.",
        ready_made("AdministratorAccess"),
    ),
    (
        "Operator",
        "Everything with buckets and objects, nothing with people and keys.",
        ready_made("Operator"),
    ),
    ("Auditor", "Reads everything, changes nothing.", ready_made("Auditor")),
    (
        "Bucket owner",
        "Everything in one bucket; put its name in.",
        policy(
            allow(
                "OwnBucket",
                ["s3:*", "objectstore:PutBucketQuota"],
                [BUCKET, INSIDE],
            )
        ),
    ),
    (
        "Reads and writes in a bucket",
        "Lists, reads, uploads and deletes; no settings.",
        policy(
            allow("List", ["s3:ListBucket", "s3:GetBucketLocation"], BUCKET),
            allow(
                "ReadAndWrite",
                [
                    "s3:GetObject",
                    "s3:PutObject",
                    "s3:DeleteObject",
                    "s3:AbortMultipartUpload",
                ],
                INSIDE,
            ),
        ),
    ),
    (
        "Reads a bucket",
        "Lists and downloads, no more.",
        policy(
            allow("List", ["s3:ListBucket", "s3:GetBucketLocation"], BUCKET),
            allow("Read", "s3:GetObject", INSIDE),
        ),
    ),
    (
        "Self-service",
        "Own buckets, named after the user, and own keys.",
        ready_made("SelfService"),
    ),
]


def warnings_on(slug: str, bucket: BucketInfo, document: Any) -> list[str]:
    """Say what a setting does that its operator may not expect."""
    configurations = configurations_of(bucket.configurations_text)
    found = []
    if slug == "policy" and configurations.is_policy_public:
        if configurations.public_access_block.get("RestrictPublicBuckets"):
            found.append(
                "This policy lets the public in, but the public access settings "
                "keep everybody outside the account out."
            )
        else:
            found.append("This policy lets the public in: everybody may come.")
    if slug == "acl" and not configurations.uses_acls:
        found.append(
            "ACLs are off here: ownership is BucketOwnerEnforced. Policies decide."
        )
    if slug == "object-lock" and bucket.versioning != "Enabled":
        found.append("Object lock needs versioning: enable that first.")
    if slug == "versioning" and bucket.has_object_lock:
        found.append("Object lock is on, so versioning stays enabled.")
    if slug == "public-access" and not (document and all(document.values())):
        found.append("Some ways to open this bucket to the public are not blocked.")
    if slug == "object-lock" and bucket.has_object_lock:
        found.append("Object lock is on for good; its default retention can change.")
    return found
