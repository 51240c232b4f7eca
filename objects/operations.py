"""Operations on one object: put, get, head, delete. AWS's names, AWS's meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from blobs import queries as blob_queries
from blobs import store
from blobs.keyring import check_customer_key, check_key_id, new_seal
from blobs.queries import BlobInfo
from blobs.store import WrittenBlob
from buckets import acls
from buckets import queries as bucket_queries
from buckets.access import (
    Context,
    Described,
    check_access,
    check_owner,
    find_bucket,
    get_bucket,
    is_allowed,
    note_refusal,
)
from buckets.configurations import (
    Configuration,
    ObjectOwnership,
    configurations_of,
)
from buckets.encryption import default_encryption
from buckets.object_lock import (
    check_retention,
    default_retention,
    hold_conditions,
    in_whole_seconds,
    retention_conditions,
)
from iam.principals import Principal
from kernel import auditing
from kernel.bodies import Body
from kernel.conditions import (
    NO_CONDITIONS,
    Conditions,
    check_delete,
    check_read,
    check_write,
    range_holds,
)
from kernel.database.commit import commit
from kernel.errors import (
    AccessDenied,
    EntityTooLarge,
    InvalidArgument,
    InvalidEncryptionAlgorithmError,
    InvalidRequest,
    MethodNotAllowed,
    NoSuchKey,
    NoSuchVersion,
    ObjectStoreError,
    OperationAborted,
    QuotaExceeded,
)
from kernel.kept_settings import settings
from kernel.names import (
    check_headers,
    check_metadata,
    check_object_key,
    check_redirect,
    check_tags,
)
from kernel.ranges import ByteRange, parse_range
from kernel.results import (
    AES256,
    CUSTOMER,
    KMS,
    BucketInfo,
    CustomerKey,
    DeletedObject,
    ObjectAttributes,
    ObjectContent,
    ObjectInfo,
    PartInfo,
)
from kernel.versions import NULL_VERSION, is_version_id
from objects import queries
from objects.archives import readable_blob
from objects.parts import range_of_part
from objects.queries import Content, OpenedVersion

NO_ATTRIBUTES = ObjectAttributes()
LOCKED = "Access Denied because object protected by object lock."
# How condition keys that are true or false are written.
TRUE, FALSE = "true", "false"
MOST_DELETED_TOGETHER = 1000
# Deletes of one request that share a savepoint: the writer is free between groups.
DELETED_PER_COMMIT = 100
# How often an operation begins anew because its bucket has just changed.
MOST_CHANGES = 3


class BucketChangedError(Exception):
    """The bucket was deleted or changed since it was read."""


# Put


def put_object(
    principal: Principal,
    bucket_name: str,
    key: str,
    *,
    body: Body,
    attributes: ObjectAttributes = NO_ATTRIBUTES,
    customer_key: CustomerKey | None = None,
    conditions: Conditions = NO_CONDITIONS,
    context: Context | None = None,
    expected_owner: str = "",
    now: datetime,
) -> ObjectInfo:
    """Store `body` as the newest version of `key`; durable when this returns.

    Raises NoSuchBucket, AccessDenied, KeyTooLongError, MetadataTooLarge, InvalidTag,
    InvalidStorageClass, EntityTooLarge, QuotaExceeded, what the body raises
    (IncompleteBody, BadDigest), what the conditions raise (PreconditionFailed) and
    InsufficientStorage. Then nothing is stored.
    """

    def asked() -> Context:
        return put_context(attributes, now, creating(conditions, context))

    plan = None
    is_small = body.length <= settings.OBJECTSTORE_INLINE_MAX
    if is_small and not expected_owner and not compares(conditions):
        plan = recalled_plan(principal, bucket_name, key, attributes, asked, now)
    if plan is None:
        bucket = get_bucket(
            principal,
            "s3:PutObject",
            bucket_name,
            key,
            context=asked,
            expected_owner=expected_owner,
        )
        check_may_compare(principal, bucket, key, conditions)
        plan = planned(principal, bucket, key, attributes, now)
    check_size(body.length, settings.OBJECTSTORE_MAX_BODY)
    seal = new_seal(plan.attributes.encryption, customer_key)
    written = store.write(body, plan.attributes.storage_class, seal=seal, now=now)
    record = recording(principal, key, plan, written, conditions, now)
    try:
        if plan.is_recalled:
            return commit(partial(record, plan.bucket))
        return commit_version(plan.bucket, record)
    except (BucketChangedError, ObjectStoreError):
        if not plan.is_recalled:
            store.discard(written, now)
            raise
        body.give_back(written.data or b"")
        if find_bucket(bucket_name) == plan.bucket:
            raise
        return put_object(
            principal,
            bucket_name,
            key,
            body=body,
            attributes=attributes,
            conditions=conditions,
            context=context,
            now=now,
        )
    except BaseException:
        store.discard(written, now)
        raise


class PutPlan(NamedTuple):
    """Where a new object goes, and as what."""

    bucket: BucketInfo
    attributes: ObjectAttributes
    owner_id: int
    is_recalled: bool = False


def planned(
    principal: Principal,
    bucket: BucketInfo,
    key: str,
    attributes: ObjectAttributes,
    now: datetime,
    *,
    is_recalled: bool = False,
) -> PutPlan:
    owner_id = owner_of_new(principal, bucket, attributes.acl)
    checked = checked_attributes(principal, bucket, key, attributes, now)
    return PutPlan(bucket, checked, owner_id, is_recalled)


def recalled_plan(
    principal: Principal,
    bucket_name: str,
    key: str,
    attributes: ObjectAttributes,
    context: Described,
    now: datetime,
) -> PutPlan | None:
    """Plan a small put with the bucket as it was last read here, if that takes it.

    The commit asks whether the bucket is still so; if not, the put begins anew with
    the bytes at hand. Nothing is refused on the word of a bucket that is recalled.
    A tenth of a PUT's time.
    """
    bucket = bucket_queries.recall(bucket_name)
    if bucket is None or auditing.current.event is not None or asks_more(attributes):
        return None
    if not is_allowed(principal, "s3:PutObject", bucket, key, context=context):
        return None
    try:
        plan = planned(principal, bucket, key, attributes, now, is_recalled=True)
    except ObjectStoreError:
        return None
    return None if plan.attributes.encryption else plan


def asks_more(attributes: ObjectAttributes) -> bool:
    """Tell whether a put asks the door for more than s3:PutObject."""
    return bool(
        attributes.tags
        or attributes.acl
        or attributes.encryption
        or attributes.lock_mode
        or attributes.retain_until
        or attributes.has_legal_hold is not None
    )


def recording(
    principal: Principal,
    key: str,
    plan: PutPlan,
    written: WrittenBlob,
    conditions: Conditions,
    now: datetime,
) -> Callable[[BucketInfo], ObjectInfo]:
    """Give what makes written bytes the newest version, inside a transaction."""
    checksum = checksum_of(written.checksums)

    def record(bucket: BucketInfo) -> ObjectInfo:
        make_room(bucket, key, conditions, added=written.size)
        content = Content(written.record(now), written.size, written.md5, checksum)
        added = add_newest(
            bucket,
            key,
            content,
            plan.attributes,
            owner_id=plan.owner_id,
            now=now,
        )
        note_write(principal, "s3:PutObject", bucket, added)
        return added

    return record


def creating(conditions: Conditions, given: Context | None = None) -> Context:
    """Give the condition keys of a request that makes an object, perhaps on terms."""
    return {**(given or {}), **terms_of(conditions), "s3:objectcreationoperation": TRUE}


def terms_of(conditions: Conditions) -> dict[str, str]:
    """Give the condition keys by which policies want conditional requests."""
    terms = {"s3:if-match": conditions.if_match}
    terms["s3:if-none-match"] = conditions.if_none_match
    return {name: value for name, value in terms.items() if value is not None}


def put_context(
    attributes: ObjectAttributes, now: datetime, given: Context | None = None
) -> Context:
    """Give the condition keys that describe a new object."""
    context: dict[str, str | Sequence[str]] = dict(given or {})
    context.update(acls.conditions(attributes.acl))
    context.update(lock_context(attributes, now))
    context.update(tags_context(attributes.tags))
    if attributes.encryption:
        context.update(encryption_context(attributes.encryption))
    if attributes.storage_class:
        context["s3:x-amz-storage-class"] = attributes.storage_class.upper()
    return context


def lock_context(attributes: ObjectAttributes, now: datetime) -> dict[str, str]:
    """Give the condition keys that describe the protection of a new object."""
    mode, until = attributes.lock_mode, attributes.retain_until
    held = attributes.has_legal_hold
    on_hold = {} if held is None else hold_conditions(held)
    return {**retention_conditions(mode, until, now), **on_hold}


def tags_context(tags: Mapping[str, str]) -> dict[str, str | Sequence[str]]:
    """Give the condition keys that describe tags which an object is to have."""
    if not tags:
        return {}
    named = {f"s3:requestobjecttag/{name}".lower(): one for name, one in tags.items()}
    return {**named, "s3:requestobjecttagkeys": list(tags)}


def encryption_context(encryption: Mapping[str, Any]) -> dict[str, str]:
    name = "s3:x-amz-server-side-encryption"
    if encryption["algorithm"] == CUSTOMER:
        return {f"{name}-customer-algorithm": encryption["customer_algorithm"]}
    context = {name: encryption["algorithm"]}
    if encryption.get("key_id"):
        context[f"{name}-aws-kms-key-id"] = encryption["key_id"]
    return context


def checked_attributes(
    principal: Principal,
    bucket: BucketInfo,
    key: str,
    attributes: ObjectAttributes,
    now: datetime,
) -> ObjectAttributes:
    """Check all that can be refused before the first byte is read.

    What was asked for becomes what is kept: the storage class, the ACL's grants, the
    retention that the bucket gives.
    """
    check_object_key(key)
    check_headers({"Content-Type": attributes.content_type})
    if attributes.metadata:
        check_metadata(attributes.metadata)
        check_headers(attributes.metadata)
    if attributes.headers:
        check_redirect(attributes.headers)
        check_headers(attributes.headers)
    if attributes.tags:
        check_tags(attributes.tags)
        tagged = tags_context(attributes.tags)
        check_beside_put(principal, "s3:PutObjectTagging", bucket, key, tagged)
    storage_class = attributes.storage_class or bucket.storage_class
    store.storage_of(storage_class)
    checked = attributes._replace(
        storage_class=storage_class,
        encryption=kept_encryption(bucket, attributes.encryption),
    )
    if attributes.acl:
        acl = kept_acl(principal, bucket, key, attributes, now)
        checked = checked._replace(acl=acl)
    states_hold = attributes.has_legal_hold is not None
    if bucket.has_object_lock or attributes.lock_mode or states_hold:
        checked = with_lock(principal, bucket, key, checked, now)
    return checked


def kept_encryption(
    bucket: BucketInfo, asked: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """Give the encryption asked for, or the bucket's default.

    Raises InvalidArgument and InvalidEncryptionAlgorithmError for one that is not
    known, KMSNotFoundException for a key that is not.
    """
    encryption = asked
    if asked:
        check_algorithm(asked)
    if not asked and bucket.configurations_text != "{}":
        documents = configurations_of(bucket.configurations_text)
        encryption = default_encryption(documents.get(Configuration.ENCRYPTION))
    if encryption and encryption.get("key_id"):
        check_key_id(encryption["key_id"])
    return encryption


def check_algorithm(encryption: Mapping[str, Any]) -> None:
    """Policies are asked first: they may be about algorithms that nobody knows."""
    if encryption.get("customer_algorithm", AES256) != AES256:
        raise InvalidEncryptionAlgorithmError(
            argument_name="x-amz-server-side-encryption",
            argument_value=encryption["customer_algorithm"],
        )
    if encryption["algorithm"] not in {AES256, KMS, CUSTOMER}:
        raise InvalidArgument(
            "Server Side Encryption with this algorithm is not supported.",
            argument_name="x-amz-server-side-encryption",
            argument_value=encryption["algorithm"],
        )


def check_beside_put(
    principal: Principal,
    action: str,
    bucket: BucketInfo,
    key: str,
    context: Context | None = None,
    target: ObjectInfo | None = None,
) -> None:
    """Ask for what AWS asks for beside s3:PutObject; Ceph's gateway does not."""
    if settings.OBJECTSTORE_S3_FLAVOUR == "aws":
        check_access(principal, action, bucket, key, context=context, target=target)


def compares(conditions: Conditions) -> bool:
    """Tell whether a write's answer tells the caller what the object's ETag is."""
    return conditions.if_match not in {None, "*"} and not conditions.is_known


def check_may_compare(
    principal: Principal, bucket: BucketInfo, key: str, conditions: Conditions
) -> None:
    """Let only those compare ETags who may read (AWS, "conditional writes")."""
    if compares(conditions):
        check_beside_put(principal, "s3:GetObject", bucket, key)


def kept_acl(
    principal: Principal,
    bucket: BucketInfo,
    key: str,
    attributes: ObjectAttributes,
    now: datetime,
) -> Mapping[str, Any] | None:
    asked = attributes.acl
    context = put_context(attributes, now)
    check_beside_put(principal, "s3:PutObjectAcl", bucket, key, context)
    is_bucket_owners = owner_of_new(principal, bucket, asked) == bucket.owner_id
    owner_id = bucket.owner_canonical_id if is_bucket_owners else principal.canonical_id
    return acls.resolve(
        asked,
        configurations_of(bucket.configurations_text),
        owner_id=owner_id,
        bucket_owner_id=bucket.owner_canonical_id,
    )


def with_lock(
    principal: Principal,
    bucket: BucketInfo,
    key: str,
    attributes: ObjectAttributes,
    now: datetime,
) -> ObjectAttributes:
    """Check the retention and legal hold asked for, or give the bucket's default."""
    mode, until = attributes.lock_mode, attributes.retain_until
    states_hold = attributes.has_legal_hold is not None
    if mode or until or states_hold:
        check_has_object_lock(bucket)
    check_retention(mode, until, now)
    asked = lock_context(attributes, now)
    if mode:
        check_access(principal, "s3:PutObjectRetention", bucket, key, context=asked)
    else:
        document = configurations_of(bucket.configurations_text).get(
            Configuration.OBJECT_LOCK
        )
        mode, until = default_retention(document, now)
    if states_hold:
        check_access(principal, "s3:PutObjectLegalHold", bucket, key, context=asked)
    return attributes._replace(lock_mode=mode, retain_until=in_whole_seconds(until))


def check_has_object_lock(bucket: BucketInfo) -> None:
    if not bucket.has_object_lock:
        raise InvalidRequest("Bucket is missing Object Lock Configuration")


def check_size(size: int, most: int) -> None:
    if size > most:
        raise EntityTooLarge(proposed_size=size, max_size_allowed=most)


def checksum_of(checksums: dict[str, str]) -> dict[str, str] | None:
    """Give the checksum that is kept: the one the client asked for."""
    for algorithm, value in checksums.items():
        return {"algorithm": algorithm, "type": "FULL_OBJECT", "value": value}
    return None


def owner_of_new(
    principal: Principal, bucket: BucketInfo, asked_acl: Mapping[str, Any] | None = None
) -> int:
    """Tell who owns a new object (AWS, "Controlling ownership of objects")."""
    if principal.account_id is None:
        return bucket.owner_id
    ownership = configurations_of(bucket.configurations_text).ownership
    if ownership is ObjectOwnership.OBJECT_WRITER:
        return principal.account_id
    gives_away = (asked_acl or {}).get("canned") == "bucket-owner-full-control"
    if ownership is ObjectOwnership.BUCKET_OWNER_PREFERRED and not gives_away:
        return principal.account_id
    return bucket.owner_id


def make_room(
    bucket: BucketInfo,
    key: str,
    conditions: Conditions,
    *,
    added: int,
    moved_from: str | None = None,
) -> None:
    """Lock the key; check the request's conditions and the bucket's quota."""
    lock_room(bucket)
    queries.lock_key(bucket.id, key)
    if conditions is not NO_CONDITIONS:
        check_write(
            conditions,
            current_etag(bucket, key),
            key=key,
            strict_aws=settings.OBJECTSTORE_S3_FLAVOUR == "aws",
        )
    check_quota(bucket, added, (key,) if moved_from is None else (key, moved_from))


def lock_room(bucket: BucketInfo) -> None:
    """Let those who add to a bucket with a quota in one by one, before they lock keys.

    Else each that comes at once finds room for itself, and they pass it together.
    """
    if has_quota(bucket):
        queries.lock_key(bucket.id, queries.NO_KEY)


def note_write(
    principal: Principal, action: str, bucket: BucketInfo, version: ObjectInfo
) -> None:
    """Let the audit log know of a write, in its transaction."""
    auditing.note_write(
        principal,
        action,
        bucket.name,
        version.key,
        bucket.owner_id,
        version.version_id if bucket.versioning else "",
    )


def current_etag(bucket: BucketInfo, key: str) -> str | None:
    current = queries.look_up(bucket.id, key)
    return None if current is None or current.is_delete_marker else current.etag


def has_quota(bucket: BucketInfo) -> bool:
    return bucket.quota_bytes is not None or bucket.quota_objects is not None


def check_quota(bucket: BucketInfo, added: int, written: Iterable[str]) -> None:
    """Refuse what would take the bucket over its quota; versions count.

    What takes the place of versions of the keys `written` adds no more than it is
    larger than they are: a bucket that is full, or over a quota set later, can still
    be written to where it does not grow.
    """
    if not has_quota(bucket):
        return
    try:
        check_growth(bucket, added, 1)
    except QuotaExceeded:
        replaced = replaced_versions(bucket, written)
        if not replaced:
            raise
        size = sum(one.size for one in replaced)
        check_growth(bucket, added - size, 1 - len(replaced))


def check_growth(bucket: BucketInfo, size: int, count: int) -> None:
    """Refuse so many more bytes and objects where they take the bucket over a quota."""
    held = bucket_queries.usage(bucket.id)
    size_then = held.objects_size + held.versions_size + size
    count_then = held.objects_count + held.versions_count + count
    most_bytes, most_objects = bucket.quota_bytes, bucket.quota_objects
    if most_bytes is not None and size > 0 and size_then > most_bytes:
        raise QuotaExceeded(bucket_name=bucket.name, quota_bytes=most_bytes)
    if most_objects is not None and count > 0 and count_then > most_objects:
        raise QuotaExceeded(bucket_name=bucket.name, quota_objects=most_objects)


def replaced_versions(bucket: BucketInfo, keys: Iterable[str]) -> list[ObjectInfo]:
    """Find the objects that a write of these keys leaves no version of."""
    if bucket.versioning == "Enabled":
        return []
    found = queries.look_up_each(bucket.id, ((key, NULL_VERSION) for key in keys))
    return [one for one in found if not one.is_delete_marker]


def add_newest(
    bucket: BucketInfo,
    key: str,
    content: Content,
    attributes: ObjectAttributes,
    *,
    owner_id: int,
    now: datetime,
    is_delete_marker: bool = False,
) -> ObjectInfo:
    """Add the version in the latest one's place, then let go of what it replaced.

    A bucket that never had versions is first asked to take the key as a new one,
    which most are: a PUT that looks for what it replaces takes a tenth longer.

    Raises BucketChangedError.
    """
    add = partial(
        queries.add_version,
        bucket,
        key,
        content,
        attributes,
        owner_id=owner_id,
        now=now,
        is_delete_marker=is_delete_marker,
    )
    if not bucket.versioning and (new := add(if_new=True)) is not None:
        return new
    displaced = queries.displace(bucket, key)
    added = add(after=displaced.newest)
    if added is None:
        raise BucketChangedError
    blob_queries.free(displaced.blob_ids, now)
    return added


def commit_version[T](bucket: BucketInfo, record: Callable[[BucketInfo], T]) -> T:
    """Commit, and once more from the bucket's new state where it has just changed.

    Raises NoSuchBucket when it has been deleted.
    """
    for _ in range(MOST_CHANGES):
        try:
            return commit(lambda bucket=bucket: record(bucket))  # type: ignore[misc]
        except BucketChangedError:
            bucket = find_bucket(bucket.name)
    raise OperationAborted()


# Get and head


@dataclass(frozen=True, slots=True)
class Found:
    """A version that may be read, and the blob of its bytes."""

    bucket: BucketInfo
    info: ObjectInfo
    blob: BlobInfo


def get_object(
    principal: Principal,
    bucket_name: str,
    key: str,
    *,
    version_id: str = "",
    byte_range: str | None = None,
    part_number: int | None = None,
    customer_key: CustomerKey | None = None,
    conditions: Conditions = NO_CONDITIONS,
    context: Context | None = None,
    expected_owner: str = "",
) -> ObjectContent:
    """Open an object, or a range or part of it; the files are open when this returns.

    `byte_range` is the Range header. Raises NoSuchBucket, NoSuchKey (AccessDenied to
    those who may not list), NoSuchVersion, MethodNotAllowed for a delete marker by
    id, PreconditionFailed, NotModified, InvalidRange, and
    InvalidObjectState for what is archived.
    """
    found = find_object(
        principal,
        bucket_name,
        key,
        version_id=version_id,
        context=context,
        expected_owner=expected_owner,
    )
    check_conditions(found.info, conditions)
    wanted = wanted_range(found, byte_range, part_number, conditions)
    check_customer_key(found.info.encryption, customer_key)
    blob = readable_blob(found.info, found.blob)
    chunks = store.open_blob(blob, wanted.start, wanted.length, customer_key)
    return wanted.content(chunks, found.bucket)


def head_object(
    principal: Principal,
    bucket_name: str,
    key: str,
    *,
    version_id: str = "",
    byte_range: str | None = None,
    part_number: int | None = None,
    customer_key: CustomerKey | None = None,
    conditions: Conditions = NO_CONDITIONS,
    context: Context | None = None,
    expected_owner: str = "",
) -> ObjectContent:
    """Give what `get_object` would, without opening the bytes."""
    found = find_object(
        principal,
        bucket_name,
        key,
        version_id=version_id,
        context=context,
        expected_owner=expected_owner,
    )
    check_conditions(found.info, conditions)
    wanted = wanted_range(found, byte_range, part_number, conditions)
    check_customer_key(found.info.encryption, customer_key)
    return wanted.content(iter(()), found.bucket)


def get_object_attributes(
    principal: Principal,
    bucket_name: str,
    key: str,
    *,
    version_id: str = "",
    customer_key: CustomerKey | None = None,
    expected_owner: str = "",
) -> ObjectInfo:
    """Give an object's facts to those who may read it and its attributes."""
    found = head_object(
        principal,
        bucket_name,
        key,
        version_id=version_id,
        customer_key=customer_key,
        expected_owner=expected_owner,
    )
    check_access(
        principal,
        versioned_action("s3:GetObjectAttributes", version_id),
        found.bucket or find_bucket(bucket_name),
        key,
        context=with_version(None, version_id),
        target=found.info,
    )
    return found.info


def find_object(
    principal: Principal,
    bucket_name: str,
    key: str,
    *,
    version_id: str = "",
    action: str = "s3:GetObject",
    context: Context | None = None,
    expected_owner: str = "",
) -> Found:
    """Find a version and ask the door for it, by its tags, ACL and owner."""
    check_object_key(key)
    check_version_id(version_id)
    if expected_owner:
        check_owner(find_bucket(bucket_name), expected_owner)
    bucket, opened = open_version(bucket_name, key, version_id)
    if opened.info is None:
        raise missing(principal, bucket, key, version_id)
    check_access(
        principal,
        versioned_action(action, version_id),
        bucket,
        key,
        context=with_version(context, version_id),
        target=opened.info,
    )
    if opened.blob is None:
        raise marker_refusal(opened.info, version_id)
    return Found(bucket, opened.info, opened.blob)


def open_version(
    bucket_name: str, key: str, version_id: str
) -> tuple[BucketInfo, OpenedVersion]:
    """Find a version and its bucket by one query while the bucket stays as it is."""
    bucket = bucket_queries.recall(bucket_name) or find_bucket(bucket_name)
    for _ in range(MOST_CHANGES):
        opened = queries.open_version(bucket, key, version_id)
        if opened is not None:
            return bucket, opened
        bucket = find_bucket(bucket_name)
    raise OperationAborted()


def may_see(
    principal: Principal, action: str, content: ObjectContent, version_id: str = ""
) -> bool:
    """Tell whether a reader may be told what another action tells of the object."""
    return content.bucket is not None and is_allowed(
        principal,
        versioned_action(action, version_id),
        content.bucket,
        content.info.key,
        context=with_version(None, version_id),
        target=content.info,
    )


def versioned_action(action: str, version_id: str) -> str:
    """Give the action that AWS asks for when a version is named."""
    if not version_id:
        return action
    return VERSIONED_ACTIONS.get(action, action)


VERSIONED_ACTIONS = {
    "s3:GetObject": "s3:GetObjectVersion",
    "s3:DeleteObject": "s3:DeleteObjectVersion",
    "s3:GetObjectTagging": "s3:GetObjectVersionTagging",
    "s3:PutObjectTagging": "s3:PutObjectVersionTagging",
    "s3:DeleteObjectTagging": "s3:DeleteObjectVersionTagging",
    "s3:GetObjectAcl": "s3:GetObjectVersionAcl",
    "s3:PutObjectAcl": "s3:PutObjectVersionAcl",
    "s3:GetObjectAttributes": "s3:GetObjectVersionAttributes",
}


def with_version(context: Context | None, version_id: str) -> Context | None:
    if not version_id:
        return context
    return {**(context or {}), "s3:versionid": version_id}


def check_version_id(version_id: str) -> None:
    if version_id and version_id != NULL_VERSION and not is_version_id(version_id):
        raise InvalidArgument(
            "Invalid version id specified",
            argument_name="versionId",
            argument_value=version_id,
        )


def missing(
    principal: Principal, bucket: BucketInfo, key: str, version_id: str
) -> ObjectStoreError:
    """Say 404 only to those who could have seen it in a listing (AWS "GetObject")."""
    if not is_allowed(principal, "s3:ListBucket", bucket, context={"s3:prefix": key}):
        note_refusal(
            principal, "s3:ListBucket", bucket, "", f"who may not list sees no {key}"
        )
        return AccessDenied()
    if version_id:
        return NoSuchVersion(key=key, version_id=version_id)
    return NoSuchKey(key=key)


def marker_refusal(marker: ObjectInfo, version_id: str) -> ObjectStoreError:
    details = {
        "is_delete_marker": True,
        "version_id": marker.version_id,
        "last_modified": marker.created_at,
    }
    if version_id:
        return MethodNotAllowed(
            method="GET", resource_type="DeleteMarker", allow="DELETE", **details
        )
    return NoSuchKey(key=marker.key, **details)


def check_conditions(info: ObjectInfo, conditions: Conditions) -> None:
    if conditions is not NO_CONDITIONS:
        check_read(
            conditions,
            etag=info.etag,
            last_modified=info.created_at,
            headers=info.headers,
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which bytes of a version a request asks for."""

    info: ObjectInfo
    byte_range: ByteRange | None
    start: int
    length: int
    part: PartInfo | None = None

    def content(self, chunks: Iterator[bytes], bucket: BucketInfo) -> ObjectContent:
        count = self.info.part_count if self.part else None
        return ObjectContent(
            self.info, self.byte_range, self.length, chunks, count, self.part, bucket
        )


def wanted_range(
    found: Found, header: str | None, part_number: int | None, conditions: Conditions
) -> Wanted:
    """Read which bytes are asked for: a range, a part, or all."""
    info = found.info
    if part_number is None:
        if header and not range_holds(
            conditions, etag=info.etag, last_modified=info.created_at
        ):
            header = None
        whole = parse_range(header, info.size) if header else None
        return wanted(info, whole)
    if header:
        raise InvalidRequest(
            "Cannot specify both Range header and partNumber query parameter"
        )
    whole, part = range_of_part(info, part_number)
    return wanted(info, whole, part)


def wanted(
    info: ObjectInfo, whole: ByteRange | None, part: PartInfo | None = None
) -> Wanted:
    if whole is None:
        length = part.size if part else info.size
        return Wanted(info, None, 0, length, part)
    return Wanted(info, whole, whole.start, whole.length, part)


# Delete


@dataclass(frozen=True, slots=True)
class ObjectIdentifier:
    """What DeleteObjects names: a key, perhaps a version, perhaps its ETag."""

    key: str
    version_id: str = ""
    etag: str | None = None


def delete_object(
    principal: Principal,
    bucket_name: str,
    key: str,
    *,
    version_id: str = "",
    conditions: Conditions = NO_CONDITIONS,
    bypass_governance: bool = False,
    missing_is_deleted: bool = False,
    context: Context | None = None,
    expected_owner: str = "",
    now: datetime,
) -> DeletedObject:
    """Delete a key (adding a marker where the bucket has versions) or one version.

    A key or version that is not there counts as deleted. Raises NoSuchBucket,
    AccessDenied (also for a locked version), PreconditionFailed.
    """
    check_object_key(key)
    check_version_id(version_id)
    bucket = find_bucket(bucket_name)
    check_owner(bucket, expected_owner)
    terms = {**(context or {}), **terms_of(conditions)}
    check_deletion(principal, bucket, key, version_id, terms)
    check_may_compare(principal, bucket, key, conditions)
    if bypass_governance and not bucket.has_object_lock:
        check_bypass_is_known()

    def record(bucket: BucketInfo) -> DeletedObject:
        return record_deletion(
            principal,
            bucket,
            ObjectIdentifier(key, version_id),
            conditions=conditions,
            bypass_governance=bypass_governance,
            missing_is_deleted=missing_is_deleted,
            now=now,
        )

    return commit_version(bucket, record)


def check_bypass_is_known() -> None:
    """Refuse what can have no meaning, as AWS does; Ceph's gateway ignores it."""
    if settings.OBJECTSTORE_S3_FLAVOUR == "aws":
        raise InvalidArgument(
            "x-amz-bypass-governance-retention is only applicable to Object Lock "
            "enabled buckets.",
            argument_name="x-amz-bypass-governance-retention",
        )


def check_version_is_known(identifier: ObjectIdentifier) -> None:
    """Say of an id that no version can have what DeleteObjects says of each key."""
    try:
        check_version_id(identifier.version_id)
    except InvalidArgument:
        raise NoSuchVersion(
            key=identifier.key, version_id=identifier.version_id
        ) from None


def check_deletion(
    principal: Principal,
    bucket: BucketInfo,
    key: str,
    version_id: str,
    context: Context | None = None,
) -> None:
    check_access(
        principal,
        versioned_action("s3:DeleteObject", version_id),
        bucket,
        key,
        context=with_version(context, version_id),
    )


def record_deletion(
    principal: Principal,
    bucket: BucketInfo,
    identifier: ObjectIdentifier,
    *,
    conditions: Conditions = NO_CONDITIONS,
    bypass_governance: bool = False,
    missing_is_deleted: bool = False,
    now: datetime,
) -> DeletedObject:
    """Delete inside a transaction; the door has been asked."""
    key = identifier.key
    queries.lock_key(bucket.id, key)
    if conditions is not NO_CONDITIONS:
        check_delete(
            conditions,
            current_etag(bucket, key),
            key=key,
            missing_is_deleted=missing_is_deleted,
        )
    if identifier.version_id:
        return delete_version(principal, bucket, identifier, bypass_governance, now)
    note_deletion(principal, bucket, identifier)
    if not bucket.versioning:
        # What has versions by now may be held or retained: nothing is lost unasked.
        if not bucket_queries.is_still(bucket):
            raise BucketChangedError
        blob_queries.free(queries.displace(bucket, key).blob_ids, now)
        return DeletedObject(key)
    marker = add_newest(
        bucket,
        key,
        Content(None, 0, ""),
        NO_ATTRIBUTES._replace(storage_class=bucket.storage_class),
        owner_id=owner_of_new(principal, bucket),
        now=now,
        is_delete_marker=True,
    )
    return DeletedObject(key, marker.version_id, is_delete_marker=True)


def note_deletion(
    principal: Principal, bucket: BucketInfo, identifier: ObjectIdentifier
) -> None:
    auditing.note_write(
        principal,
        versioned_action("s3:DeleteObject", identifier.version_id),
        bucket.name,
        identifier.key,
        bucket.owner_id,
        identifier.version_id,
    )


def delete_version(
    principal: Principal,
    bucket: BucketInfo,
    identifier: ObjectIdentifier,
    bypass_governance: bool,
    now: datetime,
) -> DeletedObject:
    key, version_id = identifier.key, identifier.version_id
    found = queries.look_up(bucket.id, key, version_id)
    if found is None:
        return DeletedObject(key, version_id, requested_version_id=version_id)
    check_not_locked(principal, bucket, found, bypass_governance, now)
    note_deletion(principal, bucket, identifier)
    queries.remove_version(found)
    blob_queries.free((found.blob_id,), now)
    return DeletedObject(
        key, version_id, bool(found.is_delete_marker), requested_version_id=version_id
    )


def check_not_locked(
    principal: Principal,
    bucket: BucketInfo,
    version: ObjectInfo,
    bypass_governance: bool,
    now: datetime,
) -> None:
    """Refuse to destroy what is locked (AWS, "Locking objects with Object Lock")."""
    if version.has_legal_hold:
        raise AccessDenied(LOCKED)
    until = version.retain_until
    if until is not None and until > now:
        check_may_bypass(principal, bucket, version, bypass_governance)


def check_may_bypass(
    principal: Principal, bucket: BucketInfo, version: ObjectInfo, bypass: bool
) -> None:
    """Refuse those who do not say that they bypass governance, or may not."""
    may_bypass = (
        version.lock_mode == "GOVERNANCE"
        and bypass
        and is_allowed(principal, "s3:BypassGovernanceRetention", bucket, version.key)
    )
    if not may_bypass:
        raise AccessDenied(LOCKED)


@dataclass(frozen=True, slots=True)
class FailedDeletion:
    """One key of DeleteObjects that was not deleted."""

    key: str
    version_id: str
    error: ObjectStoreError


def delete_objects(
    principal: Principal,
    bucket_name: str,
    identifiers: Sequence[ObjectIdentifier],
    *,
    bypass_governance: bool = False,
    missing_is_deleted: bool = False,
    expected_owner: str = "",
    now: datetime,
) -> list[DeletedObject | FailedDeletion]:
    """Delete up to 1,000 keys or versions; each succeeds or fails by itself."""
    bucket = find_bucket(bucket_name)
    check_owner(bucket, expected_owner)
    may_know = principal.account_id == bucket.owner_id
    if bypass_governance and may_know and not bucket.has_object_lock:
        check_bypass_is_known()

    def attempt(
        bucket: BucketInfo, identifier: ObjectIdentifier
    ) -> DeletedObject | FailedDeletion:
        try:
            return record_deletion(
                principal,
                bucket,
                identifier,
                conditions=conditions_of(identifier),
                bypass_governance=bypass_governance,
                missing_is_deleted=missing_is_deleted,
                now=now,
            )
        except ObjectStoreError as error:
            return FailedDeletion(identifier.key, identifier.version_id, error)

    def record(
        bucket: BucketInfo, group: Sequence[ObjectIdentifier]
    ) -> list[DeletedObject | FailedDeletion]:
        asked = [(one, refusal_of(principal, bucket, one)) for one in group]
        queries.lock_keys(bucket.id, (one.key for one, refused in asked if not refused))
        outcomes = [refused or attempt(bucket, one) for one, refused in asked]
        note_deletions(principal, bucket, outcomes)
        return outcomes

    outcomes: list[DeletedObject | FailedDeletion] = []
    for begin in range(0, len(identifiers), DELETED_PER_COMMIT):
        group = identifiers[begin : begin + DELETED_PER_COMMIT]
        outcomes += commit_version(
            bucket, lambda bucket, group=group: record(bucket, group)
        )
    return outcomes


def refusal_of(
    principal: Principal, bucket: BucketInfo, identifier: ObjectIdentifier
) -> FailedDeletion | None:
    """Say why one key of DeleteObjects may not be deleted, before any is locked."""
    conditions = conditions_of(identifier)
    key, version_id = identifier.key, identifier.version_id
    try:
        check_object_key(key)
        check_deletion(principal, bucket, key, version_id, terms_of(conditions))
        check_may_compare(principal, bucket, key, conditions)
        check_version_is_known(identifier)
    except ObjectStoreError as error:
        return FailedDeletion(key, version_id, error)
    return None


def note_deletions(
    principal: Principal,
    bucket: BucketInfo,
    outcomes: Sequence[DeletedObject | FailedDeletion],
) -> None:
    """Let the audit log know of deletions; a job, which no request sends, has its own.

    Nothing is said of those in which nothing was deleted.
    """
    deleted = [one for one in outcomes if isinstance(one, DeletedObject)]
    if not deleted or not principal.facts.request_id:
        return
    auditing.note(
        principal,
        "s3:DeleteObjects",
        bucket.name,
        account_id=bucket.owner_id,
        deleted=len(deleted),
        failed=len(outcomes) - len(deleted),
        first=deleted[0].key,
        last=deleted[-1].key,
    )


def conditions_of(identifier: ObjectIdentifier) -> Conditions:
    if identifier.etag is None:
        return NO_CONDITIONS
    return Conditions(if_match=identifier.etag)
