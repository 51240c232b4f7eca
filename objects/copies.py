"""CopyObject and RenameObject: bytes are shared by reference wherever they can be."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from blobs import queries as blob_queries
from blobs import store
from blobs.keyring import check_customer_key, new_seal
from blobs.store import WrittenBlob
from buckets.access import Context, get_bucket
from buckets.configurations import Configuration, configurations_of
from iam.principals import Principal
from kernel.bodies import Body
from kernel.checksums import ChecksumAlgorithm, ChecksumType
from kernel.conditions import NO_CONDITIONS, Conditions, check_copy_source
from kernel.errors import (
    InvalidRequest,
    MethodNotAllowed,
    OperationAborted,
    PreconditionFailed,
    ServiceUnavailable,
)
from kernel.names import REDIRECT, check_object_key
from kernel.results import BucketInfo, CustomerKey, ObjectAttributes, ObjectInfo
from objects import queries
from objects.archives import readable_blob
from objects.operations import (
    NO_ATTRIBUTES,
    Found,
    ObjectIdentifier,
    add_newest,
    check_beside_put,
    check_may_compare,
    checked_attributes,
    commit_version,
    creating,
    find_object,
    lock_room,
    make_room,
    note_write,
    owner_of_new,
    put_context,
    record_deletion,
    versioned_action,
    with_version,
)
from objects.queries import Content

logger = logging.getLogger("objectstore.objects")

MOST_TRIES = 3


@dataclass(frozen=True, slots=True)
class CopySource:
    """What is copied: a key, perhaps one version of it, perhaps on conditions."""

    bucket_name: str
    key: str
    version_id: str = ""
    conditions: Conditions = NO_CONDITIONS
    customer_key: CustomerKey | None = None


class SourceChangedError(Exception):
    """The source's bytes were given up, or its tags changed, since its row was read."""


def copy_object(
    principal: Principal,
    source: CopySource,
    bucket_name: str,
    key: str,
    *,
    attributes: ObjectAttributes = NO_ATTRIBUTES,
    replaces_metadata: bool = False,
    replaces_tags: bool = False,
    checksum_algorithm: ChecksumAlgorithm | None = None,
    customer_key: CustomerKey | None = None,
    conditions: Conditions = NO_CONDITIONS,
    context: Context | None = None,
    expected_owner: str = "",
    expected_source_owner: str = "",
    now: datetime,
) -> tuple[ObjectInfo, ObjectInfo]:
    """Copy a version to `key`; give the source and the copy.

    Metadata and tags are the source's unless they are replaced. No byte moves unless
    the copy is of another storage class or wants another checksum. Raises what
    `get_object` and `put_object` raise, and InvalidRequest for a copy onto itself
    that changes nothing.
    """
    for _ in range(MOST_TRIES):
        found = find_source(principal, source, expected_source_owner)
        if found.info.tags and not replaces_tags:
            check_may_read_tags(principal, source, found)
        bucket = get_bucket(
            principal,
            "s3:PutObject",
            bucket_name,
            key,
            context=put_context(
                attributes,
                now,
                creating(conditions, {**(context or {}), **source_context(source)}),
            ),
            expected_owner=expected_owner,
        )
        check_may_compare(principal, bucket, key, conditions)
        wanted = copied_attributes(
            found.info.attributes, attributes, replaces_metadata, replaces_tags
        )
        owner_id = owner_of_new(principal, bucket, attributes.acl)
        wanted = checked_attributes(principal, bucket, key, wanted, now)
        if is_onto_itself(found, bucket, key):
            is_changed = (
                replaces_metadata
                or says_something(attributes)
                or encrypts_by_default(bucket)
            )
            check_changes_something(source, found, wanted, is_changed)
        seal = new_seal(wanted.encryption, customer_key)
        body = moving_body(found, source, wanted, checksum_algorithm)
        moved = body and store.write(body, wanted.storage_class, seal=seal, now=now)
        check_is_what_was_put(found.info, moved, now)
        try:
            copy = share(
                principal, found, bucket, key, wanted, owner_id, moved, conditions, now
            )
        except SourceChangedError:
            continue
        return found.info, copy
    raise OperationAborted()


def restore_version(
    principal: Principal,
    bucket_name: str,
    version: ObjectInfo,
    *,
    conditions: Conditions = NO_CONDITIONS,
    now: datetime,
) -> ObjectInfo:
    """Make an earlier version the newest, in its own class; no byte moves."""
    own = version.attributes
    _, restored = copy_object(
        principal,
        CopySource(bucket_name, version.key, version.version_id),
        bucket_name,
        version.key,
        attributes=NO_ATTRIBUTES._replace(
            storage_class=own.storage_class, encryption=own.encryption
        ),
        conditions=conditions,
        now=now,
    )
    return restored


def find_source(
    principal: Principal, source: CopySource, expected_owner: str = ""
) -> Found:
    """Find what is copied.

    Raises InvalidRequest for a delete marker that is named as a version, where reading
    it raises MethodNotAllowed (AWS, "UploadPartCopy").
    """
    try:
        found = find_object(
            principal,
            source.bucket_name,
            source.key,
            version_id=source.version_id,
            expected_owner=expected_owner,
        )
    except MethodNotAllowed:
        raise InvalidRequest(
            "The source of a copy request may not specifically refer to a delete "
            "marker by version id."
        ) from None
    readable_blob(found.info, found.blob)
    check_customer_key(found.info.encryption, source.customer_key)
    check_copy_source(
        source.conditions,
        etag=found.info.etag,
        last_modified=found.info.created_at,
    )
    return found


def check_may_read_tags(principal: Principal, source: CopySource, found: Found) -> None:
    action = versioned_action("s3:GetObjectTagging", source.version_id)
    check_beside_put(
        principal,
        action,
        found.bucket,
        source.key,
        with_version(None, source.version_id),
        found.info,
    )


def source_context(source: CopySource) -> dict[str, str]:
    return {"s3:x-amz-copy-source": f"{source.bucket_name}/{source.key}"}


def copied_attributes(
    own: ObjectAttributes,
    given: ObjectAttributes,
    replaces_metadata: bool,
    replaces_tags: bool,
) -> ObjectAttributes:
    """Merge as the directives say.

    Class, ACL, lock, encryption and redirect are each object's own, and never copied
    (AWS, "CopyObject").
    """
    tags = given.tags if replaces_tags else own.tags
    if replaces_metadata:
        return given._replace(tags=tags)
    headers = {name: one for name, one in own.headers.items() if name != REDIRECT}
    if REDIRECT in given.headers:
        headers[REDIRECT] = given.headers[REDIRECT]
    return given._replace(
        tags=tags,
        content_type=own.content_type,
        headers=headers,
        metadata=own.metadata,
    )


def is_onto_itself(found: Found, bucket: BucketInfo, key: str) -> bool:
    return found.bucket.id == bucket.id and found.info.key == key


def says_something(given: ObjectAttributes) -> bool:
    """Tell whether a copy onto itself says one of what it may change; AWS looks no
    further, and lets it say what already is so.
    """
    return bool(given.storage_class or given.encryption or REDIRECT in given.headers)


def encrypts_by_default(bucket: BucketInfo) -> bool:
    """Tell whether a copy may be sealed otherwise; AWS does not look at how it is."""
    configurations = configurations_of(bucket.configurations_text)
    return configurations.get(Configuration.ENCRYPTION) is not None


def check_changes_something(
    source: CopySource,
    found: Found,
    wanted: ObjectAttributes,
    is_changed: bool,
) -> None:
    unchanged = (
        not source.version_id
        and not is_changed
        and (wanted.encryption or None) == (found.info.encryption or None)
    )
    if unchanged:
        raise InvalidRequest(
            "This copy request is illegal because it is trying to copy an object to "
            "itself without changing the object's metadata, storage class, website "
            "redirect location or encryption attributes."
        )


def moving_body(
    found: Found,
    source: CopySource,
    wanted: ObjectAttributes,
    algorithm: ChecksumAlgorithm | None,
) -> Body | None:
    """Open the bytes where the copy cannot share them: None where it can."""
    info = found.info
    has_checksum = algorithm is None or info.checksum.get("algorithm") == algorithm
    is_sealed_alike = (info.encryption or None) == (wanted.encryption or None)
    if (
        wanted.storage_class == found.blob.storage_class
        and has_checksum
        and is_sealed_alike
        and source.customer_key is None
    ):
        return None
    if algorithm is None and info.checksum.get("type") == ChecksumType.COMPOSITE:
        # What is written anew has no parts that the old checksum could be of.
        algorithm = ChecksumAlgorithm(info.checksum["algorithm"])
    algorithms = () if algorithm is None else (algorithm,)
    blob = readable_blob(info, found.blob)
    return store.body_of(blob, 0, info.size, source.customer_key, algorithms=algorithms)


def check_is_what_was_put(
    source: ObjectInfo, moved: WrittenBlob | None, now: datetime
) -> None:
    """Refuse bytes that their storage has changed: with a new MD5, nobody could tell.

    Those of a multipart object have no MD5 that was put down.
    """
    if moved is None or source.part_count is not None or moved.md5 == source.etag:
        return
    store.discard(moved, now)
    logger.error("the bytes of %s are not those that were put", source.key)
    raise ServiceUnavailable("The storage does not give the bytes that were put.")


def share(
    principal: Principal,
    found: Found,
    bucket: BucketInfo,
    key: str,
    attributes: ObjectAttributes,
    owner_id: int,
    moved: WrittenBlob | None,
    conditions: Conditions,
    now: datetime,
) -> ObjectInfo:
    def record(bucket: BucketInfo) -> ObjectInfo:
        make_room(bucket, key, conditions, added=found.info.size)
        if is_onto_itself(found, bucket, key):
            check_tags_are_still(found.info)
        copy = add_newest(
            bucket,
            key,
            copied_content(found.info, moved, now),
            attributes,
            owner_id=owner_id,
            now=now,
        )
        # Last, as who overwrites the source lets go of its bytes last.
        if moved is None and not blob_queries.hold(found.blob.id):
            raise SourceChangedError
        note_write(principal, "s3:PutObject", bucket, copy)
        return copy

    try:
        return commit_version(bucket, record)
    except BaseException:
        if moved is not None:
            store.discard(moved, now)
        raise


def check_tags_are_still(source: ObjectInfo) -> None:
    """Raise SourceChangedError where a copy onto itself would undo a tagging."""
    current = queries.by_row(source.id)
    if current is not None and current.tags_text != source.tags_text:
        raise SourceChangedError


def copied_content(
    info: ObjectInfo, moved: WrittenBlob | None, now: datetime
) -> Content:
    """Name the shared blob, or the one written anew.

    A copy of a multipart object is one object to S3, with the MD5 of all its bytes;
    sharing the blob keeps the parts' ETag instead, since nothing is read.
    """
    if moved is None:
        return Content(
            info.blob_id,
            info.size,
            info.etag,
            info.checksum or None,
            info.part_count,
        )
    checksum = dict(info.checksum) or None
    for algorithm, value in moved.checksums.items():
        checksum = {"algorithm": algorithm, "type": "FULL_OBJECT", "value": value}
    return Content(moved.record(now), moved.size, moved.md5, checksum)


def rename_object(
    principal: Principal,
    bucket_name: str,
    key: str,
    new_key: str,
    *,
    conditions: Conditions = NO_CONDITIONS,
    source_conditions: Conditions = NO_CONDITIONS,
    now: datetime,
) -> ObjectInfo:
    """Give an object another key in its bucket, in one transaction (AWS RenameObject).

    Raises PreconditionFailed when a condition does not hold, OperationAborted where
    the bytes have just gone elsewhere, and what reading, writing and deleting raise.
    """
    if key == new_key:
        raise InvalidRequest("An object cannot be renamed to the key that it has.")
    source = CopySource(bucket_name, key, conditions=source_conditions)
    found = find_source(principal, source)
    bucket = get_bucket(principal, "s3:PutObject", bucket_name, new_key)
    get_bucket(principal, "s3:DeleteObject", bucket_name, key)
    check_may_compare(principal, bucket, new_key, conditions)
    check_object_key(new_key)

    def record(bucket: BucketInfo) -> ObjectInfo:
        lock_room(bucket)
        queries.lock_keys(bucket.id, (key, new_key))
        current = queries.look_up(bucket.id, key)
        if current is None or current.id != found.info.id:
            raise PreconditionFailed(condition="x-amz-rename-source")
        if not blob_queries.hold(found.blob.id):
            # A transition has just moved the bytes elsewhere.
            raise OperationAborted()
        size = found.info.size
        make_room(bucket, new_key, conditions, added=size, moved_from=key)
        renamed = add_newest(
            bucket,
            new_key,
            copied_content(found.info, None, now),
            # Its tags may have been changed since it was found.
            current.attributes,
            owner_id=found.info.owner_id,
            now=now,
        )
        note_write(principal, "s3:PutObject", bucket, renamed)
        record_deletion(principal, bucket, ObjectIdentifier(key), now=now)
        return renamed

    return commit_version(bucket, record)
