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


# What stands in the place of ownership controls that were removed.
NO_OWNERSHIP_CONTROLS = ""


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
        """Tell who owns new objects; without any controls whoever uploads them."""
        return self.ownership_controls or ObjectOwnership.OBJECT_WRITER

    @cached_property
    def ownership_controls(self) -> ObjectOwnership | None:
        """Give the controls; None where there are none.

        AWS since April 2023: a new bucket has some, and they turn ACLs off.
        """
        stated = self.documents.get(Configuration.OWNERSHIP)
        if stated:
            return ObjectOwnership(stated)
        if stated == NO_OWNERSHIP_CONTROLS or settings.OBJECTSTORE_S3_FLAVOUR == "rgw":
            return None
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
