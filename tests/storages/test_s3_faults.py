"""S3 is read by ranges and written in parts; faults that pass are not noticed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import Storage, storages

from blobs import store
from blobs.locations import parse
from blobs.models import Blob
from blobs.s3_storage import PART
from blobs.store import new_path
from kernel.bodies import Body
from kernel.errors import ServiceUnavailable
from kernel.results import ObjectAttributes
from objects.operations import delete_object, get_object, put_object
from tests.storages.contract import read, save
from tests.storages.engines import KEY, SECRET, SeaweedFS
from tests.storages.proxy import Asked, Cut, LoseAnswer, Proxy, Status

NOW = datetime(2030, 3, 15, 10, 30, tzinfo=UTC)
COLD = ObjectAttributes(storage_class="cold")
SLOW_DOWN = Status(503, "SlowDown")


@pytest.fixture
def proxy(seaweed: SeaweedFS) -> Iterator[Proxy]:
    proxy = Proxy(seaweed.port)
    yield proxy
    proxy.stop()


@pytest.fixture
def location(seaweed: SeaweedFS, proxy: Proxy) -> str:
    return seaweed.location(port=proxy.port)


@pytest.fixture
def storage(location: str) -> Storage:
    return storages.create_storage(parse(location))


@pytest.fixture
def cold(settings: Any, location: str) -> None:
    """Let the class `cold` be the engine behind the proxy, and nothing be inline."""
    settings.STORAGES = {**settings.STORAGES, "cold": parse(location)}
    settings.OBJECTSTORE_INLINE_MAX = 0


@pytest.fixture(autouse=True)
def _no_storage_rests() -> Iterator[None]:
    yield
    store.outages.note_success("cold")


def gets(proxy: Proxy) -> list[Asked]:
    return [one for one in proxy.asked if one.method == "GET"]


def test_a_range_is_asked_for_as_a_range(storage: Storage, proxy: Proxy) -> None:
    path, data = new_path(), os.urandom(3_000_000)
    save(storage, path, data)
    assert read(storage, path, 1_000_000, 10) == data[1_000_000:1_000_010]
    assert read(storage, path, 0, 3_000_000) == data
    assert [one.range for one in gets(proxy)] == [
        "bytes=1000000-1000009",
        "bytes=0-2999999",
    ]


def test_large_bodies_are_sent_in_parts(storage: Storage, proxy: Proxy) -> None:
    save(storage, new_path(), b"x" * (2 * PART + 5))
    sent = [one for one in proxy.asked if one.method == "PUT"]
    assert ["partNumber=" in one.path for one in sent] == [True] * 3
    # Two whole parts and the rest; S3 takes no small part but the last.
    assert [one.size for one in sent] == [PART, PART, 5]


@pytest.mark.parametrize("fault", [SLOW_DOWN, Status(500, "InternalError")])
def test_transient_answers_are_tried_again(
    storage: Storage, proxy: Proxy, fault: Status
) -> None:
    path, data = new_path(), os.urandom(2 * PART)
    proxy.faults = [fault]
    save(storage, path, data)
    proxy.faults = [fault, fault]
    assert read(storage, path, 5, 100) == data[5:105]
    proxy.faults = [fault]
    storage.delete(path)
    assert not storage.exists(path)


def test_answers_that_are_lost_are_asked_for_again(
    storage: Storage, proxy: Proxy
) -> None:
    path, data = new_path(), os.urandom(100_000)
    proxy.faults = [LoseAnswer()]
    save(storage, path, data)
    proxy.faults = [LoseAnswer()]
    assert read(storage, path, 0, 100_000) == data


def test_a_stream_that_is_cut_off_goes_on_from_there(
    storage: Storage, proxy: Proxy
) -> None:
    path, data = new_path(), os.urandom(2_000_000)
    save(storage, path, data)
    proxy.faults = [Cut(700_000), Cut(500_000)]
    assert read(storage, path, 10, 1_999_990) == data[10:]
    first, second, third = (one.range for one in gets(proxy))
    assert first == "bytes=10-1999999"
    # What had come was kept, if only in whole chunks.
    begins = [int(one.removeprefix("bytes=").split("-")[0]) for one in (second, third)]
    assert 10 < begins[0] < begins[1] < 1_999_999


def test_a_stream_that_is_always_cut_off_ends(storage: Storage, proxy: Proxy) -> None:
    path = new_path()
    save(storage, path, b"x" * 2_000_000)
    proxy.fault = Cut(0)
    with pytest.raises((BotoCoreError, OSError)):
        read(storage, path, 0, 2_000_000)


def test_what_is_forbidden_is_not_tried_again(storage: Storage, proxy: Proxy) -> None:
    proxy.fault = Status(403, "AccessDenied")
    with pytest.raises(ClientError):
        read(storage, new_path(), 0, 1)
    assert len(gets(proxy)) == 1


def test_an_upload_that_fails_is_aborted(
    storage: Storage, proxy: Proxy, seaweed: SeaweedFS
) -> None:
    proxy.faults = [Status(403, "AccessDenied")]
    with pytest.raises(ClientError):
        save(storage, new_path(), b"x" * (PART + 1))
    proxy.faults = []
    path = new_path()
    allowed = Cut(10**9)
    # The upload begins, its first part goes through, the second is refused.
    proxy.faults = [allowed, allowed, Status(403, "AccessDenied")]
    with pytest.raises(ClientError):
        save(storage, path, b"x" * (2 * PART))
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{seaweed.port}",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )
    uploads = client.list_multipart_uploads(Bucket=seaweed.bucket).get("Uploads", [])
    assert [one["Key"] for one in uploads if one["Key"].endswith(path)] == []


def test_in_a_bucket_that_is_not_there_nothing_is_deleted(seaweed: SeaweedFS) -> None:
    location = seaweed.location().replace(f"/{seaweed.bucket}", "/another-bucket")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        storages.create_storage(parse(location)).delete(new_path())


# The same, seen through the store


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fault", [SLOW_DOWN, Status(403, "AccessDenied"), LoseAnswer()]
)
def test_permanent_faults_are_refusals_and_lose_nothing(
    root: Any, bucket: str, cold: None, proxy: Proxy, fault: Any
) -> None:
    data = os.urandom(300_000)
    put_object(root, bucket, "key", body=Body.of(data), attributes=COLD, now=NOW)
    proxy.fault = fault
    with pytest.raises(ServiceUnavailable):
        get_object(root, bucket, "key")
    for key in ("key", "new"):
        store.outages.note_success("cold")
        with pytest.raises(ServiceUnavailable):
            put_object(
                root, bucket, key, body=Body.of(b"x" * 9), attributes=COLD, now=NOW
            )
    proxy.fault = None
    store.outages.note_success("cold")
    assert b"".join(get_object(root, bucket, "key").chunks) == data
    store.sweep(now=NOW + timedelta(days=2))
    assert Blob.objects.count() == 1


@pytest.mark.django_db
def test_a_sweep_takes_up_what_it_could_not_delete(
    root: Any, bucket: str, cold: None, proxy: Proxy
) -> None:
    for where, key in (("cold", "far"), ("standard", "near")):
        put_object(
            root,
            bucket,
            key,
            body=Body.of(b"x" * 100),
            attributes=ObjectAttributes(storage_class=where),
            now=NOW,
        )
    blobs = dict(Blob.objects.values_list("storage_class", "path"))
    for key in ("far", "near"):
        delete_object(root, bucket, key, now=NOW)
    later = NOW + timedelta(days=1)
    proxy.fault = Status(403, "AccessDenied")
    assert store.sweep(now=later).blobs == 1
    assert not storages["standard"].exists(blobs["standard"])
    proxy.fault = None
    assert storages["cold"].exists(blobs["cold"])
    assert store.sweep(now=later).blobs == 1
    assert not storages["cold"].exists(blobs["cold"])
