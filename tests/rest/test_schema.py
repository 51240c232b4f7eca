"""The REST dialect against its own description, /v1/schema, by schemathesis."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
import schemathesis
from django.core.management import call_command
from django.utils import timezone
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from iam.operations import create_api_key, create_identity
from kernel.bodies import Body
from objects.multipart import create_multipart_upload
from objects.operations import put_object
from objectstore_site.wsgi import application
from shares.operations import create_share

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
CONFIG = schemathesis.Config.from_dict(
    {
        "seed": 20250706,
        "checks": {
            "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", 501]}
        },
    }
)
DIALECT = schemathesis.openapi.from_wsgi("/v1/schema", application, config=CONFIG)


@pytest.fixture
def names(root, bucket, account, settings, connection_kept):
    """What the path of a request needs to find what it is about."""
    settings.OBJECTSTORE_RATE_LIMITED_DIALECTS = []
    now = timezone.now()
    put_object(root, bucket, "key", body=body_of(b"0123456789"), now=now)
    user = create_identity(account, "app", now=now)
    upload = create_multipart_upload(root, bucket, "key", now=now)
    return {
        "bucket_name": bucket,
        "key": "key",
        "upload_id": upload.upload_id,
        "part_number": 1,
        "key_id": create_api_key(user, now=now).key.key_id,
        "policy_name": "AmazonS3ReadOnlyAccess",
        "share_id": create_share(
            root, bucket, "key", expires_at=now + timedelta(days=1), now=now
        ).share.pk,
        "kind": "users",
        "entity_name": "app",
    }


def body_of(data: bytes) -> Body:
    return Body(io.BytesIO(data).read, len(data))


@DIALECT.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_the_schema_says(case, names, api_key):
    """Send each drawn request as it is, and again to what is there."""
    headers = {"Authorization": f"Bearer {api_key}"}
    if "response-content-type" in (case.query or {}):
        # It is given back as it was asked for, also where it is no media type.
        case.query["response-content-type"] = "application/octet-stream"
    case.call_and_validate(headers=headers, checks=CHECKS)
    case.path_parameters = {name: names[name] for name in case.path_parameters or {}}
    case.call_and_validate(headers=headers, checks=CHECKS)


def test_the_schema_is_valid_and_complete() -> None:
    written = io.StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=written)
    assert "/v1/buckets/{bucket_name}/objects/{key}" in written.getvalue()
