"""Bucket basics: create, head, location, delete, versioning."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone

from buckets import operations
from buckets.configurations import Configuration
from kernel.errors import (
    BucketAlreadyOwnedByYou,
    IllegalLocationConstraintException,
    InvalidArgument,
    InvalidLocationConstraint,
    MalformedXML,
    NotImplemented,
)
from kernel.http.attributes import acl_of
from kernel.names import BUCKET_TAGS_MAX, RESERVED_BUCKET_NAMES, check_tags
from s3api import rgw
from s3api.handlers.tags import tags_of
from s3api.reading import read_xml, text_of
from s3api.requests import S3Request
from s3api.xml import document, element, empty

US_EAST_1 = "us-east-1"
# What AWS's regions are called, and its older words for two of them.
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[1-9]|EU|US")


def create(request: S3Request) -> HttpResponse:
    region, tags = wanted_region_and_tags(request)
    ownership = stated_ownership(request)
    hosts = settings.OBJECTSTORE_S3_HOSTS
    is_s3_alone = request.http.META.get("HTTP_HOST", "").partition(":")[0] in hosts
    try:
        operations.create_bucket(
            request.principal,
            request.bucket,
            region=region,
            has_object_lock=request.header("x-amz-bucket-object-lock-enabled").lower()
            == "true",
            ownership=ownership,
            acl=acl_of(request.meta),
            configurations={Configuration.TAGGING: tags} if tags else {},
            reserved=frozenset() if is_s3_alone else RESERVED_BUCKET_NAMES,
            now=timezone.now(),
        )
    except BucketAlreadyOwnedByYou:
        # AWS answers success in us-east-1 alone ("CreateBucket", Errors).
        is_accepted = settings.OBJECTSTORE_REGION == US_EAST_1 and not tags
        if not (rgw.accepts_again(request) if rgw.is_asked() else is_accepted):
            raise
    response = empty()
    response.headers["Location"] = f"/{request.bucket}"
    response.headers["x-amz-bucket-arn"] = arn_of(request.bucket)
    return response


def stated_ownership(request: S3Request) -> str:
    """Read the header. Raises InvalidArgument where it says nothing."""
    name = "x-amz-object-ownership"
    stated = request.header(name, "none")
    if not stated:
        raise InvalidArgument(f"Invalid {name} header: ", argument_name=name)
    return "" if stated == "none" else stated


def arn_of(name: str) -> str:
    return f"arn:aws:s3:::{name}"


def wanted_region_and_tags(request: S3Request) -> tuple[str, dict[str, str]]:
    """Read CreateBucketConfiguration, which most clients leave out."""
    if request.meta.get("CONTENT_LENGTH") in (None, "", "0"):
        return settings.OBJECTSTORE_REGION, {}
    root = read_xml(request.body, "CreateBucketConfiguration")
    for name in ("Bucket", "Location"):
        if root.find(name) is not None:
            raise NotImplemented("Directory buckets are not implemented.")
    listed = root.find("Tags")
    tags = {} if listed is None else tags_of(listed)
    check_tags(tags, most=BUCKET_TAGS_MAX)
    return checked_region(text_of(root, "LocationConstraint") or ""), tags


def checked_region(region: str) -> str:
    """Give the region of a new bucket: this server's.

    Raises InvalidLocationConstraint and IllegalLocationConstraintException.
    """
    own = settings.OBJECTSTORE_REGION
    if region == "EU" and own == "eu-west-1":
        return own  # type: ignore[no-any-return]
    if region == US_EAST_1:
        raise InvalidLocationConstraint(location_constraint=region)
    if region and region != own:
        if not REGION.fullmatch(region):
            raise InvalidLocationConstraint(location_constraint=region)
        raise IllegalLocationConstraintException(
            f"The {region} location constraint is incompatible for the region specific "
            "endpoint this request was sent to."
        )
    return region or own  # type: ignore[no-any-return]


def head(request: S3Request) -> HttpResponse:
    bucket = operations.head_bucket(
        request.principal, request.bucket, expected_owner=request.expected_owner
    )
    response = empty()
    response.headers["x-amz-bucket-region"] = bucket.region
    response.headers["x-amz-bucket-arn"] = arn_of(bucket.name)
    return response


def delete(request: S3Request) -> HttpResponse:
    operations.delete_bucket(
        request.principal,
        request.bucket,
        expected_owner=request.expected_owner,
        now=timezone.now(),
    )
    return empty(204)


def location(request: S3Request) -> HttpResponse:
    region = operations.get_bucket_location(
        request.principal, request.bucket, expected_owner=request.expected_owner
    )
    return document("LocationConstraint", "" if region == US_EAST_1 else region)


def get_versioning(request: S3Request) -> HttpResponse:
    status = operations.get_bucket_versioning(
        request.principal, request.bucket, expected_owner=request.expected_owner
    )
    return document("VersioningConfiguration", element("Status", status or None))


def put_versioning(request: S3Request) -> HttpResponse:
    root = read_xml(request.body, "VersioningConfiguration")
    if text_of(root, "Status") not in {None, "Enabled", "Suspended"}:
        raise MalformedXML()
    if text_of(root, "MfaDelete") == "Enabled":
        raise NotImplemented("MFA delete is not implemented.")
    operations.put_bucket_versioning(
        request.principal,
        request.bucket,
        text_of(root, "Status") or "",
        expected_owner=request.expected_owner,
    )
    return empty()
