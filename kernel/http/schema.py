"""What the descriptions of all REST operations share."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.request import Request

from kernel.errors import InvalidArgument
from kernel.http.queries import whole_number


class DocumentSchema(AutoSchema):
    """Describe each answer as the one document it is: pages of lists are objects."""

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False


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
    {
        "type": "string",
        "pattern": r"^[a-z0-9][a-z0-9.-]*[a-z0-9]$",
        "minLength": 3,
        "maxLength": 63,
    },
    OpenApiParameter.PATH,
    description="3 to 63 lower-case letters, digits, dots and hyphens",
)
OBJECT_KEY = OpenApiParameter(
    "key",
    {"type": "string", "minLength": 1, "maxLength": 1024},
    OpenApiParameter.PATH,
    description="1 to 1,024 bytes of UTF-8; slashes stay as they are",
)


def limit_parameter(default: int, most: int) -> OpenApiParameter:
    """Describe `limit`, as `bounded_limit` reads it."""
    return OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": most, "default": default},
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
