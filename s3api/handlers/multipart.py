"""Multipart uploads."""

from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import Element

from django.http import HttpResponse
from django.utils import timezone

from blobs.classes import s3_name_of
from iam.payloads import MANY_CHECKSUMS, checksums_of_headers
from kernel.checksums import (
    ChecksumAlgorithm,
    check_checksum_algorithm,
    check_checksum_type,
    default_checksum_type,
)
from kernel.errors import InvalidArgument, InvalidRequest, MalformedXML
from kernel.http.attributes import customer_key_of
from kernel.http.queries import conditions_of
from kernel.listing import page_size
from kernel.results import CompletedPart, PartInfo
from objects import multipart
from s3api import rgw
from s3api.expiration import add_abort, add_expiration_of_new
from s3api.handlers.listings import encoding, initiator_of, owner_of
from s3api.handlers.objects import add_encryption, copy_source, wanted_attributes
from s3api.handlers.tags import with_version
from s3api.reading import is_number, needed, read_xml, text_of
from s3api.requests import S3Request
from s3api.xml import document, element, elements, empty, time_text


def create(request: S3Request) -> HttpResponse:
    algorithm = request.header("x-amz-checksum-algorithm").upper()
    kind = request.header("x-amz-checksum-type").upper()
    if algorithm:
        checked = check_checksum_algorithm(algorithm)
        kind = str(
            check_checksum_type(checked, kind)
            if kind
            else default_checksum_type(checked)
        )
    elif kind:
        raise InvalidRequest(
            "The x-amz-checksum-type header can only be used with the "
            "x-amz-checksum-algorithm header."
        )
    upload = multipart.create_multipart_upload(
        request.principal,
        request.bucket,
        request.key,
        attributes=wanted_attributes(request),
        checksum_algorithm=algorithm,
        checksum_type=kind,
        expected_owner=request.expected_owner,
        now=timezone.now(),
    )
    response = document(
        "InitiateMultipartUploadResult",
        elements(
            {"Bucket": request.bucket, "Key": request.key, "UploadId": upload.upload_id}
        ),
    )
    add_encryption(response, upload.encryption)
    add_abort(response, request.bucket, request.key, upload.created_at)
    if algorithm:
        response.headers["x-amz-checksum-algorithm"] = algorithm
        response.headers["x-amz-checksum-type"] = kind
    return response


def part_number(request: S3Request) -> int:
    text = request.query.get("partNumber", "")
    return int(text) if is_number(text, 5) else 0


def put_part(request: S3Request) -> HttpResponse:
    part = multipart.upload_part(
        request.principal,
        request.bucket,
        request.key,
        request.query.get("uploadId", ""),
        part_number(request),
        body=request.body,
        customer_key=customer_key_of(request.meta),
        expected_owner=request.expected_owner,
        now=timezone.now(),
    )
    response = empty()
    response.headers["ETag"] = f'"{part.etag}"'
    add_encryption(response, part.encryption)
    for algorithm, value in part.checksums.items():
        response.headers[f"x-amz-checksum-{algorithm.lower()}"] = value
    return response


def copy_part(request: S3Request) -> HttpResponse:
    source, part = multipart.upload_part_copy(
        request.principal,
        copy_source(request),
        request.bucket,
        request.key,
        request.query.get("uploadId", ""),
        part_number(request),
        copy_range=request.header("x-amz-copy-source-range"),
        customer_key=customer_key_of(request.meta),
        expected_owner=request.expected_owner,
        expected_source_owner=request.expected_source_owner,
        now=timezone.now(),
    )
    response = document(
        "CopyPartResult",
        elements(
            {
                "LastModified": time_text(part.created_at),
                "ETag": f'"{part.etag}"',
                **{f"Checksum{name}": value for name, value in part.checksums.items()},
            }
        ),
    )
    add_encryption(response, part.encryption)
    if not source.is_null:
        response.headers["x-amz-copy-source-version-id"] = source.version_id
    return response


def list_parts(request: S3Request) -> HttpResponse:
    kind, encode = encoding(request)
    most = request.number("max-parts")
    marker = request.number("part-number-marker") or 0
    listing = multipart.list_parts(
        request.principal,
        request.bucket,
        request.key,
        request.query["uploadId"],
        max_parts=most,
        part_number_marker=marker,
        expected_owner=request.expected_owner,
    )
    upload = listing.upload
    facts = {
        "Bucket": request.bucket,
        "Key": encode(request.key),
        "UploadId": upload.upload_id,
        "StorageClass": s3_name_of(upload.storage_class),
        "PartNumberMarker": marker,
        "NextPartNumberMarker": listing.next_part_number_marker or 0,
        "MaxParts": page_size(most),
        "IsTruncated": listing.is_truncated,
        "EncodingType": kind,
        "ChecksumAlgorithm": upload.checksum_algorithm or None,
        "ChecksumType": upload.checksum_type or None,
    }
    is_checked = bool(upload.checksum_algorithm)
    rows = [
        element("Part", [elements(part_facts(part, is_checked))])
        for part in listing.parts
    ]
    return document(
        "ListPartsResult",
        [
            elements(facts),
            initiator_of(upload.initiator),
            owner_of(upload.owner),
            *rows,
        ],
    )


def part_facts(part: PartInfo, is_checked: bool) -> dict[str, object]:
    checksums = part.checksums if is_checked else {}
    return {
        "PartNumber": part.part_number,
        "LastModified": time_text(part.created_at),
        "ETag": f'"{part.etag}"',
        "Size": part.size,
        **{f"Checksum{name}": value for name, value in checksums.items()},
    }


def complete(request: S3Request) -> HttpResponse:
    parts = []
    for one in listed_parts(request):
        number = needed(one, "PartNumber")
        if not is_number(number, 5):
            raise MalformedXML()
        checksums = {
            str(algorithm): value
            for algorithm in ChecksumAlgorithm
            if (value := text_of(one, f"Checksum{algorithm}"))
        }
        parts.append(CompletedPart(int(number), needed(one, "ETag"), checksums))
    if not parts and rgw.is_asked():
        raise MalformedXML()
    info = multipart.complete_multipart_upload(
        request.principal,
        request.bucket,
        request.key,
        request.query["uploadId"],
        rgw.last_of_each(parts),
        stated=stated_whole(request),
        customer_key=customer_key_of(request.meta),
        conditions=conditions_of(request.meta),
        expected_owner=request.expected_owner,
        now=timezone.now(),
    )
    facts: dict[str, object] = {
        "Location": request.http.build_absolute_uri(request.http.path),
        "Bucket": request.bucket,
        "Key": request.key,
        "ETag": f'"{info.etag}"',
    }
    if info.checksum:
        facts[f"Checksum{info.checksum['algorithm']}"] = info.checksum["value"]
        facts["ChecksumType"] = info.checksum["type"]
    response = document("CompleteMultipartUploadResult", elements(facts))
    add_encryption(response, info.encryption)
    add_expiration_of_new(response, info, request.bucket)
    with_version(response, info)
    return response


def listed_parts(request: S3Request) -> list[Element]:
    """Read the list; no body at all is a list of nothing."""
    if request.meta.get("CONTENT_LENGTH") in ("", "0") and not rgw.is_asked():
        return []
    root = read_xml(replace_expectations(request), "CompleteMultipartUpload")
    return root.findall("Part")


def replace_expectations(request: S3Request):  # type: ignore[no-untyped-def]
    """Read the list itself: the checksum headers here are of the whole object."""
    meta = {
        name: value
        for name, value in request.meta.items()
        if not name.startswith("HTTP_X_AMZ_CHECKSUM_")
    }
    http = request.http
    whole, http.META = http.META, meta
    try:
        return request.body
    finally:
        http.META = whole


def stated_whole(request: S3Request) -> multipart.StatedWhole:
    """Read what the headers say of the whole object.

    Raises InvalidRequest for checksums of which only one would be compared.
    """
    stated = checksums_of_headers(request.meta)
    if len(stated) > 1:
        raise InvalidRequest(MANY_CHECKSUMS)
    found = multipart.StatedWhole(
        checksum_type=request.header("x-amz-checksum-type").upper(),
        size=stated_size(request),
    )
    for algorithm, value in stated.items():
        return replace(found, algorithm=str(algorithm), checksum=value)
    return found


def stated_size(request: S3Request) -> int | None:
    text = request.header("x-amz-mp-object-size")
    if not text:
        return None
    if not is_number(text, 18):
        raise InvalidArgument(
            "The x-amz-mp-object-size header is not valid.",
            argument_name="x-amz-mp-object-size",
            argument_value=text[:64],
        )
    return int(text)


def abort(request: S3Request) -> HttpResponse:
    multipart.abort_multipart_upload(
        request.principal,
        request.bucket,
        request.key,
        request.query["uploadId"],
        expected_owner=request.expected_owner,
        now=timezone.now(),
    )
    return empty(204)
