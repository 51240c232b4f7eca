"""A call of the query API: its parameters, read from the form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from django.utils import timezone

from iam.pages import DEFAULT_ITEMS, Paging
from iam.principals import Principal
from iam.signatures import MOST_CALL_BYTES
from kernel.errors import EntityTooLarge, ValidationError
from s3api.requests import S3Request

MOST_PARAMETERS = 1000
TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler works from."""

    principal: Principal
    parameters: Mapping[str, str]
    now: datetime

    def text(self, name: str, default: str = "") -> str:
        return self.parameters.get(name, default)

    def needed(self, name: str) -> str:
        """Give a parameter. Raises ValidationError where it is absent."""
        value = self.parameters.get(name)
        if not value:
            raise ValidationError(
                f"1 validation error detected: Value null at '{name[:1].lower()}"
                f"{name[1:]}' failed to satisfy constraint: Member must not be null"
            )
        return value

    def number(self, name: str) -> int | None:
        """Give a whole number, or None. Raises ValidationError for another text."""
        value = self.parameters.get(name)
        if value is None:
            return None
        if not re.fullmatch("[0-9]{1,9}", value):
            raise ValidationError(f"{name} must be a whole number.")
        return int(value)

    def truth(self, name: str) -> bool:
        value = self.parameters.get(name, "false").lower()
        if value not in TRUTHS:
            raise ValidationError(f"{name} must be true or false.")
        return TRUTHS[value]

    def members(self, name: str, field: str = "") -> list[str]:
        """Give a list: Name.member.1, Name.member.2, or a field of each member."""
        found = []
        suffix = f".{field}" if field else ""
        for place in range(1, MOST_PARAMETERS):
            value = self.parameters.get(f"{name}.member.{place}{suffix}")
            if value is None:
                break
            found.append(value)
        return found

    def tags(self) -> dict[str, str]:
        """Give Tags.member.N.Key and .Value. Raises ValidationError for repeats."""
        keys = self.members("Tags", "Key")
        tags = dict(zip(keys, self.members("Tags", "Value"), strict=False))
        if len(tags) != len(keys):
            raise ValidationError("Each tag needs a value, and a key of its own.")
        return tags

    @property
    def paging(self) -> Paging:
        wanted = self.number("MaxItems")
        most = DEFAULT_ITEMS if wanted is None else wanted
        return Paging(self.text("Marker"), most)


def read_call(request: S3Request) -> Call:
    """Read the form, and what stands in the query. Raises ValidationError."""
    length = str(request.meta.get("CONTENT_LENGTH") or "0")
    if not length.isdecimal() or int(length) > MOST_CALL_BYTES:
        raise EntityTooLarge(max_size_allowed=MOST_CALL_BYTES)
    try:
        pairs = parse_qsl(
            request.http.body.decode(),
            keep_blank_values=True,
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError:
        raise ValidationError("The form cannot be read.") from None
    parameters = {**request.query, **dict(pairs)}
    return Call(request.principal, parameters, timezone.now())
