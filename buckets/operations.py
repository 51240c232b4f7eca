"""Operations on buckets and their configurations. AWS's names, AWS's meaning."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from blobs.store import storage_of
from buckets import acls, queries
from buckets.access import Context, find_bucket, get_bucket
from buckets.configurations import (
    PUBLIC_BLOCKS,
    Configuration,
    Configurations,
    ObjectOwnership,
    configurations_of,
    policy_kind,
)
from buckets.object_lock import ENABLED
from iam.condition_keys import principal_context, unknown_keys
from iam.policy import AccessRequest, evaluate, is_public, parse_policy
from iam.principals import Principal
from kernel import auditing
from kernel.auditing import audited
from kernel.database.commit import commit
from kernel.errors import (
    AccessControlListNotSupported,
    AccessDenied,
    BucketAlreadyExists,
    BucketAlreadyOwnedByYou,
    BucketNotEmpty,
    IllegalVersioningConfigurationException,
    InvalidArgument,
    InvalidBucketAclWithObjectOwnership,
    InvalidBucketState,
    MalformedPolicy,
    NoSuchBucket,
    NoSuchBucketPolicy,
    NoSuchCORSConfiguration,
    NoSuchLifecycleConfiguration,
    NoSuchPublicAccessBlockConfiguration,
    NoSuchTagSet,
    NoSuchWebsiteConfiguration,
    ObjectLockConfigurationNotFoundError,
    ObjectStoreError,
    OwnershipControlsNotFoundError,
    ServerSideEncryptionConfigurationNotFoundError,
    TooManyBuckets,
)
from kernel.listing import decode_token, encode_token, page_size, start_after
from kernel.names import RESERVED_BUCKET_NAMES, check_bucket_name, next_name
from kernel.results import BucketInfo, BucketListing, Usage

MOST_BUCKETS_PER_PAGE = 10_000
MOST_BUCKETS = 10_000


@audited()
def create_bucket(
    principal: Principal,
    name: str,
    *,
    region: str = "",
    storage_class: str = "",
    is_versioned: bool = False,
    has_object_lock: bool = False,
    ownership: str = "",
    acl: Mapping[str, Any] | None = None,
    configurations: Mapping[Configuration, Any] | None = None,
    reserved: frozenset[str] = RESERVED_BUCKET_NAMES,
    now: datetime,
) -> BucketInfo:
    """Create a bucket in the caller's account.

    `acl` is what was asked for; `ownership` says whether it counts. Raises
    InvalidBucketName, AccessDenied, InvalidStorageClass, BucketAlreadyOwnedByYou,
    BucketAlreadyExists and TooManyBuckets, and what `acls.resolve` raises. The
    configurations must have been checked by their own modules.
    """
    check_bucket_name(name, reserved=reserved)
    check_account_action(principal, "s3:CreateBucket", f"arn:aws:s3:::{name}")
    account_id = principal.account_id
    if account_id is None:
        raise AccessDenied()
    storage_class = storage_class or settings.OBJECTSTORE_DEFAULT_STORAGE_CLASS
    storage_of(storage_class)
    documents = {str(kind): given for kind, given in (configurations or {}).items()}
    if has_object_lock:
        documents[Configuration.OBJECT_LOCK] = dict(ENABLED)
    documents |= access_documents(principal, ownership, acl)

    def record() -> BucketInfo:
        if queries.count_of_account(account_id) >= MOST_BUCKETS:
            raise TooManyBuckets()
        is_new = queries.add(
            name=name,
            owner_id=account_id,
            region=region or settings.OBJECTSTORE_REGION,
            storage_class=storage_class,
            versioning="Enabled" if is_versioned or has_object_lock else "",
            has_object_lock=has_object_lock,
            configurations=documents,
            now=now,
        )
        if not is_new:
            refuse_taken_name(principal, name)
        auditing.tell(after=documents)
        return find_bucket(name)

    return commit(record)


def access_documents(
    principal: Principal, ownership: str, asked: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Give what a new bucket says of who may come in.

    AWS since April 2023: no ACLs, and all public access blocked, unless it is said
    otherwise. Raises InvalidArgument, InvalidBucketAclWithObjectOwnership.
    """
    if ownership and ownership not in set(ObjectOwnership):
        raise InvalidArgument(
            "Invalid x-amz-object-ownership header: " + ownership,
            argument_name="x-amz-object-ownership",
            argument_value=ownership,
        )
    stated: dict[str, Any] = {}
    if ownership:
        stated[Configuration.OWNERSHIP] = ownership
    configurations = Configurations(stated)
    if settings.OBJECTSTORE_BLOCK_PUBLIC_ACCESS:
        stated[Configuration.PUBLIC_ACCESS_BLOCK] = dict.fromkeys(PUBLIC_BLOCKS, True)
    if (asked or {}).get("canned") == "private":
        asked = None
    try:
        acl = acls.resolve(
            asked,
            configurations,
            owner_id=principal.canonical_id,
            bucket_owner_id=principal.canonical_id,
        )
    except AccessControlListNotSupported:
        raise InvalidBucketAclWithObjectOwnership() from None
    return stated if acl is None else {**stated, Configuration.ACL: acl}


def refuse_taken_name(principal: Principal, name: str) -> None:
    bucket = find_bucket(name)
    if bucket.owner_id == principal.account_id:
        raise BucketAlreadyOwnedByYou(bucket_name=name)
    raise BucketAlreadyExists(bucket_name=name)


def check_account_action(principal: Principal, action: str, resource: str) -> None:
    """Ask for an action that no bucket can answer for: identity policies alone."""
    bucket_name = resource.rpartition(":")[2].rstrip("*")
    auditing.asked(action, resource, bucket_name)
    if principal.is_system:
        return
    if principal.is_anonymous:
        raise AccessDenied()
    request = AccessRequest(
        action=action,
        resource=resource,
        principal_arn=principal.arn,
        principal_account=principal.account_number,
        canonical_id=principal.canonical_id,
        context=principal_context(principal),
    )
    decision = evaluate(request, principal.policies)
    is_allowed = not decision.is_denied and (principal.is_root or decision.is_allowed)
    if is_allowed and principal.session_policies:
        is_allowed = evaluate(request, principal.session_policies).is_allowed
    if not is_allowed:
        auditing.refused(
            principal,
            action,
            resource,
            bucket_name,
            reason="no identity-based policy allows the action",
        )
        raise AccessDenied(
            f"User: {principal.arn} is not authorized to perform: {action} on "
            f'resource: "{resource}"'
        )


def head_bucket(
    principal: Principal, name: str, *, expected_owner: str = ""
) -> BucketInfo:
    """Tell whether a bucket is there and may be listed."""
    return get_bucket(principal, "s3:ListBucket", name, expected_owner=expected_owner)


def get_bucket_details(principal: Principal, name: str) -> tuple[BucketInfo, Usage]:
    """Give a bucket and what it holds, exact at the moment of the answer."""
    bucket = get_bucket(principal, "s3:ListBucket", name)
    return bucket, queries.usage(bucket.id)


def list_buckets(
    principal: Principal,
    *,
    prefix: str = "",
    region: str = "",
    max_buckets: int | None = None,
    token: str = "",
) -> BucketListing:
    """List the caller's account's buckets by name.

    Raises AccessDenied for nobody in particular, InvalidArgument for a bad token.
    """
    check_account_action(principal, "s3:ListAllMyBuckets", "arn:aws:s3:::*")
    most = page_size(max_buckets, MOST_BUCKETS_PER_PAGE)
    start = decode_token(token) if token else ""
    rows = queries.page(
        start=max(prefix, start),
        end=next_name(prefix),
        limit=most + 1,
        owner_id=principal.account_id,
        region=region,
    )
    page = rows[:most]
    is_truncated = len(rows) > most and most > 0
    next_token = (
        encode_token(start_after(page[-1].name, "", "")) if is_truncated else ""
    )
    return BucketListing(page, is_truncated, next_token)


NOT_EMPTY = {
    False: BucketNotEmpty.message,
    True: f"{BucketNotEmpty.message}. You must delete all versions in the bucket.",
}


@audited()
def delete_bucket(
    principal: Principal, name: str, *, expected_owner: str = "", now: datetime
) -> None:
    """Delete an empty bucket; unfinished uploads in it are given up.

    Raises NoSuchBucket, AccessDenied, BucketNotEmpty.
    """
    bucket = get_bucket(
        principal, "s3:DeleteBucket", name, expected_owner=expected_owner
    )

    def record() -> None:
        if queries.lock(bucket.id) is None:
            raise NoSuchBucket(bucket_name=name)
        if queries.has_versions(bucket.id):
            raise BucketNotEmpty(NOT_EMPTY[bool(bucket.versioning)], bucket_name=name)
        auditing.tell(before=configurations_of(bucket.configurations_text).documents)
        queries.give_up_uploads(bucket.id, now)
        queries.delete(bucket.id)

    commit(record)


def get_bucket_location(
    principal: Principal, name: str, *, expected_owner: str = ""
) -> str:
    """Give the region of a bucket."""
    return get_bucket(
        principal, "s3:GetBucketLocation", name, expected_owner=expected_owner
    ).region


# Versioning


def get_bucket_versioning(
    principal: Principal, name: str, *, expected_owner: str = ""
) -> str:
    """Give the versioning state: Enabled, Suspended, or "" if it never was on."""
    bucket = get_bucket(
        principal, "s3:GetBucketVersioning", name, expected_owner=expected_owner
    )
    return bucket.versioning


@audited()
def put_bucket_versioning(
    principal: Principal, name: str, status: str, *, expected_owner: str = ""
) -> None:
    """Enable or suspend versioning.

    Raises IllegalVersioningConfigurationException, and InvalidBucketState for a
    bucket with object lock, whose versioning stays on.
    """
    bucket = get_bucket(
        principal, "s3:PutBucketVersioning", name, expected_owner=expected_owner
    )
    if status not in {"Enabled", "Suspended"}:
        raise IllegalVersioningConfigurationException()

    def record() -> None:
        locked = queries.lock(bucket.id)
        if locked is None:
            raise NoSuchBucket(bucket_name=name)
        if locked.has_object_lock and status != "Enabled":
            raise InvalidBucketState(
                "An Object Lock configuration is present on this bucket, so the "
                "versioning state cannot be changed."
            )
        auditing.tell(before=locked.versioning, after=status)
        queries.update(bucket.id, versioning=status)

    commit(record)


# Object lock


@audited()
def put_object_lock_configuration(
    principal: Principal, name: str, document: Any, *, expected_owner: str = ""
) -> None:
    """Turn object lock on for good, and set the default retention.

    `document` is of the form that `check_object_lock` gives. Raises
    InvalidBucketState where versioning is not enabled.
    """
    bucket = get_bucket(
        principal,
        "s3:PutBucketObjectLockConfiguration",
        name,
        expected_owner=expected_owner,
    )

    def record() -> None:
        locked = queries.lock(bucket.id)
        if locked is None:
            raise NoSuchBucket(bucket_name=name)
        if locked.versioning != "Enabled":
            raise InvalidBucketState(
                "Versioning must be 'Enabled' on the bucket to apply a Object Lock "
                "configuration"
            )
        auditing.tell(
            before=configurations_of(locked.configurations_text).get(
                Configuration.OBJECT_LOCK
            ),
            after=document,
        )
        queries.update(bucket.id, has_object_lock=True)
        queries.set_configuration(bucket.id, Configuration.OBJECT_LOCK, document)

    commit(record)


# Configurations


# What reading, writing and removing each kind asks the door for, and what is said
# where there is none (AWS, "Actions, resources, and condition keys for Amazon S3").
CONFIGURATION_ACTIONS: dict[Configuration, tuple[str, str, str]] = {
    Configuration.ACL: ("s3:GetBucketAcl", "s3:PutBucketAcl", "s3:PutBucketAcl"),
    Configuration.CORS: ("s3:GetBucketCORS", "s3:PutBucketCORS", "s3:PutBucketCORS"),
    Configuration.ENCRYPTION: (
        "s3:GetEncryptionConfiguration",
        "s3:PutEncryptionConfiguration",
        "s3:PutEncryptionConfiguration",
    ),
    Configuration.LIFECYCLE: (
        "s3:GetLifecycleConfiguration",
        "s3:PutLifecycleConfiguration",
        "s3:PutLifecycleConfiguration",
    ),
    Configuration.OBJECT_LOCK: (
        "s3:GetBucketObjectLockConfiguration",
        "s3:PutBucketObjectLockConfiguration",
        "s3:PutBucketObjectLockConfiguration",
    ),
    Configuration.OWNERSHIP: (
        "s3:GetBucketOwnershipControls",
        "s3:PutBucketOwnershipControls",
        "s3:PutBucketOwnershipControls",
    ),
    Configuration.POLICY: (
        "s3:GetBucketPolicy",
        "s3:PutBucketPolicy",
        "s3:DeleteBucketPolicy",
    ),
    Configuration.PUBLIC_ACCESS_BLOCK: (
        "s3:GetBucketPublicAccessBlock",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketPublicAccessBlock",
    ),
    Configuration.REQUEST_PAYMENT: (
        "s3:GetBucketRequestPayment",
        "s3:PutBucketRequestPayment",
        "s3:PutBucketRequestPayment",
    ),
    Configuration.TAGGING: (
        "s3:GetBucketTagging",
        "s3:PutBucketTagging",
        "s3:PutBucketTagging",
    ),
    Configuration.WEBSITE: (
        "s3:GetBucketWebsite",
        "s3:PutBucketWebsite",
        "s3:DeleteBucketWebsite",
    ),
}
ABSENT: dict[Configuration, type[ObjectStoreError]] = {
    Configuration.CORS: NoSuchCORSConfiguration,
    Configuration.ENCRYPTION: ServerSideEncryptionConfigurationNotFoundError,
    Configuration.LIFECYCLE: NoSuchLifecycleConfiguration,
    Configuration.OBJECT_LOCK: ObjectLockConfigurationNotFoundError,
    Configuration.OWNERSHIP: OwnershipControlsNotFoundError,
    Configuration.POLICY: NoSuchBucketPolicy,
    Configuration.PUBLIC_ACCESS_BLOCK: NoSuchPublicAccessBlockConfiguration,
    Configuration.TAGGING: NoSuchTagSet,
    Configuration.WEBSITE: NoSuchWebsiteConfiguration,
}


def get_configuration(
    principal: Principal, name: str, kind: Configuration, *, expected_owner: str = ""
) -> Any:
    """Give one configuration, or None for a kind that is never said to be missing.

    Raises the kind's own NoSuch... error where it is not set.
    """
    action = CONFIGURATION_ACTIONS[kind][0]
    bucket = get_bucket(principal, action, name, expected_owner=expected_owner)
    document = configurations_of(bucket.configurations_text).get(kind)
    if document is None and kind in ABSENT:
        raise ABSENT[kind](bucket_name=name)
    return document


@audited()
def put_configuration(
    principal: Principal,
    name: str,
    kind: Configuration,
    document: Any,
    *,
    context: Context | None = None,
    expected_owner: str = "",
) -> None:
    """Set one configuration, which its own module has checked."""
    action = CONFIGURATION_ACTIONS[kind][1]
    bucket = get_bucket(
        principal, action, name, context=context, expected_owner=expected_owner
    )
    change_configuration(bucket, kind, document)


@audited()
def delete_configuration(
    principal: Principal, name: str, kind: Configuration, *, expected_owner: str = ""
) -> None:
    """Remove one configuration; removing what is not there is no error."""
    action = CONFIGURATION_ACTIONS[kind][2]
    bucket = get_bucket(principal, action, name, expected_owner=expected_owner)
    change_configuration(bucket, kind, None)


def change_configuration(
    bucket: BucketInfo, kind: Configuration, document: Any
) -> None:
    def record() -> None:
        locked = queries.lock(bucket.id)
        if locked is None:
            raise NoSuchBucket(bucket_name=bucket.name)
        auditing.tell(
            before=configurations_of(locked.configurations_text).get(kind),
            after=document,
        )
        queries.set_configuration(bucket.id, kind, document)

    commit(record)


@audited()
def put_bucket_policy(
    principal: Principal, name: str, text: str, *, expected_owner: str = ""
) -> None:
    """Attach a policy to a bucket.

    Raises MalformedPolicy, also for a condition that would never hold since nobody
    knows its key, and AccessDenied for a public policy where public access is blocked.
    """
    bucket = get_bucket(
        principal, "s3:PutBucketPolicy", name, expected_owner=expected_owner
    )
    policy = parse_policy(
        text,
        name="bucket policy",
        kind=policy_kind(),
        bucket=name,
    )
    unknown = unknown_keys(policy.condition_keys)
    if unknown:
        raise MalformedPolicy(f"Policy has an invalid condition key: {unknown[0]}")
    block = configurations_of(bucket.configurations_text).public_access_block
    if block.get("BlockPublicPolicy") and is_public(policy):
        raise AccessDenied(
            "Access Denied because public policies are blocked by the "
            "BlockPublicPolicy setting."
        )
    change_configuration(bucket, Configuration.POLICY, text)


def policy_text(document: Any) -> str:
    """Write a policy that came as a document, to be kept as text."""
    return json.dumps(document)


def policy_document(text: str) -> Any:
    """Read a kept policy as a document."""
    return json.loads(text)
