"""Put, get, head, copy, rename and delete objects; their attributes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from blobs.classes import alias_of, s3_name_of
from buckets import queries
from iam.payloads import wanted_algorithms
from kernel.checksums import ChecksumType
from kernel.errors import (
    InvalidArgument,
    InvalidRequest,
    MalformedXML,
    MissingSecurityHeader,
    NotImplemented,
)
from kernel.http.attributes import (
    OF_COPY_SOURCE,
    attributes_of,
    copy_source_of,
    customer_key_of,
)
from kernel.http.queries import conditions_of
from kernel.http.responses import (
    add_headers,
    encryption_headers,
    http_date,
    object_headers,
    object_response,
    response_overrides,
)
from kernel.kept_settings import settings
from kernel.listing import page_size
from kernel.results import (
    BucketInfo,
    DeletedObject,
    ObjectAttributes,
    ObjectContent,
    ObjectInfo,
    PartInfo,
)
from objects import operations
from objects.archives import restoration_of
from objects.copies import CopySource, copy_object, rename_object
from objects.operations import FailedDeletion, ObjectIdentifier
from objects.parts import parts_of
from objects.restores import restore_object
from s3api import rgw
from s3api.expiration import add_expiration, add_expiration_of_new
from s3api.handlers.tags import with_version
from s3api.handlers.unsupported import (
    refuse_conditions_of_directories,
    refuse_what_has_no_effect,
)
from s3api.reading import is_number, needed, read_xml, text_of
from s3api.requests import S3Request
from s3api.xml import document, element, elements, empty, time_text

MOST_DELETED = 1000
# What S3 says of an object whose type nobody told it.
CONTENT_TYPE = "binary/octet-stream"


def wanted_attributes(request: S3Request) -> ObjectAttributes:
    """Read what the headers say of a new object, refusing what would be ignored."""
    refuse_what_has_no_effect(request)
    storage_class = alias_of(request.header("x-amz-storage-class"))
    return attributes_of(request.meta, storage_class)


def put(request: S3Request) -> HttpResponse:
    info = operations.put_object(
        request.principal,
        request.bucket,
        request.key,
        body=request.body,
        attributes=wanted_attributes(request),
        customer_key=customer_key_of(request.meta),
        conditions=conditions_of(request.meta),
        expected_owner=request.expected_owner,
        now=datetime.now(UTC),
    )
    response = empty()
    add_headers(response, {"ETag": f'"{info.etag}"'})
    add_encryption(response, info.encryption)
    add_expiration_of_new(response, info, request.bucket)
    with_version(response, info)
    add_checksum(response, info)
    return response


def add_encryption(
    response: HttpResponseBase, encryption: Mapping[str, str] | None
) -> None:
    if encryption:
        for name, value in encryption_headers(encryption).items():
            response.headers[name] = value


def add_checksum(response: HttpResponseBase, info: ObjectInfo) -> None:
    checksum = info.checksum
    if checksum:
        name = f"x-amz-checksum-{checksum['algorithm'].lower()}"
        response.headers[name] = checksum["value"]
        response.headers["x-amz-checksum-type"] = checksum["type"]


def add_part_checksum(
    response: HttpResponseBase, part: PartInfo | None, info: ObjectInfo
) -> None:
    if part is None or not has_checked_parts(info):
        return
    for algorithm, value in part.checksums.items():
        response.headers[f"x-amz-checksum-{algorithm.lower()}"] = value
    if part.checksums and info.checksum:
        response.headers["x-amz-checksum-type"] = info.checksum["type"]


def has_checked_parts(info: ObjectInfo) -> bool:
    """Tell whether S3 shows the checksum of each part, as of composite ones alone."""
    return rgw.is_asked() or info.checksum.get("type") == ChecksumType.COMPOSITE


def get(request: S3Request) -> HttpResponseBase:
    return read(request, is_head=False)


def head(request: S3Request) -> HttpResponseBase:
    return read(request, is_head=True)


def refuse_encryption_headers(request: S3Request) -> None:
    """An encryption is asked for by who writes; a reader is told of it."""
    stated = request.header("x-amz-server-side-encryption")
    if stated:
        raise InvalidArgument(
            "x-amz-server-side-encryption header is not supported for this operation.",
            argument_name="x-amz-server-side-encryption",
            argument_value=stated,
        )


def read(request: S3Request, *, is_head: bool) -> HttpResponseBase:
    refuse_encryption_headers(request)
    operation = operations.head_object if is_head else operations.get_object
    query = request.query
    overrides = response_overrides(query) if query else {}
    if overrides and request.principal.is_anonymous:
        raise InvalidRequest(
            "Request specific response headers cannot be used for anonymous GET "
            "requests."
        )
    content = operation(
        request.principal,
        request.bucket,
        request.key,
        version_id=request.version_id,
        byte_range=request.meta.get("HTTP_RANGE"),
        part_number=request.number("partNumber"),
        customer_key=customer_key_of(request.meta),
        conditions=conditions_of(request.meta),
        expected_owner=request.expected_owner,
    )
    info = content.info
    headers = object_headers(info, version_id=shown_version(info, content.bucket))
    headers["Content-Type"] = info.content_type or CONTENT_TYPE
    headers |= overrides
    add_read_headers(headers, content, request)
    response = object_response(content, headers, is_head=is_head)
    if not request.version_id:
        add_expiration(response, info, content.bucket)
    asks_checksum = request.header("x-amz-checksum-mode").upper() == "ENABLED"
    if not asks_checksum:
        return response
    if content.parts_count:
        add_part_checksum(response, content.part, info)
    elif content.length == info.size:
        add_checksum(response, info)
    return response


def shown_version(info: ObjectInfo, bucket: BucketInfo | None) -> str:
    """Give the version id to show: "null" too, once the bucket has had versions."""
    has_versions = bucket is not None and bucket.versioning
    return info.version_id if has_versions or not info.is_null else ""


def add_read_headers(
    headers: dict[str, str], content: ObjectContent, request: S3Request
) -> None:
    """Add what AWS tells of an object, of tags and locks to those who may read them."""
    info = content.info

    def may_see(action: str) -> bool:
        asker, version_id = request.principal, request.version_id
        return operations.may_see(asker, action, content, version_id)

    if info.storage_class != settings.OBJECTSTORE_DEFAULT_STORAGE_CLASS:
        headers["x-amz-storage-class"] = s3_name_of(info.storage_class)
    if content.parts_count:
        headers["x-amz-mp-parts-count"] = str(content.parts_count)
    if info.tags and may_see("s3:GetObjectTagging"):
        headers["x-amz-tagging-count"] = str(len(info.tags))
    has_retention = info.lock_mode and info.retain_until
    if has_retention and may_see("s3:GetObjectRetention"):
        headers["x-amz-object-lock-mode"] = info.lock_mode
        headers["x-amz-object-lock-retain-until-date"] = time_text(info.retain_until)
    hold = info.stated_hold
    if hold is not None and may_see("s3:GetObjectLegalHold"):
        headers["x-amz-object-lock-legal-hold"] = "ON" if hold else "OFF"
    if info.restore_text is not None:
        headers["x-amz-restore"] = restore_text(info)


def restore_text(info: ObjectInfo) -> str:
    """Say whether a restore is under way, or until when it holds."""
    restoration = restoration_of(info)
    if restoration is None or restoration.is_ongoing(datetime.now(UTC)):
        return 'ongoing-request="true"'
    date = http_date(restoration.expires_at)
    return f'ongoing-request="false", expiry-date="{date}"'


def restore(request: S3Request) -> HttpResponse:
    root = read_xml(request.body, "RestoreRequest")
    if root.find("SelectParameters") is not None:
        raise NotImplemented("Select requests are not implemented.")
    days = text_of(root, "Days") or ""
    tier = root.findtext("GlacierJobParameters/Tier") or text_of(root, "Tier")
    _, was_open = restore_object(
        request.principal,
        request.bucket,
        request.key,
        days=int(days) if is_number(days, 6) else 0,
        tier=(tier or "Standard").strip(),
        version_id=request.version_id,
        expected_owner=request.expected_owner,
        now=datetime.now(UTC),
    )
    return empty(200 if was_open else 202)


def copy(request: S3Request) -> HttpResponse:
    source, info = copy_object(
        request.principal,
        copy_source(request),
        request.bucket,
        request.key,
        attributes=wanted_attributes(request),
        customer_key=customer_key_of(request.meta),
        replaces_metadata=directive(request, "x-amz-metadata-directive"),
        replaces_tags=directive(request, "x-amz-tagging-directive"),
        checksum_algorithm=copied_algorithm(request),
        conditions=conditions_of(request.meta),
        context=directive_context(request),
        expected_owner=request.expected_owner,
        expected_source_owner=request.expected_source_owner,
        now=datetime.now(UTC),
    )
    response = document("CopyObjectResult", copied(info))
    add_encryption(response, info.encryption)
    add_expiration_of_new(response, info, request.bucket)
    version_id = shown_version(info, queries.known(request.bucket))
    if version_id:
        response.headers["x-amz-version-id"] = version_id
    if not source.is_null:
        response.headers["x-amz-copy-source-version-id"] = source.version_id
    return response


def copy_source(request: S3Request) -> CopySource:
    # AWS reads a plus sign as forms do; SDKs encode their own.
    named = copy_source_of(request.meta, plus_is_space=not rgw.is_asked())
    assert named is not None
    return CopySource(
        *named,
        conditions=conditions_of(request.meta, OF_COPY_SOURCE),
        customer_key=customer_key_of(request.meta, OF_COPY_SOURCE),
    )


def directive_context(request: S3Request) -> dict[str, str]:
    """Give the condition key that tells a policy what becomes of the metadata."""
    stated = request.header("x-amz-metadata-directive")
    return {"s3:x-amz-metadata-directive": stated} if stated else {}


def copied(info: ObjectInfo) -> str:
    checksum = info.checksum
    facts = {"LastModified": time_text(info.created_at), "ETag": f'"{info.etag}"'}
    if checksum:
        facts["ChecksumType"] = checksum["type"]
        facts[f"Checksum{checksum['algorithm']}"] = checksum["value"]
    return elements(facts)


def copied_algorithm(request: S3Request):  # type: ignore[no-untyped-def]
    name = request.header("x-amz-checksum-algorithm")
    algorithms = wanted_algorithms({"HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM": name})
    return algorithms[0] if algorithms else None


def directive(request: S3Request, name: str) -> bool:
    """Tell whether a directive says REPLACE. Raises InvalidArgument for nonsense."""
    value = request.header(name, "COPY")
    if value not in {"COPY", "REPLACE"}:
        raise InvalidArgument(
            f"Unknown {name.removeprefix('x-amz-').replace('-', ' ')}.",
            argument_name=name,
            argument_value=value,
        )
    return value == "REPLACE"


def rename(request: S3Request) -> HttpResponse:
    source = unquote(request.header("x-amz-rename-source")).removeprefix("/")
    bucket, _, key = source.partition("/")
    if bucket != request.bucket or not key:
        raise InvalidRequest("An object can be renamed within its bucket only.")
    rename_object(
        request.principal,
        bucket,
        key,
        request.key,
        conditions=conditions_of(request.meta),
        source_conditions=conditions_of(request.meta, "HTTP_X_AMZ_RENAME_SOURCE_"),
        now=datetime.now(UTC),
    )
    return empty()


def delete(request: S3Request) -> HttpResponse:
    refuse_conditions_of_directories(request)
    conditions = conditions_of(request.meta)
    if conditions.if_match and request.version_id:
        raise NotImplemented(header="If-Match")
    deleted = operations.delete_object(
        request.principal,
        request.bucket,
        request.key,
        version_id=request.version_id,
        conditions=conditions,
        bypass_governance=bypasses_governance(request),
        missing_is_deleted=settings.OBJECTSTORE_S3_FLAVOUR == "rgw",
        expected_owner=request.expected_owner,
        now=datetime.now(UTC),
    )
    response = empty(204)
    if deleted.is_delete_marker:
        response.headers["x-amz-delete-marker"] = "true"
    if deleted.version_id:
        response.headers["x-amz-version-id"] = deleted.version_id
    return response


def bypasses_governance(request: S3Request) -> bool:
    return request.header("x-amz-bypass-governance-retention").lower() == "true"


def delete_many(request: S3Request) -> HttpResponse:
    check_is_checked(request)
    root = read_xml(request.body, "Delete")
    named = root.findall("Object")
    if not 1 <= len(named) <= MOST_DELETED:
        raise MalformedXML()
    identifiers = [identifier_of(one) for one in named]
    outcomes = operations.delete_objects(
        request.principal,
        request.bucket,
        identifiers,
        bypass_governance=bypasses_governance(request),
        missing_is_deleted=settings.OBJECTSTORE_S3_FLAVOUR == "rgw",
        expected_owner=request.expected_owner,
        now=datetime.now(UTC),
    )
    is_quiet = (text_of(root, "Quiet") or "").lower() == "true"
    return document(
        "DeleteResult",
        [
            deletion(one)
            for one in outcomes
            if isinstance(one, FailedDeletion) or not is_quiet
        ],
    )


def identifier_of(named: Element) -> ObjectIdentifier:
    """Read what to delete. Raises NotImplemented for what would not be looked at."""
    for name in ("LastModifiedTime", "Size"):
        if named.find(name) is not None:
            raise NotImplemented(header=name)
    version_id, etag = text_of(named, "VersionId") or "", text_of(named, "ETag")
    if version_id and etag:
        raise NotImplemented(header="ETag")
    return ObjectIdentifier(
        key=named.findtext("Key") or needed(named, "Key"),
        version_id=version_id,
        etag=etag or None,
    )


def check_is_checked(request: S3Request) -> None:
    """Want a digest of the list: a cut list must not look like a shorter one."""
    names = ("HTTP_CONTENT_MD5", "HTTP_X_AMZ_TRAILER")
    has_checksum = any(name.startswith("HTTP_X_AMZ_CHECKSUM_") for name in request.meta)
    if not has_checksum and not any(name in request.meta for name in names):
        raise MissingSecurityHeader(
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
        )


def deletion(outcome: DeletedObject | FailedDeletion) -> str:
    if isinstance(outcome, FailedDeletion):
        facts = {
            "Key": outcome.key,
            "VersionId": outcome.version_id or None,
            "Code": outcome.error.code,
            "Message": outcome.error.text,
        }
        return element("Error", [elements(facts)])
    is_new_marker = outcome.is_delete_marker and not outcome.requested_version_id
    facts = {
        "Key": outcome.key,
        "VersionId": outcome.requested_version_id or None,
        "DeleteMarker": True if outcome.is_delete_marker else None,
        "DeleteMarkerVersionId": outcome.version_id
        if is_new_marker or outcome.is_delete_marker
        else None,
    }
    return element("Deleted", [elements(facts)])


ATTRIBUTES = frozenset(
    {"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}
)


def attributes(request: S3Request) -> HttpResponse:
    """GetObjectAttributes: some of an object's facts, without its bytes."""
    asked = request.header("x-amz-object-attributes")
    wanted = {name.strip() for name in asked.split(",") if name.strip()}
    if not wanted or wanted - ATTRIBUTES:
        raise InvalidArgument(
            "Invalid attribute name specified.",
            argument_name="x-amz-object-attributes",
            argument_value=asked or None,
        )
    info = operations.get_object_attributes(
        request.principal,
        request.bucket,
        request.key,
        version_id=request.version_id,
        customer_key=customer_key_of(request.meta),
        expected_owner=request.expected_owner,
    )
    content = []
    if "ETag" in wanted:
        content.append(element("ETag", info.etag))
    if "Checksum" in wanted and info.checksum:
        content.append(element("Checksum", [attribute_elements(info)]))
    if "ObjectParts" in wanted and info.part_count:
        content.append(element("ObjectParts", [part_elements(request, info)]))
    if "StorageClass" in wanted:
        content.append(element("StorageClass", s3_name_of(info.storage_class)))
    if "ObjectSize" in wanted:
        content.append(element("ObjectSize", info.size))
    response = document("GetObjectAttributesResponse", content)
    response.headers["Last-Modified"] = http_date(info.created_at)
    with_version(response, info)
    return response


def attribute_elements(info: ObjectInfo) -> str:
    """Write a checksum: that of parts without their number, which Ceph shows."""
    checksum = info.checksum
    value = checksum["value"]
    return elements(
        {
            f"Checksum{checksum['algorithm']}": value
            if rgw.is_asked()
            else value.partition("-")[0],
            "ChecksumType": checksum["type"],
        }
    )


def part_elements(request: S3Request, info: ObjectInfo) -> str:
    if not has_checked_parts(info):
        return elements({"PartsCount": info.part_count})
    limit = page_size(request.header_number("x-amz-max-parts"))
    after = request.header_number("x-amz-part-number-marker") or 0
    parts = parts_of(info, after=after, limit=limit + 1)
    page = parts[:limit]
    facts = {
        "PartsCount": info.part_count,
        "PartNumberMarker": after,
        "NextPartNumberMarker": page[-1].part_number if page else 0,
        "MaxParts": limit,
        "IsTruncated": len(parts) > limit,
    }
    rows = [
        element(
            "Part",
            [
                elements(
                    {
                        "PartNumber": part.part_number,
                        "Size": part.size,
                        **{f"Checksum{k}": v for k, v in part.checksums.items()},
                    }
                )
            ],
        )
        for part in page
        if part.checksums
    ]
    return elements(facts) + "".join(rows)
