"""The JSON of objects and uploads, as the API reference has it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from kernel.http.drf import Strict, rest_time
from kernel.results import (
    ObjectInfo,
    ObjectListing,
    ObjectSummary,
    Owner,
    PartInfo,
    PartListing,
    UploadInfo,
    UploadListing,
    VersionListing,
)


class StoredObjectSerializer(serializers.Serializer):  # type: ignore[type-arg]
    object_id = serializers.CharField()
    etag = serializers.CharField()
    size = serializers.IntegerField()
    version_id = serializers.CharField()


class CopiedObjectSerializer(serializers.Serializer):  # type: ignore[type-arg]
    etag = serializers.CharField()
    last_modified = serializers.DateTimeField()
    version_id = serializers.CharField()


class OwnerSerializer(serializers.Serializer):  # type: ignore[type-arg]
    id = serializers.CharField()
    display_name = serializers.CharField()


class ListedObjectSerializer(serializers.Serializer):  # type: ignore[type-arg]
    key = serializers.CharField()
    size = serializers.IntegerField()
    etag = serializers.CharField()
    last_modified = serializers.DateTimeField()
    storage_class = serializers.CharField()
    owner = OwnerSerializer(required=False)


class CommonPrefixSerializer(serializers.Serializer):  # type: ignore[type-arg]
    prefix = serializers.CharField()


class ObjectPageSerializer(serializers.Serializer):  # type: ignore[type-arg]
    bucket_name = serializers.CharField()
    prefix = serializers.CharField(allow_blank=True)
    delimiter = serializers.CharField(allow_blank=True)
    max_keys = serializers.IntegerField()
    is_truncated = serializers.BooleanField()
    contents = ListedObjectSerializer(many=True)
    common_prefixes = CommonPrefixSerializer(many=True)
    next_continuation_token = serializers.CharField(allow_null=True)


class ListedVersionSerializer(ListedObjectSerializer):
    version_id = serializers.CharField()
    is_latest = serializers.BooleanField()
    is_delete_marker = serializers.BooleanField()


class VersionPageSerializer(serializers.Serializer):  # type: ignore[type-arg]
    bucket_name = serializers.CharField()
    prefix = serializers.CharField(allow_blank=True)
    delimiter = serializers.CharField(allow_blank=True)
    max_keys = serializers.IntegerField()
    is_truncated = serializers.BooleanField()
    versions = ListedVersionSerializer(many=True)
    common_prefixes = CommonPrefixSerializer(many=True)
    next_key_marker = serializers.CharField(allow_null=True)
    next_version_id_marker = serializers.CharField(allow_null=True)


class UploadSerializer(serializers.Serializer):  # type: ignore[type-arg]
    upload_id = serializers.CharField()
    bucket_name = serializers.CharField()
    object_key = serializers.CharField()


class OpenUploadSerializer(UploadSerializer):
    initiated_at = serializers.DateTimeField()
    storage_class = serializers.CharField()


class UploadPageSerializer(serializers.Serializer):  # type: ignore[type-arg]
    uploads = OpenUploadSerializer(many=True)
    is_truncated = serializers.BooleanField()
    next_key_marker = serializers.CharField(allow_null=True)
    next_upload_id_marker = serializers.CharField(allow_null=True)


class PartSerializer(serializers.Serializer):  # type: ignore[type-arg]
    etag = serializers.CharField()
    part_number = serializers.IntegerField()
    size = serializers.IntegerField()


class ListedPartSerializer(PartSerializer):
    last_modified = serializers.DateTimeField()


class PartPageSerializer(UploadSerializer):
    parts = ListedPartSerializer(many=True)
    is_truncated = serializers.BooleanField()
    next_part_number_marker = serializers.IntegerField(allow_null=True)


class CompletedPartSerializer(serializers.Serializer):  # type: ignore[type-arg]
    part_number = serializers.IntegerField()
    etag = serializers.CharField(max_length=128)


class CompletionSerializer(serializers.Serializer):  # type: ignore[type-arg]
    parts = CompletedPartSerializer(many=True)


class CompletedUploadSerializer(serializers.Serializer):  # type: ignore[type-arg]
    location = serializers.CharField()
    bucket_name = serializers.CharField()
    object_key = serializers.CharField()
    etag = serializers.CharField()
    size = serializers.IntegerField()
    version_id = serializers.CharField()


class IdentifierSerializer(Strict):
    key = serializers.CharField(trim_whitespace=False)
    version_id = serializers.CharField(required=False, default="", allow_blank=True)


class DeletionSerializer(Strict):
    objects = IdentifierSerializer(many=True, allow_empty=False, max_length=1000)


class DeletedSerializer(serializers.Serializer):  # type: ignore[type-arg]
    key = serializers.CharField()
    version_id = serializers.CharField(allow_null=True)
    delete_marker = serializers.BooleanField()


class FailedDeletionSerializer(serializers.Serializer):  # type: ignore[type-arg]
    key = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class DeletionOutcomeSerializer(serializers.Serializer):  # type: ignore[type-arg]
    deleted = DeletedSerializer(many=True)
    errors = FailedDeletionSerializer(many=True)


class SignedUrlRequestSerializer(Strict):
    method = serializers.ChoiceField(["GET", "PUT", "DELETE"], default="GET")
    expires_in = serializers.IntegerField(
        min_value=1, max_value=7 * 24 * 3600, default=3600, help_text="seconds"
    )


class SignedUrlSerializer(serializers.Serializer):  # type: ignore[type-arg]
    url = serializers.CharField()
    expires = serializers.IntegerField(help_text="seconds since 1970")


def stored_object(info: ObjectInfo) -> dict[str, Any]:
    return {
        "object_id": info.stored_version_id,
        "etag": info.etag,
        "size": info.size,
        "version_id": info.version_id,
    }


def copied_object(info: ObjectInfo) -> dict[str, Any]:
    return {
        "etag": info.etag,
        "last_modified": rest_time(info.created_at),
        "version_id": info.version_id,
    }


def listed_object(
    info: ObjectInfo | ObjectSummary, owner: Owner | None
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "key": info.key,
        "size": info.size,
        "etag": info.etag,
        "last_modified": f"{info.created_second}Z",
        "storage_class": info.storage_class,
    }
    if owner is not None:
        row["owner"] = {"id": owner.id, "display_name": owner.display_name}
    return row


def object_page(
    listing: ObjectListing,
    *,
    bucket_name: str,
    prefix: str,
    delimiter: str,
    max_keys: int,
) -> dict[str, Any]:
    return {
        "bucket_name": bucket_name,
        "prefix": prefix,
        "delimiter": delimiter,
        "max_keys": max_keys,
        "is_truncated": listing.is_truncated,
        "contents": [
            listed_object(row, listing.owners.get(row.owner_id))
            for row in listing.contents
        ],
        "common_prefixes": [{"prefix": one} for one in listing.common_prefixes],
        "next_continuation_token": listing.next_token or None,
    }


def version_page(
    listing: VersionListing,
    *,
    bucket_name: str,
    prefix: str,
    delimiter: str,
    max_keys: int,
) -> dict[str, Any]:
    return {
        "bucket_name": bucket_name,
        "prefix": prefix,
        "delimiter": delimiter,
        "max_keys": max_keys,
        "is_truncated": listing.is_truncated,
        "versions": [
            {
                **listed_object(row, listing.owners.get(row.owner_id)),
                "version_id": row.version_id,
                "is_latest": bool(row.is_latest),
                "is_delete_marker": bool(row.is_delete_marker),
            }
            for row in listing.versions
        ],
        "common_prefixes": [{"prefix": one} for one in listing.common_prefixes],
        "next_key_marker": listing.next_key_marker or None,
        "next_version_id_marker": listing.next_version_id_marker or None,
    }


def upload_json(upload: UploadInfo) -> dict[str, Any]:
    return {
        "upload_id": upload.upload_id,
        "bucket_name": upload.bucket_name,
        "object_key": upload.key,
    }


def upload_page(listing: UploadListing) -> dict[str, Any]:
    is_truncated = listing.is_truncated
    return {
        "uploads": [
            {
                **upload_json(upload),
                "initiated_at": rest_time(upload.created_at),
                "storage_class": upload.storage_class,
            }
            for upload in listing.uploads
        ],
        "is_truncated": is_truncated,
        "next_key_marker": listing.next_key_marker if is_truncated else None,
        "next_upload_id_marker": (
            listing.next_upload_id_marker if is_truncated else None
        ),
    }


def part_json(part: PartInfo) -> dict[str, Any]:
    return {"etag": part.etag, "part_number": part.part_number, "size": part.size}


def part_page(listing: PartListing) -> dict[str, Any]:
    next_marker = listing.next_part_number_marker if listing.is_truncated else None
    return {
        **upload_json(listing.upload),
        "parts": [
            {**part_json(part), "last_modified": rest_time(part.created_at)}
            for part in listing.parts
        ],
        "is_truncated": listing.is_truncated,
        "next_part_number_marker": next_marker,
    }


def completed_upload(info: ObjectInfo, bucket_name: str, path: str) -> dict[str, Any]:
    return {
        "location": path,
        "bucket_name": bucket_name,
        "object_key": info.key,
        "etag": info.etag,
        "size": info.size,
        "version_id": info.version_id,
    }
