"""The documents' own examples, line by line, against a real server."""

from __future__ import annotations

import io
import os
import random

import objectstore
import pytest
from objectstore import RestStore


@pytest.fixture
def client(live_store):
    with objectstore.Client(
        api_key=live_store.api_key, endpoint=f"{live_store.url}/v1"
    ) as client:
        yield client


@pytest.fixture
def bucket(client, request):
    name = f"b{abs(hash(request.node.nodeid))}"
    client.create_bucket(name)
    return name


def test_the_references_sdk_example(client, bucket, tmp_path):
    (tmp_path / "file.txt").write_bytes(b"some text\n" * 10_000)
    with open(tmp_path / "file.txt", "rb") as f:
        response = client.put_object(
            bucket=bucket,
            key="path/to/file.txt",
            body=f,
            content_type="text/plain",
            metadata={"author": "john"},
        )
    assert response["etag"]
    response = client.get_object(bucket=bucket, key="path/to/file.txt")
    with open(tmp_path / "downloaded.txt", "wb") as f:
        f.write(response["body"])
    downloaded = (tmp_path / "downloaded.txt").read_bytes()
    assert downloaded == (tmp_path / "file.txt").read_bytes()
    assert response["metadata"] == {"author": "john"}


def test_the_key_value_documents_examples(live_store):
    store = RestStore.create(base_url=live_store.url, api_key=live_store.api_key)
    store.put("my-key", b"Hello, World!")
    assert store.exists("my-key")
    assert store.get("my-key").decode() == "Hello, World!"
    assert "my-key" in list(store.keys())
    store.delete("my-key")
    assert not store.exists("my-key")
    with pytest.raises(KeyError):
        store.get("nonexistent-key")
    with pytest.raises(KeyError):
        store.delete("nonexistent-key")
    store.close()
    with RestStore(
        base_url=live_store.url,
        api_key=live_store.api_key,
        timeout=30.0,
        max_retries=3,
        retry_delay=1.0,
    ) as store:
        store.put("temp-key", b"temporary data")
        assert store.get("temp-key") == b"temporary data"


def test_keys_pages_by_itself(live_store):
    with RestStore(live_store.url, live_store.api_key) as store:
        wanted = [f"many/{number:04}" for number in range(1005)]
        for key in wanted:
            store.put(key, b"")
        assert list(store.keys("many/")) == wanted


@pytest.mark.parametrize(
    "key", ["a//b", "../x", "./y", "100%", "ä ö", "a+b", "what?", "#", "~", "a/"]
)
def test_any_key_survives(client, bucket, key):
    client.put_object(bucket, key, key.encode())
    assert client.get_object(bucket, key).body.read() == key.encode()
    assert [one.key for one in client.iter_objects(bucket)] == [key]


def test_a_whole_life(client, bucket, tmp_path):
    assert bucket in [one.name for one in client.iter_buckets()]
    for name in ("a/1", "a/2", "b"):
        client.put_object(bucket, name, b"0123456789")
    assert client.get_bucket(bucket).object_count == 3
    page = client.list_objects(bucket, delimiter="/")
    assert (page.common_prefixes, [o.key for o in page.contents]) == (["a/"], ["b"])
    assert [o.key for o in client.iter_objects(bucket, limit=1)] == ["a/1", "a/2", "b"]
    part = client.get_object(bucket, "b", byte_range="bytes=2-4")
    assert (part.body.read(), part.size) == (b"234", 10)
    client.copy_object(bucket, "b", bucket, "copy", metadata_directive="COPY")
    head = client.head_object(bucket, "copy")
    assert head.size == 10
    with pytest.raises(objectstore.errors.NotModified):
        client.get_object(bucket, "copy", if_none_match=f'"{head.etag}"')
    with pytest.raises(objectstore.errors.Conflict):
        client.delete_bucket(bucket)
    client.delete_objects(bucket, ["a/1", "a/2", "b"])
    client.delete_object(bucket, "copy")
    with pytest.raises(objectstore.errors.ObjectNotFound):
        client.get_object(bucket, "copy")
    client.delete_bucket(bucket)
    with pytest.raises(objectstore.errors.BucketNotFound):
        client.get_bucket(bucket)


def test_a_large_file_goes_up_in_parts_and_comes_down_again(client, bucket, tmp_path):
    source, target = tmp_path / "large", tmp_path / "back"
    source.write_bytes(bytes(range(256)) * 4 * 1024 * 12)
    seen = []
    stored = client.upload_file(
        bucket,
        "large",
        source,
        part_size=5 * 1024**2,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert stored.etag.endswith("-3")
    size = source.stat().st_size
    assert seen[-1] == (size, size)
    client.download_file(bucket, "large", target)
    assert target.read_bytes() == source.read_bytes()


def test_a_broken_download_is_taken_up_where_it_ended(client, bucket, tmp_path):
    client.put_object(bucket, "key", b"0123456789" * 1000)
    etag = client.head_object(bucket, "key").etag
    (tmp_path / f"file.{etag}.part").write_bytes(b"0123456789" * 300)
    seen = []
    client.download_file(
        bucket, "key", tmp_path / "file", progress=lambda done, _: seen.append(done)
    )
    assert seen[0] == 3000
    assert (tmp_path / "file").read_bytes() == b"0123456789" * 1000
    assert not list(tmp_path.glob("*.part"))


def test_an_upload_that_fails_is_aborted(client, bucket, tmp_path, monkeypatch):
    source = tmp_path / "large"
    source.write_bytes(b"x" * 11 * 1024**2)

    def fail(*arguments, **named):
        raise RuntimeError("the disk went away")

    monkeypatch.setattr(client, "upload_part", fail)
    with pytest.raises(RuntimeError):
        client.upload_file(bucket, "large", source, part_size=5 * 1024**2)
    client.delete_bucket(bucket)


def test_versions_and_signed_urls(client, request):
    import httpx

    name = f"v{abs(hash(request.node.nodeid))}"
    client.create_bucket(name, versioning=True)
    first = client.put_object(name, "key", b"1")
    client.put_object(name, "key", b"2")
    page = client.list_versions(name)
    assert [one.is_latest for one in page.versions] == [True, False]
    old = client.get_object(name, "key", version_id=first.version_id)
    assert old.body.read() == b"1"
    signed = client.signed_url(name, "key", expires_in=60)
    assert httpx.get(signed.url).content == b"2"


class Pipe:
    """A file that cannot seek, and gives less than it is asked for."""

    def __init__(self, data):
        self.left = data

    def read(self, size):
        size = min(size, 70_001)
        given, self.left = self.left[:size], self.left[size:]
        return given


PART = 5 * 1024**2


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 2 * PART + 1])
def test_a_stream_of_unknown_size_arrives_whole(client, bucket, size):
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    client.upload_stream(bucket, "key", Pipe(data), part_size=PART, threads=2)
    assert client.get_object(bucket, "key").body.read() == data


def test_a_stream_may_be_stored_only_where_nothing_is(client, bucket):
    client.put_object(bucket, "key", b"first")
    for size in (10, PART + 1):
        with pytest.raises(objectstore.errors.PreconditionFailed):
            client.upload_stream(
                bucket, "key", Pipe(b"x" * size), if_none_match="*", part_size=PART
            )
    assert client.get_object(bucket, "key").body.read() == b"first"
    assert not list(client.iter_multipart_uploads(bucket))


def test_an_upload_is_taken_up_where_it_ended(client, bucket, tmp_path, monkeypatch):
    source = tmp_path / "large"
    source.write_bytes(b"a" * PART + b"b" * PART + b"c")
    sent = []
    send = client.upload_part

    def upload_part(bucket, key, upload_id, number, body):
        if number == 2 and not sent.count(2):
            sent.append(2)
            raise RuntimeError("the network went away")
        sent.append(number)
        return send(bucket, key, upload_id, number, body)

    monkeypatch.setattr(client, "upload_part", upload_part)
    options = {"part_size": PART, "threads": 1, "resume": True}
    with pytest.raises(RuntimeError):
        client.upload_file(bucket, "large", source, **options)
    source.write_bytes(b"a" * PART + b"B" * PART + b"c")
    client.upload_file(bucket, "large", source, **options)
    assert sent == [1, 2, 2, 3]
    assert client.get_object(bucket, "large").body.read() == source.read_bytes()


def test_a_buckets_documents_are_set_read_and_removed(client, bucket):
    client.put_bucket_configuration(bucket, "tags", {"tags": {"team": "a"}})
    assert client.get_bucket_configuration(bucket, "tags") == {"tags": {"team": "a"}}
    client.delete_bucket_configuration(bucket, "tags")
    client.put_bucket_configuration(bucket, "versioning", {"enabled": True})
    assert client.get_bucket(bucket).versioning == {"enabled": True}


def test_versions_by_pages_and_deleted_by_id(client, bucket):
    client.put_bucket_configuration(bucket, "versioning", {"enabled": True})
    ids = [client.put_object(bucket, "key", text).version_id for text in "12"]
    listed = list(client.iter_versions(bucket, limit=1))
    assert [one.version_id for one in listed] == ids[::-1]
    client.delete_objects(bucket, [("key", ids[1])])
    assert client.get_object(bucket, "key").body.read() == b"1"


@pytest.mark.parametrize(
    "lead_elsewhere",
    [
        lambda client, bucket: client.delete_bucket(f"{bucket}/objects/key"),
        lambda client, bucket: client.delete_bucket(""),
        lambda client, bucket: client.get_object(f"{bucket}/objects", "key"),
        lambda client, bucket: client.abort_multipart_upload(bucket, "key", ""),
        lambda client, bucket: client.detach_policy("all/x", "users", "admin"),
    ],
)
def test_a_name_leads_nowhere_else(client, bucket, lead_elsewhere):
    for key in ("key", "key/uploads/"):
        client.put_object(bucket, key, b"precious")
    with pytest.raises(ValueError, match="is not a name"):
        lead_elsewhere(client, bucket)
    assert len(list(client.iter_objects(bucket))) == 2


def test_a_file_that_shrinks_while_it_goes_up_is_not_stored(client, bucket, tmp_path):
    source = tmp_path / "log"
    source.write_bytes(b"x" * 2 * PART)
    with pytest.raises(OSError, match="ended early"):
        client.upload_file(
            bucket,
            "log",
            source,
            part_size=PART,
            threads=1,
            progress=lambda done, total: os.truncate(source, PART + 1),
        )
    assert not list(client.iter_objects(bucket))
    assert not list(client.iter_multipart_uploads(bucket))


@pytest.mark.parametrize("ending", ["", "-2"])
def test_downloads_of_one_object_to_one_file_do_not_mix(
    client, bucket, tmp_path, ending
):
    data = random.Random(1).randbytes(PART + 100)
    client.upload_stream(
        bucket, "key", io.BytesIO(data), part_size=PART if ending else 2 * PART
    )
    target = tmp_path / "file"
    another = Once(lambda: client.download_file(bucket, "key", target))
    head = client.download_file(bucket, "key", target, progress=another)
    assert head.etag.endswith(ending)
    assert target.read_bytes() == data
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


class Once:
    """Progress that does something else when the first bytes have come."""

    def __init__(self, act):
        self.act = act

    def __call__(self, done, total):
        if done and self.act is not None:
            act, self.act = self.act, None
            act()


def test_what_is_not_the_object_is_not_taken_for_it(client, bucket, tmp_path):
    client.put_object(bucket, "key", b"0123456789" * 1000)
    etag = client.head_object(bucket, "key").etag
    (tmp_path / f"file.{etag}.part").write_bytes(bytes(3000))
    with pytest.raises(objectstore.errors.TransportError, match="not the object"):
        client.download_file(bucket, "key", tmp_path / "file")
    assert not list(tmp_path.iterdir())
    client.download_file(bucket, "key", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"0123456789" * 1000


def test_a_long_name_is_downloaded_to(client, bucket, tmp_path):
    client.put_object(bucket, "key", b"bytes")
    target = tmp_path / ("ä" * 127)
    client.download_file(bucket, "key", target)
    assert target.read_bytes() == b"bytes"


def test_a_body_is_saved_whole_or_not_at_all(client, bucket, tmp_path):
    client.put_object(bucket, "key", b"new")
    target = tmp_path / "file"
    target.write_bytes(b"old")
    body = client.get_object(bucket, "key").body
    body.close()
    with pytest.raises(ValueError, match="read before, or closed"):
        body.save_to(target)
    assert target.read_bytes() == b"old"
    assert client.get_object(bucket, "key").body.save_to(target) == 3
    assert target.read_bytes() == b"new"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "text", ["Zoë 日本", "plain", "=?utf-8?b?no word", "=?a?q?b?="]
)
def test_metadata_comes_back_as_it_was_given(client, bucket, text):
    client.put_object(bucket, "key", b"", metadata={"author": text})
    assert client.head_object(bucket, "key").metadata == {"author": text}
    upload = client.create_multipart_upload(bucket, "parts", metadata={"author": text})
    part = client.upload_part(bucket, "parts", upload.upload_id, 1, b"bytes")
    client.complete_multipart_upload(bucket, "parts", upload.upload_id, [part])
    client.copy_object(bucket, "parts", bucket, "copy")
    assert client.get_object(bucket, "copy").metadata == {"author": text}


def test_what_is_not_there_is_an_object_not_found(client, bucket, tmp_path):
    for bucket_name in (bucket, "no-such-bucket"):
        with pytest.raises(objectstore.errors.ObjectNotFound, match="no/key"):
            client.head_object(bucket_name, "no/key")
    with pytest.raises(objectstore.errors.ObjectNotFound) as failure:
        client.download_file(bucket, "no/key", tmp_path / "file")
    assert failure.value.status == 404
    assert failure.value.request_id
    assert not list(tmp_path.iterdir())
