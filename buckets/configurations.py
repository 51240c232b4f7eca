"""Bucket configurations: read once from a bucket's row, compiled, and kept.

All of a bucket's configurations are one JSON column, so the query that finds the
bucket brings them along; parsing is cached by the text itself, which needs no
invalidation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any

from iam.policy import Policy, PolicyKind, is_public, parse_policy
from kernel.kept_settings import settings


class Configuration(StrEnum):
    """The kinds of configuration a bucket can have, as keys of its JSON column."""

    ACL = "acl"
    CORS = "cors"
    ENCRYPTION = "encryption"
    LIFECYCLE = "lifecycle"
    OBJECT_LOCK = "object_lock"
    OWNERSHIP = "ownership"
    POLICY = "policy"
    PUBLIC_ACCESS_BLOCK = "public_access_block"
    REQUEST_PAYMENT = "request_payment"
    TAGGING = "tagging"
    WEBSITE = "website"


PUBLIC_BLOCKS = (
    "BlockPublicAcls",
    "BlockPublicPolicy",
    "IgnorePublicAcls",
    "RestrictPublicBuckets",
)


class ObjectOwnership(StrEnum):
    BUCKET_OWNER_ENFORCED = "BucketOwnerEnforced"
    BUCKET_OWNER_PREFERRED = "BucketOwnerPreferred"
    OBJECT_WRITER = "ObjectWriter"


def policy_kind() -> PolicyKind:
    """Give the grammar of bucket policies in the server's flavour."""
    if settings.OBJECTSTORE_S3_FLAVOUR == "rgw":
        return PolicyKind.LENIENT_BUCKET
    return PolicyKind.BUCKET


class Configurations:
    """One bucket's configurations; a kind that is not set reads as None."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self.documents = documents

    def get(self, kind: Configuration) -> Any:
        return self.documents.get(kind)

    @cached_property
    def policy(self) -> Policy | None:
        text = self.documents.get(Configuration.POLICY)
        if text is None:
            return None
        return parse_policy(text, name="bucket policy", kind=policy_kind())

    @cached_property
    def is_policy_public(self) -> bool:
        return self.policy is not None and is_public(self.policy)

    @cached_property
    def public_access_block(self) -> Mapping[str, bool]:
        block: Mapping[str, bool] = self.documents.get(
            Configuration.PUBLIC_ACCESS_BLOCK, {}
        )
        return block

    @cached_property
    def ownership(self) -> ObjectOwnership:
        """AWS since April 2023: ACLs are off unless ownership controls allow them."""
        stated = self.documents.get(Configuration.OWNERSHIP)
        if stated is not None:
            return ObjectOwnership(stated)
        if settings.OBJECTSTORE_S3_FLAVOUR == "rgw":
            return ObjectOwnership.OBJECT_WRITER
        return ObjectOwnership.BUCKET_OWNER_ENFORCED

    @property
    def uses_acls(self) -> bool:
        return self.ownership is not ObjectOwnership.BUCKET_OWNER_ENFORCED

    @property
    def acl(self) -> Mapping[str, Any] | None:
        acl: Mapping[str, Any] | None = self.documents.get(Configuration.ACL)
        return acl


NO_CONFIGURATIONS = Configurations({})


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Configurations:
    return Configurations(json.loads(text))


def configurations_of(text: str) -> Configurations:
    """Read a bucket's configurations from its column."""
    return NO_CONFIGURATIONS if text == "{}" else _parsed(text)
