"""Buckets over REST: /v1/buckets and the configurations of each."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_view,
)
from rest_framework.request import Request
from rest_framework.response import Response

from buckets import access_control, operations
from buckets.configurations import Configuration
from buckets.serializers import (
    BucketDetailsSerializer,
    BucketPageSerializer,
    CorsSerializer,
    CreatedBucketSerializer,
    LifecycleSerializer,
    NewBucketSerializer,
    PublicAccessBlockSerializer,
    TagsSerializer,
    VersioningSerializer,
    bucket_details,
    bucket_summary,
    created_bucket,
    read_cors,
    read_lifecycle,
    rest_cors,
    rest_lifecycle,
)
from buckets.spelling import from_rest, to_rest
from iam.rate_limits import OperationClass
from kernel.errors import MalformedJSON
from kernel.http.drf import RestViewSet
from kernel.http.schema import BUCKET_NAME, ERRORS, bounded_limit, limit_parameter
from kernel.names import check_tags

DEFAULT_BUCKETS = 100
MOST_BUCKETS = 1000


class BucketViewSet(RestViewSet):
    """Create, list, look at and delete buckets."""

    serializer_class = NewBucketSerializer
    operation_classes = {
        "list": OperationClass.BUCKET,
        "retrieve": OperationClass.BUCKET,
        "create": OperationClass.BUCKET,
        "destroy": OperationClass.BUCKET,
    }

    @extend_schema(
        operation_id="list_buckets",
        parameters=[
            limit_parameter(DEFAULT_BUCKETS, MOST_BUCKETS),
            OpenApiParameter("continuation_token", str),
            OpenApiParameter("prefix", str),
        ],
        responses={200: BucketPageSerializer, **ERRORS},
    )
    def list(self, request: Request) -> Response:
        """List the caller's buckets by name."""
        listing = operations.list_buckets(
            request.user,  # type: ignore[arg-type]
            prefix=request.query_params.get("prefix", ""),
            max_buckets=bounded_limit(request, DEFAULT_BUCKETS, MOST_BUCKETS),
            token=request.query_params.get("continuation_token", ""),
        )
        return Response(
            {
                "buckets": [bucket_summary(bucket) for bucket in listing.buckets],
                "is_truncated": listing.is_truncated,
                "next_continuation_token": listing.next_token or None,
            }
        )

    @extend_schema(
        operation_id="get_bucket",
        parameters=[BUCKET_NAME],
        responses={200: BucketDetailsSerializer, **ERRORS},
    )
    def retrieve(self, request: Request, bucket_name: str) -> Response:
        """Give a bucket's configuration and what it holds, exact as of now."""
        bucket, usage = operations.get_bucket_details(
            request.user,  # type: ignore[arg-type]
            bucket_name,
        )
        return Response(bucket_details(bucket, usage))

    @extend_schema(
        operation_id="create_bucket",
        parameters=[BUCKET_NAME],
        request=NewBucketSerializer,
        responses={201: CreatedBucketSerializer, **ERRORS},
    )
    def create(self, request: Request, bucket_name: str) -> Response:
        """Create a bucket, with the configurations that the body gives."""
        given = NewBucketSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        bucket = operations.create_bucket(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            region=wanted["region"],
            storage_class=wanted["storage_class"],
            is_versioned=wanted.get("versioning", {}).get("enabled", False),
            has_object_lock=wanted["object_lock"],
            configurations=configurations_in(wanted),
            now=timezone.now(),
        )
        return Response(created_bucket(bucket), status=201)

    @extend_schema(
        operation_id="delete_bucket",
        parameters=[BUCKET_NAME],
        responses={204: None, **ERRORS},
    )
    def destroy(self, request: Request, bucket_name: str) -> Response:
        """Delete an empty bucket."""
        operations.delete_bucket(request.user, bucket_name, now=timezone.now())  # type: ignore[arg-type]
        return Response(status=204)


def configurations_in(wanted: dict[str, Any]) -> dict[Configuration, Any]:
    found = {}
    if wanted.get("lifecycle", {}).get("rules"):
        found[Configuration.LIFECYCLE] = read_lifecycle(
            wanted["lifecycle"], settings.OBJECTSTORE_STORAGE_CLASSES
        )
    if wanted.get("cors", {}).get("rules"):
        found[Configuration.CORS] = read_cors(wanted["cors"])
    return found


class ConfigurationViewSet(RestViewSet):
    """One kind of a bucket's configuration: read, set, remove."""

    kind: Configuration
    operation_classes = {
        "retrieve": OperationClass.BUCKET,
        "update": OperationClass.BUCKET,
        "destroy": OperationClass.BUCKET,
    }

    def retrieve(self, request: Request, bucket_name: str) -> Response:
        document = operations.get_configuration(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            self.kind,
        )
        return Response(self.written(document))

    def update(self, request: Request, bucket_name: str) -> Response:
        self.store(request, bucket_name)
        return Response(status=204)

    def store(self, request: Request, bucket_name: str) -> None:
        operations.put_configuration(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            self.kind,
            self.read(request.data),
        )

    def destroy(self, request: Request, bucket_name: str) -> Response:
        operations.delete_configuration(request.user, bucket_name, self.kind)  # type: ignore[arg-type]
        return Response(status=204)

    def valid(self, data: Any) -> dict[str, Any]:
        """Give what the client sent, once it is of the documented form."""
        given = self.serializer_class(data=data)
        given.is_valid(raise_exception=True)
        document: dict[str, Any] = given.validated_data
        return document

    def read(self, data: Any) -> Any:
        """Give the normal form of what the client sent."""
        raise NotImplementedError

    def written(self, document: Any) -> Any:
        """Give the document as the client reads it."""
        raise NotImplementedError


def configuration_schema(name: str, serializer: Any) -> Any:
    """Describe the three operations of a configuration."""

    def decorate(view: type[ConfigurationViewSet]) -> type[ConfigurationViewSet]:
        for action, options in {
            "retrieve": {"responses": {200: serializer, **ERRORS}},
            "update": {"request": serializer, "responses": {204: None, **ERRORS}},
            "destroy": {"responses": {204: None, **ERRORS}},
        }.items():
            verb = {"retrieve": "get", "update": "put", "destroy": "delete"}[action]
            described = extend_schema_view(
                **{
                    action: extend_schema(
                        operation_id=f"{verb}_bucket_{name}",
                        parameters=[BUCKET_NAME],
                        **options,
                    )
                }
            )
            view = described(view)
        return view

    return decorate


@configuration_schema("lifecycle", LifecycleSerializer)
class LifecycleViewSet(ConfigurationViewSet):
    """Lifecycle rules."""

    kind = Configuration.LIFECYCLE
    serializer_class = LifecycleSerializer

    def read(self, data: Any) -> Any:
        return read_lifecycle(self.valid(data), settings.OBJECTSTORE_STORAGE_CLASSES)

    def written(self, document: Any) -> Any:
        return rest_lifecycle(document)


@configuration_schema("cors", CorsSerializer)
class CorsViewSet(ConfigurationViewSet):
    """CORS rules."""

    kind = Configuration.CORS
    serializer_class = CorsSerializer

    def read(self, data: Any) -> Any:
        return read_cors(self.valid(data))

    def written(self, document: Any) -> Any:
        return rest_cors(document)


@configuration_schema("tags", TagsSerializer)
class TaggingViewSet(ConfigurationViewSet):
    """A bucket's tags: {"tags": {"key": "value"}}."""

    kind = Configuration.TAGGING

    def read(self, data: Any) -> Any:
        is_whole = isinstance(data, dict) and set(data) == {"tags"}
        tags = data["tags"] if is_whole else None
        if not isinstance(tags, dict) or not all(
            isinstance(value, str) for value in tags.values()
        ):
            raise MalformedJSON('The document must be {"tags": {"key": "value"}}.')
        check_tags(tags, most=50)
        return tags

    def written(self, document: Any) -> Any:
        return {"tags": document}


@configuration_schema("policy", OpenApiTypes.OBJECT)
class PolicyViewSet(ConfigurationViewSet):
    """The bucket's policy, in the grammar of IAM."""

    kind = Configuration.POLICY

    def store(self, request: Request, bucket_name: str) -> None:
        operations.put_bucket_policy(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            operations.policy_text(request.data),
        )

    def written(self, document: Any) -> Any:
        return operations.policy_document(document)


@configuration_schema("public_access_block", PublicAccessBlockSerializer)
class PublicAccessBlockViewSet(ConfigurationViewSet):
    """Which public ACLs and policies are refused or ignored; all, in a new bucket."""

    kind = Configuration.PUBLIC_ACCESS_BLOCK
    serializer_class = PublicAccessBlockSerializer

    def store(self, request: Request, bucket_name: str) -> None:
        given = PublicAccessBlockSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        access_control.put_public_access_block(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            from_rest(given.validated_data),
        )

    def written(self, document: Any) -> Any:
        return to_rest(document)


class VersioningViewSet(RestViewSet):
    """Whether a bucket keeps versions."""

    serializer_class = VersioningSerializer
    operation_classes = {
        "retrieve": OperationClass.BUCKET,
        "update": OperationClass.BUCKET,
    }

    @extend_schema(
        operation_id="get_bucket_versioning",
        parameters=[BUCKET_NAME],
        responses={200: VersioningSerializer, **ERRORS},
    )
    def retrieve(self, request: Request, bucket_name: str) -> Response:
        status = operations.get_bucket_versioning(request.user, bucket_name)  # type: ignore[arg-type]
        return Response({"enabled": status == "Enabled"})

    @extend_schema(
        operation_id="put_bucket_versioning",
        parameters=[BUCKET_NAME],
        request=VersioningSerializer,
        responses={204: None, **ERRORS},
    )
    def update(self, request: Request, bucket_name: str) -> Response:
        given = VersioningSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        status = "Enabled" if given.validated_data["enabled"] else "Suspended"
        operations.put_bucket_versioning(request.user, bucket_name, status)  # type: ignore[arg-type]
        return Response(status=204)
