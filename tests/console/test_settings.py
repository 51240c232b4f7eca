"""A bucket's settings: a form and JSON save the same, and the domain checks both."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from buckets.configurations import configurations_of
from buckets.queries import get
from console.settings.registry import BY_SLUG, SETTINGS, Editor
from console.settings.sentences import sentence
from console.settings.widgets import SizeField
from kernel.bodies import Body
from objects.models import ObjectVersion
from objects.operations import put_object

# What each page shows of a document is what it saves again.
DOCUMENTS: dict[str, Any] = {
    "versioning": {"Status": "Suspended"},
    "lifecycle": {
        "Rules": [
            {
                "ID": "logs",
                "Status": "Enabled",
                "Filter": {
                    "And": {
                        "Prefix": "logs/",
                        "Tags": [{"Key": "a", "Value": "b"}],
                        "ObjectSizeGreaterThan": 10,
                    }
                },
                "Transitions": [{"Days": 30, "StorageClass": "cold"}],
                "Expiration": {"Days": 365},
                "NoncurrentVersionExpiration": {
                    "NoncurrentDays": 7,
                    "NewerNoncurrentVersions": 2,
                },
            },
            {
                "ID": "tidy",
                "Status": "Disabled",
                "Filter": {"Prefix": ""},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3},
            },
        ]
    },
    "policy": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:DeleteObject",
                "Resource": "arn:aws:s3:::bucket/*",
            }
        ],
    },
    "public-access": {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": False,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": False,
    },
    "ownership": {"ObjectOwnership": "ObjectWriter"},
    "encryption": {
        "Rules": [
            {
                "ApplyServerSideEncryptionByDefault": {
                    "SSEAlgorithm": "aws:kms",
                    "KMSMasterKeyID": "key-1",
                },
                "BucketKeyEnabled": True,
            }
        ]
    },
    "cors": {
        "CORSRules": [
            {
                "ID": "site",
                "AllowedOrigins": ["https://a.example", "https://b.example"],
                "AllowedMethods": ["GET", "PUT"],
                "AllowedHeaders": ["*"],
                "ExposeHeaders": ["ETag"],
                "MaxAgeSeconds": 60,
            }
        ]
    },
    "website": {
        "IndexDocument": {"Suffix": "index.html"},
        "ErrorDocument": {"Key": "404.html"},
        "RoutingRules": {
            "RoutingRules": [
                {
                    "Condition": {"KeyPrefixEquals": "old/"},
                    "Redirect": {"ReplaceKeyPrefixWith": "new/"},
                }
            ]
        },
    },
    "tags": {"team": "red", "cost centre": "7"},
    "quota": {"QuotaBytes": 1024**3, "QuotaObjects": 5},
    "request-payment": {"Payer": "Requester"},
    "object-lock": {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}},
    },
}
NEEDS_VERSIONS = {"object-lock"}
# What is set after them.
OTHER_DOCUMENTS: dict[str, Any] = {
    "versioning": {"Status": "Enabled"},
    "lifecycle": {
        "Rules": [
            {
                "ID": "all",
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "Expiration": {"Days": 9},
            }
        ]
    },
    "policy": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "Resource": "arn:aws:s3:::bucket/*",
            }
        ],
    },
    "public-access": dict.fromkeys(DOCUMENTS["public-access"], True),
    "ownership": {"ObjectOwnership": "BucketOwnerPreferred"},
    "encryption": {
        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    },
    "cors": {"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]},
    "website": {"IndexDocument": {"Suffix": "other.html"}},
    "tags": {"team": "blue"},
    "quota": {"QuotaBytes": None, "QuotaObjects": 7},
    "request-payment": {"Payer": "BucketOwner"},
    "object-lock": {"ObjectLockEnabled": "Enabled"},
}


def fields_of(editor: Editor) -> dict[str, Any]:
    """Give what a browser would send of a form that it shows."""
    sent: dict[str, Any] = {}
    forms = [editor.form] if editor.form else []
    if editor.rows is not None:
        forms += [editor.rows.management_form, *editor.rows.forms]
    for form in forms:
        for field in form:
            value = field.value()
            prepared = field.field.prepare_value(value)
            if prepared is None or prepared is False:
                continue
            sent[field.html_name] = "on" if prepared is True else prepared
    return sent


@pytest.mark.parametrize("slug", DOCUMENTS)
def test_form_and_json_save_the_same(
    operator: Any, root: Any, bucket: str, versioned: str, slug: str
) -> None:
    name = versioned if slug in NEEDS_VERSIONS else bucket
    page = f"/admin/buckets/{name}/settings/{slug}/"
    setting = BY_SLUG[slug]
    document = DOCUMENTS[slug]
    saved = operator.post(page, {"as_json": "1", "document": json.dumps(document)})
    assert saved.status_code == 302
    assert setting.read(root, name) == document
    shown = operator.get(page).context_data["editor"]
    saved = operator.post(page, fields_of(shown))
    assert saved.status_code == 302
    assert setting.read(root, name) == document


@pytest.mark.parametrize("slug", DOCUMENTS)
def test_what_was_set_before_is_brought_back(
    operator: Any, root: Any, bucket: str, versioned: str, slug: str
) -> None:
    name = versioned if slug in NEEDS_VERSIONS else bucket
    page = f"/admin/buckets/{name}/settings/{slug}/"
    setting = BY_SLUG[slug]
    for document in (DOCUMENTS[slug], OTHER_DOCUMENTS[slug]):
        setting.write(root, name, document)
    assert setting.read(root, name) == OTHER_DOCUMENTS[slug]
    changes = operator.get(page).context_data["changes"]
    event, may_bring_back = changes[0]
    assert may_bring_back
    loaded = operator.get(page, {"before": event.pk})
    assert b"not saved yet" in loaded.content
    assert setting.read(root, name) == OTHER_DOCUMENTS[slug]
    saved = operator.post(page, fields_of(loaded.context_data["editor"]))
    assert saved.status_code == 302
    assert setting.read(root, name) == DOCUMENTS[slug]


def test_history_of_another_setting_is_not_loaded(
    operator: Any, root: Any, bucket: str
) -> None:
    for status in ("Enabled", "Suspended"):
        BY_SLUG["versioning"].write(root, bucket, {"Status": status})
    page = f"/admin/buckets/{bucket}/settings"
    shown = operator.get(f"{page}/versioning/").context_data["changes"]
    event = shown[0][0]
    for wrong in (event.pk, event.pk + 99, "9" * 30):
        loaded = operator.get(f"{page}/quota/", {"before": wrong})
        assert loaded.status_code == 404


def test_history_is_for_those_who_read_the_log(
    sign_in: Any, root: Any, bucket: str
) -> None:
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    owner = sign_in(
        "owner", json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    BY_SLUG["versioning"].write(root, bucket, {"Status": "Enabled"})
    page = owner.get(f"/admin/buckets/{bucket}/settings/versioning/")
    assert page.context_data["changes"] == []


def test_rules_are_tried_without_being_saved(
    operator: Any, root: Any, bucket: str
) -> None:
    put_object(root, bucket, "logs/a", body=Body.of(b"12"), now=timezone.now())
    ObjectVersion.objects.update(created_at=timezone.now() - timedelta(days=5))
    page = f"/admin/buckets/{bucket}/settings/lifecycle/"
    sent = {
        **fields_of(operator.get(page).context_data["editor"]),
        "rows-TOTAL_FORMS": "1",
        "rows-0-is_enabled": "on",
        "rows-0-prefix": "logs/",
        "rows-0-expire_days": "2",
    }
    tried = operator.post(page, {**sent, "try": "1"})
    assert b"tried, not saved" in tried.content
    assert [day.count for day in tried.context_data["days"]] == [1]
    assert BY_SLUG["lifecycle"].read(root, bucket) is None
    refused = operator.post(page, {**sent, "rows-0-expire_days": "", "try": "1"})
    assert refused.status_code == 400


def test_acl_is_saved_where_acls_count(
    operator: Any, root: Any, bucket: str, other_root: Any
) -> None:
    page = f"/admin/buckets/{bucket}/settings"
    operator.post(f"{page}/ownership/", {"ownership": "ObjectWriter"})
    grants = [
        {"grantee": {"id": one.canonical_id}, "permission": permission}
        for one, permission in ((root, "FULL_CONTROL"), (other_root, "READ"))
    ]
    document = json.dumps({"grants": grants})
    operator.post(f"{page}/acl/", {"as_json": "1", "document": document})
    assert BY_SLUG["acl"].read(root, bucket) == {"grants": grants}
    operator.post(
        f"{page}/acl/", fields_of(operator.get(f"{page}/acl/").context_data["editor"])
    )
    assert BY_SLUG["acl"].read(root, bucket) == {"grants": grants}


@pytest.mark.parametrize(
    "setting", [one for one in SETTINGS if one.remove], ids=lambda one: one.slug
)
def test_setting_is_removed(
    operator: Any, root: Any, bucket: str, setting: Any
) -> None:
    page = f"/admin/buckets/{bucket}/settings/{setting.slug}/"
    document = json.dumps(DOCUMENTS[setting.slug])
    operator.post(page, {"as_json": "1", "document": document})
    assert b'name="remove"' in operator.get(page).content
    operator.post(page, {"remove": "1", "confirmed": "1"})
    assert b'name="remove"' not in operator.get(page).content
    found = get(bucket)
    assert found is not None
    kept = configurations_of(found.configurations_text)
    assert kept.get(setting.kind) is None


@pytest.mark.parametrize("slug", DOCUMENTS)
def test_nonsense_is_refused_with_a_reason(
    operator: Any, bucket: str, slug: str
) -> None:
    page = f"/admin/buckets/{bucket}/settings/{slug}/"
    for text in ('{"Nonsense": 1}', "[1]", "{broken"):
        response = operator.post(page, {"as_json": "1", "document": text})
        assert response.status_code == 400, text


ODD = [
    *("[" * 100_000, '{"a":' * 100_000, "1e400", "true"),
    *('{"grants": 5}', '{"grants": [5]}', '{"grants": [{"permission": []}]}'),
    '{"grants": [{"grantee": 5, "permission": "READ"}]}',
    '{"grants": [{"grantee": {"id": []}, "permission": "READ"}]}',
    '{"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": []}}}',
    '{"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention":'
    ' {"Mode": "GOVERNANCE", "Days": 1e400}}}',
    '{"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": []}}]}',
    '{"Rules": [{"ApplyServerSideEncryptionByDefault":'
    ' {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": 5}}]}',
    *('{"Payer": []}', '{"Payer": {}}', '{"QuotaBytes": [1]}', '{"Status": []}'),
]


@pytest.mark.parametrize("slug", DOCUMENTS)
def test_odd_documents_are_refused(operator: Any, bucket: str, slug: str) -> None:
    page = f"/admin/buckets/{bucket}/settings/{slug}/"
    for text in ODD:
        response = operator.post(page, {"as_json": "1", "document": text})
        assert response.status_code == 400, text[:80]


def test_rule_of_the_older_form_is_shown_everywhere(
    operator: Any, root: Any, bucket: str
) -> None:
    rule = {
        "ID": "a",
        "Status": "Enabled",
        "Prefix": "logs/",
        "Expiration": {"Days": 1},
    }
    BY_SLUG["lifecycle"].write(root, bucket, {"Rules": [rule]})
    for page in ("", "settings/lifecycle/", "lifecycle/"):
        shown = operator.get(f"/admin/buckets/{bucket}/{page}")
        assert shown.status_code == 200, page
    assert sentence(rule) == "Objects under “logs/”: delete after 1 day."


@pytest.mark.parametrize("size", [1, 100_000, 1_000_000, 3 * 2**30, 2**63 - 1])
def test_quota_is_shown_and_saved_as_it_is(
    operator: Any, root: Any, bucket: str, size: int
) -> None:
    BY_SLUG["quota"].write(root, bucket, {"QuotaBytes": size, "QuotaObjects": None})
    page = f"/admin/buckets/{bucket}/settings/quota/"
    shown = operator.get(page).context_data["editor"]
    assert operator.post(page, fields_of(shown)).status_code == 302
    assert BY_SLUG["quota"].read(root, bucket)["QuotaBytes"] == size


@pytest.mark.parametrize(
    ("text", "size"),
    [("2", 2**31), ("1.5 TiB", 3 * 2**39), ("500MB", 500_000_000), ("7 b", 7)],
)
def test_sizes_are_read_with_their_units(text: str, size: int) -> None:
    assert SizeField().clean(text) == size


@pytest.mark.parametrize("text", ["-1", "1e99999999", "9000 PiB", "²", "many", "1 i"])
def test_sizes_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        SizeField().clean(text)


def test_days_of_a_move_are_plain_digits(operator: Any, bucket: str) -> None:
    page = f"/admin/buckets/{bucket}/settings/lifecycle/"
    sent = {
        **fields_of(operator.get(page).context_data["editor"]),
        "rows-TOTAL_FORMS": "1",
        "rows-0-transitions": "² cold",
    }
    assert operator.post(page, sent).status_code == 400


def test_a_rule_that_deletes_before_it_moves_is_refused_with_its_reason(
    operator: Any, bucket: str
) -> None:
    page = f"/admin/buckets/{bucket}/settings/lifecycle/"
    sent = {
        **fields_of(operator.get(page).context_data["editor"]),
        "rows-TOTAL_FORMS": "1",
        "rows-0-is_enabled": "on",
        "rows-0-prefix": "logs/",
        "rows-0-expire_days": "30",
        "rows-0-transitions": "30 cold",
    }
    answer = operator.post(page, sent)
    assert answer.status_code == 400
    reason = "Expiration action for filter &#x27;(prefix=logs/)&#x27; must be greater"
    assert reason in answer.content.decode()


def test_public_policy_is_warned_of(operator: Any, root: Any, bucket: str) -> None:
    page = f"/admin/buckets/{bucket}/settings"
    operator.post(f"{page}/public-access/", {})
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::bucket/*",
            }
        ],
    }
    operator.post(f"{page}/policy/", {"policy": json.dumps(policy)})
    assert b"everybody may come" in operator.get(f"{page}/policy/").content
    assert b">public<" in operator.get("/admin/buckets/").content


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            {"Filter": {"Prefix": ""}, "Expiration": {"Days": 1}},
            "All objects: delete after 1 day.",
        ),
        (
            {
                "Filter": {"Tag": {"Key": "a", "Value": "b"}},
                "Transitions": [
                    {"Days": 0, "StorageClass": "cold"},
                    {"Date": "2027-01-01T00:00:00Z", "StorageClass": "archive"},
                ],
            },
            "Objects tagged a=b: move to cold at once; move to archive on 2027-01-01.",
        ),
        (
            {
                "Filter": {"And": {"Prefix": "p/", "ObjectSizeGreaterThan": 1048576}},
                "NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 3},
            },
            "Objects under “p/”, larger than 1 MiB: delete earlier versions keep the"
            " newest 3.",
        ),
    ],
)
def test_rules_read_as_sentences(rule: Any, expected: str) -> None:
    assert sentence(rule) == expected


@pytest.mark.parametrize(
    ("preset", "given"),
    [
        ("plain", {}),
        ("backup", {"is_versioned": "on"}),
        ("site", {}),
        (
            "worm",
            {
                "is_versioned": "on",
                "has_object_lock": "on",
                "retention_mode": "COMPLIANCE",
                "retention_days": "3",
            },
        ),
    ],
)
def test_bucket_is_made_by_its_preset(
    operator: Any, root: Any, preset: str, given: dict[str, str]
) -> None:
    made = operator.post(
        "/admin/create-bucket/",
        {
            "preset": preset,
            "name": "made-here",
            "storage_class": "standard",
            "tags": "team=red",
            "quota": "2",
            **given,
        },
    )
    assert made.status_code == 302
    bucket = get("made-here")
    assert bucket is not None
    kept = configurations_of(bucket.configurations_text)
    assert kept.documents["tagging"] == {"team": "red"}
    assert bucket.quota_bytes == 2 * 1024**3
    assert kept.is_policy_public is (preset == "site")
    assert bucket.versioning == ("Enabled" if given else "")
    assert ("lifecycle" in kept.documents) is (preset in {"backup", "worm"})
    if preset == "worm":
        rule = kept.documents["object_lock"]["Rule"]["DefaultRetention"]
        assert rule == {"Mode": "COMPLIANCE", "Days": 3}


def test_bad_name_is_said_at_the_form(operator: Any) -> None:
    response = operator.post(
        "/admin/create-bucket/",
        {"preset": "plain", "name": "Not_A_Name", "storage_class": "standard"},
    )
    assert response.status_code == 400
    assert b"The specified bucket is not valid" in response.content
