"""A bucket's default encryption: the normal form of its configuration.

AWS, "PutBucketEncryption". Pure: no Django.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernel.errors import InvalidArgument, MalformedXML

AES256 = "AES256"
KMS = "aws:kms"
DEFAULT = "ApplyServerSideEncryptionByDefault"


def check_encryption(document: Any) -> dict[str, Any]:
    """Give {"Rules": [{"ApplyServerSideEncryptionByDefault": ...}]}.

    Raises MalformedXML, and InvalidArgument for a key where none is used.
    """
    if not isinstance(document, Mapping) or set(document) != {"Rules"}:
        raise MalformedXML()
    rules = document["Rules"]
    if not isinstance(rules, list) or len(rules) != 1:
        raise MalformedXML()
    rule = rules[0]
    if not isinstance(rule, Mapping) or set(rule) - {DEFAULT, "BucketKeyEnabled"}:
        raise MalformedXML()
    applied = rule.get(DEFAULT)
    if not isinstance(applied, Mapping):
        raise MalformedXML()
    algorithm = applied.get("SSEAlgorithm")
    key_id = applied.get("KMSMasterKeyID")
    if algorithm not in (AES256, KMS) or not isinstance(key_id or "", str):
        raise MalformedXML()
    if algorithm == AES256 and key_id:
        raise InvalidArgument(
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not "
            "aws:kms",
            argument_name="ApplyServerSideEncryptionByDefault",
        )
    checked: dict[str, Any] = {
        DEFAULT: {
            "SSEAlgorithm": algorithm,
            **({"KMSMasterKeyID": key_id} if key_id else {}),
        }
    }
    if "BucketKeyEnabled" in rule:
        checked["BucketKeyEnabled"] = bool(rule["BucketKeyEnabled"])
    return {"Rules": [checked]}


def default_encryption(document: Mapping[str, Any] | None) -> dict[str, str] | None:
    """Give what an upload that asks for nothing gets."""
    if not document:
        return None
    applied = document["Rules"][0][DEFAULT]
    found = {"algorithm": applied["SSEAlgorithm"]}
    if applied.get("KMSMasterKeyID"):
        found["key_id"] = applied["KMSMasterKeyID"]
    return found
