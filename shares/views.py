"""Share links over REST."""

from __future__ import annotations

import re
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from iam.rate_limits import OperationClass
from kernel.errors import NoSuchEntity
from kernel.http.drf import RestViewSet, Strict, principal_of, rest_time
from kernel.http.schema import ERRORS
from shares import operations
from shares.models import Share
from shares.public import share_link

NUMBER = re.compile(r"[0-9]{1,18}")


class NewShareSerializer(Strict):
    """The body that asks for a link."""

    bucket_name = serializers.CharField()
    key = serializers.CharField(trim_whitespace=False, help_text="a key, or a prefix")
    is_folder = serializers.BooleanField(
        default=False, help_text="share all that is under `key`, which ends in a slash"
    )
    takes_uploads = serializers.BooleanField(
        default=False,
        help_text="let people put files under `key`, and see nothing of what is there",
    )
    version_id = serializers.CharField(default="", allow_blank=True)
    expires_at = serializers.DateTimeField()
    most_downloads = serializers.IntegerField(
        required=False, allow_null=True, help_text="downloads, or uploads"
    )
    most_size = serializers.IntegerField(
        required=False, allow_null=True, help_text="bytes of one upload"
    )
    password = serializers.CharField(
        default="", allow_blank=True, trim_whitespace=False
    )


class ShareSerializer(serializers.Serializer):  # type: ignore[type-arg]
    id = serializers.IntegerField()
    bucket_name = serializers.CharField()
    key = serializers.CharField()
    is_folder = serializers.BooleanField()
    version_id = serializers.CharField()
    has_password = serializers.BooleanField()
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    takes_uploads = serializers.BooleanField()
    most_downloads = serializers.IntegerField(allow_null=True)
    most_size = serializers.IntegerField(allow_null=True)
    download_count = serializers.IntegerField()


class MadeShareSerializer(ShareSerializer):
    url = serializers.CharField(help_text="the link; told once")


class SharePageSerializer(serializers.Serializer):  # type: ignore[type-arg]
    shares = ShareSerializer(many=True)


class ShareViewSet(RestViewSet):
    """Links that lead to an object or a folder without a key."""

    operation_classes = {
        "list": OperationClass.LIST,
        "create": OperationClass.BUCKET,
        "revoke": OperationClass.BUCKET,
    }

    @extend_schema(
        operation_id="list_shares",
        parameters=[OpenApiParameter("bucket_name", str)],
        responses={200: SharePageSerializer, **ERRORS},
    )
    def list(self, request: Request) -> Response:
        """List the links that the caller may see, newest first."""
        shares = operations.list_shares(
            principal_of(request),
            bucket_name=request.query_params.get("bucket_name", ""),
            now=timezone.now(),
        )
        return Response({"shares": [rest_share(share) for share in shares]})

    @extend_schema(
        operation_id="create_share",
        request=NewShareSerializer,
        responses={201: MadeShareSerializer, **ERRORS},
    )
    def create(self, request: Request) -> Response:
        """Make a link. It ends with its time, its downloads, or its maker's right."""
        given = NewShareSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = dict(given.validated_data)
        made = operations.create_share(
            principal_of(request),
            wanted.pop("bucket_name"),
            wanted.pop("key"),
            **wanted,
            now=timezone.now(),
        )
        link = share_link(request._request, made.token)
        return Response({**rest_share(made.share), "url": link}, status=201)

    @extend_schema(
        operation_id="revoke_share",
        request=None,
        responses={204: None, **ERRORS},
    )
    def revoke(self, request: Request, share_id: str) -> Response:
        """End a link now."""
        if not NUMBER.fullmatch(share_id):
            raise NoSuchEntity("There is no such share.")
        operations.revoke_share(
            principal_of(request), int(share_id), now=timezone.now()
        )
        return Response(status=204)


def rest_share(share: Share) -> dict[str, Any]:
    return {
        "id": share.pk,
        "bucket_name": share.bucket_name,
        "key": share.key,
        "is_folder": share.is_folder,
        "version_id": share.version_id,
        "has_password": bool(share.password),
        "created_by": share.identity.name,
        "created_at": rest_time(share.created_at),
        "expires_at": rest_time(share.expires_at),
        "revoked_at": time_or_null(share.revoked_at),
        "last_used_at": time_or_null(share.last_used_at),
        "takes_uploads": share.takes_uploads,
        "most_downloads": share.most_downloads,
        "most_size": share.most_size,
        "download_count": share.download_count,
    }


def time_or_null(moment: Any) -> str | None:
    return None if moment is None else rest_time(moment)
