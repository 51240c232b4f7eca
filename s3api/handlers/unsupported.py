"""What is known and not there: refused, so that nothing is stored without effect."""

from __future__ import annotations

from kernel.errors import NotImplemented
from s3api.requests import S3Request

# Headers of an upload that ask for something this server does not do.
WITHOUT_EFFECT = (
    "HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION",
    "HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION_CUSTOMER_ALGORITHM",
    "HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION_AWS_KMS_KEY_ID",
    "HTTP_X_AMZ_GRANT_READ",
    "HTTP_X_AMZ_GRANT_WRITE",
    "HTTP_X_AMZ_GRANT_READ_ACP",
    "HTTP_X_AMZ_GRANT_WRITE_ACP",
    "HTTP_X_AMZ_GRANT_FULL_CONTROL",
    "HTTP_X_AMZ_WRITE_OFFSET_BYTES",
)
# Canned ACLs that say what holds anyway where the bucket's owner owns every object.
HARMLESS_ACLS = frozenset({"", "private", "bucket-owner-full-control"})


def refuse_what_has_no_effect(request: S3Request) -> None:
    """Raise NotImplemented for a header that would be ignored."""
    for name in WITHOUT_EFFECT:
        if name in request.meta:
            header = name.removeprefix("HTTP_").replace("_", "-").lower()
            raise NotImplemented(header=header)
    if request.header("x-amz-acl") not in HARMLESS_ACLS:
        raise NotImplemented(
            "Access control lists are not implemented; use a bucket policy.",
            header="x-amz-acl",
        )
