"""What operations return: frozen facts, in AWS's words, the same for every dialect."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from kernel.ranges import ByteRange
from kernel.versions import NULL_VERSION

NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Owner:
    """An account as S3 shows it."""

    id: str
    display_name: str


# The kinds of server-side encryption, as AWS names their algorithms.
AES256 = "AES256"
KMS = "aws:kms"
CUSTOMER = "SSE-C"


@dataclass(frozen=True, slots=True)
class CustomerKey:
    """A client's own encryption key (SSE-C), which is never stored."""

    key: bytes = field(repr=False)
    md5: str
    algorithm: str = AES256


class ObjectAttributes(NamedTuple):
    """What a client says of an object besides its bytes."""

    content_type: str = ""
    headers: Mapping[str, str] = NOTHING
    metadata: Mapping[str, str] = NOTHING
    tags: Mapping[str, str] = NOTHING
    storage_class: str = ""
    acl: Mapping[str, Any] | None = None
    encryption: Mapping[str, Any] | None = None
    lock_mode: str = ""
    retain_until: datetime | None = None
    # None: nothing was said of it.
    has_legal_hold: bool | None = None


def read_json(text: str | None) -> Any:
    """Read a JSON column; the two commonest values cost nothing."""
    if text is None or text == "{}":
        return NOTHING
    return json.loads(text)


def read_time(value: datetime) -> datetime:
    """Read a datetime column: SQLite gives UTC without saying so."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)


class BucketInfo(NamedTuple):
    """A bucket, as one row of the query that every operation begins with."""

    id: int
    name: str
    uuid_value: str | UUID
    owner_id: int
    region: str
    storage_class: str
    versioning: str
    has_object_lock: bool
    configurations_text: str
    quota_bytes: int | None
    quota_objects: int | None
    created: datetime
    revision: int
    owner_canonical_id: str
    owner_name: str

    @property
    def uuid(self) -> str:
        return str(UUID(str(self.uuid_value)))

    @property
    def created_at(self) -> datetime:
        return read_time(self.created)

    @property
    def owner(self) -> Owner:
        return Owner(self.owner_canonical_id, self.owner_name)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a bucket holds, exact at the moment of the query. Sizes in bytes."""

    objects_count: int
    objects_size: int
    versions_count: int
    versions_size: int
    markers_count: int


class ObjectInfo(NamedTuple):
    """A version of a key or a delete marker, as one row of the versions table."""

    id: int
    bucket_id: int
    key: str
    stored_version_id: str
    is_null: bool
    is_latest: bool
    is_delete_marker: bool
    blob_id: int | None
    size: int
    etag: str
    content_type: str
    headers_text: str
    metadata_text: str
    tags_text: str
    storage_class: str
    checksum_text: str | None
    part_count: int | None
    acl_text: str | None
    encryption_text: str | None
    lock_mode: str
    retain_until_value: datetime | None
    has_legal_hold: bool
    restore_text: str | None
    owner_id: int
    created: datetime
    is_hold_stated: bool | None = None

    @property
    def version_id(self) -> str:
        """The id clients see."""
        return NULL_VERSION if self.is_null else self.stored_version_id

    @property
    def created_at(self) -> datetime:
        return read_time(self.created)

    @property
    def created_second(self) -> str:
        """When, as ISO 8601 writes UTC without fractions."""
        return self.created_at.isoformat()[:19]

    @property
    def headers(self) -> Mapping[str, str]:
        return read_json(self.headers_text)  # type: ignore[no-any-return]

    @property
    def metadata(self) -> Mapping[str, str]:
        return read_json(self.metadata_text)  # type: ignore[no-any-return]

    @property
    def tags(self) -> Mapping[str, str]:
        return read_json(self.tags_text)  # type: ignore[no-any-return]

    @property
    def checksum(self) -> Mapping[str, str]:
        """`algorithm`, `type` (COMPOSITE or FULL_OBJECT) and base64 `value`."""
        return read_json(self.checksum_text)  # type: ignore[no-any-return]

    @property
    def acl(self) -> Mapping[str, Any] | None:
        return None if self.acl_text is None else read_json(self.acl_text)

    @property
    def encryption(self) -> Mapping[str, Any]:
        return read_json(self.encryption_text)  # type: ignore[no-any-return]

    @property
    def restore(self) -> Mapping[str, Any]:
        return read_json(self.restore_text)  # type: ignore[no-any-return]

    @property
    def retain_until(self) -> datetime | None:
        value = self.retain_until_value
        return None if value is None else read_time(value)

    @property
    def stated_hold(self) -> bool | None:
        """Tell whether a legal hold is on; None where none was ever set."""
        if self.has_legal_hold or self.is_hold_stated:
            return bool(self.has_legal_hold)
        return None

    @property
    def attributes(self) -> ObjectAttributes:
        return ObjectAttributes(
            content_type=self.content_type,
            headers=self.headers,
            metadata=self.metadata,
            tags=self.tags,
            storage_class=self.storage_class,
            acl=self.acl,
            encryption=self.encryption or None,
            lock_mode=self.lock_mode,
            retain_until=self.retain_until,
            has_legal_hold=self.stated_hold,
        )


class ObjectSummary(NamedTuple):
    """A current object as a listing shows it: what 1,000 rows need and no more.

    The last three are told where details are asked for.
    """

    key: str
    size: int
    etag: str
    storage_class: str
    checksum_text: str | None
    owner_id: int
    created: str
    content_type: str = ""
    stored_version_id: str = ""
    is_null: bool = False

    @property
    def version_id(self) -> str:
        """The id clients see."""
        return NULL_VERSION if self.is_null else self.stored_version_id

    @property
    def created_at(self) -> datetime:
        return read_time(datetime.fromisoformat(self.created))

    @property
    def created_second(self) -> str:
        """When, as `ObjectInfo` says it; cut from the column's text: 1 us less."""
        return self.created[:19].replace(" ", "T")

    @property
    def checksum(self) -> Mapping[str, str]:
        return read_json(self.checksum_text)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class ObjectContent:
    """An object opened for reading: its facts, the range and the bytes."""

    info: ObjectInfo
    byte_range: ByteRange | None
    length: int
    chunks: Iterator[bytes]
    parts_count: int | None = None
    part: PartInfo | None = None
    bucket: BucketInfo | None = None


@dataclass(frozen=True, slots=True)
class DeletedObject:
    """The outcome of deleting one key or version."""

    key: str
    version_id: str = ""
    is_delete_marker: bool = False
    requested_version_id: str = ""


@dataclass(frozen=True, slots=True)
class ObjectListing:
    """A page of current objects; `restores` is what is kept of theirs, by key."""

    contents: list[ObjectSummary]
    common_prefixes: list[str]
    is_truncated: bool
    next_token: str = ""
    next_marker: str = ""
    owners: Mapping[int, Owner] = field(default_factory=dict)
    restores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VersionListing:
    """A page of versions and delete markers, newest first under each key."""

    versions: list[ObjectInfo]
    common_prefixes: list[str]
    is_truncated: bool
    next_key_marker: str = ""
    next_version_id_marker: str = ""
    owners: Mapping[int, Owner] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BucketListing:
    """A page of buckets."""

    buckets: list[BucketInfo]
    is_truncated: bool
    next_token: str = ""


@dataclass(frozen=True, slots=True)
class UploadInfo:
    """A multipart upload under way."""

    upload_id: str
    bucket_name: str
    key: str
    created_at: datetime
    storage_class: str
    checksum_algorithm: str = ""
    checksum_type: str = ""
    owner: Owner | None = None
    initiator: Mapping[str, str] = field(default_factory=dict)
    encryption: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PartInfo:
    """An uploaded part. `size` in bytes; `etag` is MD5 in hex, without quotes."""

    part_number: int
    etag: str
    size: int
    created_at: datetime
    checksums: Mapping[str, str] = field(default_factory=dict)
    encryption: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PartListing:
    """A page of parts."""

    upload: UploadInfo
    parts: list[PartInfo]
    is_truncated: bool
    next_part_number_marker: int | None = None


@dataclass(frozen=True, slots=True)
class UploadListing:
    """A page of unfinished uploads."""

    uploads: list[UploadInfo]
    common_prefixes: list[str]
    is_truncated: bool
    next_key_marker: str = ""
    next_upload_id_marker: str = ""


@dataclass(frozen=True, slots=True)
class CompletedPart:
    """A part as the client lists it at completion."""

    part_number: int
    etag: str
    checksums: Mapping[str, str] = field(default_factory=dict)
