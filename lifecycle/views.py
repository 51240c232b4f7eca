"""Lifecycle over REST: what rules would do, and what they have done."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from iam.rate_limits import OperationClass
from kernel.http.drf import RestViewSet
from kernel.http.schema import BUCKET_NAME, ERRORS, bounded_limit
from lifecycle import operations
from lifecycle.previews import preview_lifecycle
from lifecycle.serializers import (
    PreviewRequestSerializer,
    PreviewSerializer,
    RunPageSerializer,
    read_date,
    read_rules,
    rest_preview,
    rest_run,
)

DEFAULT_RUNS = 100
MOST_RUNS = 1000


class LifecyclePreviewViewSet(RestViewSet):
    """What lifecycle rules would do."""

    serializer_class = PreviewRequestSerializer
    operation_classes = {"create": OperationClass.BUCKET}

    @extend_schema(
        operation_id="preview_bucket_lifecycle",
        parameters=[BUCKET_NAME],
        request=PreviewRequestSerializer,
        responses={200: PreviewSerializer, **ERRORS},
    )
    def create(self, request: Request, bucket_name: str) -> Response:
        """Count, by rule and action, what a run would touch, without touching it.

        `actions` is what the run at `date` would do, with sample keys; `days` is what
        the runs of the next 30 days would do after it, if nobody writes.
        """
        given = PreviewRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        preview = preview_lifecycle(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            rules=read_rules(wanted) if "rules" in wanted else None,
            date=read_date(wanted["date"]) if "date" in wanted else timezone.now(),
        )
        return Response(rest_preview(preview))


class LifecycleRunViewSet(RestViewSet):
    """What lifecycle rules have done."""

    operation_classes = {"list": OperationClass.BUCKET}

    @extend_schema(
        operation_id="list_bucket_lifecycle_runs",
        parameters=[
            BUCKET_NAME,
            OpenApiParameter("limit", int, description="1 to 1000, 100 if not given"),
        ],
        responses={200: RunPageSerializer, **ERRORS},
    )
    def list(self, request: Request, bucket_name: str) -> Response:
        """List a bucket's runs with what they did by rule and action, newest first."""
        runs = operations.list_lifecycle_runs(
            request.user,  # type: ignore[arg-type]
            bucket_name,
            limit=bounded_limit(request, DEFAULT_RUNS, MOST_RUNS),
        )
        return Response({"runs": [rest_run(run) for run in runs]})
