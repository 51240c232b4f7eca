"""Access control lists of buckets and objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from django.http import HttpResponse

from buckets import access_control as bucket_access
from buckets.queries import canonical_owners
from kernel.errors import (
    MalformedACLError,
    MissingSecurityHeader,
    UnexpectedContent,
)
from kernel.http.attributes import acl_of
from kernel.results import Owner
from objects import access_control as object_access
from s3api.handlers.service import owner_elements
from s3api.handlers.tags import refusing_markers, with_version
from s3api.reading import read_xml, text_of
from s3api.requests import S3Request
from s3api.xml import document, element, elements, empty, escaped

SCHEMA = "http://www.w3.org/2001/XMLSchema-instance"
TYPE = "type"
KINDS = {
    "CanonicalUser": ("ID", "id"),
    "Group": ("URI", "uri"),
    "AmazonCustomerByEmail": ("EmailAddress", "emailAddress"),
}


def get_of_bucket(request: S3Request) -> HttpResponse:
    bucket, grants = bucket_access.get_bucket_acl(
        request.principal, request.bucket, expected_owner=request.expected_owner
    )
    return policy_document(bucket.owner, grants)


def put_of_bucket(request: S3Request) -> HttpResponse:
    asked, owner = asked_acl(request)
    bucket_access.put_bucket_acl(
        request.principal,
        request.bucket,
        asked,
        stated_owner=owner,
        expected_owner=request.expected_owner,
    )
    return empty()


def get_of_object(request: S3Request) -> HttpResponse:
    owner, grants, info = object_access.get_object_acl(
        request.principal,
        request.bucket,
        request.key,
        version_id=request.version_id,
        expected_owner=request.expected_owner,
    )
    return with_version(policy_document(owner, grants), info)


@refusing_markers()
def put_of_object(request: S3Request) -> HttpResponse:
    asked, owner = asked_acl(request)
    info = object_access.put_object_acl(
        request.principal,
        request.bucket,
        request.key,
        asked,
        version_id=request.version_id,
        stated_owner=owner,
        expected_owner=request.expected_owner,
    )
    return with_version(empty(), info)


def asked_acl(request: S3Request) -> tuple[Mapping[str, Any], str]:
    """Read the ACL from the headers or the body, and the owner that a body names.

    Raises UnexpectedContent for both, MissingSecurityHeader for neither.
    """
    asked = acl_of(request.meta)
    has_body = request.meta.get("CONTENT_LENGTH") not in (None, "", "0")
    if asked is not None:
        if has_body:
            raise UnexpectedContent()
        return asked, ""
    if not has_body:
        raise MissingSecurityHeader(
            "Your request was missing a required header",
            missing_header_name="x-amz-acl",
        )
    root = read_xml(request.body, "AccessControlPolicy")
    listed, owner = root.find("AccessControlList"), root.find("Owner")
    if listed is None or owner is None:
        raise MalformedACLError()
    grants = [read_grant(one) for one in listed.findall("Grant")]
    return {"grants": grants}, text_of(owner, "ID") or ""


def read_grant(grant: Element) -> dict[str, Any]:
    grantee = grant.find("Grantee")
    permission = text_of(grant, "Permission")
    if grantee is None or not permission:
        raise MalformedACLError()
    kind = next(
        (value for name, value in grantee.attrib.items() if name.endswith(TYPE)), ""
    )
    if kind not in KINDS:
        raise MalformedACLError()
    name, word = KINDS[kind]
    value = text_of(grantee, name)
    if not value:
        raise MalformedACLError()
    return {"grantee": {word: value}, "permission": permission}


def policy_document(owner: Owner, grants: list[Mapping[str, Any]]) -> HttpResponse:
    named = [one["grantee"]["id"] for one in grants if "id" in one["grantee"]]
    known = canonical_owners(named) if named else {}
    rows = [
        element("Grant", [grantee(one["grantee"], known), permission_of(one)])
        for one in grants
    ]
    return document(
        "AccessControlPolicy",
        [
            element("Owner", [owner_elements(owner.id, owner.display_name)]),
            element("AccessControlList", rows),
        ],
    )


def permission_of(grant: Mapping[str, Any]) -> str:
    return element("Permission", grant["permission"])


def grantee(named: Mapping[str, str], known: Mapping[str, Owner]) -> str:
    kind = "Group" if "uri" in named else "CanonicalUser"
    if "uri" in named:
        facts = elements({"URI": named["uri"]})
    else:
        owner = known.get(named["id"])
        facts = owner_elements(named["id"], owner.display_name if owner else "")
    return f'<Grantee xmlns:xsi="{SCHEMA}" xsi:type="{escaped(kind)}">{facts}</Grantee>'
