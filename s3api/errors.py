"""Refusals as S3 writes them (AWS, "Error responses")."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse

from blobs.classes import s3_name_of
from kernel.errors import InvalidRange, NoSuchKey, NotModified, ObjectStoreError
from kernel.http.errors import add_headers, renders_errors_of
from s3api import rgw
from s3api.xml import DECLARATION, elements

# Details whose element is not simply their name in capitals.
NAMES = {
    "aws_access_key_id": "AWSAccessKeyId",
    "max_allowed_skew_milliseconds": "MaxAllowedSkewMilliseconds",
    "etag": "ETag",
    "x_amz_expires": "X-Amz-Expires",
    "content_md5": "Content-MD5",
    "client_computed_content_sha256": "ClientComputedContentSHA256",
    "s3_computed_content_sha256": "S3ComputedContentSHA256",
    "uri": "URI",
    "additional_message": "additionalMessage",
}
HIDDEN = frozenset({"allow", "is_delete_marker", "last_modified", "retry_after"})


def element_name(detail: str) -> str:
    return NAMES.get(detail) or "".join(word.capitalize() for word in detail.split("_"))


def shown(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


@renders_errors_of("s3")
def render_xml(request: HttpRequest, error: ObjectStoreError) -> HttpResponse:
    """Write <Error>; its RequestId is the answer's x-amz-request-id."""
    request_id = getattr(request, "request_id", "")
    code, status = rgw.code_of(error)
    facts: dict[str, object] = {"Code": code, "Message": error.text}
    hidden = HIDDEN
    if error.details.get("is_delete_marker"):
        hidden = HIDDEN | {"version_id"}
    for name, value in error.details.items():
        if name == "storage_class":
            facts["StorageClass"] = s3_name_of(str(value))
        elif name not in hidden:
            facts[element_name(name)] = shown(value)
    if error.details.get("resource_type") == "DeleteMarker":
        facts["Method"] = request.method
    facts |= {"RequestId": request_id, "HostId": request_id}
    if isinstance(error, NotModified):
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(
            f"{DECLARATION}<Error>{elements(facts)}</Error>",
            content_type="application/xml",
            status=status,
        )
    add_headers(response, error)
    if isinstance(error, NoSuchKey) and rgw.is_asked():
        response.headers.setdefault("x-amz-delete-marker", "false")
    if isinstance(error, InvalidRange):
        response.headers["Accept-Ranges"] = "bytes"
    if "version_id" in error.details and error.details.get("is_delete_marker"):
        response.headers["x-amz-version-id"] = str(error.details["version_id"])
    return response
