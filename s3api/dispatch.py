"""Which operation a request asks for: one table of method, level and sub-resource."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase

from iam.authenticate import Authenticated
from iam.principals import ANONYMOUS
from iam.rate_limits import OperationClass, count
from kernel.errors import MethodNotAllowed, NotImplemented
from kernel.http.operations import UNKNOWN, Asked, reads_requests_of
from kernel.http.responses import add_headers
from kernel.kept_settings import settings
from s3api.handlers import (
    acls,
    buckets,
    configurations,
    forms,
    listings,
    locks,
    multipart,
    objects,
    service,
    tags,
)
from s3api.handlers.unsupported import refuse_other_versions
from s3api.query import table
from s3api.requests import S3Request, read_request, target_of

Handler = Callable[[S3Request], HttpResponseBase]

# "METHOD level ?sub-resource +header": the name AWS has for it, and its handler.
TABLE: dict[str, tuple[str, Handler]] = {
    "GET service": ("ListBuckets", service.list_all),
    "POST service": ("the query API of IAM and STS", table.answer),
    # Buckets
    "PUT bucket": ("CreateBucket", buckets.create),
    "HEAD bucket": ("HeadBucket", buckets.head),
    "DELETE bucket": ("DeleteBucket", buckets.delete),
    "GET bucket ?location": ("GetBucketLocation", buckets.location),
    "GET bucket ?versioning": ("GetBucketVersioning", buckets.get_versioning),
    "PUT bucket ?versioning": ("PutBucketVersioning", buckets.put_versioning),
    "GET bucket": ("ListObjects", listings.list_v1),
    "GET bucket ?list-type": ("ListObjectsV2", listings.list_v2),
    "GET bucket ?versions": ("ListObjectVersions", listings.list_versions),
    "GET bucket ?uploads": ("ListMultipartUploads", listings.list_uploads),
    "POST bucket": ("PostObject", forms.upload),
    "POST bucket ?delete": ("DeleteObjects", objects.delete_many),
    "GET bucket ?acl": ("GetBucketAcl", acls.get_of_bucket),
    "PUT bucket ?acl": ("PutBucketAcl", acls.put_of_bucket),
    "GET bucket ?tagging": ("GetBucketTagging", configurations.get_tagging),
    "PUT bucket ?tagging": ("PutBucketTagging", configurations.put_tagging),
    "DELETE bucket ?tagging": ("DeleteBucketTagging", configurations.delete_tagging),
    "GET bucket ?policy": ("GetBucketPolicy", configurations.get_policy),
    "PUT bucket ?policy": ("PutBucketPolicy", configurations.put_policy),
    "DELETE bucket ?policy": ("DeleteBucketPolicy", configurations.delete_policy),
    "GET bucket ?policyStatus": (
        "GetBucketPolicyStatus",
        configurations.get_policy_status,
    ),
    "GET bucket ?cors": ("GetBucketCors", configurations.get_cors),
    "PUT bucket ?cors": ("PutBucketCors", configurations.put_cors),
    "DELETE bucket ?cors": ("DeleteBucketCors", configurations.delete_cors),
    "GET bucket ?lifecycle": (
        "GetBucketLifecycleConfiguration",
        configurations.get_lifecycle,
    ),
    "PUT bucket ?lifecycle": (
        "PutBucketLifecycleConfiguration",
        configurations.put_lifecycle,
    ),
    "DELETE bucket ?lifecycle": (
        "DeleteBucketLifecycle",
        configurations.delete_lifecycle,
    ),
    "GET bucket ?encryption": ("GetBucketEncryption", configurations.get_encryption),
    "PUT bucket ?encryption": ("PutBucketEncryption", configurations.put_encryption),
    "DELETE bucket ?encryption": (
        "DeleteBucketEncryption",
        configurations.delete_encryption,
    ),
    "GET bucket ?object-lock": (
        "GetObjectLockConfiguration",
        configurations.get_object_lock,
    ),
    "PUT bucket ?object-lock": (
        "PutObjectLockConfiguration",
        configurations.put_object_lock,
    ),
    "GET bucket ?ownershipControls": (
        "GetBucketOwnershipControls",
        configurations.get_ownership,
    ),
    "PUT bucket ?ownershipControls": (
        "PutBucketOwnershipControls",
        configurations.put_ownership,
    ),
    "DELETE bucket ?ownershipControls": (
        "DeleteBucketOwnershipControls",
        configurations.delete_ownership,
    ),
    "GET bucket ?publicAccessBlock": (
        "GetPublicAccessBlock",
        configurations.get_public_access_block,
    ),
    "PUT bucket ?publicAccessBlock": (
        "PutPublicAccessBlock",
        configurations.put_public_access_block,
    ),
    "DELETE bucket ?publicAccessBlock": (
        "DeletePublicAccessBlock",
        configurations.delete_public_access_block,
    ),
    "GET bucket ?website": ("GetBucketWebsite", configurations.get_website),
    "PUT bucket ?website": ("PutBucketWebsite", configurations.put_website),
    "DELETE bucket ?website": ("DeleteBucketWebsite", configurations.delete_website),
    "GET bucket ?requestPayment": (
        "GetBucketRequestPayment",
        configurations.get_request_payment,
    ),
    "PUT bucket ?requestPayment": (
        "PutBucketRequestPayment",
        configurations.put_request_payment,
    ),
    # Objects
    "PUT object": ("PutObject", objects.put),
    "PUT object +copy": ("CopyObject", objects.copy),
    "GET object": ("GetObject", objects.get),
    "HEAD object": ("HeadObject", objects.head),
    "DELETE object": ("DeleteObject", objects.delete),
    "GET object ?acl": ("GetObjectAcl", acls.get_of_object),
    "PUT object ?acl": ("PutObjectAcl", acls.put_of_object),
    "GET object ?tagging": ("GetObjectTagging", tags.get),
    "PUT object ?tagging": ("PutObjectTagging", tags.put),
    "DELETE object ?tagging": ("DeleteObjectTagging", tags.delete),
    "GET object ?retention": ("GetObjectRetention", locks.get_retention),
    "PUT object ?retention": ("PutObjectRetention", locks.put_retention),
    "GET object ?legal-hold": ("GetObjectLegalHold", locks.get_legal_hold),
    "PUT object ?legal-hold": ("PutObjectLegalHold", locks.put_legal_hold),
    "GET object ?attributes": ("GetObjectAttributes", objects.attributes),
    "POST object ?restore": ("RestoreObject", objects.restore),
    "PUT object ?renameObject": ("RenameObject", objects.rename),
    "POST object ?uploads": ("CreateMultipartUpload", multipart.create),
    "PUT object ?uploadId": ("UploadPart", multipart.put_part),
    "PUT object ?uploadId +copy": ("UploadPartCopy", multipart.copy_part),
    "GET object ?uploadId": ("ListParts", multipart.list_parts),
    "POST object ?uploadId": ("CompleteMultipartUpload", multipart.complete),
    "DELETE object ?uploadId": ("AbortMultipartUpload", multipart.abort),
}

# The sub-resources of AWS, and MinIO's own "events", whose clients take a listing for a
# stream that broke and ask for ever; any other parameter names none (AWS ignores x-id).
SUBRESOURCES = (
    "uploadId",
    "uploads",
    "list-type",
    "versions",
    "delete",
    "acl",
    "tagging",
    "policy",
    "policyStatus",
    "cors",
    "lifecycle",
    "versioning",
    "location",
    "encryption",
    "object-lock",
    "retention",
    "legal-hold",
    "ownershipControls",
    "publicAccessBlock",
    "website",
    "requestPayment",
    "attributes",
    "renameObject",
    "restore",
    "abac",
    "accelerate",
    "analytics",
    "annotation",
    "events",
    "intelligent-tiering",
    "inventory",
    "logging",
    "metadataAnnotationTable",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "replication",
    "select",
    "session",
    "torrent",
)


def answer(http: HttpRequest) -> HttpResponseBase:
    """Answer one request."""
    http.dialect = "s3"  # type: ignore[attr-defined]
    request = read_request(http)
    route = route_of(request)
    if route == "GET service" and is_visitor(request):
        return HttpResponseRedirect("/admin/")
    http.operation, handler = operation_of(route, request)  # type: ignore[attr-defined]
    if "s3" in settings.OBJECTSTORE_RATE_LIMITED_DIALECTS:
        count(http, request.principal, "s3", class_of(route))
    if request.query:
        refuse_other_versions(request, http.operation)  # type: ignore[attr-defined]
    response = handler(request)
    add_headers(response, {"x-amz-id-2": http.request_id})  # type: ignore[attr-defined]
    return response


# As csrf_exempt does, without its layer.
answer.csrf_exempt = True  # type: ignore[attr-defined]


NOBODY = Authenticated(ANONYMOUS)


@reads_requests_of("s3")
def asked_by(http: HttpRequest) -> Asked:
    """Read a request's route without authenticating it, unless it is known."""
    bucket, key = target_of(http)
    known = getattr(http, "operation", None)
    if known is not None:
        return Asked(known, bucket)
    request = S3Request(http, http.META, bucket, key, http.GET.dict(), NOBODY)
    operation, _ = TABLE.get(route_of(request), (UNKNOWN, None))
    return Asked(operation, bucket)


def route_of(request: S3Request) -> str:
    """Write what a request asks for as the table does."""
    level = "object" if request.key else "bucket" if request.bucket else "service"
    route = f"{request.http.method} {level}"
    if request.query:
        for name in SUBRESOURCES:
            if name in request.query:
                route = f"{route} ?{name}"
                break
    if request.http.method == "PUT" and "HTTP_X_AMZ_COPY_SOURCE" in request.meta:
        return f"{route} +copy"
    return route


def operation_of(route: str, request: S3Request) -> tuple[str, Handler]:
    """Give the operation of a route.

    Raises NotImplemented for a sub-resource that this server does not have,
    MethodNotAllowed where the table has the resource with other methods.
    """
    found = TABLE.get(route)
    if found is not None:
        return found
    method, _, resource = route.partition(" ")
    others = [one for one in TABLE if one.partition(" ")[2] == resource]
    if others or "?" not in resource:
        allowed = sorted({one.partition(" ")[0] for one in others})
        raise MethodNotAllowed(
            method=method,
            resource_type=resource.partition(" ")[0].upper(),
            allow=", ".join(allowed),
        )
    raise NotImplemented(
        f"A request with {resource.partition('?')[2]} is not implemented.",
        resource=request.http.path,
    )


def is_visitor(request: S3Request) -> bool:
    """Tell whether a person with a browser has come to the front door."""
    return request.principal.is_anonymous and "text/html" in request.header("accept")


CLASSES = {
    "GET object": OperationClass.OBJECT_GET,
    "HEAD object": OperationClass.OBJECT_GET,
    "PUT object": OperationClass.OBJECT_PUT,
    "POST object": OperationClass.OBJECT_PUT,
    "DELETE object": OperationClass.OBJECT_DELETE,
    "GET bucket": OperationClass.LIST,
    "GET service": OperationClass.LIST,
}


def class_of(route: str) -> OperationClass:
    return CLASSES.get(" ".join(route.split(" ")[:2]), OperationClass.BUCKET)
