"""What the REST dialect's views share: lean dispatch, bounded JSON."""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.http import HttpRequest
from django.views.decorators.csrf import csrf_exempt
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSetMixin

from kernel.errors import (
    EntityTooLarge,
    InvalidRequest,
    MalformedJSON,
    MissingContentLength,
)
from kernel.http.operations import UNKNOWN
from kernel.http.schema import DocumentSchema

MOST_JSON = 1024 * 1024


class BoundedJson(JSONParser):
    """JSON of at most 1 MiB, which no document of the reference exceeds.

    Raises MalformedJSON for text that is no Unicode: it could be kept, and never sent.
    """

    def parse(
        self, stream: Any, media_type: Any = None, parser_context: Any = None
    ) -> Any:
        length = int((parser_context or {})["request"].META.get("CONTENT_LENGTH") or 0)
        if length > MOST_JSON:
            raise EntityTooLarge(proposed_size=length, max_size_allowed=MOST_JSON)
        try:
            document = super().parse(stream, media_type, parser_context)
            json.dumps(document, ensure_ascii=False).encode()
        except RecursionError:
            raise MalformedJSON("The JSON is nested too deeply.") from None
        except UnicodeEncodeError:
            raise MalformedJSON("The JSON holds half of a surrogate pair.") from None
        return document


class MeasuredRequest(Request):
    """A request whose document is never taken for none because it states no length."""

    def _load_stream(self) -> None:
        if "HTTP_TRANSFER_ENCODING" in self.META:
            raise MissingContentLength()
        super()._load_stream()  # type: ignore[misc]


class Strict(serializers.Serializer):  # type: ignore[type-arg]
    """A document in which a field that is not known is an error, not ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError(
                    {name: ["This field is not known."] for name in unknown}
                )
        return super().to_internal_value(data)


class RestView(APIView):
    """A view whose requests are measured."""

    def initialize_request(
        self, request: Any, *arguments: Any, **named: Any
    ) -> Request:
        return MeasuredRequest(
            request,
            parsers=self.get_parsers(),
            authenticators=self.get_authenticators(),
            negotiator=self.get_content_negotiator(),
            parser_context=self.get_parser_context(request),
        )


class RestViewSet(ViewSetMixin, RestView):
    """A view set of the REST dialect; `request.user` is the Principal."""

    parser_classes = [BoundedJson]
    schema = DocumentSchema()
    # By action: the class of operation that its rate limit counts.
    operation_classes: dict[str, str] = {}
    # What no action is for, such as a method that is not allowed, is counted too.
    other_class = "bucket"

    def dispatch(self, request: Any, *arguments: Any, **named: Any) -> Any:
        """Answer, and let go of the request as soon as the answer is written.

        View, request and answer name each other, and the view its own methods: left
        so, a body's buffers would stay until the collector's rarest round.
        """
        response = super().dispatch(request, *arguments, **named)
        if isinstance(response, Response):
            response.add_post_render_callback(self.let_go)
        else:
            self.let_go(response)
        return response

    def let_go(self, response: Any) -> None:
        self.request.parser_context = {}
        if isinstance(response, Response):
            vars(response)["renderer_context"] = {}
        vars(self).clear()

    def initial(self, request: Request, *arguments: Any, **named: Any) -> None:
        """Let the request know which operation it is before anything can refuse it."""
        http: Any = request._request
        http.dialect = "rest"
        http.operation = operation_name(self)
        super().initial(request, *arguments, **named)

    def get_parsers(self) -> list[Any]:
        return one_of_each(tuple(self.parser_classes))

    def get_authenticators(self) -> list[Any]:
        return one_of_each(tuple(self.authentication_classes))

    def get_throttles(self) -> list[Any]:
        return one_of_each(tuple(self.throttle_classes))

    def perform_authentication(self, request: Request) -> None:
        """Authenticate past `request.user`, whose guard takes 3 us."""
        request._authenticate()  # type: ignore[attr-defined]

    @property
    def operation_class(self) -> str:
        return self.operation_classes.get(self.action, self.other_class)

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Leave Allow and Vary to the answers that mean something by them."""
        return {}


@lru_cache
def one_of_each(kinds: tuple[type, ...]) -> list[Any]:
    """Make what keeps nothing of a request once for all of them."""
    return [kind() for kind in kinds]


METHODS = ("get", "post", "put", "patch", "delete")


class NowhereViewSet(RestViewSet):
    """The paths under the REST dialect's mounts that mean nothing."""

    def refuse(self, request: Request) -> Response:
        raise InvalidRequest("There is nothing at this path.")


refuse = NowhereViewSet.as_view(dict.fromkeys(METHODS, "refuse"))


@csrf_exempt
def nowhere(request: HttpRequest) -> Any:
    """Refuse such a path, as a view that neither schema nor breadcrumbs know of."""
    return refuse(request)


_names: dict[tuple[type, str | None], str] = {}


def operation_name(view: RestViewSet) -> str:
    """Name an action as AWS would: by its id in the schema, `get_object`, GetObject."""
    known = (type(view), view.action)
    name = _names.get(known)
    if name is None:
        name = _names[known] = camel_case(operation_id(view)) or UNKNOWN
    return name


def operation_id(view: RestViewSet) -> str:
    action = getattr(view, view.action or "", None)
    described = getattr(action, "kwargs", {}).get("schema")
    if described is None:
        return ""
    schema = described()
    schema.view = view
    return str(schema.get_operation_id())


def camel_case(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def rest_time(moment: datetime) -> str:
    """Write a time as the reference does: 2025-07-06T10:30:00Z."""
    return f"{moment.isoformat()[:19]}Z"


def principal_of(request: Request) -> Any:
    return request.user
