"""The JSON of buckets, as the API reference has it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from buckets.configurations import Configuration, configurations_of
from buckets.cors import METHODS, check_cors
from buckets.lifecycle import check_lifecycle
from buckets.spelling import from_rest, to_rest
from kernel.http.drf import Strict, rest_time
from kernel.results import BucketInfo, Usage


class VersioningSerializer(Strict):
    """Whether a bucket keeps versions."""

    enabled = serializers.BooleanField()


class TransitionSerializer(serializers.Serializer):  # type: ignore[type-arg]
    days = serializers.IntegerField(min_value=0, required=False)
    date = serializers.DateTimeField(required=False)
    storage_class = serializers.CharField()


class ExpirationSerializer(serializers.Serializer):  # type: ignore[type-arg]
    days = serializers.IntegerField(min_value=1, required=False)
    date = serializers.DateTimeField(required=False)
    expired_object_delete_marker = serializers.BooleanField(required=False)


class NoncurrentExpirationSerializer(serializers.Serializer):  # type: ignore[type-arg]
    noncurrent_days = serializers.IntegerField(min_value=1, required=False)
    newer_noncurrent_versions = serializers.IntegerField(min_value=1, required=False)


class NoncurrentTransitionSerializer(NoncurrentExpirationSerializer):
    storage_class = serializers.CharField()


class AbortSerializer(serializers.Serializer):  # type: ignore[type-arg]
    days_after_initiation = serializers.IntegerField(min_value=1)


@extend_schema_field(
    {
        "type": "object",
        "description": "prefix, tag {key, value}, object_size_greater_than, "
        "object_size_less_than, or `and` of several, with `tags` as a list",
    }
)
class FilterField(serializers.DictField):
    pass


class LifecycleRuleSerializer(serializers.Serializer):  # type: ignore[type-arg]
    id = serializers.CharField(required=False, max_length=255)
    status = serializers.ChoiceField(["enabled", "disabled"])
    filter = FilterField(required=False)
    prefix = serializers.CharField(required=False, allow_blank=True)
    transitions = TransitionSerializer(many=True, required=False)
    expiration = ExpirationSerializer(required=False)
    noncurrent_version_transitions = NoncurrentTransitionSerializer(
        many=True, required=False
    )
    noncurrent_version_expiration = NoncurrentExpirationSerializer(required=False)
    abort_incomplete_multipart_upload = AbortSerializer(required=False)


class CorsRuleSerializer(serializers.Serializer):  # type: ignore[type-arg]
    id = serializers.CharField(required=False, max_length=255)
    allowed_origins = serializers.ListField(child=serializers.CharField(), min_length=1)
    allowed_methods = serializers.ListField(
        child=serializers.ChoiceField(sorted(METHODS)), min_length=1
    )
    allowed_headers = serializers.ListField(
        child=serializers.CharField(), required=False
    )
    expose_headers = serializers.ListField(
        child=serializers.CharField(), required=False
    )
    max_age_seconds = serializers.IntegerField(min_value=0, required=False)


@extend_schema_field(LifecycleRuleSerializer)
class LifecycleRuleField(serializers.DictField):
    """A rule that `buckets.lifecycle` checks, described in full."""


@extend_schema_field(CorsRuleSerializer)
class CorsRuleField(serializers.DictField):
    """A rule that `buckets.cors` checks, described in full."""


class LifecycleSerializer(Strict):
    """A bucket's lifecycle rules."""

    rules = serializers.ListField(child=LifecycleRuleField())


class CorsSerializer(Strict):
    """A bucket's CORS rules."""

    rules = serializers.ListField(child=CorsRuleField())


class TagsSerializer(Strict):
    """A bucket's tags."""

    tags = serializers.DictField(child=serializers.CharField(allow_blank=True))


class NewBucketSerializer(Strict):
    """The body of Create Bucket; all of it may be left out."""

    region = serializers.RegexField(r"^[a-z0-9-]{1,63}$", required=False, default="")
    storage_class = serializers.CharField(required=False, default="", max_length=64)
    versioning = VersioningSerializer(required=False)
    lifecycle = LifecycleSerializer(required=False)
    cors = CorsSerializer(required=False)
    object_lock = serializers.BooleanField(required=False, default=False)


class CreatedBucketSerializer(serializers.Serializer):  # type: ignore[type-arg]
    bucket_name = serializers.CharField()
    region = serializers.CharField()
    created_at = serializers.DateTimeField()
    bucket_id = serializers.UUIDField()


class PublicAccessBlockSerializer(Strict):
    block_public_acls = serializers.BooleanField(default=False)
    ignore_public_acls = serializers.BooleanField(default=False)
    block_public_policy = serializers.BooleanField(default=False)
    restrict_public_buckets = serializers.BooleanField(default=False)


class BucketSummarySerializer(serializers.Serializer):  # type: ignore[type-arg]
    name = serializers.CharField()
    region = serializers.CharField()
    created_at = serializers.DateTimeField()
    storage_class = serializers.CharField()


class BucketPageSerializer(serializers.Serializer):  # type: ignore[type-arg]
    buckets = BucketSummarySerializer(many=True)
    is_truncated = serializers.BooleanField()
    next_continuation_token = serializers.CharField(allow_null=True)


class BucketDetailsSerializer(serializers.Serializer):  # type: ignore[type-arg]
    bucket_name = serializers.CharField()
    bucket_id = serializers.UUIDField()
    region = serializers.CharField()
    created_at = serializers.DateTimeField()
    storage_class = serializers.CharField()
    versioning = VersioningSerializer()
    object_count = serializers.IntegerField()
    total_size = serializers.IntegerField()
    lifecycle = LifecycleSerializer()
    cors = CorsSerializer()


def created_bucket(bucket: BucketInfo) -> dict[str, Any]:
    return {
        "bucket_name": bucket.name,
        "region": bucket.region,
        "created_at": rest_time(bucket.created_at),
        "bucket_id": bucket.uuid,
    }


def bucket_summary(bucket: BucketInfo) -> dict[str, Any]:
    return {
        "name": bucket.name,
        "region": bucket.region,
        "created_at": rest_time(bucket.created_at),
        "storage_class": bucket.storage_class,
    }


def bucket_details(bucket: BucketInfo, usage: Usage) -> dict[str, Any]:
    configurations = configurations_of(bucket.configurations_text)
    return {
        "bucket_name": bucket.name,
        "bucket_id": bucket.uuid,
        "region": bucket.region,
        "created_at": rest_time(bucket.created_at),
        "storage_class": bucket.storage_class,
        "versioning": {"enabled": bucket.versioning == "Enabled"},
        "object_count": usage.objects_count,
        "total_size": usage.objects_size,
        "lifecycle": rest_lifecycle(configurations.get(Configuration.LIFECYCLE)),
        "cors": rest_cors(configurations.get(Configuration.CORS)),
    }


def rest_lifecycle(document: Any) -> dict[str, Any]:
    return {"rules": to_rest((document or {}).get("Rules", []))}


def rest_cors(document: Any) -> dict[str, Any]:
    return {"rules": to_rest((document or {}).get("CORSRules", []))}


def read_lifecycle(document: dict[str, Any], storage_classes: list[str]) -> Any:
    """Give the normal form of lifecycle rules in the reference's spelling."""
    return check_lifecycle({"Rules": from_rest(document["rules"])}, storage_classes)


def read_cors(document: dict[str, Any]) -> Any:
    """Give the normal form of CORS rules in the reference's spelling."""
    return check_cors({"CORSRules": from_rest(document["rules"])})
