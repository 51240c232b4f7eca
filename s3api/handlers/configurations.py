"""A bucket's configurations: each is read, set and removed the same way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from blobs.classes import alias_of, s3_name_of
from buckets import access_control, operations
from buckets.configurations import Configuration
from buckets.cors import check_cors
from buckets.encryption import check_encryption
from buckets.lifecycle import ACTIONS, ALL_CLASSES_128K, MINIMUM, check_lifecycle
from buckets.object_lock import check_object_lock
from buckets.website import check_website
from kernel.errors import InvalidArgument, InvalidStorageClass, MalformedXML
from kernel.names import BUCKET_TAGS_MAX, check_tags
from s3api import rgw
from s3api.documents import as_document, content
from s3api.handlers.tags import read_tags, tag_set
from s3api.reading import needed, read_xml
from s3api.requests import S3Request
from s3api.xml import document, element, empty

MOST_POLICY = 20 * 1024


def get_stored(request: S3Request, kind: Configuration) -> Any:
    return operations.get_configuration(
        request.principal,
        request.bucket,
        kind,
        expected_owner=request.expected_owner,
    )


def store(request: S3Request, kind: Configuration, form: Any) -> None:
    operations.put_configuration(
        request.principal,
        request.bucket,
        kind,
        form,
        expected_owner=request.expected_owner,
    )


def remover(kind: Configuration) -> Callable[[S3Request], HttpResponse]:
    """Make the handler that removes a kind of configuration."""

    def delete(request: S3Request) -> HttpResponse:
        operations.delete_configuration(
            request.principal,
            request.bucket,
            kind,
            expected_owner=request.expected_owner,
        )
        return empty(204)

    return delete


def reader(kind: Configuration, root: str) -> Callable[[S3Request], HttpResponse]:
    """Make the handler that shows a kind of configuration as it is kept."""

    def get(request: S3Request) -> HttpResponse:
        return document(root, content(root, get_stored(request, kind)))

    return get


def writer(
    kind: Configuration, root: str, check: Callable[[Any], Any]
) -> Callable[[S3Request], HttpResponse]:
    """Make the handler that checks and sets a kind of configuration."""

    def put(request: S3Request) -> HttpResponse:
        store(request, kind, check(as_document(read_xml(request.body, root))))
        return empty()

    return put


get_cors = reader(Configuration.CORS, "CORSConfiguration")
put_cors = writer(Configuration.CORS, "CORSConfiguration", check_cors)
delete_cors = remover(Configuration.CORS)

get_website = reader(Configuration.WEBSITE, "WebsiteConfiguration")
put_website = writer(Configuration.WEBSITE, "WebsiteConfiguration", check_website)
delete_website = remover(Configuration.WEBSITE)

ENCRYPTION = "ServerSideEncryptionConfiguration"
get_encryption = reader(Configuration.ENCRYPTION, ENCRYPTION)
put_encryption = writer(Configuration.ENCRYPTION, ENCRYPTION, check_encryption)
delete_encryption = remover(Configuration.ENCRYPTION)

delete_lifecycle = remover(Configuration.LIFECYCLE)
delete_tagging = remover(Configuration.TAGGING)
delete_policy = remover(Configuration.POLICY)
delete_public_access_block = remover(Configuration.PUBLIC_ACCESS_BLOCK)


# Lifecycle


SMALLEST = "x-amz-transition-default-minimum-object-size"
INFREQUENT = frozenset({"STANDARD_IA", "ONEZONE_IA"})
LEAST_DAYS = 30
UNITS = {"Transitions": "Days", "NoncurrentVersionTransitions": "NoncurrentDays"}


def get_lifecycle(request: S3Request) -> HttpResponse:
    form = get_stored(request, Configuration.LIFECYCLE)
    rules = {"Rules": with_classes(form["Rules"], s3_name_of)}
    response = document(
        "LifecycleConfiguration", content("LifecycleConfiguration", rules)
    )
    return with_minimum(response, form)


def put_lifecycle(request: S3Request) -> HttpResponse:
    form = as_document(read_xml(request.body, "LifecycleConfiguration"))
    # An empty document is a text.
    rules = with_classes(form, known_class) if isinstance(form, dict) else {}
    check_are_whole(rules)
    checked = check_lifecycle(
        rules | wanted_minimum(request), settings.OBJECTSTORE_STORAGE_CLASSES
    )
    if not rgw.is_asked():
        check_infrequent(form["Rules"])
    store(request, Configuration.LIFECYCLE, checked)
    return with_minimum(empty(), checked)


def check_infrequent(rules: list[dict[str, Any]]) -> None:
    """Refuse to move to AWS's infrequent access sooner than AWS does.

    AWS, "Transitioning objects using Amazon S3 Lifecycle". It is a rule of AWS's own
    classes, by their names: what is called `cold` here may be moved at once.
    """
    for rule in rules:
        for action, unit in UNITS.items():
            for move in rule.get(action, ()):
                name, days = move["StorageClass"], move.get(unit, LEAST_DAYS)
                if name in INFREQUENT and days < LEAST_DAYS:
                    raise InvalidArgument(
                        f"'{unit}' in {action.removesuffix('s')} action must be "
                        f"greater than or equal to {LEAST_DAYS} for storageClass "
                        f"'{name}'",
                        argument_name=unit,
                        argument_value=str(days),
                    )


def check_are_whole(form: dict[str, Any]) -> None:
    """Want a Filter or the older Prefix in each rule, and no action without a word."""
    for rule in form.get("Rules", ()):
        if not isinstance(rule, dict) or not {"Filter", "Prefix"} & set(rule):
            raise MalformedXML()
        if any(rule.get(action) in ("", {}) for action in ACTIONS):
            raise MalformedXML()


def wanted_minimum(request: S3Request) -> dict[str, str]:
    """Read which objects are too small to be moved; the gateway moves all of them."""
    stated = request.header(SMALLEST) or ("" if rgw.is_asked() else ALL_CLASSES_128K)
    return {MINIMUM: stated} if stated else {}


def with_minimum(response: HttpResponse, form: dict[str, Any]) -> HttpResponse:
    if MINIMUM in form:
        response.headers[SMALLEST] = form[MINIMUM]
    return response


def known_class(name: str) -> str:
    try:
        return alias_of(name)
    except InvalidStorageClass:
        raise MalformedXML() from None


def with_classes(form: Any, translate: Callable[[str], str]) -> Any:
    """Give the form with its storage classes as the other side calls them."""
    if isinstance(form, dict):
        return {
            name: translate(value)
            if name == "StorageClass"
            else with_classes(value, translate)
            for name, value in form.items()
        }
    if isinstance(form, list):
        return [with_classes(one, translate) for one in form]
    return form


# Tags


def get_tagging(request: S3Request) -> HttpResponse:
    return document("Tagging", tag_set(get_stored(request, Configuration.TAGGING)))


def put_tagging(request: S3Request) -> HttpResponse:
    tags = read_tags(request)
    check_tags(tags, most=BUCKET_TAGS_MAX)
    # An empty set takes the tags off.
    store(request, Configuration.TAGGING, tags or None)
    return empty(200 if rgw.is_asked() else 204)


# Policy


def get_policy(request: S3Request) -> HttpResponse:
    text = get_stored(request, Configuration.POLICY)
    return HttpResponse(text, content_type="application/json")


def put_policy(request: S3Request) -> HttpResponse:
    body = request.body
    data = body.read_all(MOST_POLICY)
    body.read()
    operations.put_bucket_policy(
        request.principal,
        request.bucket,
        data.decode(errors="replace"),
        expected_owner=request.expected_owner,
    )
    return empty(204)


def get_policy_status(request: S3Request) -> HttpResponse:
    is_public = access_control.is_policy_public(
        request.principal, request.bucket, expected_owner=request.expected_owner
    )
    return document("PolicyStatus", element("IsPublic", is_public))


# Ownership and public access


def get_ownership(request: S3Request) -> HttpResponse:
    ownership = access_control.get_bucket_ownership_controls(
        request.principal, request.bucket, expected_owner=request.expected_owner
    )
    rule = element("Rule", [element("ObjectOwnership", ownership)])
    return document("OwnershipControls", rule)


def put_ownership(request: S3Request) -> HttpResponse:
    rules = read_xml(request.body, "OwnershipControls").findall("Rule")
    if len(rules) != 1:
        raise MalformedXML()
    access_control.put_bucket_ownership_controls(
        request.principal,
        request.bucket,
        needed(rules[0], "ObjectOwnership"),
        expected_owner=request.expected_owner,
    )
    return empty()


def delete_ownership(request: S3Request) -> HttpResponse:
    access_control.delete_bucket_ownership_controls(
        request.principal, request.bucket, expected_owner=request.expected_owner
    )
    return empty(204)


get_public_access_block = reader(
    Configuration.PUBLIC_ACCESS_BLOCK, "PublicAccessBlockConfiguration"
)


def put_public_access_block(request: S3Request) -> HttpResponse:
    form = as_document(read_xml(request.body, "PublicAccessBlockConfiguration"))
    access_control.put_public_access_block(
        request.principal,
        request.bucket,
        form or {},
        expected_owner=request.expected_owner,
    )
    return empty()


# Object lock and payment


get_object_lock = reader(Configuration.OBJECT_LOCK, "ObjectLockConfiguration")


def put_object_lock(request: S3Request) -> HttpResponse:
    form = as_document(read_xml(request.body, "ObjectLockConfiguration"))
    operations.put_object_lock_configuration(
        request.principal,
        request.bucket,
        check_object_lock(form),
        expected_owner=request.expected_owner,
    )
    return empty()


def get_request_payment(request: S3Request) -> HttpResponse:
    payer = get_stored(request, Configuration.REQUEST_PAYMENT) or "BucketOwner"
    return document("RequestPaymentConfiguration", element("Payer", payer))


def put_request_payment(request: S3Request) -> HttpResponse:
    payer = needed(read_xml(request.body, "RequestPaymentConfiguration"), "Payer")
    if payer not in {"BucketOwner", "Requester"}:
        raise MalformedXML()
    store(request, Configuration.REQUEST_PAYMENT, payer)
    return empty()
