"""What answers say of lifecycle: when an object expires, or an upload is aborted."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from django.http.response import HttpResponseBase

from buckets import queries
from kernel.http.responses import http_date
from kernel.results import BucketInfo, ObjectInfo
from lifecycle.operations import saved_rules
from lifecycle.rules import abort_of, expiration_of


def add_expiration(
    response: HttpResponseBase, info: ObjectInfo, bucket: BucketInfo | None
) -> None:
    """Add x-amz-expiration where a rule will delete the object."""
    if bucket is None or bucket.configurations_text == "{}":
        return
    rules = saved_rules(bucket)
    found = expiration_of(rules, info, info.created_at) if rules else None
    if found is not None:
        moment, rule = found
        response.headers["x-amz-expiration"] = (
            f'expiry-date="{http_date(moment)}", rule-id="{quote(rule)}"'
        )


def add_expiration_of_new(
    response: HttpResponseBase, info: ObjectInfo, bucket_name: str
) -> None:
    """Add it to what answers a write, which has just had the bucket's row checked."""
    add_expiration(response, info, queries.known(bucket_name))


def add_abort(
    response: HttpResponseBase, bucket_name: str, key: str, created_at: datetime
) -> None:
    """Add x-amz-abort-date where a rule will give the upload up."""
    bucket = queries.get(bucket_name)
    if bucket is None or bucket.configurations_text == "{}":
        return
    found = abort_of(saved_rules(bucket), key, created_at)
    if found is not None:
        moment, rule = found
        response.headers["x-amz-abort-date"] = http_date(moment)
        response.headers["x-amz-abort-rule-id"] = rule
