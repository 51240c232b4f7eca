"""What destroys is asked first, by a page: so it is asked without scripts, too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from buckets.access import find_bucket
from buckets.configurations import configurations_of
from console.settings.registry import BY_SLUG
from iam import groups, managed_policies, users
from iam.models import AccessKey, Group, Identity, InlinePolicy, ManagedPolicy
from iam.operations import create_access_key, put_identity_policy
from kernel.bodies import Body
from objects.models import MultipartUpload
from objects.multipart import create_multipart_upload
from objects.operations import put_object
from shares.models import Share
from shares.operations import create_share

READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [READ]})
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


@dataclass(frozen=True)
class Asked:
    """A form, what its page asks, where Cancel leads, and whether it is still there."""

    path: str
    form: dict[str, str]
    question: str
    back: str
    is_there: Callable[[], bool]


def of_user(root: Any, bucket: str) -> Asked:
    bob = users.create_user(root, "bob", now=timezone.now())
    page = f"/admin/users/{bob.unique_id}/"
    there = Identity.objects.filter(name="bob").exists
    return Asked(page, {"act": "delete"}, "Delete the user bob?", page, there)


def of_own_policy(root: Any, bucket: str) -> Asked:
    bob = users.create_user(root, "bob", now=timezone.now())
    put_identity_policy(bob, "reads", POLICY)
    page = f"/admin/users/{bob.unique_id}/"
    return Asked(
        page,
        {"act": "delete_policy", "name": "reads"},
        "Remove the policy reads from bob?",
        f"{page}#own",
        InlinePolicy.objects.exists,
    )


def of_group(root: Any, bucket: str) -> Asked:
    group = groups.create_group(root, "crew", now=timezone.now())
    page = f"/admin/groups/{group.unique_id}/"
    there = Group.objects.exists
    return Asked(page, {"act": "delete"}, "Delete the group crew?", page, there)


def of_policy(root: Any, bucket: str) -> Asked:
    made = managed_policies.create_policy(root, "reads", POLICY, now=timezone.now())
    page = f"/admin/policies/{made.unique_id}/"
    there = ManagedPolicy.objects.filter(name="reads").exists
    return Asked(page, {"act": "delete"}, "Delete the policy reads?", page, there)


def of_key(root: Any, bucket: str) -> Asked:
    identity = Identity.objects.get(kind="root")
    key = create_access_key(identity, now=timezone.now()).key.access_key_id
    there = AccessKey.objects.filter(access_key_id=key).exists
    form = {"act": "delete", "key": key, "next": "mine"}
    return Asked("/admin/keys/", form, f"Delete the key {key}?", "/admin/mine/", there)


def of_share(root: Any, bucket: str) -> Asked:
    now = timezone.now()
    put_object(root, bucket, "a.txt", body=Body.of(b"x"), now=now)
    later = now + timedelta(days=1)
    share = create_share(root, bucket, "a.txt", expires_at=later, now=now).share
    back = "/admin/shares/?show=all"
    there = Share.objects.filter(revoked_at=None).exists
    page = f"/admin/shares/{share.pk}/"
    return Asked(page, {"next": back}, "End the link to a.txt?", back, there)


def of_upload(root: Any, bucket: str) -> Asked:
    begun = create_multipart_upload(root, bucket, "a b.bin", now=timezone.now())
    page = f"/admin/buckets/{bucket}/unfinished/"
    form = {"upload": f"{begun.upload_id} a b.bin"}
    there = MultipartUpload.objects.exists
    return Asked(page, form, f"Give up 1 upload in {bucket}?", page, there)


def of_setting(root: Any, bucket: str) -> Asked:
    setting = BY_SLUG["tags"]
    setting.write(root, bucket, {"team": "red"})

    def is_there() -> bool:
        kept = configurations_of(find_bucket(bucket).configurations_text)
        return kept.get(setting.kind) is not None

    page = f"/admin/buckets/{bucket}/settings/tags/"
    question = f"Remove Tags from {bucket}?"
    return Asked(page, {"remove": "1"}, question, page, is_there)


@pytest.mark.parametrize(
    "make",
    [
        *(of_user, of_own_policy, of_group, of_policy),
        *(of_key, of_share, of_upload, of_setting),
    ],
)
def test_it_is_asked_before_what_destroys(
    operator: Client, root: Any, bucket: str, make: Callable[[Any, str], Asked]
) -> None:
    asked = make(root, bucket)
    page = operator.post(asked.path, asked.form).content.decode()
    assert asked.question in unescape(page)
    assert asked.is_there()
    assert f'href="{asked.back}">Cancel' in page
    sent = {name: unescape(value) for name, value in HIDDEN.findall(page)}
    assert sent.pop("csrfmiddlewaretoken")
    assert sent == asked.form
    answer = operator.post(asked.path, {**sent, "confirmed": "1"})
    assert answer.status_code == 302
    assert not asked.is_there()
