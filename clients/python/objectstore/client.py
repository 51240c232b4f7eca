"""The client of the REST API: every endpoint of its reference. It is synchronous."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, BinaryIO, Literal

import httpx

from objectstore import results, transfers
from objectstore.access import Access
from objectstore.body import Body
from objectstore.errors import NotFound, ObjectNotFound
from objectstore.metadata import to_header
from objectstore.results import (
    Bucket,
    BucketPage,
    DeletedObject,
    ListedObject,
    ObjectDownload,
    ObjectHead,
    ObjectPage,
    Part,
    PartPage,
    SignedUrl,
    StoredObject,
    Upload,
    UploadPage,
    VersionPage,
)
from objectstore.shares import Shares
from objectstore.transfers import Attributes
from objectstore.transport import Transport, quoted, segment

Progress = Callable[[int, int], None]
Configuration = Literal[
    "lifecycle", "cors", "tags", "policy", "versioning", "public-access-block"
]


class Client(Access, Shares):
    """Talk to one store with one API key.

    `endpoint` is the API's URL with its version: https://host/v1. Times are seconds.
    Every method raises what `objectstore.errors` draws.
    """

    def __init__(
        self,
        *,
        api_key: str,
        endpoint: str,
        timeout: float = 60.0,
        max_retries: int = 3,
        retry_delay: float = 0.5,
        http: httpx.Client | None = None,
    ) -> None:
        self._transport = Transport(
            endpoint,
            api_key,
            timeout=timeout,
            max_retries=max_retries,
            retry_delay=retry_delay,
            http=http,
        )

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # Buckets

    def create_bucket(
        self,
        bucket: str,
        *,
        region: str | None = None,
        storage_class: str | None = None,
        versioning: bool | None = None,
        lifecycle: Mapping[str, Any] | None = None,
        cors: Mapping[str, Any] | None = None,
    ) -> Bucket:
        """Create a bucket. Raises Conflict when the name is taken."""
        document = {
            "region": region,
            "storage_class": storage_class,
            "versioning": None if versioning is None else {"enabled": versioning},
            "lifecycle": lifecycle,
            "cors": cors,
        }
        given = {name: value for name, value in document.items() if value is not None}
        answer = self._transport.send("PUT", bucket_path(bucket), json=given)
        return results.bucket_of(answer.json())

    def list_buckets(
        self, *, limit: int | None = None, continuation_token: str | None = None
    ) -> BucketPage:
        """List a page of buckets."""
        query = {"limit": limit, "continuation_token": continuation_token}
        facts = self._transport.send("GET", "/buckets", query=query).json()
        buckets = [results.bucket_of(one) for one in facts.pop("buckets")]
        return BucketPage.of(facts, buckets=buckets)

    def iter_buckets(self) -> Iterator[Bucket]:
        """List all buckets, page after page."""
        token: str | None = None
        while True:
            page = self.list_buckets(continuation_token=token)
            yield from page.buckets
            token = page.next_continuation_token
            if not page.is_truncated:
                return

    def get_bucket(self, bucket: str) -> Bucket:
        """Give a bucket's configuration, object count and size."""
        return results.bucket_of(
            self._transport.send("GET", bucket_path(bucket)).json()
        )

    def delete_bucket(self, bucket: str) -> None:
        """Delete an empty bucket. Raises Conflict when it is not empty."""
        self._transport.send("DELETE", bucket_path(bucket))

    def get_bucket_configuration(
        self, bucket: str, name: Configuration
    ) -> dict[str, Any]:
        """Give one of a bucket's documents, as the API reference writes it."""
        path = f"{bucket_path(bucket)}/{name}"
        document: dict[str, Any] = self._transport.send("GET", path).json()
        return document

    def put_bucket_configuration(
        self, bucket: str, name: Configuration, document: Mapping[str, Any]
    ) -> None:
        """Set one of a bucket's documents: versioning is {"enabled": True}."""
        self._transport.send("PUT", f"{bucket_path(bucket)}/{name}", json=document)

    def delete_bucket_configuration(self, bucket: str, name: Configuration) -> None:
        """Remove one of a bucket's documents; versioning cannot be removed."""
        self._transport.send("DELETE", f"{bucket_path(bucket)}/{name}")

    def preview_lifecycle(
        self,
        bucket: str,
        *,
        rules: list[Mapping[str, Any]] | None = None,
        date: str | None = None,
    ) -> dict[str, Any]:
        """Count what lifecycle rules would do, without doing it.

        Without `rules`, the bucket's own; `date` is 2030-01-31 or a time, not now.
        """
        document = {"rules": rules, "date": date}
        given = {name: value for name, value in document.items() if value is not None}
        path = f"{bucket_path(bucket)}/lifecycle/preview"
        preview: dict[str, Any] = self._transport.send("POST", path, json=given).json()
        return preview

    # Objects

    def put_object(
        self,
        bucket: str,
        key: str,
        body: Any = b"",
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        cache_control: str | None = None,
        storage_class: str | None = None,
        content_md5: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> StoredObject:
        """Store bytes, text as UTF-8, or a file that can seek."""
        headers = {
            **upload_headers(content_type, metadata, storage_class),
            **present(
                {
                    "Cache-Control": cache_control,
                    "Content-MD5": content_md5,
                    "If-Match": if_match,
                    "If-None-Match": if_none_match,
                }
            ),
        }
        answer = self._transport.send(
            "PUT", object_path(bucket, key), headers=headers, content=content_of(body)
        )
        return results.stored_of(answer.json())

    def get_object(
        self,
        bucket: str,
        key: str,
        *,
        version_id: str | None = None,
        byte_range: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: str | None = None,
        if_unmodified_since: str | None = None,
        response_content_type: str | None = None,
        response_content_disposition: str | None = None,
    ) -> ObjectDownload:
        """Open an object; its `body` is read as it is asked for.

        Raises ObjectNotFound, NotModified, PreconditionFailed and InvalidRange.
        """
        answer = self._transport.send(
            "GET",
            object_path(bucket, key),
            query={
                "version_id": version_id,
                "response-content-type": response_content_type,
                "response-content-disposition": response_content_disposition,
            },
            headers=present(
                {
                    "Range": byte_range,
                    "If-Match": if_match,
                    "If-None-Match": if_none_match,
                    "If-Modified-Since": if_modified_since,
                    "If-Unmodified-Since": if_unmodified_since,
                    # What is stored is what comes, not some coding of it.
                    "Accept-Encoding": "identity",
                }
            ),
            is_streamed=True,
        )
        return ObjectDownload(
            **results.head_facts(answer),
            body=Body(answer),
            content_range=answer.headers.get("Content-Range", ""),
        )

    def head_object(
        self, bucket: str, key: str, *, version_id: str | None = None
    ) -> ObjectHead:
        """Give an object's headers. Raises ObjectNotFound, also without the bucket."""
        try:
            answer = self._transport.send(
                "HEAD", object_path(bucket, key), query={"version_id": version_id}
            )
        except NotFound as error:
            # The answer to HEAD has no body that would say what is not there.
            raise ObjectNotFound(
                f"there is no object {bucket}/{key}",
                status=error.status,
                request_id=error.request_id,
            ) from error
        return ObjectHead(**results.head_facts(answer))

    def delete_object(
        self, bucket: str, key: str, *, version_id: str | None = None
    ) -> DeletedObject:
        """Delete an object, or one version of it."""
        answer = self._transport.send(
            "DELETE", object_path(bucket, key), query={"version_id": version_id}
        )
        return DeletedObject(
            is_delete_marker=answer.headers.get("x-amz-delete-marker") == "true",
            version_id=answer.headers.get("x-amz-version-id", ""),
        )

    def delete_objects(
        self, bucket: str, objects: Iterable[str | tuple[str, str]]
    ) -> dict[str, Any]:
        """Delete up to 1,000 objects: keys, or keys with version ids.

        Gives what was deleted and what was not.
        """
        named = [(one, "") if isinstance(one, str) else one for one in objects]
        document = {
            "objects": [{"key": key, "version_id": version} for key, version in named]
        }
        path = f"{bucket_path(bucket)}/delete"
        outcome: dict[str, Any] = self._transport.send(
            "POST", path, json=document
        ).json()
        return outcome

    def copy_object(
        self,
        source_bucket: str,
        source_key: str,
        bucket: str,
        key: str,
        *,
        source_version_id: str | None = None,
        metadata_directive: str | None = None,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        storage_class: str | None = None,
    ) -> StoredObject:
        """Copy an object without moving its bytes through the client."""
        headers = {
            "x-amz-copy-source": f"/{segment(source_bucket)}/{quoted(source_key)}",
            **upload_headers(content_type, metadata, storage_class),
            **present(
                {
                    "x-amz-copy-source-version-id": source_version_id,
                    "x-amz-metadata-directive": metadata_directive,
                }
            ),
        }
        answer = self._transport.send("PUT", object_path(bucket, key), headers=headers)
        return results.stored_of(answer.json())

    def list_objects(
        self,
        bucket: str,
        *,
        prefix: str | None = None,
        delimiter: str | None = None,
        limit: int | None = None,
        continuation_token: str | None = None,
        start_after: str | None = None,
        fetch_owner: bool | None = None,
    ) -> ObjectPage:
        """List a page of objects and common prefixes."""
        query = {
            "prefix": prefix,
            "delimiter": delimiter,
            "limit": limit,
            "continuation_token": continuation_token,
            "start_after": start_after,
            "fetch_owner": None if fetch_owner is None else str(fetch_owner).lower(),
        }
        path = f"{bucket_path(bucket)}/objects"
        facts = self._transport.send("GET", path, query=query).json()
        return ObjectPage.of(
            {name: facts[name] for name in ("is_truncated", "next_continuation_token")},
            contents=[results.listed_of(one) for one in facts["contents"]],
            common_prefixes=[one["prefix"] for one in facts["common_prefixes"]],
        )

    def iter_pages(self, bucket: str, **options: Any) -> Iterator[ObjectPage]:
        """List page after page; the options are those of `list_objects`."""
        while True:
            page = self.list_objects(bucket, **options)
            yield page
            if not page.is_truncated:
                return
            options["continuation_token"] = page.next_continuation_token

    def iter_objects(self, bucket: str, **options: Any) -> Iterator[ListedObject]:
        """List all objects; the options are those of `list_objects`."""
        for page in self.iter_pages(bucket, **options):
            yield from page.contents

    def list_versions(
        self,
        bucket: str,
        *,
        prefix: str | None = None,
        delimiter: str | None = None,
        limit: int | None = None,
        key_marker: str | None = None,
        version_id_marker: str | None = None,
    ) -> VersionPage:
        """List a page of versions and delete markers, newest first under each key."""
        query = {
            "prefix": prefix,
            "delimiter": delimiter,
            "limit": limit,
            "key_marker": key_marker,
            "version_id_marker": version_id_marker,
        }
        path = f"{bucket_path(bucket)}/versions"
        facts = self._transport.send("GET", path, query=query).json()
        named = ("is_truncated", "next_key_marker", "next_version_id_marker")
        return VersionPage.of(
            {name: facts[name] for name in named},
            versions=[results.listed_of(one) for one in facts["versions"]],
            common_prefixes=[one["prefix"] for one in facts["common_prefixes"]],
        )

    def iter_versions(self, bucket: str, **options: Any) -> Iterator[ListedObject]:
        """List all versions; the options are those of `list_versions`."""
        while True:
            page = self.list_versions(bucket, **options)
            yield from page.versions
            if not page.is_truncated:
                return
            options["key_marker"] = page.next_key_marker
            options["version_id_marker"] = page.next_version_id_marker

    def signed_url(
        self, bucket: str, key: str, *, method: str = "GET", expires_in: int = 3600
    ) -> SignedUrl:
        """Make a URL that does one method on one object for `expires_in` seconds."""
        document = {"method": method, "expires_in": expires_in}
        path = f"{object_path(bucket, key)}/signed-url"
        return SignedUrl.of(self._transport.send("POST", path, json=document).json())

    # Multipart uploads

    def create_multipart_upload(
        self,
        bucket: str,
        key: str,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        storage_class: str | None = None,
    ) -> Upload:
        """Begin an upload in parts."""
        headers = upload_headers(content_type, metadata, storage_class)
        path = f"{object_path(bucket, key)}/uploads"
        return Upload.of(self._transport.send("POST", path, headers=headers).json())

    def upload_part(
        self, bucket: str, key: str, upload_id: str, part_number: int, body: Any
    ) -> Part:
        """Send one part: 5 MiB or more, but for the last."""
        path = f"{upload_path(bucket, key, upload_id)}/parts/{part_number}"
        answer = self._transport.send("PUT", path, content=content_of(body))
        return results.part_of(answer.json())

    def list_parts(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        *,
        limit: int | None = None,
        part_number_marker: int | None = None,
    ) -> PartPage:
        """List a page of the parts that have been sent."""
        query = {"limit": limit, "part_number_marker": part_number_marker}
        path = f"{upload_path(bucket, key, upload_id)}/parts"
        facts = self._transport.send("GET", path, query=query).json()
        parts = [results.part_of(one) for one in facts.pop("parts")]
        return PartPage.of(facts, parts=parts)

    def list_multipart_uploads(
        self,
        bucket: str,
        *,
        prefix: str | None = None,
        limit: int | None = None,
        key_marker: str | None = None,
        upload_id_marker: str | None = None,
    ) -> UploadPage:
        """List a page of the uploads that are not finished."""
        query = {
            "prefix": prefix,
            "limit": limit,
            "key_marker": key_marker,
            "upload_id_marker": upload_id_marker,
        }
        path = f"{bucket_path(bucket)}/uploads"
        facts = self._transport.send("GET", path, query=query).json()
        uploads = [results.upload_of(one) for one in facts.pop("uploads")]
        return UploadPage.of(facts, uploads=uploads)

    def iter_multipart_uploads(self, bucket: str, **options: Any) -> Iterator[Upload]:
        """List all unfinished uploads, with the options of the listing by pages."""
        while True:
            page = self.list_multipart_uploads(bucket, **options)
            yield from page.uploads
            if not page.is_truncated:
                return
            options["key_marker"] = page.next_key_marker
            options["upload_id_marker"] = page.next_upload_id_marker

    def complete_multipart_upload(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        parts: list[Part],
        *,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> StoredObject:
        """Make the parts one object."""
        listed = [{"part_number": p.part_number, "etag": p.etag} for p in parts]
        path = f"{upload_path(bucket, key, upload_id)}/complete"
        headers = present({"If-Match": if_match, "If-None-Match": if_none_match})
        answer = self._transport.send(
            "POST", path, json={"parts": listed}, headers=headers
        )
        return results.stored_of(answer.json())

    def abort_multipart_upload(self, bucket: str, key: str, upload_id: str) -> None:
        """Give an upload up, with its parts."""
        self._transport.send("DELETE", upload_path(bucket, key, upload_id))

    # Files

    def upload_file(
        self,
        bucket: str,
        key: str,
        path: str | os.PathLike[str],
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        storage_class: str | None = None,
        if_none_match: str | None = None,
        part_size: int = transfers.PART_SIZE,
        threads: int = 4,
        progress: Progress | None = None,
        resume: bool = False,
    ) -> StoredObject:
        """Upload a file: in parts, several at a time, where it is larger than one.

        `progress` is called with the bytes sent so far and the bytes in all. An upload
        that fails is aborted; with `resume` it is left, and the next one sends only the
        parts that the server does not have as they are in the file.
        """
        attributes = Attributes(content_type, metadata, storage_class)
        plan = transfers.Plan(part_size, threads, attributes, if_none_match)
        return transfers.upload_file(self, bucket, key, path, plan, progress, resume)

    def upload_stream(
        self,
        bucket: str,
        key: str,
        stream: BinaryIO,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        storage_class: str | None = None,
        if_none_match: str | None = None,
        part_size: int = transfers.PART_SIZE,
        threads: int = 4,
        progress: Progress | None = None,
    ) -> StoredObject:
        """Upload what a file gives until its end: it need not seek nor know its size.

        Up to `threads` parts are held in memory. `progress` is called with the bytes
        sent so far, and 0 for the bytes in all.
        """
        attributes = Attributes(content_type, metadata, storage_class)
        plan = transfers.Plan(part_size, threads, attributes, if_none_match)
        return transfers.upload_stream(self, bucket, key, stream, plan, progress)

    def download_file(
        self,
        bucket: str,
        key: str,
        path: str | os.PathLike[str],
        *,
        version_id: str | None = None,
        progress: Progress | None = None,
    ) -> ObjectHead:
        """Download to a file, which appears only when it is whole.

        What a broken download left beside it is taken up where it ended, if the object
        has not changed.
        """
        return transfers.download_file(self, bucket, key, path, version_id, progress)


def bucket_path(bucket: str) -> str:
    return f"/buckets/{segment(bucket)}"


def object_path(bucket: str, key: str) -> str:
    return f"{bucket_path(bucket)}/objects/{quoted(key)}"


def upload_path(bucket: str, key: str, upload_id: str) -> str:
    return f"{object_path(bucket, key)}/uploads/{segment(upload_id)}"


def content_of(body: Any) -> Any:
    if body is None:
        raise TypeError("the body is None: nothing is b''")
    return body.encode() if isinstance(body, str) else body


def present(headers: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if value is not None}


def upload_headers(
    content_type: str | None,
    metadata: Mapping[str, str] | None,
    storage_class: str | None,
) -> dict[str, str]:
    headers = {
        f"x-amz-meta-{name}": to_header(text) for name, text in (metadata or {}).items()
    }
    return {
        **headers,
        **present({"Content-Type": content_type, "x-amz-storage-class": storage_class}),
    }
