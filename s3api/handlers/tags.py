"""Tags of objects, and how tag sets are read and written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from xml.etree.ElementTree import Element

from django.http import HttpResponse

from kernel.errors import InvalidTag, MalformedXML, MethodNotAllowed, NoSuchKey
from kernel.results import ObjectInfo
from objects import tagging
from s3api import rgw
from s3api.reading import read_xml
from s3api.requests import S3Request
from s3api.xml import document, element, elements, empty


def read_tags(request: S3Request) -> dict[str, str]:
    """Read <Tagging>. Raises MalformedXML, and InvalidTag for a key named twice."""
    return tags_in(read_xml(request.body, "Tagging"))


def tags_in(root: Element) -> dict[str, str]:
    found = root.find("TagSet")
    return {} if found is None else tags_of(found)


def tags_of(found: Element) -> dict[str, str]:
    """Read the tags in an element."""
    tags: dict[str, str] = {}
    for tag in found:
        key, value = tag.find("Key"), tag.find("Value")
        if tag.tag != "Tag" or key is None or value is None:
            raise MalformedXML()
        if key.text in tags:
            raise InvalidTag(
                "Cannot provide multiple Tags with the same key", tag_key=key.text
            )
        tags[key.text or ""] = value.text or ""
    return tags


def tag_set(tags: Mapping[str, str]) -> str:
    rows = [
        element("Tag", [elements({"Key": key, "Value": value})])
        for key, value in tags.items()
    ]
    return element("TagSet", rows)


@contextmanager
def refusing_markers() -> Iterator[None]:
    """Say of a current delete marker that it takes no such call, not that it is none.

    AWS does so for all calls on tags and for PutObjectAcl alone.
    """
    try:
        yield
    except NoSuchKey as error:
        if rgw.is_asked() or not error.details.get("is_delete_marker"):
            raise
        details = {name: fact for name, fact in error.details.items() if name != "key"}
        raise MethodNotAllowed(
            resource_type="DeleteMarker", allow="DELETE", **details
        ) from None


@refusing_markers()
def get(request: S3Request) -> HttpResponse:
    info = tagging.get_object_tagging(
        request.principal,
        request.bucket,
        request.key,
        version_id=request.version_id,
        expected_owner=request.expected_owner,
    )
    return with_version(document("Tagging", tag_set(info.tags)), info)


@refusing_markers()
def put(request: S3Request) -> HttpResponse:
    info = tagging.put_object_tagging(
        request.principal,
        request.bucket,
        request.key,
        read_tags(request),
        version_id=request.version_id,
        expected_owner=request.expected_owner,
    )
    return with_version(empty(), info)


@refusing_markers()
def delete(request: S3Request) -> HttpResponse:
    info = tagging.delete_object_tagging(
        request.principal,
        request.bucket,
        request.key,
        version_id=request.version_id,
        expected_owner=request.expected_owner,
    )
    return with_version(empty(204), info)


def with_version(response: HttpResponse, info: ObjectInfo) -> HttpResponse:
    """Show the version id, as S3 does where the bucket has had versions."""
    if not info.is_null:
        response.headers["x-amz-version-id"] = info.version_id
    return response
