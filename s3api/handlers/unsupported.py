"""What is known and not there: refused, so that nothing is stored without effect."""

from __future__ import annotations

from kernel.errors import InvalidArgument, NotImplemented
from s3api.requests import S3Request

# Headers of an upload that ask for something this server does not do.
WITHOUT_EFFECT = ("HTTP_X_AMZ_WRITE_OFFSET_BYTES",)
# Parameters of other operations: what was meant for a part must not take an object's
# place.
OF_OTHERS = {
    "partNumber": "This operation does not accept partNumber without uploadId",
}
# Operations on one version of an object.
OF_VERSIONS = frozenset(
    {
        "GetObject",
        "HeadObject",
        "DeleteObject",
        "GetObjectAcl",
        "PutObjectAcl",
        "GetObjectTagging",
        "PutObjectTagging",
        "DeleteObjectTagging",
        "GetObjectRetention",
        "PutObjectRetention",
        "GetObjectLegalHold",
        "PutObjectLegalHold",
        "GetObjectAttributes",
        "RestoreObject",
    }
)
# Conditions on deletes that AWS has for directory buckets only.
OF_DIRECTORIES = (
    "HTTP_X_AMZ_IF_MATCH_LAST_MODIFIED_TIME",
    "HTTP_X_AMZ_IF_MATCH_SIZE",
)


def refuse_what_has_no_effect(request: S3Request) -> None:
    """Raise NotImplemented for a header of an upload that would be ignored.

    Raises InvalidArgument for such a parameter.
    """
    refuse(request, WITHOUT_EFFECT)
    for name, message in OF_OTHERS.items():
        refuse_parameter(request, name, message)


def refuse_other_versions(request: S3Request, operation: str) -> None:
    """Raise InvalidArgument for a version where the operation is on none."""
    if operation not in OF_VERSIONS:
        message = "This operation does not accept a version-id."
        refuse_parameter(request, "versionId", message)


def refuse_parameter(request: S3Request, name: str, message: str) -> None:
    if name in request.query:
        raise InvalidArgument(
            message, argument_name=name, argument_value=request.query[name][:64]
        )


def refuse_conditions_of_directories(request: S3Request) -> None:
    """Raise NotImplemented for a condition that would not be looked at."""
    refuse(request, OF_DIRECTORIES)


def refuse(request: S3Request, names: tuple[str, ...]) -> None:
    for name in names:
        if name in request.meta:
            header = name.removeprefix("HTTP_").replace("_", "-").lower()
            raise NotImplemented(header=header)
