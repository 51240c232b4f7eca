"""An S3 request, read once: whom it is from, what it names, what it asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.http import HttpRequest

from iam.authenticate import Authenticated, authenticate
from iam.payloads import raw_reader, request_body
from iam.principals import Principal
from iam.signatures import QUERY_API, S3
from kernel.bodies import Body, Read
from kernel.errors import InvalidArgument
from kernel.http.queries import whole_number
from kernel.http.requests import meta_name
from kernel.kept_settings import settings

ALIAS = "/v1/"


class S3Request(NamedTuple):
    """What every handler works from."""

    http: HttpRequest
    meta: dict[str, Any]
    bucket: str
    key: str
    query: Mapping[str, str]
    asked: Authenticated

    @property
    def principal(self) -> Principal:
        return self.asked.principal

    @property
    def body(self) -> Body:
        """The body; it can be asked for once."""
        return request_body(self.http, self.asked.payload)

    def raw_read(self) -> Read:
        """Give the read function of the body as it comes, unchecked."""
        return raw_reader(self.http)

    @property
    def expected_owner(self) -> str:
        return str(self.meta.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER", ""))

    @property
    def expected_source_owner(self) -> str:
        return str(self.meta.get("HTTP_X_AMZ_SOURCE_EXPECTED_BUCKET_OWNER", ""))

    @property
    def version_id(self) -> str:
        """The version asked for. Raises InvalidArgument for an empty one."""
        version_id = self.query.get("versionId")
        if version_id == "":
            raise InvalidArgument(
                "Version id cannot be the empty string",
                argument_name="versionId",
                argument_value="",
            )
        return version_id or ""

    def header(self, name: str, default: str = "") -> str:
        return str(self.meta.get(meta_name(name), default))

    def header_number(self, name: str) -> int | None:
        """Read a header that is a whole number. Raises InvalidArgument otherwise."""
        return whole_number({name: self.header(name)}, name)

    def number(self, name: str) -> int | None:
        return whole_number(self.query, name)


def read_request(request: HttpRequest) -> S3Request:
    """Name the bucket and key, and authenticate."""
    bucket, key = target_of(request)
    services = S3
    if not bucket and request.method == "POST":
        request.dialect = "query"  # type: ignore[attr-defined]
        services = QUERY_API
    meta = request.META
    query = request.GET.dict() if meta.get("QUERY_STRING") else {}
    asked = authenticate(request, services)
    return S3Request(request, meta, bucket, key, query, asked)


def target_of(request: HttpRequest) -> tuple[str, str]:
    """Split the path, or take the bucket from the host (virtual-hosted style)."""
    path = request.path_info
    hosted = bucket_of_host(request.META.get("HTTP_HOST", ""))
    if hosted:
        request.virtual_host_bucket = hosted  # type: ignore[attr-defined]
        return hosted, path[1:]
    if path.startswith(ALIAS):
        path = path[len(ALIAS) - 1 :]
    bucket, _, key = path[1:].partition("/")
    return bucket, key


def bucket_of_host(host: str) -> str:
    """Give the bucket of {bucket}.{domain}; "" for a host that is no such name."""
    if not settings.OBJECTSTORE_DOMAINS:
        return ""
    name = host.rpartition(":")[0] or host if ":" in host else host
    for domain in settings.OBJECTSTORE_DOMAINS:
        if name.lower().endswith(f".{domain}"):
            return name[: -len(domain) - 1]
    return ""
