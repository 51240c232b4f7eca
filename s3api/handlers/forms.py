"""Uploads by an HTML form, signed or not (AWS, "POST Object")."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from xml.etree.ElementTree import Element

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from django.utils.encoding import iri_to_uri

from blobs.classes import alias_of
from buckets.access import get_bucket
from iam import post_policy
from iam.authenticate import facts_of
from iam.payloads import announced_checksums, wanted_algorithms
from iam.post_policy import PostPolicy
from iam.principals import Principal
from iam.signatures import find_key
from kernel.bodies import Body, Expectations
from kernel.conditions import NO_CONDITIONS
from kernel.errors import MissingContentLength
from kernel.http.attributes import attributes_of, customer_key_of
from kernel.http.forms import Form, boundary_of, read_form
from kernel.http.requests import SPELLINGS, UNRESERVED, is_secure, meta_name
from kernel.results import ObjectAttributes, ObjectInfo
from objects.operations import creating, put_context, put_object
from s3api.handlers.objects import add_checksum, add_encryption
from s3api.handlers.tags import tags_in, with_version
from s3api.reading import parse_xml
from s3api.requests import S3Request
from s3api.xml import document, elements, empty

STORAGE_CLASS = "HTTP_X_AMZ_STORAGE_CLASS"
STATUSES = {"200", "201", "204"}
# Fields of a form, and the request headers that say the same.
HEADERS = {"acl": "HTTP_X_AMZ_ACL", "content-type": "CONTENT_TYPE"}


def upload(request: S3Request) -> HttpResponse:
    boundary_of(request.meta.get("CONTENT_TYPE", ""))
    if request.meta.get("CONTENT_LENGTH") in (None, ""):
        raise MissingContentLength()
    form = read_form(
        request.meta["CONTENT_TYPE"],
        request.raw_read(),
        settings.OBJECTSTORE_MAX_BODY,
        partial(check_may_upload, request),
    )
    try:
        return store(request, form)
    finally:
        form.file.close()


def check_may_upload(request: S3Request, form: Form) -> None:
    """Check what the fields say before the file comes: a stranger's fills no disk."""
    now = timezone.now()
    key = key_of(form)
    principal = signer(request, form.fields)
    policy = policy_of(form)
    if policy is not None:
        told = {**form.fields, "key": key, "bucket": request.bucket}
        post_policy.check_form(policy, told, now)
    attributes = wanted_attributes(meta_of(request, form))
    context = creating(NO_CONDITIONS, put_context(attributes, now))
    get_bucket(principal, "s3:PutObject", request.bucket, key, context=context)


def store(request: S3Request, form: Form) -> HttpResponse:
    fields = form.fields
    principal = signer(request, fields)
    policy = policy_of(form)
    if policy is not None:
        post_policy.check_length(policy, form.length)
    meta = meta_of(request, form)
    info = put_object(
        principal,
        request.bucket,
        key_of(form),
        body=body_of(form, meta),
        attributes=wanted_attributes(meta),
        customer_key=customer_key_of(meta),
        now=timezone.now(),
    )
    return answer(request, info, fields)


def key_of(form: Form) -> str:
    key = post_policy.needed(form.fields, "key")
    return key.replace("${filename}", form.file_name) if form.file_name else key


def meta_of(request: S3Request, form: Form) -> dict[str, Any]:
    return {**as_meta(form.fields), "wsgi.url_scheme": scheme_of(request)}


def wanted_attributes(meta: dict[str, Any]) -> ObjectAttributes:
    return attributes_of(meta, alias_of(meta.get(STORAGE_CLASS, "")))


def scheme_of(request: S3Request) -> str:
    return "https" if is_secure(request.meta) else "http"


def signer(request: S3Request, fields: dict[str, str]) -> Principal:
    """Find who signed the form's policy; whoever sent it, for a form without one."""
    credential = post_policy.credential_of(fields)
    if credential is None:
        return request.principal
    token = fields.get("x-amz-security-token", "")
    key = find_key(credential.access_key_id, token)
    post_policy.verify(fields["policy"], credential, key.secret)
    kind = "POST" if credential.is_version_4 else "AWS-POST"
    facts = facts_of(request.http, kind, signed_at=credential.signed_at)
    return key.principal.asking(facts)


def policy_of(form: Form) -> PostPolicy | None:
    text = form.fields.get("policy")
    return None if text is None else post_policy.read_policy(text)


def as_meta(fields: dict[str, str]) -> dict[str, Any]:
    """Give the fields as the headers of a PUT, which mean the same."""
    spellings: dict[str, str] = {}
    meta: dict[str, Any] = {SPELLINGS: spellings}
    for name, value in fields.items():
        header = HEADERS.get(name) or meta_name(name)
        meta[header] = value
        spellings[header] = name
    if "tagging" in fields:
        root: Element = parse_xml(fields["tagging"].encode(), "Tagging")
        meta["HTTP_X_AMZ_TAGGING"] = urlencode(tags_in(root))
    return meta


def body_of(form: Form, meta: dict[str, Any]) -> Body:
    return Body(
        form.file.read,
        form.length,
        Expectations(checksums=announced_checksums(meta)),
        algorithms=wanted_algorithms(meta),
    )


def answer(
    request: S3Request, info: ObjectInfo, fields: dict[str, str]
) -> HttpResponse:
    """Redirect, or answer as the form wants: 204, 200, or 201 with a document."""
    etag = f'"{info.etag}"'
    is_hosted = hasattr(request.http, "virtual_host_bucket")
    place = info.key if is_hosted else f"{request.bucket}/{info.key}"
    location = request.http.build_absolute_uri(f"/{quote(place, safe=UNRESERVED)}")
    target = fields.get("success_action_redirect") or fields.get("redirect", "")
    status = fields.get("success_action_status", "")
    if is_web_address(target):
        response = redirect(target, request.bucket, info.key, etag)
    elif status == "201":
        facts = {
            "Location": location,
            "Bucket": request.bucket,
            "Key": info.key,
            "ETag": etag,
        }
        response = document("PostResponse", elements(facts), status=201, namespace="")
    else:
        response = empty(int(status) if status in STATUSES else 204)
    response.headers["ETag"] = etag
    response.headers.setdefault("Location", location)
    add_encryption(response, info.encryption)
    add_checksum(response, info)
    return with_version(response, info)


def is_web_address(target: str) -> bool:
    """Tell whether a browser can be sent on; AWS passes over what is no address."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def redirect(target: str, bucket: str, key: str, etag: str) -> HttpResponse:
    query = urlencode({"bucket": bucket, "key": key, "etag": etag}, quote_via=quote)
    response = empty(303)
    mark = "&" if urlsplit(target).query else "?"
    response.headers["Location"] = iri_to_uri(f"{target}{mark}{query}")
    return response
