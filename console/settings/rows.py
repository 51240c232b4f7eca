"""Settings that are lists: each row of the form is one rule, tag or grant."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from buckets import acls, lifecycle
from buckets.cors import METHODS
from console.settings.widgets import ConsoleForm, Lines, Pairs

EVERYBODY = {
    acls.ALL_USERS: "everybody (public)",
    acls.AUTHENTICATED_USERS: "everybody with a key",
    acls.LOG_DELIVERY: "log delivery",
}


class RowForm(ConsoleForm):
    """One row; `values` takes an item apart, `item` puts one together."""

    @classmethod
    def values(cls, item: Any) -> dict[str, Any]:
        raise NotImplementedError

    def item(self) -> Any:
        raise NotImplementedError


def without_empty(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value not in (None, "", [])}


class TagRow(RowForm):
    key = forms.CharField(label="Key", max_length=128)
    value = forms.CharField(label="Value", max_length=256, required=False)

    @classmethod
    def values(cls, item: Any) -> dict[str, Any]:
        return {"key": item[0], "value": item[1]}

    def item(self) -> Any:
        return self.cleaned_data["key"], self.cleaned_data["value"]


class GrantRow(RowForm):
    grantee = forms.ChoiceField(
        label="Who", choices=[("id", "an account"), *EVERYBODY.items()]
    )
    canonical_id = forms.CharField(
        label="Canonical id of the account", required=False, max_length=64
    )
    permission = forms.ChoiceField(
        label="May",
        choices=[
            ("READ", "list objects (READ)"),
            ("WRITE", "write and delete objects (WRITE)"),
            ("READ_ACP", "read this list (READ_ACP)"),
            ("WRITE_ACP", "change this list (WRITE_ACP)"),
            ("FULL_CONTROL", "everything (FULL_CONTROL)"),
        ],
    )

    @classmethod
    def values(cls, item: Any) -> dict[str, Any]:
        grantee = item["grantee"]
        return {
            "grantee": grantee.get("uri", "id"),
            "canonical_id": grantee.get("id", ""),
            "permission": item["permission"],
        }

    def clean(self) -> Any:
        given = super().clean() or {}
        if given.get("grantee") == "id" and not given.get("canonical_id"):
            self.add_error("canonical_id", "Name the account by its canonical id.")
        return given

    def item(self) -> Any:
        given = self.cleaned_data
        grantee = {"uri": given["grantee"]}
        if given["grantee"] == "id":
            grantee = {"id": given["canonical_id"]}
        return {"grantee": grantee, "permission": given["permission"]}


class CorsRow(RowForm):
    name = forms.CharField(label="Name", required=False, max_length=255)
    origins = Lines(
        label="Origins", help_text="One a line, e.g. https://example.org or *"
    )
    methods = forms.MultipleChoiceField(
        label="Methods",
        choices=[(method, method) for method in sorted(METHODS)],
        widget=forms.CheckboxSelectMultiple,
    )
    headers = Lines(label="Request headers", required=False, help_text="One a line")
    exposed = Lines(label="Headers shown to scripts", required=False)
    age = forms.IntegerField(
        label="Kept by browsers, seconds", required=False, min_value=0
    )

    @classmethod
    def values(cls, item: Any) -> dict[str, Any]:
        return {
            "name": item.get("ID", ""),
            "origins": item["AllowedOrigins"],
            "methods": item["AllowedMethods"],
            "headers": item.get("AllowedHeaders", []),
            "exposed": item.get("ExposeHeaders", []),
            "age": item.get("MaxAgeSeconds"),
        }

    def item(self) -> Any:
        given = self.cleaned_data
        return without_empty(
            {
                "ID": given["name"],
                "AllowedOrigins": given["origins"],
                "AllowedMethods": given["methods"],
                "AllowedHeaders": given["headers"],
                "ExposeHeaders": given["exposed"],
                "MaxAgeSeconds": given["age"],
            }
        )


class RoutingRow(RowForm):
    prefix = forms.CharField(label="Keys that begin with", required=False)
    code = forms.CharField(
        label="Only after this error", required=False, help_text="e.g. 404"
    )
    host = forms.CharField(label="Go to host", required=False)
    protocol = forms.ChoiceField(
        label="By",
        required=False,
        choices=[("", "as asked"), ("https", "https"), ("http", "http")],
    )
    new_prefix = forms.CharField(label="Put in the prefix's place", required=False)
    new_key = forms.CharField(label="Or go to this key", required=False)
    status = forms.CharField(label="Status", required=False, help_text="301 if empty")

    @classmethod
    def values(cls, item: Any) -> dict[str, Any]:
        condition, redirect = item.get("Condition", {}), item["Redirect"]
        return {
            "prefix": condition.get("KeyPrefixEquals", ""),
            "code": condition.get("HttpErrorCodeReturnedEquals", ""),
            "host": redirect.get("HostName", ""),
            "protocol": redirect.get("Protocol", ""),
            "new_prefix": redirect.get("ReplaceKeyPrefixWith", ""),
            "new_key": redirect.get("ReplaceKeyWith", ""),
            "status": redirect.get("HttpRedirectCode", ""),
        }

    def item(self) -> Any:
        given = self.cleaned_data
        condition = without_empty(
            {
                "KeyPrefixEquals": given["prefix"],
                "HttpErrorCodeReturnedEquals": given["code"],
            }
        )
        redirect = without_empty(
            {
                "HostName": given["host"],
                "Protocol": given["protocol"],
                "ReplaceKeyPrefixWith": given["new_prefix"],
                "ReplaceKeyWith": given["new_key"],
                "HttpRedirectCode": given["status"],
            }
        )
        return without_empty({"Condition": condition or None, "Redirect": redirect})


class LifecycleRow(RowForm):
    name = forms.CharField(label="Name", required=False, max_length=255)
    is_enabled = forms.BooleanField(label="Enabled", required=False, initial=True)
    prefix = forms.CharField(
        label="Keys that begin with", required=False, help_text="Empty: all keys"
    )
    abort_days = forms.IntegerField(
        label="Give up unfinished uploads after days", required=False, min_value=1
    )
    expire_days = forms.IntegerField(
        label="Delete after days", required=False, min_value=1
    )
    expire_date = forms.DateField(
        label="Or delete on",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    noncurrent_days = forms.IntegerField(
        label="Delete earlier versions after days", required=False, min_value=1
    )
    noncurrent_kept = forms.IntegerField(
        label="But keep this many of them", required=False, min_value=1
    )
    larger = forms.IntegerField(label="Only larger than, bytes", required=False)
    smaller = forms.IntegerField(label="Only smaller than, bytes", required=False)
    drops_markers = forms.BooleanField(
        label="Remove delete markers that hide nothing", required=False
    )
    tags = Pairs(
        label="Only with these tags", required=False, help_text="name=value, one a line"
    )
    transitions = Lines(
        label="Move to another class",
        required=False,
        help_text="One a line: 30 cold, or 2027-01-01 archive",
    )
    noncurrent_transitions = Lines(
        label="Move earlier versions", required=False, help_text="One a line: 30 cold"
    )

    @classmethod
    def values(cls, item: Any) -> dict[str, Any]:
        stated = lifecycle.filter_of(item)
        conditions = stated.get("And", stated)
        tags = conditions.get("Tags") or [conditions.get("Tag")]
        expiration = item.get("Expiration", {})
        noncurrent = item.get("NoncurrentVersionExpiration", {})
        return {
            "name": item["ID"],
            "is_enabled": item["Status"] == "Enabled",
            "prefix": conditions.get("Prefix", ""),
            "tags": {tag["Key"]: tag["Value"] for tag in tags if tag},
            "larger": conditions.get("ObjectSizeGreaterThan"),
            "smaller": conditions.get("ObjectSizeLessThan"),
            "expire_days": expiration.get("Days"),
            "expire_date": expiration.get("Date", "")[:10] or None,
            "drops_markers": expiration.get("ExpiredObjectDeleteMarker", False),
            "transitions": [
                f"{one.get('Days', one.get('Date', '')[:10])} {one['StorageClass']}"
                for one in item.get("Transitions", [])
            ],
            "noncurrent_days": noncurrent.get("NoncurrentDays"),
            "noncurrent_kept": noncurrent.get("NewerNoncurrentVersions"),
            "noncurrent_transitions": [
                f"{one.get('NoncurrentDays', 1)} {one['StorageClass']}"
                for one in item.get("NoncurrentVersionTransitions", [])
            ],
            "abort_days": item.get("AbortIncompleteMultipartUpload", {}).get(
                "DaysAfterInitiation"
            ),
        }

    def clean_transitions(self) -> list[dict[str, Any]]:
        return [transition(line) for line in self.cleaned_data["transitions"]]

    def clean_noncurrent_transitions(self) -> list[dict[str, Any]]:
        moves = [
            transition(line) for line in self.cleaned_data["noncurrent_transitions"]
        ]
        if any("Date" in move for move in moves):
            raise forms.ValidationError("Earlier versions move after days alone.")
        return [
            {"NoncurrentDays": move["Days"], "StorageClass": move["StorageClass"]}
            for move in moves
        ]

    def item(self) -> Any:
        given = self.cleaned_data
        rule = {
            "ID": given["name"],
            "Status": "Enabled" if given["is_enabled"] else "Disabled",
            "Filter": filter_of(given),
            "Transitions": given["transitions"],
            "Expiration": expiration_of(given),
            "NoncurrentVersionTransitions": given["noncurrent_transitions"],
            "NoncurrentVersionExpiration": without_empty(
                {
                    "NoncurrentDays": given["noncurrent_days"],
                    "NewerNoncurrentVersions": given["noncurrent_kept"],
                }
            ),
            "AbortIncompleteMultipartUpload": without_empty(
                {"DaysAfterInitiation": given["abort_days"]}
            ),
        }
        return {
            name: value
            for name, value in rule.items()
            if value or name in {"Filter", "Status"}
        }


def transition(line: str) -> dict[str, Any]:
    """Read "30 cold" or "2027-01-01 archive"."""
    when, _, storage_class = line.partition(" ")
    storage_class = storage_class.strip().lower()
    if storage_class not in settings.OBJECTSTORE_STORAGE_CLASSES:
        known = ", ".join(settings.OBJECTSTORE_STORAGE_CLASSES)
        raise forms.ValidationError(f"{line}: name one of the classes {known}.")
    if when.isdecimal() and len(when) < 10:
        return {"Days": int(when), "StorageClass": storage_class}
    return {"Date": when, "StorageClass": storage_class}


def filter_of(given: dict[str, Any]) -> dict[str, Any]:
    conditions: dict[str, Any] = without_empty(
        {
            "Prefix": given["prefix"],
            "ObjectSizeGreaterThan": given["larger"],
            "ObjectSizeLessThan": given["smaller"],
        }
    )
    tags = [{"Key": key, "Value": value} for key, value in given["tags"].items()]
    if not tags and len(conditions) <= 1:
        return conditions or {"Prefix": ""}
    if len(tags) == 1 and not conditions:
        return {"Tag": tags[0]}
    return {"And": {**conditions, **({"Tags": tags} if tags else {})}}


def expiration_of(given: dict[str, Any]) -> dict[str, Any]:
    date = given["expire_date"]
    return without_empty(
        {
            "Days": given["expire_days"],
            "Date": date.isoformat() if date else None,
            "ExpiredObjectDeleteMarker": given["drops_markers"] or None,
        }
    )
