"""The JSON of keys and policies, in the manner of the API reference."""

from __future__ import annotations

import json
from typing import Any

from rest_framework import serializers

from iam.administration import AnyKey
from iam.managed_policies import Attachments
from iam.models import AccessKey, KeyStatus
from kernel.http.drf import Strict, rest_time

API = "api"
S3 = "s3"
STATUSES = {status.value.lower(): status for status in KeyStatus}


class NewKeySerializer(Strict):
    """What a key is to be; all of it may be left out."""

    kind = serializers.ChoiceField(
        [API, S3], default=API, help_text="a bearer key, or an S3 key pair"
    )
    user_name = serializers.CharField(
        default="", allow_blank=True, max_length=64, help_text="the caller if not given"
    )
    name = serializers.CharField(
        default="", allow_blank=True, max_length=128, help_text="what it is for"
    )
    expires_at = serializers.DateTimeField(default=None, allow_null=True)


class KeyChangeSerializer(Strict):
    """What is to change; `expires_at` null takes a key's end away."""

    status = serializers.ChoiceField(sorted(STATUSES), required=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class KeySerializer(serializers.Serializer):  # type: ignore[type-arg]
    key_id = serializers.CharField()
    kind = serializers.ChoiceField([API, S3])
    user_name = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(sorted(STATUSES))
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)


class CreatedKeySerializer(KeySerializer):
    """A key with its secret, which is shown this once."""

    secret = serializers.CharField(
        help_text="the bearer key itself, or the secret access key"
    )


class KeyListSerializer(serializers.Serializer):  # type: ignore[type-arg]
    keys = KeySerializer(many=True)


class NewPolicySerializer(Strict):
    """A policy's document, in the grammar of IAM."""

    document = serializers.DictField()
    description = serializers.CharField(default="", allow_blank=True, max_length=1000)


class PolicySummarySerializer(serializers.Serializer):  # type: ignore[type-arg]
    policy_name = serializers.CharField()
    arn = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    is_ready_made = serializers.BooleanField()
    attached_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class AttachmentsSerializer(serializers.Serializer):  # type: ignore[type-arg]
    users = serializers.ListField(child=serializers.CharField())
    groups = serializers.ListField(child=serializers.CharField())
    roles = serializers.ListField(child=serializers.CharField())


class PolicySerializer(PolicySummarySerializer):
    document = serializers.DictField()


class StoredPolicySerializer(serializers.Serializer):  # type: ignore[type-arg]
    policy_name = serializers.CharField()
    arn = serializers.CharField()


class PolicyPageSerializer(serializers.Serializer):  # type: ignore[type-arg]
    policies = PolicySummarySerializer(many=True)
    is_truncated = serializers.BooleanField()
    next_continuation_token = serializers.CharField(allow_null=True)


def rest_key(key: AnyKey) -> dict[str, Any]:
    is_pair = isinstance(key, AccessKey)
    return {
        "key_id": key.access_key_id if isinstance(key, AccessKey) else key.key_id,
        "kind": S3 if is_pair else API,
        "user_name": key.identity.name,
        "name": key.name,
        "status": key.status.lower(),
        "created_at": rest_time(key.created_at),
        "expires_at": rest_time(key.expires_at) if key.expires_at else None,
        "last_used_at": rest_time(key.last_used_at) if key.last_used_at else None,
    }


def rest_policy_summary(policy: Any) -> dict[str, Any]:
    return {
        "policy_name": policy.name,
        "arn": policy.arn,
        "description": policy.description,
        "is_ready_made": policy.account_id is None,
        "attached_count": policy.attached_count,
        "created_at": rest_time(policy.created_at),
        "updated_at": rest_time(policy.updated_at),
    }


def rest_policy(policy: Any) -> dict[str, Any]:
    return {**rest_policy_summary(policy), "document": json.loads(policy.document)}


def rest_attachments(attachments: Attachments) -> dict[str, list[str]]:
    return {
        "users": [one.name for one in attachments.users],
        "groups": [one.name for one in attachments.groups],
        "roles": [one.name for one in attachments.roles],
    }
