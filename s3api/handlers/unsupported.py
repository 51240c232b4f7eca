"""What is known and not there: refused, so that nothing is stored without effect."""

from __future__ import annotations

from kernel.errors import NotImplemented
from s3api.requests import S3Request

# Headers of an upload that ask for something this server does not do.
WITHOUT_EFFECT = ("HTTP_X_AMZ_WRITE_OFFSET_BYTES",)


def refuse_what_has_no_effect(request: S3Request) -> None:
    """Raise NotImplemented for a header that would be ignored."""
    for name in WITHOUT_EFFECT:
        if name in request.meta:
            header = name.removeprefix("HTTP_").replace("_", "-").lower()
            raise NotImplemented(header=header)
