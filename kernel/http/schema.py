"""What the descriptions of all REST operations share."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.request import Request

from kernel.errors import InvalidArgument
from kernel.http.queries import whole_number


class ErrorDetailsSerializer(serializers.Serializer):  # type: ignore[type-arg]
    code = serializers.CharField()
    message = serializers.CharField()
    details = serializers.DictField()
    request_id = serializers.CharField()
    timestamp = serializers.DateTimeField()


class ErrorSerializer(serializers.Serializer):  # type: ignore[type-arg]
    error = ErrorDetailsSerializer()


REFUSED = OpenApiResponse(ErrorSerializer, "The error format of every refusal.")
ERRORS = {"4XX": REFUSED, "5XX": REFUSED}
BUCKET_NAME = OpenApiParameter(
    "bucket_name",
    str,
    OpenApiParameter.PATH,
    description="3 to 63 lower-case letters, digits, dots and hyphens",
)
OBJECT_KEY = OpenApiParameter(
    "key",
    str,
    OpenApiParameter.PATH,
    description="1 to 1,024 bytes of UTF-8; slashes stay as they are",
)


def bounded_limit(request: Request, default: int, most: int) -> int:
    """Read `limit`. Raises InvalidArgument outside 1 to `most`."""
    limit = whole_number(request.query_params, "limit")
    if limit is None:
        return default
    if not 1 <= limit <= most:
        raise InvalidArgument(
            f"limit must be from 1 to {most}.",
            argument_name="limit",
            argument_value=str(limit),
        )
    return limit
