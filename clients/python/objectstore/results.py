"""What the client's methods return: frozen, typed, and readable as mappings too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx

from objectstore.body import Body
from objectstore.metadata import from_header


class Result:
    """Lets `result["etag"]` stand for `result.etag`."""

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None

    @classmethod
    def of(cls, facts: Mapping[str, Any], **more: Any) -> Self:
        known = {one.name for one in fields(cls)}  # type: ignore[arg-type]
        return cls(**{k: v for k, v in facts.items() if k in known}, **more)


@dataclass(frozen=True, slots=True)
class Bucket(Result):
    name: str
    region: str
    created_at: datetime
    storage_class: str = ""
    bucket_id: str = ""
    versioning: Mapping[str, bool] = field(default_factory=dict)
    object_count: int | None = None
    total_size: int | None = None
    lifecycle: Mapping[str, Any] = field(default_factory=dict)
    cors: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BucketPage(Result):
    buckets: list[Bucket]
    is_truncated: bool
    next_continuation_token: str | None


@dataclass(frozen=True, slots=True)
class StoredObject(Result):
    etag: str
    version_id: str
    size: int | None = None
    object_id: str = ""
    last_modified: datetime | None = None
    location: str = ""


@dataclass(frozen=True, slots=True)
class ObjectHead(Result):
    """An object's headers."""

    etag: str
    size: int
    content_type: str
    last_modified: datetime
    version_id: str
    storage_class: str
    metadata: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ObjectDownload(ObjectHead):
    """An object's headers and its bytes."""

    body: Body
    content_range: str = ""


@dataclass(frozen=True, slots=True)
class ListedObject(Result):
    key: str
    size: int
    etag: str
    last_modified: datetime
    storage_class: str = ""
    owner: Mapping[str, str] | None = None
    version_id: str = ""
    is_latest: bool = True
    is_delete_marker: bool = False


@dataclass(frozen=True, slots=True)
class ObjectPage(Result):
    contents: list[ListedObject]
    common_prefixes: list[str]
    is_truncated: bool
    next_continuation_token: str | None


@dataclass(frozen=True, slots=True)
class VersionPage(Result):
    versions: list[ListedObject]
    common_prefixes: list[str]
    is_truncated: bool
    next_key_marker: str | None
    next_version_id_marker: str | None


@dataclass(frozen=True, slots=True)
class DeletedObject(Result):
    is_delete_marker: bool
    version_id: str


@dataclass(frozen=True, slots=True)
class Upload(Result):
    upload_id: str
    bucket_name: str
    object_key: str
    initiated_at: datetime | None = None
    storage_class: str = ""


@dataclass(frozen=True, slots=True)
class UploadPage(Result):
    uploads: list[Upload]
    is_truncated: bool
    next_key_marker: str | None
    next_upload_id_marker: str | None


@dataclass(frozen=True, slots=True)
class Part(Result):
    part_number: int
    etag: str
    size: int
    last_modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class PartPage(Result):
    parts: list[Part]
    is_truncated: bool
    next_part_number_marker: int | None


@dataclass(frozen=True, slots=True)
class SignedUrl(Result):
    url: str
    expires: int


@dataclass(frozen=True, slots=True)
class Key(Result):
    """A bearer key ("api") or an S3 key pair ("s3"), by its public id."""

    key_id: str
    kind: str
    user_name: str
    name: str
    status: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CreatedKey(Key):
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Policy(Result):
    policy_name: str
    arn: str
    description: str
    is_ready_made: bool
    attached_count: int
    created_at: datetime
    updated_at: datetime
    document: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PolicyPage(Result):
    policies: list[Policy]
    is_truncated: bool
    next_continuation_token: str | None


@dataclass(frozen=True, slots=True)
class Attachments(Result):
    users: list[str]
    groups: list[str]
    roles: list[str]


@dataclass(frozen=True, slots=True)
class Share(Result):
    """A link to an object or a folder, without the link itself."""

    id: int
    bucket_name: str
    key: str
    is_folder: bool
    version_id: str
    has_password: bool
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    most_downloads: int | None = None
    download_count: int = 0
    takes_uploads: bool = False
    most_size: int | None = None


@dataclass(frozen=True, slots=True)
class CreatedShare(Share):
    url: str = field(default="", repr=False)


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def bucket_of(facts: dict[str, Any]) -> Bucket:
    name = facts.get("name") or facts["bucket_name"]
    rest = {k: v for k, v in facts.items() if k not in {"name", "created_at"}}
    return Bucket.of(rest, name=name, created_at=moment(facts["created_at"]))


def listed_of(facts: dict[str, Any]) -> ListedObject:
    rest = {k: v for k, v in facts.items() if k != "last_modified"}
    return ListedObject.of(rest, last_modified=moment(facts["last_modified"]))


def part_of(facts: dict[str, Any]) -> Part:
    rest = {k: v for k, v in facts.items() if k != "last_modified"}
    stated = facts.get("last_modified")
    return Part.of(rest, last_modified=moment(stated) if stated else None)


def upload_of(facts: dict[str, Any]) -> Upload:
    rest = {k: v for k, v in facts.items() if k != "initiated_at"}
    return Upload.of(rest, initiated_at=moment(facts["initiated_at"]))


def stored_of(facts: dict[str, Any]) -> StoredObject:
    rest = {k: v for k, v in facts.items() if k != "last_modified"}
    stated = facts.get("last_modified")
    return StoredObject.of(rest, last_modified=moment(stated) if stated else None)


def moments_in(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Give the facts with their times read."""
    return {
        name: moment(value) if name.endswith("_at") and value else value
        for name, value in facts.items()
    }


def key_of(facts: Mapping[str, Any]) -> Key:
    return Key.of(moments_in(facts))


def created_key_of(facts: Mapping[str, Any]) -> CreatedKey:
    return CreatedKey.of(moments_in(facts))


def policy_of(facts: Mapping[str, Any]) -> Policy:
    return Policy.of(moments_in(facts))


def share_of(facts: Mapping[str, Any]) -> Share:
    return Share.of(moments_in(facts))


def created_share_of(facts: Mapping[str, Any]) -> CreatedShare:
    return CreatedShare.of(moments_in(facts))


def head_facts(response: httpx.Response) -> dict[str, Any]:
    headers = response.headers
    content_range = headers.get("Content-Range", "")
    size = content_range.rpartition("/")[2] or headers.get("Content-Length", "0")
    return {
        "etag": headers.get("ETag", "").strip('"'),
        "size": int(size),
        "content_type": headers.get("Content-Type", ""),
        "last_modified": parsedate_to_datetime(headers["Last-Modified"]),
        "version_id": headers.get("x-amz-version-id", ""),
        "storage_class": headers.get("x-amz-storage-class", ""),
        "metadata": {
            name.removeprefix("x-amz-meta-"): from_header(value)
            for name, value in headers.items()
            if name.startswith("x-amz-meta-")
        },
        "headers": dict(headers),
    }
