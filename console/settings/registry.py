"""All settings of a bucket, by the name their pages go by."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings

from buckets import access_control, operations, quotas
from buckets.configurations import Configuration, ObjectOwnership
from buckets.cors import check_cors
from buckets.encryption import check_encryption
from buckets.lifecycle import check_lifecycle
from buckets.object_lock import check_object_lock
from buckets.website import check_website
from console.settings import forms as single
from console.settings import rows
from console.settings.forms import DocumentForm
from console.settings.rows import RowForm
from console.settings.widgets import ConsoleForm, reason
from iam.principals import Principal
from kernel.errors import InvalidRequest, ObjectStoreError
from kernel.names import BUCKET_TAGS_MAX, check_tags

Read = Callable[[Principal, str], Any]
Write = Callable[[Principal, str, Any], None]
Remove = Callable[[Principal, str], None]
MOST_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: what its page says, and how it is read, written and removed.

    `read` gives None where nothing is set. `gather` makes the document of a form and
    its rows, `spread` the rows of a document.
    """

    slug: str
    title: str
    icon: str
    about: str
    actions: tuple[str, str]
    read: Read
    write: Write
    kind: Configuration | None = None
    remove: Remove | None = None
    form: type[DocumentForm] | None = None
    row: type[RowForm] | None = None
    row_name: str = "rule"
    spread: Callable[[Any], list[Any]] = list
    gather: Callable[[Any, list[Any]], Any] = lambda document, items: items

    def values(self, document: Any) -> dict[str, Any]:
        return {} if self.form is None else self.form.values(document)

    def items(self, document: Any) -> list[dict[str, Any]]:
        if self.row is None or document is None:
            return []
        return [self.row.values(item) for item in self.spread(document)]

    def formset(self) -> Any:
        """Make the class of the rows' forms."""
        return forms.formset_factory(
            self.row or RowForm, extra=0, can_delete=True, absolute_max=MOST_ROWS
        )


def stored(kind: Configuration) -> Read:
    """Read a configuration; the error of its absence is None here."""

    def read(principal: Principal, name: str) -> Any:
        try:
            return operations.get_configuration(principal, name, kind)
        except operations.ABSENT.get(kind, ()):  # type: ignore[misc]
            return None

    return read


def storing(kind: Configuration, check: Callable[[Any], Any]) -> Write:
    def write(principal: Principal, name: str, document: Any) -> None:
        operations.put_configuration(principal, name, kind, check(document))

    return write


def removing(kind: Configuration) -> Remove:
    def remove(principal: Principal, name: str) -> None:
        operations.delete_configuration(principal, name, kind)

    return remove


def mapping(document: Any, *names: str) -> dict[str, Any]:
    """Refuse a document that is not an object of these names."""
    if not isinstance(document, dict) or set(document) - set(names):
        raise InvalidRequest(f"Give an object with {', '.join(names)}.")
    return document


def read_versioning(principal: Principal, name: str) -> Any:
    return {"Status": operations.get_bucket_versioning(principal, name)}


def write_versioning(principal: Principal, name: str, document: Any) -> None:
    status = str(mapping(document, "Status").get("Status"))
    operations.put_bucket_versioning(principal, name, status)


def read_quota(principal: Principal, name: str) -> Any:
    bucket = quotas.get_bucket_quota(principal, name)
    return {"QuotaBytes": bucket.quota_bytes, "QuotaObjects": bucket.quota_objects}


def write_quota(principal: Principal, name: str, document: Any) -> None:
    given = mapping(document, "QuotaBytes", "QuotaObjects")
    for value in given.values():
        if value is not None and (not isinstance(value, int) or value < 0):
            raise InvalidRequest("A quota is a whole number, or null for no bound.")
    quotas.put_bucket_quota(
        principal,
        name,
        quota_bytes=given.get("QuotaBytes"),
        quota_objects=given.get("QuotaObjects"),
    )


def read_policy(principal: Principal, name: str) -> Any:
    text = stored(Configuration.POLICY)(principal, name)
    return None if text is None else json.loads(text)


def write_policy(principal: Principal, name: str, document: Any) -> None:
    operations.put_bucket_policy(principal, name, json.dumps(document, indent=2))


def read_ownership(principal: Principal, name: str) -> Any:
    stated = stored(Configuration.OWNERSHIP)(principal, name)
    return None if stated is None else shown_ownership(stated)


def shown_ownership(stated: str) -> dict[str, str]:
    """Show what counts where the controls were removed, too."""
    return {"ObjectOwnership": stated or ObjectOwnership.OBJECT_WRITER}


def write_ownership(principal: Principal, name: str, document: Any) -> None:
    stated = mapping(document, "ObjectOwnership").get("ObjectOwnership")
    access_control.put_bucket_ownership_controls(principal, name, str(stated))


def write_public_access(principal: Principal, name: str, document: Any) -> None:
    access_control.put_public_access_block(
        principal, name, mapping(document, *single.BLOCK_TEXTS)
    )


def read_acl(principal: Principal, name: str) -> Any:
    _, grants = access_control.get_bucket_acl(principal, name)
    return {"grants": [dict(grant) for grant in grants]}


def write_acl(principal: Principal, name: str, document: Any) -> None:
    access_control.put_bucket_acl(principal, name, checked_acl(document))


def checked_acl(document: Any) -> dict[str, Any]:
    """Refuse what is no list of grants; who and what they name, the domain checks."""
    listed = mapping(document, "grants").get("grants")
    if not isinstance(listed, list) or not all(map(is_grant, listed)):
        raise InvalidRequest('Give a list of {"grantee": {...}, "permission": "..."}.')
    return {"grants": listed}


def is_grant(element: Any) -> bool:
    if not isinstance(element, dict) or set(element) != {"grantee", "permission"}:
        return False
    grantee = element["grantee"]
    return (
        isinstance(grantee, dict)
        and set(grantee) <= {"id", "uri"}
        and all(
            isinstance(one, str) for one in (*grantee.values(), element["permission"])
        )
    )


def write_object_lock(principal: Principal, name: str, document: Any) -> None:
    operations.put_object_lock_configuration(
        principal, name, check_object_lock(document)
    )


def read_payment(principal: Principal, name: str) -> Any:
    payer = stored(Configuration.REQUEST_PAYMENT)(principal, name)
    return {"Payer": payer or "BucketOwner"}


def check_payment(document: Any) -> str:
    payer = mapping(document, "Payer").get("Payer")
    if payer not in ("BucketOwner", "Requester"):
        raise InvalidRequest("The payer is BucketOwner or Requester.")
    return str(payer)


def with_rules(document: Any, items: list[Any]) -> Any:
    """Keep what a client said of small objects as long as there are rules."""
    return {**(document or {}), "Rules": items} if items else {"Rules": []}


def checked_lifecycle(document: Any) -> Any:
    return check_lifecycle(document, settings.OBJECTSTORE_STORAGE_CLASSES)


def checked_tags(document: Any) -> Any:
    is_text = isinstance(document, dict) and all(
        isinstance(value, str) for value in document.values()
    )
    if not is_text:
        raise InvalidRequest('Give an object of texts: {"key": "value"}.')
    check_tags(document, most=BUCKET_TAGS_MAX)
    return document


class WebsiteForm(DocumentForm):
    index = forms.CharField(
        label="Index document",
        required=False,
        help_text="Shown for a folder, e.g. index.html",
    )
    error = forms.CharField(
        label="Error document", required=False, help_text="Shown for what is missing"
    )
    host = forms.CharField(label="Or send every request to this host", required=False)
    protocol = forms.ChoiceField(
        label="By",
        required=False,
        choices=[("", "as asked"), ("https", "https"), ("http", "http")],
    )

    @classmethod
    def values(cls, document: Any) -> dict[str, Any]:
        given = document or {}
        target = given.get("RedirectAllRequestsTo", {})
        return {
            "index": given.get("IndexDocument", {}).get("Suffix", ""),
            "error": given.get("ErrorDocument", {}).get("Key", ""),
            "host": target.get("HostName", ""),
            "protocol": target.get("Protocol", ""),
        }

    def document(self) -> Any:
        given = self.cleaned_data
        if given["host"]:
            target = {"HostName": given["host"]}
            if given["protocol"]:
                target["Protocol"] = given["protocol"]
            return {"RedirectAllRequestsTo": target}
        site: dict[str, Any] = {"IndexDocument": {"Suffix": given["index"]}}
        if given["error"]:
            site["ErrorDocument"] = {"Key": given["error"]}
        return site


def with_routing(document: Any, items: list[Any]) -> Any:
    if not items:
        return document
    return {**document, "RoutingRules": {"RoutingRules": items}}


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "versioning",
        "Versioning",
        "history",
        "Keep what an overwrite or a delete would lose.",
        ("s3:GetBucketVersioning", "s3:PutBucketVersioning"),
        read_versioning,
        write_versioning,
        form=single.VersioningForm,
    ),
    Setting(
        "lifecycle",
        "Lifecycle",
        "autorenew",
        "Delete objects or move them to another class when they reach an age.",
        ("s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
        stored(Configuration.LIFECYCLE),
        storing(Configuration.LIFECYCLE, checked_lifecycle),
        kind=Configuration.LIFECYCLE,
        remove=removing(Configuration.LIFECYCLE),
        row=rows.LifecycleRow,
        spread=lambda document: document["Rules"],
        gather=with_rules,
    ),
    Setting(
        "policy",
        "Policy",
        "policy",
        "Say who may do what in this bucket, inside the account and outside it.",
        ("s3:GetBucketPolicy", "s3:PutBucketPolicy"),
        read_policy,
        write_policy,
        kind=Configuration.POLICY,
        remove=removing(Configuration.POLICY),
        form=single.PolicyForm,
    ),
    Setting(
        "public-access",
        "Public access",
        "public_off",
        "Guard against opening the bucket to everybody by mistake.",
        ("s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
        stored(Configuration.PUBLIC_ACCESS_BLOCK),
        write_public_access,
        kind=Configuration.PUBLIC_ACCESS_BLOCK,
        remove=removing(Configuration.PUBLIC_ACCESS_BLOCK),
        form=single.PublicAccessForm,
    ),
    Setting(
        "ownership",
        "Ownership",
        "assignment_ind",
        "Say who owns new objects, and so whether ACLs count at all.",
        ("s3:GetBucketOwnershipControls", "s3:PutBucketOwnershipControls"),
        read_ownership,
        write_ownership,
        kind=Configuration.OWNERSHIP,
        remove=removing(Configuration.OWNERSHIP),
        form=single.OwnershipForm,
    ),
    Setting(
        "acl",
        "ACL",
        "lists",
        "The older list of grants. It counts only where ownership lets it.",
        ("s3:GetBucketAcl", "s3:PutBucketAcl"),
        read_acl,
        write_acl,
        kind=Configuration.ACL,
        row=rows.GrantRow,
        row_name="grant",
        spread=lambda document: document["grants"],
        gather=lambda document, items: {"grants": items},
    ),
    Setting(
        "object-lock",
        "Object lock",
        "lock",
        "Keep versions from being deleted before their time (WORM).",
        (
            "s3:GetBucketObjectLockConfiguration",
            "s3:PutBucketObjectLockConfiguration",
        ),
        stored(Configuration.OBJECT_LOCK),
        write_object_lock,
        kind=Configuration.OBJECT_LOCK,
        form=single.ObjectLockForm,
    ),
    Setting(
        "encryption",
        "Encryption",
        "enhanced_encryption",
        "What uploads that say nothing of encryption are given.",
        ("s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration"),
        stored(Configuration.ENCRYPTION),
        storing(Configuration.ENCRYPTION, check_encryption),
        kind=Configuration.ENCRYPTION,
        remove=removing(Configuration.ENCRYPTION),
        form=single.EncryptionForm,
    ),
    Setting(
        "cors",
        "CORS",
        "swap_horiz",
        "Let scripts of other sites read and write here from a browser.",
        ("s3:GetBucketCORS", "s3:PutBucketCORS"),
        stored(Configuration.CORS),
        storing(Configuration.CORS, check_cors),
        kind=Configuration.CORS,
        remove=removing(Configuration.CORS),
        row=rows.CorsRow,
        spread=lambda document: document["CORSRules"],
        gather=lambda document, items: {"CORSRules": items},
    ),
    Setting(
        "website",
        "Website",
        "language",
        "Serve the bucket as a static site.",
        ("s3:GetBucketWebsite", "s3:PutBucketWebsite"),
        stored(Configuration.WEBSITE),
        storing(Configuration.WEBSITE, check_website),
        kind=Configuration.WEBSITE,
        remove=removing(Configuration.WEBSITE),
        form=WebsiteForm,
        row=rows.RoutingRow,
        row_name="routing rule",
        spread=lambda document: document.get("RoutingRules", {}).get(
            "RoutingRules", []
        ),
        gather=with_routing,
    ),
    Setting(
        "tags",
        "Tags",
        "sell",
        "Names and values of your own, up to 50.",
        ("s3:GetBucketTagging", "s3:PutBucketTagging"),
        stored(Configuration.TAGGING),
        storing(Configuration.TAGGING, checked_tags),
        kind=Configuration.TAGGING,
        remove=removing(Configuration.TAGGING),
        row=rows.TagRow,
        row_name="tag",
        spread=lambda document: list(document.items()),
        gather=lambda document, items: dict(items),
    ),
    Setting(
        "quota",
        "Quota",
        "speed",
        "Bound what the bucket may hold. What is there stays.",
        (quotas.GET_QUOTA, quotas.PUT_QUOTA),
        read_quota,
        write_quota,
        form=single.QuotaForm,
    ),
    Setting(
        "request-payment",
        "Request payment",
        "payments",
        "Who is named as the payer of requests.",
        ("s3:GetBucketRequestPayment", "s3:PutBucketRequestPayment"),
        read_payment,
        storing(Configuration.REQUEST_PAYMENT, check_payment),
        kind=Configuration.REQUEST_PAYMENT,
        form=single.RequestPaymentForm,
    ),
)
BY_SLUG = {setting.slug: setting for setting in SETTINGS}


class Editor:
    """A setting's form and rows together, filled from a document or from a request."""

    def __init__(self, setting: Setting, document: Any, data: Any = None) -> None:
        self.setting = setting
        self.form: ConsoleForm | None = None
        self.rows: Any = None
        if setting.form is not None:
            self.form = setting.form(data, initial=setting.values(document))
        if setting.row is not None:
            self.rows = setting.formset()(
                data, initial=setting.items(document), prefix="rows"
            )

    def is_valid(self) -> bool:
        parts = [part for part in (self.form, self.rows) if part is not None]
        # Each is asked, so that all their complaints show at once.
        return sum(1 for part in parts if not part.is_valid()) == 0

    def document(self) -> Any:
        """Put the document together. The parts must be valid."""
        whole = self.form.document() if isinstance(self.form, DocumentForm) else None
        if self.rows is None:
            return whole
        items = [
            row.item()
            for row in self.rows
            if row.cleaned_data and not row.cleaned_data.get("DELETE")
        ]
        return self.setting.gather(whole, items)

    def refuse(self, error: ObjectStoreError, line: int = 0) -> None:
        if self.form is not None:
            self.form.refuse(error, line)
        else:
            self.rows._non_form_errors = self.rows.error_class([reason(error)])
