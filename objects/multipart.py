"""Multipart uploads: parts are blobs of one composite, so completion copies nothing."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.db.models import Q

from blobs import queries as blob_queries
from blobs import store
from blobs.encryption import Seal
from blobs.keyring import new_seal
from blobs.models import Blob, Part
from buckets import queries as bucket_queries
from buckets.access import Context, get_bucket
from buckets.queries import owners
from iam.principals import Principal
from kernel.bodies import Body
from kernel.checksums import (
    ChecksumAlgorithm,
    ChecksumType,
    combine_composite,
    combine_full_object,
    multipart_etag,
)
from kernel.conditions import NO_CONDITIONS, Conditions
from kernel.database.commit import commit
from kernel.errors import (
    BadDigest,
    ConditionalRequestConflict,
    EntityTooSmall,
    InvalidPart,
    InvalidPartOrder,
    InvalidRequest,
    NoSuchBucket,
    NoSuchUpload,
    NotImplemented,
    WrongCustomerKey,
)
from kernel.listing import SMALLEST, common_prefix, page_bounds, page_size, start_after
from kernel.ranges import ByteRange, parse_copy_range
from kernel.results import (
    CUSTOMER,
    BucketInfo,
    CompletedPart,
    CustomerKey,
    ObjectAttributes,
    ObjectInfo,
    PartInfo,
    PartListing,
    UploadInfo,
    UploadListing,
)
from objects import queries
from objects.archives import readable_blob
from objects.copies import CopySource, find_source, source_context
from objects.models import MultipartUpload
from objects.operations import (
    FALSE,
    NO_ATTRIBUTES,
    add_newest,
    check_may_compare,
    check_size,
    checked_attributes,
    commit_version,
    creating,
    make_room,
    note_write,
    owner_of_new,
    put_context,
)
from objects.parts import check_part_number
from objects.queries import Content

MOST_LISTED = 1000
# What policies are told of requests before the one that makes the object.
NOT_YET = {"s3:objectcreationoperation": FALSE}


# Create


def create_multipart_upload(
    principal: Principal,
    bucket_name: str,
    key: str,
    *,
    attributes: ObjectAttributes = NO_ATTRIBUTES,
    checksum_algorithm: str = "",
    checksum_type: str = "",
    context: Context | None = None,
    expected_owner: str = "",
    now: datetime,
) -> UploadInfo:
    """Begin an upload of `key` in parts.

    Raises what `put_object` raises before it reads the body.
    """
    bucket = get_bucket(
        principal,
        "s3:PutObject",
        bucket_name,
        key,
        context=put_context(attributes, now, {**(context or {}), **NOT_YET}),
        expected_owner=expected_owner,
    )
    owner_id = owner_of_new(principal, bucket, attributes.acl)
    attributes = checked_attributes(principal, bucket, key, attributes, now)

    def record() -> MultipartUpload:
        if not bucket_queries.hold(bucket.id):
            raise NoSuchBucket(bucket_name=bucket.name)
        return MultipartUpload.objects.create(
            bucket_id=bucket.id,
            key=key,
            upload_id=secrets.token_urlsafe(32),
            blob_id=blob_queries.add_composite(attributes.storage_class, now),
            owner_id=owner_id,
            checksum_algorithm=checksum_algorithm,
            checksum_type=checksum_type,
            initiator=initiator_of(principal),
            created_at=now,
            **columns_of(attributes),
        )

    return upload_info(commit(record), bucket.name)


def initiator_of(principal: Principal) -> dict[str, str]:
    """Name who began an upload: an account's root user by its canonical id."""
    if principal.is_root:
        owner = principal.owner
        return {"id": owner.id, "display_name": owner.display_name}
    return {"id": principal.arn, "display_name": principal.name}


def columns_of(attributes: ObjectAttributes) -> dict[str, Any]:
    columns = attributes._asdict()
    for name in ("headers", "metadata", "tags"):
        columns[name] = dict(columns[name])
    return columns


def upload_info(upload: MultipartUpload, bucket_name: str) -> UploadInfo:
    return UploadInfo(
        upload_id=upload.upload_id,
        bucket_name=bucket_name,
        key=upload.key,
        created_at=upload.created_at,
        storage_class=upload.storage_class,
        checksum_algorithm=upload.checksum_algorithm,
        checksum_type=upload.checksum_type,
        initiator=upload.initiator,
        encryption=upload.encryption,
    )


def find_upload(
    bucket: BucketInfo, key: str, upload_id: str, *, is_locked: bool = False
) -> MultipartUpload:
    """Find an upload that is still open, or raise NoSuchUpload."""
    found = any_upload(bucket, key, upload_id, is_locked=is_locked)
    if found is None or found.completed_at is not None:
        raise NoSuchUpload(upload_id=upload_id)
    return found


def any_upload(
    bucket: BucketInfo, key: str, upload_id: str, *, is_locked: bool = False
) -> MultipartUpload | None:
    uploads = MultipartUpload.objects.filter(
        bucket_id=bucket.id, key=key, upload_id=upload_id
    )
    if is_locked:
        uploads = uploads.select_for_update()
    return uploads.first()


# Parts


def upload_part(
    principal: Principal,
    bucket_name: str,
    key: str,
    upload_id: str,
    part_number: int,
    *,
    body: Body,
    customer_key: CustomerKey | None = None,
    context: Context | None = None,
    expected_owner: str = "",
    now: datetime,
) -> PartInfo:
    """Store one part, in the place of an earlier one of its number.

    Raises NoSuchUpload, InvalidPartNumber, EntityTooLarge and what the body raises.
    """
    check_part_number(part_number)
    bucket = get_bucket(
        principal,
        "s3:PutObject",
        bucket_name,
        key,
        context={**(context or {}), **NOT_YET},
        expected_owner=expected_owner,
    )
    upload = find_upload(bucket, key, upload_id)
    check_is_of_its_kind(upload, body)
    check_size(body.length, settings.OBJECTSTORE_MAX_BODY)
    seal = seal_of_part(upload, customer_key)
    return store_part(bucket, upload, part_number, body, seal, now)


def check_is_of_its_kind(upload: MultipartUpload, body: Body) -> None:
    """Refuse a part whose checksum cannot become part of the whole's.

    Where that is of all bytes, a part may come without one: AWS reckons it.
    """
    wanted = upload.checksum_algorithm
    if not wanted or wanted in body.algorithms:
        return
    if upload.checksum_type == ChecksumType.FULL_OBJECT and not body.algorithms:
        body.reckon(ChecksumAlgorithm(wanted))
        return
    given = next(iter(body.algorithms), "null").lower()
    raise InvalidRequest(
        f"Checksum Type mismatch occurred, expected checksum Type: {wanted.lower()}"
        f", actual checksum Type: {given}"
    )


def seal_of_part(
    upload: MultipartUpload, customer_key: CustomerKey | None
) -> Seal | None:
    is_customers = (upload.encryption or {}).get("algorithm") == CUSTOMER
    if customer_key is not None and not is_customers:
        raise InvalidRequest(
            "The multipart upload initiate requested encryption. Subsequent part "
            "requests must include the appropriate encryption parameters."
        )
    try:
        return new_seal(upload.encryption, customer_key)
    except WrongCustomerKey:
        raise InvalidRequest(
            "The provided encryption parameters did not match the ones used originally."
        ) from None


def store_part(
    bucket: BucketInfo,
    upload: MultipartUpload,
    part_number: int,
    body: Body,
    seal: Seal | None,
    now: datetime,
) -> PartInfo:
    written = store.write(body, upload.storage_class, seal=seal, now=now)

    def record() -> PartInfo:
        whole = find_upload(bucket, upload.key, upload.upload_id, is_locked=True)
        return replace_part(
            whole,
            part_number,
            written.record(now),
            PartInfo(
                part_number,
                written.md5,
                written.size,
                now,
                written.checksums,
                upload.encryption,
            ),
        )

    try:
        return commit(record)
    except BaseException:
        store.discard(written, now)
        raise


def replace_part(
    upload: MultipartUpload, part_number: int, blob_id: int, info: PartInfo
) -> PartInfo:
    earlier = Part.objects.filter(whole_id=upload.blob_id, number=part_number)
    displaced = list(earlier.values_list("blob_id", flat=True))
    earlier.delete()
    Part.objects.create(
        whole_id=upload.blob_id,
        number=part_number,
        blob_id=blob_id,
        size=info.size,
        etag=info.etag,
        checksums=dict(info.checksums),
        created_at=info.created_at,
    )
    blob_queries.free(displaced, info.created_at)
    return info


def upload_part_copy(
    principal: Principal,
    source: CopySource,
    bucket_name: str,
    key: str,
    upload_id: str,
    part_number: int,
    *,
    copy_range: str = "",
    customer_key: CustomerKey | None = None,
    expected_owner: str = "",
    expected_source_owner: str = "",
    now: datetime,
) -> tuple[ObjectInfo, PartInfo]:
    """Store part of an object as a part; the bytes are copied.

    `copy_range` is the x-amz-copy-source-range header. Raises what `copy_object` and
    `upload_part` raise.
    """
    check_part_number(part_number)
    bucket = get_bucket(
        principal,
        "s3:PutObject",
        bucket_name,
        key,
        context={**NOT_YET, **source_context(source)},
        expected_owner=expected_owner,
    )
    found = find_source(principal, source, expected_source_owner)
    upload = find_upload(bucket, key, upload_id)
    wanted = ByteRange(0, found.info.size - 1)
    if copy_range:
        wanted = parse_copy_range(copy_range, found.info.size)
    check_size(wanted.length, settings.OBJECTSTORE_MAX_BODY)
    algorithms = ()
    if upload.checksum_algorithm:
        algorithms = (ChecksumAlgorithm(upload.checksum_algorithm),)
    seal = seal_of_part(upload, customer_key)
    body = store.body_of(
        readable_blob(found.info, found.blob),
        wanted.start,
        wanted.length,
        source.customer_key,
        algorithms=algorithms,
    )
    return found.info, store_part(bucket, upload, part_number, body, seal, now)


def list_parts(
    principal: Principal,
    bucket_name: str,
    key: str,
    upload_id: str,
    *,
    max_parts: int | None = None,
    part_number_marker: int = 0,
    expected_owner: str = "",
) -> PartListing:
    """List the parts that have been uploaded, by number.

    Raises NoSuchUpload.
    """
    most = page_size(max_parts, MOST_LISTED)
    bucket = get_bucket(
        principal,
        "s3:ListMultipartUploadParts",
        bucket_name,
        key,
        expected_owner=expected_owner,
    )
    upload = find_upload(bucket, key, upload_id)
    parts = Part.objects.filter(whole_id=upload.blob_id, number__gt=part_number_marker)
    rows = [part_info(part) for part in parts.order_by("number")[: most + 1]]
    page = rows[:most]
    is_truncated = len(rows) > most > 0
    owner = owners([upload.owner_id])[upload.owner_id]
    info = listed_upload(upload, bucket.name, owner)
    return PartListing(
        upload=info,
        parts=page,
        is_truncated=is_truncated,
        next_part_number_marker=page[-1].part_number if page else None,
    )


def part_info(part: Part) -> PartInfo:
    return PartInfo(part.number, part.etag, part.size, part.created_at, part.checksums)


# Complete


@dataclass(frozen=True, slots=True)
class StatedWhole:
    """What a client says of the object that its parts make; all of it is checked."""

    algorithm: str = ""
    checksum: str = ""
    checksum_type: str = ""
    size: int | None = None


NOTHING_STATED = StatedWhole()


@dataclass(frozen=True, slots=True)
class Assembled:
    """What the listed parts make together."""

    parts: list[Part]
    size: int
    etag: str
    checksum: dict[str, str] | None


def complete_multipart_upload(
    principal: Principal,
    bucket_name: str,
    key: str,
    upload_id: str,
    parts: Sequence[CompletedPart],
    *,
    stated: StatedWhole = NOTHING_STATED,
    customer_key: CustomerKey | None = None,
    conditions: Conditions = NO_CONDITIONS,
    expected_owner: str = "",
    now: datetime,
) -> ObjectInfo:
    """Make the listed parts one object, without reading a byte of them.

    Parts that are not listed are given up. Completing again with the same list gives
    the same answer. Raises NoSuchUpload, InvalidPart, InvalidPartOrder,
    EntityTooSmall, BadDigest for another checksum than is stated, NotImplemented for
    one that cannot be checked, and PreconditionFailed.
    """
    bucket = get_bucket(
        principal,
        "s3:PutObject",
        bucket_name,
        key,
        context=creating(conditions),
        expected_owner=expected_owner,
    )
    check_may_compare(principal, bucket, key, conditions)

    def record(bucket: BucketInfo) -> ObjectInfo:
        upload = any_upload(bucket, key, upload_id, is_locked=True)
        if upload is None:
            raise NoSuchUpload(upload_id=upload_id)
        check_listed(parts)
        if upload.completed_at is not None:
            return outcome_again(bucket, upload, parts)
        check_completes(upload, customer_key)
        made = assemble(upload, parts, stated)
        check_unchanged(bucket, upload, conditions)
        added = record_completion(bucket, upload, made, conditions, now)
        note_write(principal, "s3:PutObject", bucket, added)
        return added

    return commit_version(bucket, record)


def check_unchanged(
    bucket: BucketInfo, upload: MultipartUpload, conditions: Conditions
) -> None:
    """Refuse to replace what came after the upload began, though its ETag is known.

    AWS alone ("Conditional writes", 409 Conflict).
    """
    if conditions.if_match is None or settings.OBJECTSTORE_S3_FLAVOUR != "aws":
        return
    current = queries.look_up(bucket.id, upload.key)
    is_known = current is not None and current.etag == conditions.if_match.strip('"')
    if current is not None and is_known and current.created_at > upload.created_at:
        raise ConditionalRequestConflict(condition="If-Match", key=upload.key)


def check_completes(upload: MultipartUpload, customer_key: CustomerKey | None) -> None:
    """Want a customer's key again where the upload has a checksum, as AWS does."""
    is_rgw = settings.OBJECTSTORE_S3_FLAVOUR == "rgw"
    if is_rgw or upload.checksum_algorithm or customer_key is not None:
        seal_of_part(upload, customer_key)


def check_listed(parts: Sequence[CompletedPart]) -> None:
    if not parts:
        raise InvalidRequest("You must specify at least one part")
    for part in parts:
        check_part_number(part.part_number)
    numbers = [part.part_number for part in parts]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise InvalidPartOrder()


def assemble(
    upload: MultipartUpload,
    listed: Sequence[CompletedPart],
    stated: StatedWhole,
) -> Assembled:
    """Check the client's list against what was stored, and reckon the whole."""
    check_type(upload, stated)
    numbers = [part.part_number for part in listed]
    stored = {
        part.number: part
        for part in Part.objects.filter(
            whole_id=upload.blob_id, number__gte=numbers[0], number__lte=numbers[-1]
        )
    }
    parts = [checked_part(upload, stored.get(one.part_number), one) for one in listed]
    for part in parts[:-1]:
        if part.size < settings.OBJECTSTORE_MIN_PART:
            raise EntityTooSmall(
                proposed_size=part.size,
                min_size_allowed=settings.OBJECTSTORE_MIN_PART,
                part_number=part.number,
                etag=part.etag,
            )
    size = sum(part.size for part in parts)
    check_size(size, settings.OBJECTSTORE_MAX_OBJECT)
    if stated.size is not None and stated.size != size:
        raise InvalidRequest(
            f"The provided 'x-amz-mp-object-size' header value {stated.size} does "
            f"not match what was computed: {size}"
        )
    combined = combined_checksum(upload, parts)
    if stated.checksum:
        check_combined(combined, stated)
    etag = multipart_etag([part.etag for part in parts])
    return Assembled(parts, size, etag, combined)


def check_type(upload: MultipartUpload, stated: StatedWhole) -> None:
    """Want the type of checksum that the upload was begun with."""
    if stated.checksum_type and stated.checksum_type != upload.checksum_type:
        raise InvalidRequest(
            f"The upload was created using the {upload.checksum_type or 'null'} "
            "checksum mode. The complete request must use the same checksum mode."
        )


def checked_part(
    upload: MultipartUpload, part: Part | None, listed: CompletedPart
) -> Part:
    etag = listed.etag.strip('"')
    wrong = InvalidPart(
        upload_id=upload.upload_id, part_number=listed.part_number, etag=etag
    )
    if part is None or part.etag != etag:
        raise wrong
    is_aws = settings.OBJECTSTORE_S3_FLAVOUR == "aws"
    if is_aws and upload.checksum_type == ChecksumType.COMPOSITE:
        check_has_checksum(upload.checksum_algorithm, listed)
    for algorithm, value in listed.checksums.items():
        if not upload.checksum_algorithm or part.checksums.get(algorithm) != value:
            raise wrong
    return part


def check_has_checksum(algorithm: str, listed: CompletedPart) -> None:
    """Want each part's checksum again where the whole's is made of them."""
    if algorithm in listed.checksums:
        return
    for other in listed.checksums:
        raise BadDigest(
            f"The {other.lower()} you specified for part {listed.part_number} did not "
            "match what we received."
        )
    raise InvalidRequest(
        f"The upload was created using a {algorithm.lower()} checksum. The complete "
        "request must include the checksum for each part. It was missing for part "
        f"{listed.part_number} in the request."
    )


def combined_checksum(
    upload: MultipartUpload, parts: Sequence[Part]
) -> dict[str, str] | None:
    """Combine the parts' checksums, which is possible without their bytes."""
    if not upload.checksum_algorithm:
        return None
    algorithm = ChecksumAlgorithm(upload.checksum_algorithm)
    values = [part.checksums.get(str(algorithm), "") for part in parts]
    if not all(values):
        return None
    if upload.checksum_type == ChecksumType.FULL_OBJECT:
        sizes = [part.size for part in parts]
        value = combine_full_object(algorithm, list(zip(values, sizes, strict=True)))
    else:
        value = combine_composite(algorithm, values)
    return {"algorithm": str(algorithm), "type": upload.checksum_type, "value": value}


def check_combined(combined: dict[str, str] | None, stated: StatedWhole) -> None:
    """Compare the checksum of the whole that the client states.

    Raises BadDigest, and NotImplemented where only the bytes could tell.
    """
    if combined is None:
        raise NotImplemented(
            f"The {stated.algorithm.lower()} of an upload that was created without a "
            "checksum algorithm is not calculated.",
            header=f"x-amz-checksum-{stated.algorithm.lower()}",
        )
    values = [one.partition("-")[0] for one in (combined["value"], stated.checksum)]
    if combined["algorithm"] != stated.algorithm or values[0] != values[1]:
        raise BadDigest(
            f"The {combined['algorithm'].lower()} you specified did not match the "
            "calculated checksum."
        )


def record_completion(
    bucket: BucketInfo,
    upload: MultipartUpload,
    made: Assembled,
    conditions: Conditions,
    now: datetime,
) -> ObjectInfo:
    make_room(bucket, upload.key, conditions, added=made.size)
    give_up_unlisted(upload, made.parts, now)
    blob_queries.place_parts(upload.blob_id)
    Blob.objects.filter(pk=upload.blob_id).update(size=made.size, changed_at=now)
    added = add_newest(
        bucket,
        upload.key,
        Content(upload.blob_id, made.size, made.etag, made.checksum, len(made.parts)),
        attributes_of(upload),
        owner_id=upload.owner_id,
        now=now,
    )
    upload.blob = None
    upload.completed_at = now
    upload.outcome = {
        "version_row": added.id,
        "parts": [[part.number, part.etag] for part in made.parts],
    }
    upload.save(update_fields=["blob", "completed_at", "outcome"])
    return added


def give_up_unlisted(
    upload: MultipartUpload, kept: Sequence[Part], now: datetime
) -> None:
    listed = {part.pk for part in kept}
    rows = Part.objects.filter(whole_id=upload.blob_id).values_list("pk", "blob_id")
    unlisted = {pk: blob_id for pk, blob_id in rows if pk not in listed}
    Part.objects.filter(pk__in=list(unlisted)).delete()
    blob_queries.free(unlisted.values(), now)


def attributes_of(upload: MultipartUpload) -> ObjectAttributes:
    return ObjectAttributes(
        **{name: getattr(upload, name) for name in ObjectAttributes._fields}
    )


def outcome_again(
    bucket: BucketInfo, upload: MultipartUpload, listed: Sequence[CompletedPart]
) -> ObjectInfo:
    """Answer a completion that was already done (its answer may have been lost)."""
    asked = [[part.part_number, part.etag.strip('"')] for part in listed]
    outcome = upload.outcome or {}
    version = queries.by_row(outcome.get("version_row", 0))
    if version is None or outcome.get("parts") != asked:
        raise NoSuchUpload(upload_id=upload.upload_id)
    return version


# Abort and list


def abort_multipart_upload(
    principal: Principal,
    bucket_name: str,
    key: str,
    upload_id: str,
    *,
    expected_owner: str = "",
    now: datetime,
) -> None:
    """Give an upload up, with all its parts. Raises NoSuchUpload."""
    bucket = get_bucket(
        principal,
        "s3:AbortMultipartUpload",
        bucket_name,
        key,
        expected_owner=expected_owner,
    )

    def record() -> None:
        upload = find_upload(bucket, key, upload_id, is_locked=True)
        give_up(upload, now)

    commit(record)


def give_up(upload: MultipartUpload, now: datetime) -> None:
    """Remove an upload and its parts, inside a transaction."""
    blob_id = upload.blob_id
    upload.delete()
    give_up_parts(blob_id, now)


def give_up_parts(whole_id: int | None, now: datetime) -> None:
    if whole_id is None:
        return
    parts = Part.objects.filter(whole_id=whole_id)
    below = list(parts.values_list("blob_id", flat=True))
    parts.delete()
    blob_queries.free([*below, whole_id], now)


def list_multipart_uploads(
    principal: Principal,
    bucket_name: str,
    *,
    prefix: str = "",
    delimiter: str = "",
    max_uploads: int | None = None,
    key_marker: str = "",
    upload_id_marker: str = "",
    expected_owner: str = "",
) -> UploadListing:
    """List unfinished uploads by key, then by upload id."""
    most = page_size(max_uploads, MOST_LISTED)
    bucket = get_bucket(
        principal,
        "s3:ListBucketMultipartUploads",
        bucket_name,
        expected_owner=expected_owner,
    )
    found = uploads_after(
        bucket, prefix, delimiter, key_marker, upload_id_marker, most + 1
    )
    page, is_truncated = found[:most], len(found) > most > 0
    last = page[-1] if page else None
    shared = common_prefix(last.key, prefix, delimiter) if last else ""
    # AWS names the last one of the last page, too.
    is_aws = settings.OBJECTSTORE_S3_FLAVOUR == "aws"
    names_last = is_truncated or (is_aws and not shared)
    known = owners(upload.owner_id for upload in page)
    return UploadListing(
        uploads=[
            listed_upload(upload, bucket.name, known[upload.owner_id])
            for upload in page
            if not common_prefix(upload.key, prefix, delimiter)
        ],
        common_prefixes=[
            one for u in page if (one := common_prefix(u.key, prefix, delimiter))
        ],
        is_truncated=is_truncated,
        next_key_marker=(shared or last.key) if last and names_last else "",
        next_upload_id_marker=(
            last.upload_id if last and names_last and not shared else ""
        ),
    )


def listed_upload(upload: MultipartUpload, bucket_name: str, owner: Any) -> UploadInfo:
    return replace(upload_info(upload, bucket_name), owner=owner)


def uploads_after(
    bucket: BucketInfo,
    prefix: str,
    delimiter: str,
    key_marker: str,
    upload_id_marker: str,
    limit: int,
) -> list[MultipartUpload]:
    """Walk the open uploads by index, past each common prefix once it is shown."""
    found: list[MultipartUpload] = []
    start = place_after(key_marker, upload_id_marker, prefix, delimiter)
    while len(found) < limit:
        rows = upload_page(bucket, prefix, start, limit - len(found))
        for row in rows:
            found.append(row)
            start = place_after(row.key, row.upload_id, prefix, delimiter)
            if common_prefix(row.key, prefix, delimiter):
                start = (
                    start_after(name_of(row, prefix, delimiter), prefix, delimiter),
                    "",
                )
                break
        else:
            return found
    return found


def name_of(upload: MultipartUpload, prefix: str, delimiter: str) -> str:
    return common_prefix(upload.key, prefix, delimiter) or upload.key


def place_after(
    key: str, upload_id: str, prefix: str, delimiter: str
) -> tuple[str, str]:
    """Give (key, upload id): the place is after that id, or at the key without one."""
    if not key:
        return "", ""
    is_folded = key.startswith(prefix) and common_prefix(key, prefix, delimiter)
    if upload_id and not is_folded:
        return key, upload_id
    return start_after(key, prefix, delimiter), ""


def upload_page(
    bucket: BucketInfo, prefix: str, place: tuple[str, str], limit: int
) -> list[MultipartUpload]:
    key, upload_id = place
    first, end = page_bounds(prefix, key)
    uploads = MultipartUpload.objects.filter(
        bucket_id=bucket.id, completed_at__isnull=True
    )
    if end:
        uploads = uploads.filter(key__lt=end)
    if upload_id and first == key:
        uploads = uploads.filter(
            Q(key=key, upload_id__gt=upload_id) | Q(key__gte=key + SMALLEST)
        )
    else:
        uploads = uploads.filter(key__gte=first)
    return list(uploads.order_by("key", "upload_id")[:limit])
