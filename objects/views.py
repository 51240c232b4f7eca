"""Objects, versions and multipart uploads over REST."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from blobs.classes import alias_of
from iam.authenticate import url_secret
from iam.payloads import request_body
from iam.queries import api_key_by_id
from iam.rate_limits import OperationClass
from iam.signed_urls import sign_query
from kernel.errors import InvalidRequest
from kernel.http.attributes import OF_COPY_SOURCE, attributes_of, copy_source_of
from kernel.http.drf import RestViewSet
from kernel.http.queries import conditions_of, flag, whole_number
from kernel.http.requests import linked
from kernel.http.responses import (
    json_response,
    object_headers,
    object_response,
    response_overrides,
)
from kernel.http.schema import (
    BUCKET_NAME,
    ERRORS,
    OBJECT_KEY,
    bounded_limit,
    limit_parameter,
)
from kernel.results import CompletedPart, ObjectAttributes
from objects import multipart, operations, serializers
from objects.copies import CopySource, copy_object
from objects.listings import list_object_versions, list_objects

MOST_LISTED = 1000
CHARACTERS = "key, prefix and delimiter are UTF-8, compared by bytes"


def query(name: str, kind: Any = str, description: str = "") -> OpenApiParameter:
    return OpenApiParameter(name, kind, description=description)


def header(name: str, description: str = "") -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=description)


CONDITIONS = [
    header("If-Match"),
    header("If-None-Match"),
    header("If-Modified-Since"),
    header("If-Unmodified-Since"),
]
READ = [
    BUCKET_NAME,
    OBJECT_KEY,
    query("version_id"),
    query("response-content-type"),
    query("response-content-disposition"),
    header("Range", "bytes={start}-{end}"),
    *CONDITIONS,
]
CONTENT_MD5 = OpenApiParameter(
    "Content-MD5",
    {"type": "string", "pattern": "^[A-Za-z0-9+/]{22}==$"},
    OpenApiParameter.HEADER,
    description="the digest's 16 bytes in base64",
)
WRITTEN = [
    CONTENT_MD5,
    header("Cache-Control"),
    OpenApiParameter(
        "x-amz-storage-class",
        str,
        OpenApiParameter.HEADER,
        enum=["standard", "cold", "archive"],
    ),
    header("x-amz-tagging", "key=value&key=value"),
]
BINARY = {("application/octet-stream"): OpenApiTypes.BINARY}


def wanted_attributes(request: Request) -> ObjectAttributes:
    meta = request._request.META
    return attributes_of(meta, alias_of(meta.get("HTTP_X_AMZ_STORAGE_CLASS", "")))


class ObjectViewSet(RestViewSet):
    """One object: upload, copy, download, look at, delete."""

    operation_classes = {
        "retrieve": OperationClass.OBJECT_GET,
        "head": OperationClass.OBJECT_GET,
        "update": OperationClass.OBJECT_PUT,
        "destroy": OperationClass.OBJECT_DELETE,
    }

    @extend_schema(
        operation_id="get_object",
        parameters=READ,
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (206, "application/octet-stream"): OpenApiTypes.BINARY,
            304: None,
            **ERRORS,
        },
    )
    def retrieve(
        self, request: Request, bucket_name: str, key: str
    ) -> HttpResponseBase:
        """Download an object or a range of it."""
        return self.read(request, bucket_name, key, is_head=False)

    @extend_schema(
        operation_id="head_object", parameters=READ, responses={200: None, **ERRORS}
    )
    def head(self, request: Request, bucket_name: str, key: str) -> HttpResponseBase:
        """Give an object's headers alone."""
        return self.read(request, bucket_name, key, is_head=True)

    def read(
        self, request: Request, bucket_name: str, key: str, *, is_head: bool
    ) -> HttpResponseBase:
        asked = request._request
        query = asked.GET if asked.META.get("QUERY_STRING") else {}
        operation = operations.head_object if is_head else operations.get_object
        content = operation(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            key,
            version_id=query.get("version_id", ""),
            byte_range=asked.META.get("HTTP_RANGE"),
            conditions=conditions_of(asked.META),
        )
        info = content.info
        headers = object_headers(
            info,
            version_id=info.version_id,
            overrides=response_overrides(query) if query else None,
        )
        headers["x-amz-storage-class"] = info.storage_class
        return object_response(content, headers, is_head=is_head)

    @extend_schema(
        operation_id="put_object",
        parameters=[
            BUCKET_NAME,
            OBJECT_KEY,
            *WRITTEN,
            OpenApiParameter(
                "x-amz-copy-source",
                {"type": "string", "pattern": "^/[a-z0-9.-]{3,63}/[^/]"},
                OpenApiParameter.HEADER,
                description="/{bucket}/{key}: copy instead of upload",
            ),
            header("x-amz-copy-source-version-id"),
            OpenApiParameter(
                "x-amz-metadata-directive",
                str,
                OpenApiParameter.HEADER,
                enum=["COPY", "REPLACE"],
            ),
            header("If-Match"),
            header("If-None-Match", "* only"),
        ],
        request=BINARY,
        responses={
            200: serializers.StoredObjectSerializer,
            (200, "application/json"): serializers.StoredObjectSerializer,
            **ERRORS,
        },
    )
    def update(self, request: Request, bucket_name: str, key: str) -> HttpResponseBase:
        """Upload an object, or copy one that x-amz-copy-source names."""
        source = copy_source_of(request._request.META)
        if source is not None:
            conditions = conditions_of(request._request.META, OF_COPY_SOURCE)
            named = CopySource(*source, conditions=conditions)
            return self.copy(request, named, bucket_name, key)
        asked = request._request
        info = operations.put_object(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            key,
            body=request_body(asked, request.auth.payload),  # type: ignore[union-attr]
            attributes=wanted_attributes(request),
            conditions=conditions_of(asked.META),
            now=datetime.now(UTC),
        )
        return json_response(
            serializers.stored_object(info), {"ETag": f'"{info.etag}"'}
        )

    def copy(
        self, request: Request, source: CopySource, bucket_name: str, key: str
    ) -> HttpResponseBase:
        meta = request._request.META
        directive = meta.get("HTTP_X_AMZ_METADATA_DIRECTIVE", "COPY")
        if directive not in {"COPY", "REPLACE"}:
            raise InvalidRequest("x-amz-metadata-directive must be COPY or REPLACE.")
        _, info = copy_object(
            request.user,  # type: ignore[arg-type]
            source,
            bucket_name,
            key,
            attributes=wanted_attributes(request),
            replaces_metadata=directive == "REPLACE",
            conditions=conditions_of(meta),
            now=datetime.now(UTC),
        )
        return JsonResponse(
            serializers.copied_object(info), headers={"ETag": f'"{info.etag}"'}
        )

    @extend_schema(
        operation_id="delete_object",
        parameters=[BUCKET_NAME, OBJECT_KEY, query("version_id"), header("If-Match")],
        responses={204: None, **ERRORS},
    )
    def destroy(self, request: Request, bucket_name: str, key: str) -> HttpResponseBase:
        """Delete an object, or one version of it."""
        deleted = operations.delete_object(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            key,
            version_id=request.query_params.get("version_id", ""),
            conditions=conditions_of(request._request.META),
            now=datetime.now(UTC),
        )
        response = HttpResponse(status=204)
        marker = "true" if deleted.is_delete_marker else "false"
        response.headers["x-amz-delete-marker"] = marker
        response.headers["x-amz-version-id"] = deleted.version_id or "null"
        return response


class ObjectListViewSet(RestViewSet):
    """A bucket's objects and versions; deletion of many."""

    operation_classes = {
        "list": OperationClass.LIST,
        "versions": OperationClass.LIST,
        "delete_many": OperationClass.OBJECT_DELETE,
    }

    @extend_schema(
        operation_id="list_objects",
        parameters=[
            BUCKET_NAME,
            query("prefix"),
            query("delimiter"),
            limit_parameter(MOST_LISTED, MOST_LISTED),
            query("continuation_token"),
            query("start_after"),
            query("fetch_owner", bool),
        ],
        responses={200: serializers.ObjectPageSerializer, **ERRORS},
    )
    def list(self, request: Request, bucket_name: str) -> Response:
        """List objects in UTF-8 byte order."""
        asked = request.query_params
        shape = listing_shape(request, bucket_name)
        listing = list_objects(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            prefix=shape["prefix"],
            delimiter=shape["delimiter"],
            max_keys=shape["max_keys"],
            token=asked.get("continuation_token", ""),
            after=asked.get("start_after", ""),
            fetch_owner=flag(asked, "fetch_owner"),
        )
        return Response(serializers.object_page(listing, **shape))

    @extend_schema(
        operation_id="list_object_versions",
        parameters=[
            BUCKET_NAME,
            query("prefix"),
            query("delimiter"),
            limit_parameter(MOST_LISTED, MOST_LISTED),
            query("key_marker"),
            query("version_id_marker"),
        ],
        responses={200: serializers.VersionPageSerializer, **ERRORS},
    )
    def versions(self, request: Request, bucket_name: str) -> Response:
        """List versions and delete markers, newest first under each key."""
        asked = request.query_params
        shape = listing_shape(request, bucket_name)
        listing = list_object_versions(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            prefix=shape["prefix"],
            delimiter=shape["delimiter"],
            max_keys=shape["max_keys"],
            key_marker=asked.get("key_marker", ""),
            version_id_marker=asked.get("version_id_marker", ""),
        )
        return Response(serializers.version_page(listing, **shape))

    @extend_schema(
        operation_id="delete_objects",
        parameters=[BUCKET_NAME],
        request=serializers.DeletionSerializer,
        responses={200: serializers.DeletionOutcomeSerializer, **ERRORS},
    )
    def delete_many(self, request: Request, bucket_name: str) -> Response:
        """Delete up to 1,000 objects; each succeeds or fails by itself."""
        given = serializers.DeletionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        outcomes = operations.delete_objects(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            [
                operations.ObjectIdentifier(one["key"], one["version_id"])
                for one in given.validated_data["objects"]
            ],
            now=datetime.now(UTC),
        )
        failed = [
            {"key": one.key, "code": one.error.code_in_rest, "message": one.error.text}
            for one in outcomes
            if isinstance(one, operations.FailedDeletion)
        ]
        deleted = [
            {
                "key": one.key,
                "version_id": one.version_id or None,
                "delete_marker": one.is_delete_marker,
            }
            for one in outcomes
            if not isinstance(one, operations.FailedDeletion)
        ]
        return Response({"deleted": deleted, "errors": failed})


def listing_shape(request: Request, bucket_name: str) -> dict[str, Any]:
    """Give what a listing repeats of its request."""
    return {
        "bucket_name": bucket_name,
        "prefix": request.query_params.get("prefix", ""),
        "delimiter": request.query_params.get("delimiter", ""),
        "max_keys": bounded_limit(request, MOST_LISTED, MOST_LISTED),
    }


class SignedUrlViewSet(RestViewSet):
    """Temporary access to one object, without a key."""

    operation_classes = {"create": OperationClass.BUCKET}
    serializer_class = serializers.SignedUrlRequestSerializer

    @extend_schema(
        operation_id="sign_url",
        parameters=[BUCKET_NAME, OBJECT_KEY],
        request=serializers.SignedUrlRequestSerializer,
        responses={200: serializers.SignedUrlSerializer, **ERRORS},
    )
    def create(self, request: Request, bucket_name: str, key: str) -> Response:
        """Make a URL that does one method on one object until it expires."""
        given = serializers.SignedUrlRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        key_id = request.user.key_id  # type: ignore[union-attr]
        credential = api_key_by_id(key_id)
        if credential is None:
            raise InvalidRequest("Only a bearer key can sign URLs.")
        path = f"/v1/buckets/{bucket_name}/objects/{key}"
        expires = int(time.time()) + wanted["expires_in"]
        signed = sign_query(
            url_secret(credential.secret),
            method=wanted["method"],
            path=path,
            parameters={"key": key_id, "expires": str(expires)},
        )
        base = settings.OBJECTSTORE_PUBLIC_URL or request.build_absolute_uri("/")
        url = f"{base.rstrip('/')}{linked(path)}?{signed}"
        return Response({"url": url, "expires": expires})


UPLOAD_ID = OpenApiParameter("upload_id", str, OpenApiParameter.PATH)
PART_NUMBER = OpenApiParameter(
    "part_number",
    {"type": "integer", "minimum": 1, "maximum": 10_000},
    OpenApiParameter.PATH,
)


class UploadViewSet(RestViewSet):
    """Multipart uploads: begin, send and list parts, complete, abort."""

    operation_classes = {
        "create": OperationClass.OBJECT_PUT,
        "put_part": OperationClass.OBJECT_PUT,
        "list_parts": OperationClass.LIST,
        "complete": OperationClass.OBJECT_PUT,
        "destroy": OperationClass.OBJECT_DELETE,
        "list": OperationClass.LIST,
    }

    @extend_schema(
        operation_id="list_multipart_uploads",
        parameters=[
            BUCKET_NAME,
            query("prefix"),
            limit_parameter(MOST_LISTED, MOST_LISTED),
            query("key_marker"),
            query("upload_id_marker"),
        ],
        responses={200: serializers.UploadPageSerializer, **ERRORS},
    )
    def list(self, request: Request, bucket_name: str) -> Response:
        """List uploads that are not finished."""
        asked = request.query_params
        listing = multipart.list_multipart_uploads(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            prefix=asked.get("prefix", ""),
            max_uploads=bounded_limit(request, MOST_LISTED, MOST_LISTED),
            key_marker=asked.get("key_marker", ""),
            upload_id_marker=asked.get("upload_id_marker", ""),
        )
        return Response(serializers.upload_page(listing))

    @extend_schema(
        operation_id="create_multipart_upload",
        parameters=[BUCKET_NAME, OBJECT_KEY, *WRITTEN[1:]],
        request=None,
        responses={200: serializers.UploadSerializer, **ERRORS},
    )
    def create(self, request: Request, bucket_name: str, key: str) -> Response:
        """Begin an upload in parts."""
        upload = multipart.create_multipart_upload(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            key,
            attributes=wanted_attributes(request),
            now=datetime.now(UTC),
        )
        return Response(serializers.upload_json(upload))

    @extend_schema(
        operation_id="upload_part",
        parameters=[
            BUCKET_NAME,
            OBJECT_KEY,
            UPLOAD_ID,
            PART_NUMBER,
            CONTENT_MD5,
        ],
        request=BINARY,
        responses={200: serializers.PartSerializer, **ERRORS},
    )
    def put_part(
        self,
        request: Request,
        bucket_name: str,
        key: str,
        upload_id: str,
        part_number: str,
    ) -> HttpResponseBase:
        """Upload one part of 5 MiB or more; the last may be smaller."""
        part = multipart.upload_part(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            key,
            upload_id,
            numbered(part_number),
            body=request_body(request._request, request.auth.payload),  # type: ignore[union-attr]
            now=datetime.now(UTC),
        )
        return JsonResponse(
            serializers.part_json(part), headers={"ETag": f'"{part.etag}"'}
        )

    @extend_schema(
        operation_id="list_parts",
        parameters=[
            BUCKET_NAME,
            OBJECT_KEY,
            UPLOAD_ID,
            limit_parameter(MOST_LISTED, MOST_LISTED),
            query("part_number_marker", int),
        ],
        responses={200: serializers.PartPageSerializer, **ERRORS},
    )
    def list_parts(
        self, request: Request, bucket_name: str, key: str, upload_id: str
    ) -> Response:
        """List the parts that have been uploaded."""
        marker = whole_number(request.query_params, "part_number_marker") or 0
        listing = multipart.list_parts(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            key,
            upload_id,
            max_parts=bounded_limit(request, MOST_LISTED, MOST_LISTED),
            part_number_marker=marker,
        )
        return Response(serializers.part_page(listing))

    @extend_schema(
        operation_id="complete_multipart_upload",
        parameters=[BUCKET_NAME, OBJECT_KEY, UPLOAD_ID],
        request=serializers.CompletionSerializer,
        responses={200: serializers.CompletedUploadSerializer, **ERRORS},
    )
    def complete(
        self, request: Request, bucket_name: str, key: str, upload_id: str
    ) -> Response:
        """Make the listed parts one object."""
        given = serializers.CompletionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        info = multipart.complete_multipart_upload(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            key,
            upload_id,
            [CompletedPart(**part) for part in given.validated_data["parts"]],
            conditions=conditions_of(request._request.META),
            now=datetime.now(UTC),
        )
        path = linked(f"/buckets/{bucket_name}/objects/{key}")
        return Response(serializers.completed_upload(info, bucket_name, path))

    @extend_schema(
        operation_id="abort_multipart_upload",
        parameters=[BUCKET_NAME, OBJECT_KEY, UPLOAD_ID],
        responses={204: None, **ERRORS},
    )
    def destroy(
        self, request: Request, bucket_name: str, key: str, upload_id: str
    ) -> HttpResponseBase:
        """Give an upload up, with its parts."""
        multipart.abort_multipart_upload(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            key,
            upload_id,
            now=datetime.now(UTC),
        )
        return HttpResponse(status=204)


def numbered(text: str) -> int:
    """Read a part number; what is none of 1 to 10,000 is refused by the domain."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
