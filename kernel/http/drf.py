"""What the REST dialect's views share: lean dispatch, bounded JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from kernel.errors import EntityTooLarge
from kernel.http.schema import DocumentSchema

MOST_JSON = 1024 * 1024


class BoundedJson(JSONParser):
    """JSON of at most 1 MiB: no document of the reference is larger."""

    def parse(
        self, stream: Any, media_type: Any = None, parser_context: Any = None
    ) -> Any:
        length = int((parser_context or {})["request"].META.get("CONTENT_LENGTH") or 0)
        if length > MOST_JSON:
            raise EntityTooLarge(proposed_size=length, max_size_allowed=MOST_JSON)
        return super().parse(stream, media_type, parser_context)


class RestViewSet(ViewSet):
    """A view set of the REST dialect; `request.user` is the Principal."""

    parser_classes = [BoundedJson]
    schema = DocumentSchema()
    # By action: the class of operation that its rate limit counts.
    operation_classes: dict[str, str] = {}

    @property
    def operation_class(self) -> str | None:
        return self.operation_classes.get(self.action)

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Leave Allow and Vary to the answers that mean something by them."""
        return {}


def rest_time(moment: datetime) -> str:
    """Write a time as the reference does: 2025-07-06T10:30:00Z."""
    return f"{moment.isoformat()[:19]}Z"


def principal_of(request: Request) -> Any:
    return request.user
