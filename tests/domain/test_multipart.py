"""Multipart uploads: parts, completion by reference, and what is given up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from blobs import store
from blobs.models import Blob, Part
from buckets.operations import delete_bucket
from kernel import errors
from kernel.bodies import Body
from kernel.checksums import ChecksumAlgorithm, Hasher, multipart_etag
from kernel.results import CompletedPart, ObjectAttributes
from objects import multipart
from objects.copies import CopySource
from objects.models import MultipartUpload
from objects.operations import delete_object, get_object, put_object

pytestmark = pytest.mark.django_db

MIB = 1024**2
FIRST, SECOND = b"1" * (5 * MIB), b"2" * (5 * MIB)
LAST = b"the end"


@pytest.fixture
def upload(root, bucket):
    return multipart.create_multipart_upload(
        root,
        bucket,
        "key",
        attributes=ObjectAttributes(content_type="text/plain", metadata={"a": "1"}),
        now=timezone.now(),
    )


def send(principal, upload, number, data):
    return multipart.upload_part(
        principal,
        upload.bucket_name,
        upload.key,
        upload.upload_id,
        number,
        body=Body.of(data),
        now=timezone.now(),
    )


def complete(principal, upload, parts, **options):
    listed = [
        CompletedPart(part.part_number, part.etag, part.checksums) for part in parts
    ]
    return multipart.complete_multipart_upload(
        principal,
        upload.bucket_name,
        upload.key,
        upload.upload_id,
        listed,
        now=timezone.now(),
        **options,
    )


def read(principal, bucket, key, **options):
    return b"".join(get_object(principal, bucket, key, **options).chunks)


def test_an_upload_to_a_bucket_that_has_just_gone_is_refused(root, bucket, monkeypatch):
    find_owner = multipart.owner_of_new

    def deleted_meanwhile(*arguments):
        delete_bucket(root, bucket, now=timezone.now())
        return find_owner(*arguments)

    monkeypatch.setattr(multipart, "owner_of_new", deleted_meanwhile)
    with pytest.raises(errors.NoSuchBucket):
        multipart.create_multipart_upload(root, bucket, "key", now=timezone.now())


def test_parts_become_one_object_without_being_read(root, bucket, upload):
    parts = [
        send(root, upload, 1, FIRST),
        send(root, upload, 5, SECOND),
        send(root, upload, 9, LAST),
    ]
    blobs = set(Part.objects.values_list("blob_id", flat=True))
    info = complete(root, upload, parts)
    assert info.size == len(FIRST + SECOND + LAST)
    assert info.etag == multipart_etag([part.etag for part in parts])
    assert info.metadata == {"a": "1"}
    assert read(root, bucket, "key") == FIRST + SECOND + LAST
    assert set(Part.objects.values_list("blob_id", flat=True)) == blobs


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (0, 0),
        (5 * MIB - 3, 5 * MIB + 3),
        (10 * MIB - 1, 10 * MIB + 6),
        (7, 10 * MIB + 2),
    ],
)
def test_ranges_cross_parts(root, bucket, upload, first, last):
    parts = [
        send(root, upload, number, data)
        for number, data in enumerate((FIRST, SECOND, LAST), 1)
    ]
    complete(root, upload, parts)
    whole = FIRST + SECOND + LAST
    asked = f"bytes={first}-{last}"
    assert read(root, bucket, "key", byte_range=asked) == whole[first : last + 1]


def test_parts_that_are_swept_while_they_are_read_are_missed(
    root, bucket, upload, settings, monkeypatch
):
    settings.OBJECTSTORE_MIN_PART = 1
    monkeypatch.setattr(store, "PARTS_PER_QUERY", 1)
    complete(root, upload, [send(root, upload, n, LAST) for n in (1, 2)])
    chunks = get_object(root, bucket, "key").chunks
    assert next(chunks) == LAST
    delete_object(root, bucket, "key", now=timezone.now())
    store.sweep(now=timezone.now(), free_grace=timedelta(0))
    with pytest.raises(errors.ServiceUnavailable):
        next(chunks)


def test_parts_of_nothing_hide_no_others(root, bucket, upload, settings, monkeypatch):
    settings.OBJECTSTORE_MIN_PART = 0
    monkeypatch.setattr(store, "PARTS_PER_QUERY", 2)
    parts = [
        send(root, upload, number, data)
        for number, data in enumerate((b"one", b"", b"two", b"", b"three"), 1)
    ]
    complete(root, upload, parts)
    assert read(root, bucket, "key") == b"onetwothree"


def test_a_part_can_be_read_by_its_number(root, bucket, upload):
    parts = [send(root, upload, 2, FIRST), send(root, upload, 4, LAST)]
    complete(root, upload, parts)
    content = get_object(root, bucket, "key", part_number=2)
    assert b"".join(content.chunks) == LAST
    assert content.parts_count == 2
    with pytest.raises(errors.InvalidPartNumberRange):
        get_object(root, bucket, "key", part_number=3)


def test_a_part_sent_again_takes_the_place_of_the_first(root, bucket, upload):
    send(root, upload, 1, FIRST)
    again = send(root, upload, 1, LAST)
    complete(root, upload, [again])
    assert read(root, bucket, "key") == LAST


def test_parts_that_are_not_listed_are_given_up(root, bucket, upload):
    kept = send(root, upload, 1, LAST)
    send(root, upload, 2, FIRST)
    complete(root, upload, [kept])
    store.sweep(now=timezone.now() + timedelta(days=2))
    assert Blob.objects.exclude(kind="composite").count() == 1


def test_completing_again_answers_the_same(root, upload):
    parts = [send(root, upload, 1, LAST)]
    assert complete(root, upload, parts).id == complete(root, upload, parts).id


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda parts: [], errors.InvalidRequest),
        (lambda parts: parts[::-1], errors.InvalidPartOrder),
        (lambda parts: [CompletedPart(3, parts[0].etag)], errors.InvalidPart),
        (lambda parts: [CompletedPart(1, "0" * 32)], errors.InvalidPart),
        (lambda parts: parts, errors.EntityTooSmall),
    ],
    ids=["none", "order", "missing", "etag", "small"],
)
def test_a_wrong_list_is_refused_and_the_upload_stays(root, upload, change, refusal):
    parts = [send(root, upload, 1, LAST), send(root, upload, 2, LAST)]
    with pytest.raises(refusal):
        complete(root, upload, change(parts))
    listing = multipart.list_parts(
        root, upload.bucket_name, upload.key, upload.upload_id
    )
    assert [part.part_number for part in listing.parts] == [1, 2]


def test_aborting_frees_every_byte(root, bucket, upload):
    send(root, upload, 1, FIRST)
    send(root, upload, 2, LAST)
    multipart.abort_multipart_upload(
        root, bucket, "key", upload.upload_id, now=timezone.now()
    )
    with pytest.raises(errors.NoSuchUpload):
        send(root, upload, 3, LAST)
    store.sweep(now=timezone.now() + timedelta(days=2))
    assert not Blob.objects.exists()
    assert not MultipartUpload.objects.exists()


def test_deleting_the_object_frees_its_parts(root, bucket, upload):
    complete(root, upload, [send(root, upload, 1, FIRST), send(root, upload, 2, LAST)])
    delete_object(root, bucket, "key", now=timezone.now())
    store.sweep(now=timezone.now() + timedelta(days=2))
    assert not Blob.objects.exists()


def test_a_part_copied_from_an_object(root, bucket, upload):
    put_object(root, bucket, "source", body=Body.of(FIRST + LAST), now=timezone.now())
    _, part = multipart.upload_part_copy(
        root,
        CopySource(bucket, "source"),
        bucket,
        "key",
        upload.upload_id,
        1,
        copy_range=f"bytes={5 * MIB}-{5 * MIB + 2}",
        now=timezone.now(),
    )
    complete(root, upload, [part])
    assert read(root, bucket, "key") == LAST[:3]


@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
def test_checksums_are_combined_from_the_parts(root, bucket, kind):
    algorithm = ChecksumAlgorithm.CRC32C
    upload = multipart.create_multipart_upload(
        root,
        bucket,
        "key",
        checksum_algorithm=algorithm,
        checksum_type=kind,
        now=timezone.now(),
    )
    parts = [
        multipart.upload_part(
            root,
            bucket,
            "key",
            upload.upload_id,
            number,
            body=checked_body(data, algorithm),
            now=timezone.now(),
        )
        for number, data in enumerate((FIRST, LAST), 1)
    ]
    checksum = complete(root, upload, parts).checksum
    whole = Hasher([algorithm])
    whole.update(FIRST + LAST)
    assert checksum["type"] == kind
    if kind == "FULL_OBJECT":
        assert checksum["value"] == whole.checksum(algorithm)
    else:
        assert checksum["value"].endswith("-2")


def checked_body(data, algorithm):
    stream = iter([data])
    return Body(lambda size: next(stream, b""), len(data), algorithms=(algorithm,))


def test_uploads_are_listed_by_key_with_prefixes(root, bucket):
    for key in ("a", "b/1", "b/2", "c", "c"):
        multipart.create_multipart_upload(root, bucket, key, now=timezone.now())
    listing = multipart.list_multipart_uploads(root, bucket, delimiter="/")
    assert [upload.key for upload in listing.uploads] == ["a", "c", "c"]
    assert listing.common_prefixes == ["b/"]
    seen, key_marker, id_marker = [], "", ""
    while True:
        page = multipart.list_multipart_uploads(
            root,
            bucket,
            max_uploads=1,
            key_marker=key_marker,
            upload_id_marker=id_marker,
        )
        seen += [upload.key for upload in page.uploads]
        if not page.is_truncated:
            break
        key_marker, id_marker = page.next_key_marker, page.next_upload_id_marker
    assert seen == ["a", "b/1", "b/2", "c", "c"]
