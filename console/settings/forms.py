"""Settings that are one form: each reads a document and gives one back."""

from __future__ import annotations

from typing import Any

from django import forms

from buckets.configurations import PUBLIC_BLOCKS, ObjectOwnership
from console.settings.widgets import ConsoleForm, JsonText, SizeField


class DocumentForm(ConsoleForm):
    """A form over a document: `values` takes it apart, `document` puts it together."""

    @classmethod
    def values(cls, document: Any) -> dict[str, Any]:
        raise NotImplementedError

    def document(self) -> Any:
        raise NotImplementedError


class VersioningForm(DocumentForm):
    status = forms.ChoiceField(
        label="Versioning",
        widget=forms.RadioSelect,
        choices=[
            ("Enabled", "Enabled: every overwrite and delete keeps what was there"),
            ("Suspended", "Suspended: earlier versions stay, new ones are not kept"),
        ],
        help_text="Once enabled, versioning can be suspended but never taken back.",
    )

    @classmethod
    def values(cls, document: Any) -> dict[str, Any]:
        return {"status": document.get("Status") or ""}

    def document(self) -> Any:
        return {"Status": self.cleaned_data["status"]}


class QuotaForm(DocumentForm):
    size = SizeField(
        label="Size",
        required=False,
        help_text="10 GiB, 500 MB; all versions count. Empty: no bound.",
    )
    objects = forms.IntegerField(
        label="Objects",
        required=False,
        min_value=0,
        help_text="Objects and earlier versions. Empty: no bound.",
    )

    @classmethod
    def values(cls, document: Any) -> dict[str, Any]:
        return {
            "size": document.get("QuotaBytes"),
            "objects": document.get("QuotaObjects"),
        }

    def document(self) -> Any:
        return {
            "QuotaBytes": self.cleaned_data["size"],
            "QuotaObjects": self.cleaned_data["objects"],
        }


class EncryptionForm(DocumentForm):
    algorithm = forms.ChoiceField(
        label="What uploads that ask for nothing get",
        widget=forms.RadioSelect,
        choices=[
            ("AES256", "AES256: keys of the store"),
            ("aws:kms", "aws:kms: a named key"),
        ],
    )
    key_id = forms.CharField(
        label="Key id", required=False, help_text="For aws:kms alone."
    )
    uses_bucket_key = forms.BooleanField(
        label="One key for the bucket (BucketKeyEnabled)", required=False
    )

    @classmethod
    def values(cls, document: Any) -> dict[str, Any]:
        rule = (document or {"Rules": [{}]})["Rules"][0]
        applied = rule.get("ApplyServerSideEncryptionByDefault", {})
        return {
            "algorithm": applied.get("SSEAlgorithm", "AES256"),
            "key_id": applied.get("KMSMasterKeyID", ""),
            "uses_bucket_key": rule.get("BucketKeyEnabled", False),
        }

    def document(self) -> Any:
        given = self.cleaned_data
        applied = {"SSEAlgorithm": given["algorithm"]}
        if given["key_id"]:
            applied["KMSMasterKeyID"] = given["key_id"]
        rule: dict[str, Any] = {"ApplyServerSideEncryptionByDefault": applied}
        if given["uses_bucket_key"]:
            rule["BucketKeyEnabled"] = True
        return {"Rules": [rule]}


class ObjectLockForm(DocumentForm):
    mode = forms.ChoiceField(
        label="Default retention of new objects",
        widget=forms.RadioSelect,
        required=False,
        choices=[
            ("", "None: an object is locked only if its upload says so"),
            ("GOVERNANCE", "Governance: those with a special right may take it off"),
            ("COMPLIANCE", "Compliance: nobody may take it off before its time"),
        ],
    )
    period = forms.IntegerField(label="For", min_value=1, required=False)
    unit = forms.ChoiceField(
        label="Unit", choices=[("Days", "days"), ("Years", "years")]
    )

    @classmethod
    def values(cls, document: Any) -> dict[str, Any]:
        retention = ((document or {}).get("Rule") or {}).get("DefaultRetention") or {}
        unit = "Years" if "Years" in retention else "Days"
        return {
            "mode": retention.get("Mode", ""),
            "period": retention.get(unit),
            "unit": unit,
        }

    def clean(self) -> Any:
        given = super().clean() or {}
        if given.get("mode") and not given.get("period"):
            self.add_error("period", "Say for how long.")
        return given

    def document(self) -> Any:
        given = self.cleaned_data
        locked: dict[str, Any] = {"ObjectLockEnabled": "Enabled"}
        if given["mode"]:
            retention = {"Mode": given["mode"], given["unit"]: given["period"]}
            locked["Rule"] = {"DefaultRetention": retention}
        return locked


BLOCK_TEXTS = {
    "BlockPublicAcls": "Refuse new ACLs that let the public in",
    "IgnorePublicAcls": "Ignore public grants in ACLs that are there",
    "BlockPublicPolicy": "Refuse a bucket policy that lets the public in",
    "RestrictPublicBuckets": "Where the policy is public, let in only this account",
}


class PublicAccessForm(DocumentForm):
    BlockPublicAcls = forms.BooleanField(
        label=BLOCK_TEXTS["BlockPublicAcls"], required=False
    )
    IgnorePublicAcls = forms.BooleanField(
        label=BLOCK_TEXTS["IgnorePublicAcls"], required=False
    )
    BlockPublicPolicy = forms.BooleanField(
        label=BLOCK_TEXTS["BlockPublicPolicy"], required=False
    )
    RestrictPublicBuckets = forms.BooleanField(
        label=BLOCK_TEXTS["RestrictPublicBuckets"], required=False
    )

    @classmethod
    def values(cls, document: Any) -> dict[str, Any]:
        return {name: bool((document or {}).get(name)) for name in PUBLIC_BLOCKS}

    def document(self) -> Any:
        return {name: self.cleaned_data[name] for name in PUBLIC_BLOCKS}


class OwnershipForm(DocumentForm):
    ownership = forms.ChoiceField(
        label="Who owns new objects",
        widget=forms.RadioSelect,
        choices=[
            (
                ObjectOwnership.BUCKET_OWNER_ENFORCED,
                "The bucket's owner; ACLs are off (recommended)",
            ),
            (
                ObjectOwnership.BUCKET_OWNER_PREFERRED,
                "The bucket's owner where the upload says so; ACLs count",
            ),
            (ObjectOwnership.OBJECT_WRITER, "Whoever uploads them; ACLs count"),
        ],
    )

    @classmethod
    def values(cls, document: Any) -> dict[str, Any]:
        return {
            "ownership": (document or {}).get(
                "ObjectOwnership", ObjectOwnership.BUCKET_OWNER_ENFORCED
            )
        }

    def document(self) -> Any:
        return {"ObjectOwnership": self.cleaned_data["ownership"]}


class RequestPaymentForm(DocumentForm):
    payer = forms.ChoiceField(
        label="Who is named as payer of requests",
        widget=forms.RadioSelect,
        choices=[("BucketOwner", "The bucket's owner"), ("Requester", "Who asks")],
        help_text="Kept and told to clients; this store bills nobody.",
    )

    @classmethod
    def values(cls, document: Any) -> dict[str, Any]:
        return {"payer": (document or {}).get("Payer", "BucketOwner")}

    def document(self) -> Any:
        return {"Payer": self.cleaned_data["payer"]}


class PolicyForm(DocumentForm):
    policy = JsonText(
        label="Policy",
        help_text="The grammar is that of AWS; what is not of it is refused.",
    )

    @classmethod
    def values(cls, document: Any) -> dict[str, Any]:
        return {"policy": document}

    def document(self) -> Any:
        return self.cleaned_data["policy"]
