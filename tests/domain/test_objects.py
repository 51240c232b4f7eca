"""Objects through the domain's own door: put, get, delete, versions, conditions."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from blobs import store
from blobs.models import Blob
from buckets.access import find_bucket
from buckets.operations import create_bucket, put_bucket_versioning
from buckets.queries import usage
from kernel import errors
from kernel.bodies import Body, Expectations
from kernel.conditions import Conditions
from kernel.results import CompletedPart, ObjectAttributes
from objects.bulk import weigh_versions
from objects.copies import CopySource, copy_object, rename_object
from objects.listings import list_object_versions, list_objects
from objects.multipart import (
    complete_multipart_upload,
    create_multipart_upload,
    list_multipart_uploads,
    list_parts,
    upload_part,
)
from objects.operations import (
    ObjectIdentifier,
    delete_object,
    delete_objects,
    get_object,
    head_object,
    put_object,
)

pytestmark = pytest.mark.django_db

LARGE = bytes(range(256)) * 400


def put(principal, bucket, key, data=b"data", **options):
    return put_object(
        principal, bucket, key, body=Body.of(data), now=timezone.now(), **options
    )


def read(principal, bucket, key, **options):
    return b"".join(get_object(principal, bucket, key, **options).chunks)


def keys(principal, bucket, **options):
    listing = list_objects(principal, bucket, **options)
    return [row.key for row in listing.contents], listing.common_prefixes


@pytest.mark.parametrize(
    "data", [b"", b"small", LARGE], ids=["empty", "inline", "file"]
)
def test_what_is_put_is_read_back(root, bucket, data):
    info = put(root, bucket, "a/b", data)
    assert read(root, bucket, "a/b") == data
    assert info.size == len(data)
    assert head_object(root, bucket, "a/b").info.etag == info.etag


def test_attributes_are_kept(root, bucket):
    attributes = ObjectAttributes(
        content_type="text/plain",
        headers={"Cache-Control": "no-store"},
        metadata={"author": "john"},
        tags={"team": "red"},
    )
    put(root, bucket, "key", attributes=attributes)
    info = head_object(root, bucket, "key").info
    assert info.content_type == "text/plain"
    assert info.headers == {"Cache-Control": "no-store"}
    assert info.metadata == {"author": "john"}
    assert info.tags == {"team": "red"}
    assert info.version_id == "null"


@pytest.mark.parametrize("data", [b"0123456789", LARGE], ids=["inline", "file"])
def test_a_range_reads_just_its_bytes(root, bucket, data):
    put(root, bucket, "key", data)
    content = get_object(root, bucket, "key", byte_range="bytes=3-6")
    assert b"".join(content.chunks) == data[3:7]
    assert (
        content.byte_range.content_range(content.info.size) == f"bytes 3-6/{len(data)}"
    )
    with pytest.raises(errors.InvalidRange):
        get_object(root, bucket, "key", byte_range=f"bytes={len(data)}-")


def test_a_missing_key_and_a_missing_bucket(root, bucket):
    with pytest.raises(errors.NoSuchKey):
        get_object(root, bucket, "nothing")
    with pytest.raises(errors.NoSuchBucket):
        get_object(root, "no-such-bucket", "nothing")


def test_overwriting_without_versions_leaves_one(root, bucket):
    put(root, bucket, "key", LARGE)
    put(root, bucket, "key", b"second")
    assert read(root, bucket, "key") == b"second"
    assert len(list_object_versions(root, bucket).versions) == 1
    assert Blob.objects.filter(state="freed").count() == 1


def test_versions_stay_and_can_be_read(root, versioned):
    first = put(root, versioned, "key", b"1")
    second = put(root, versioned, "key", b"2")
    assert second.stored_version_id < first.stored_version_id
    assert read(root, versioned, "key") == b"2"
    assert read(root, versioned, "key", version_id=first.version_id) == b"1"


def test_a_delete_marker_hides_and_its_removal_uncovers(root, versioned):
    put(root, versioned, "key", b"1")
    marker = delete_object(root, versioned, "key", now=timezone.now())
    assert marker.is_delete_marker
    with pytest.raises(errors.NoSuchKey) as refusal:
        get_object(root, versioned, "key")
    assert refusal.value.details["is_delete_marker"]
    with pytest.raises(errors.MethodNotAllowed):
        get_object(root, versioned, "key", version_id=marker.version_id)
    assert keys(root, versioned) == ([], [])
    delete_object(
        root, versioned, "key", version_id=marker.version_id, now=timezone.now()
    )
    assert read(root, versioned, "key") == b"1"


def test_suspended_versioning_replaces_only_the_null_version(root, versioned):
    kept = put(root, versioned, "key", b"kept")
    put_bucket_versioning(root, versioned, "Suspended")
    assert put(root, versioned, "key", b"null 1").version_id == "null"
    put(root, versioned, "key", b"null 2")
    assert read(root, versioned, "key") == b"null 2"
    assert read(root, versioned, "key", version_id="null") == b"null 2"
    assert read(root, versioned, "key", version_id=kept.version_id) == b"kept"
    assert len(list_object_versions(root, versioned).versions) == 2


def test_deleting_what_is_not_there_is_no_error(root, bucket, versioned):
    now = timezone.now()
    assert not delete_object(root, bucket, "nothing", now=now).is_delete_marker
    assert delete_object(root, versioned, "nothing", now=now).is_delete_marker


def test_usage_is_exact_through_every_change(root, versioned):
    bucket = find_bucket(versioned)
    put(root, versioned, "a", b"12345")
    first = put(root, versioned, "b", b"1")
    put(root, versioned, "b", b"22")
    delete_object(root, versioned, "a", now=timezone.now())
    held = usage(bucket.id)
    assert (held.objects_count, held.objects_size) == (1, 2)
    assert (held.versions_count, held.versions_size) == (2, 6)
    assert held.markers_count == 1
    delete_object(root, versioned, "b", version_id=first.version_id, now=timezone.now())
    assert usage(bucket.id).versions_size == 5


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["inline", "file"])
@pytest.mark.parametrize(
    ("length", "expected", "refusal"),
    [
        (10, {}, errors.IncompleteBody),
        (0, {"content_md5": b"x" * 16}, errors.BadDigest),
        (0, {"sha256": "0" * 64}, errors.XAmzContentSHA256Mismatch),
        (0, {"checksums": {"CRC32": "AAAAAA=="}}, errors.BadDigest),
    ],
)
def test_a_bad_body_leaves_nothing(root, bucket, data, length, expected, refusal):
    stream = iter([data])
    body = Body(
        lambda size: next(stream, b""), len(data) + length, Expectations(**expected)
    )
    with pytest.raises(refusal):
        put_object(root, bucket, "key", body=body, now=timezone.now())
    with pytest.raises(errors.NoSuchKey):
        head_object(root, bucket, "key")
    store.sweep(now=timezone.now() + timedelta(days=2))
    assert not Blob.objects.exists()


def test_conditions_guard_writes(root, bucket):
    absent = Conditions(if_none_match="*")
    info = put(root, bucket, "key", conditions=absent)
    with pytest.raises(errors.PreconditionFailed):
        put(root, bucket, "key", conditions=absent)
    put(root, bucket, "key", b"new", conditions=Conditions(if_match=info.etag))
    with pytest.raises(errors.PreconditionFailed):
        put(root, bucket, "key", conditions=Conditions(if_match=info.etag))


def test_conditions_guard_reads(root, bucket):
    info = put(root, bucket, "key")
    with pytest.raises(errors.NotModified):
        get_object(root, bucket, "key", conditions=Conditions(if_none_match=info.etag))
    with pytest.raises(errors.PreconditionFailed):
        get_object(root, bucket, "key", conditions=Conditions(if_match="other"))


def test_a_copy_shares_bytes_and_outlives_its_source(root, bucket):
    put(root, bucket, "source", LARGE, attributes=ObjectAttributes(metadata={"a": "1"}))
    copy_object(root, CopySource(bucket, "source"), bucket, "copy", now=timezone.now())
    assert Blob.objects.filter(kind="stored").count() == 1
    delete_object(root, bucket, "source", now=timezone.now())
    store.sweep(now=timezone.now() + timedelta(days=2))
    assert read(root, bucket, "copy") == LARGE
    assert head_object(root, bucket, "copy").info.metadata == {"a": "1"}


def test_a_copy_to_another_class_moves_the_bytes(root, bucket):
    put(root, bucket, "source", LARGE)
    cold = ObjectAttributes(storage_class="cold")
    _, copy = copy_object(
        root,
        CopySource(bucket, "source"),
        bucket,
        "copy",
        attributes=cold,
        now=timezone.now(),
    )
    assert copy.storage_class == "cold"
    assert Blob.objects.get(pk=copy.blob_id).storage_class == "cold"
    assert read(root, bucket, "copy") == LARGE


def test_bytes_that_a_disk_changed_are_not_copied_as_if_they_were_sound(root, bucket):
    put(root, bucket, "source", LARGE)
    stored = Blob.objects.get(kind="stored")
    path = store.storage_of(stored.storage_class).path(stored.path)
    with open(path, "r+b") as file:
        file.write(b"rot")
    with pytest.raises(errors.ServiceUnavailable):
        copy_object(
            root,
            CopySource(bucket, "source"),
            bucket,
            "copy",
            attributes=ObjectAttributes(storage_class="cold"),
            now=timezone.now(),
        )
    assert keys(root, bucket) == (["source"], [])
    assert set(Blob.objects.values_list("state", flat=True)) == {"live", "freed"}


def test_a_copy_onto_itself_must_change_something(root, bucket):
    put(root, bucket, "key")
    source = CopySource(bucket, "key")
    with pytest.raises(errors.InvalidRequest):
        copy_object(root, source, bucket, "key", now=timezone.now())
    new = ObjectAttributes(metadata={"b": "2"})
    copy_object(
        root,
        source,
        bucket,
        "key",
        attributes=new,
        replaces_metadata=True,
        now=timezone.now(),
    )
    assert head_object(root, bucket, "key").info.metadata == {"b": "2"}


def test_a_rename_moves_the_name_alone(root, bucket):
    put(root, bucket, "old", LARGE)
    rename_object(root, bucket, "old", "new", now=timezone.now())
    assert read(root, bucket, "new") == LARGE
    assert keys(root, bucket) == (["new"], [])
    assert Blob.objects.count() == 1


def test_many_deletions_each_by_itself(root, bucket):
    for name in "abc":
        put(root, bucket, name)
    outcomes = delete_objects(
        root,
        bucket,
        [
            ObjectIdentifier("a"),
            ObjectIdentifier("nothing"),
            ObjectIdentifier("x" * 1025),
        ],
        now=timezone.now(),
    )
    assert [hasattr(one, "error") for one in outcomes] == [False, False, True]
    assert keys(root, bucket) == (["b", "c"], [])


def test_nobody_may_read_what_no_policy_opens(bucket, other_root, root):
    put(root, bucket, "key")
    from iam.principals import ANONYMOUS

    for stranger in (other_root, ANONYMOUS):
        with pytest.raises(errors.AccessDenied):
            get_object(stranger, bucket, "key")
        with pytest.raises(errors.AccessDenied):
            get_object(stranger, bucket, "missing")
        with pytest.raises(errors.AccessDenied):
            put(stranger, bucket, "key", b"changed")
    assert read(root, bucket, "key") == b"data"


def test_a_policy_lets_a_user_do_just_what_it_says(root, bucket, make_principal):
    put(root, bucket, "open/key")
    put(root, bucket, "shut/key")
    reader = make_principal(
        "reader",
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",'
        ' "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/open/*"}]}',
    )
    assert read(reader, bucket, "open/key") == b"data"
    with pytest.raises(errors.AccessDenied):
        get_object(reader, bucket, "shut/key")


def test_locked_versions_cannot_be_destroyed(root):
    now = timezone.now()
    versioned = create_bucket(root, "locked", has_object_lock=True, now=now).name
    lock = ObjectAttributes(
        lock_mode="GOVERNANCE", retain_until=now + timedelta(days=1)
    )
    info = put(root, versioned, "key", attributes=lock)
    with pytest.raises(errors.AccessDenied):
        delete_object(root, versioned, "key", version_id=info.version_id, now=now)
    delete_object(
        root,
        versioned,
        "key",
        version_id=info.version_id,
        bypass_governance=True,
        now=now,
    )


@pytest.mark.parametrize("versioning", [False, True])
def test_listing_folds_and_pages(root, bucket, versioned, versioning):
    name = versioned if versioning else bucket
    wanted = ["a", "b/1", "b/2", "b/c/3", "d", "e/", "e//f", "é", "😀"]
    for key in wanted:
        put(root, name, key)
    assert keys(root, name) == (sorted(wanted, key=str.encode), [])
    assert keys(root, name, delimiter="/") == (["a", "d", "é", "😀"], ["b/", "e/"])
    assert keys(root, name, prefix="b/", delimiter="/") == (["b/1", "b/2"], ["b/c/"])
    assert keys(root, name, prefix="e/", delimiter="/") == (["e/"], ["e//"])
    seen, token = [], ""
    while True:
        page = list_objects(root, name, delimiter="/", max_keys=1, token=token)
        seen += [row.key for row in page.contents] + page.common_prefixes
        if not page.is_truncated:
            break
        token = page.next_token
    assert seen == ["a", "b/", "d", "e/", "é", "😀"]


def test_a_prefix_of_the_last_characters_is_shown_once(root, bucket):
    last = "\U0010ffff"
    for key in ("a", f"{last}a", f"{last}b"):
        put(root, bucket, key)
        create_multipart_upload(root, bucket, key, now=timezone.now())
    paged = {"delimiter": last, "max_keys": 2}
    first = list_objects(root, bucket, **paged)
    assert first.common_prefixes == [last]
    after = list_objects(root, bucket, **paged, token=first.next_token)
    assert (after.contents, after.common_prefixes) == ([], [])
    uploads = list_multipart_uploads(root, bucket, delimiter=last)
    assert uploads.common_prefixes == [last]


def test_a_page_of_nothing_is_not_followed_by_another(root, bucket):
    upload = create_multipart_upload(root, bucket, "key", now=timezone.now())
    assert not list_multipart_uploads(root, bucket, max_uploads=0).is_truncated
    place = (root, bucket, "key", upload.upload_id)
    upload_part(*place, 1, body=Body.of(b"x"), now=timezone.now())
    assert not list_parts(*place, max_parts=0).is_truncated


def test_version_listing_pages_through_every_version(root, versioned):
    for key in ("a", "b/1", "b/2", "c"):
        put(root, versioned, key, b"1")
        put(root, versioned, key, b"2")
    delete_object(root, versioned, "a", now=timezone.now())
    whole = list_object_versions(root, versioned)
    for delimiter in ("", "/"):
        seen, prefixes, key_marker, id_marker = [], [], "", ""
        while True:
            page = list_object_versions(
                root,
                versioned,
                delimiter=delimiter,
                max_keys=1,
                key_marker=key_marker,
                version_id_marker=id_marker,
            )
            seen += [(row.key, row.version_id) for row in page.versions]
            prefixes += page.common_prefixes
            if not page.is_truncated:
                break
            key_marker, id_marker = page.next_key_marker, page.next_version_id_marker
        expected = [(row.key, row.version_id) for row in whole.versions]
        if delimiter:
            expected = [one for one in expected if not one[0].startswith("b/")]
            assert prefixes == ["b/"]
        assert seen == expected


def test_who_deletes_each_page_of_versions_misses_none(root, versioned):
    for data in (b"1", b"2"):
        put(root, versioned, "key", data)
    put_bucket_versioning(root, versioned, "Suspended")
    for delimiter in ("", "/"):
        put(root, versioned, "key", b"null")
        page = list_object_versions(root, versioned, delimiter=delimiter, max_keys=1)
        assert page.next_version_id_marker == "null"
        delete_object(root, versioned, "key", version_id="null", now=timezone.now())
        rest = list_object_versions(
            root,
            versioned,
            delimiter=delimiter,
            key_marker=page.next_key_marker,
            version_id_marker=page.next_version_id_marker,
        )
        assert len(rest.versions) == 2


def upload(principal, bucket, key, **options):
    begun = create_multipart_upload(principal, bucket, key, now=timezone.now())
    part = upload_part(
        principal,
        bucket,
        key,
        begun.upload_id,
        1,
        body=Body.of(b"x"),
        now=timezone.now(),
    )
    complete_multipart_upload(
        principal,
        bucket,
        key,
        begun.upload_id,
        [CompletedPart(part.part_number, part.etag)],
        now=timezone.now(),
        **options,
    )


def test_every_write_that_compares_etags_takes_the_right_to_read(
    root, bucket, make_principal
):
    source = CopySource(bucket, "source")
    writes = {
        "Effect": "Allow",
        "Action": ["s3:PutObject", "s3:DeleteObject"],
        "Resource": "*",
    }
    # The source is read by both: what is refused is to compare the target.
    reads = {"Effect": "Allow", "Action": "s3:GetObject"}
    some = {**reads, "Resource": "arn:aws:s3:::*/source"}
    blind = make_principal("blind", json.dumps({"Statement": [writes, some]}))
    every = {**reads, "Resource": "*"}
    reader = make_principal("reader", json.dumps({"Statement": [writes, every]}))
    put(root, bucket, "key")
    put(root, bucket, "source")
    for write in (
        lambda who, **options: put(who, bucket, "key", b"data", **options),
        lambda who, **options: copy_object(
            who, source, bucket, "key", now=timezone.now(), **options
        ),
        lambda who, **options: upload(who, bucket, "key", **options),
        lambda who, **options: rename_object(
            who, bucket, "source", "key", now=timezone.now(), **options
        ),
        lambda who, **options: delete_object(
            who, bucket, "key", now=timezone.now(), **options
        ),
    ):
        etag = head_object(root, bucket, "key").info.etag
        is_same = Conditions(if_match=etag)
        with pytest.raises(errors.AccessDenied):
            write(blind, conditions=is_same)
        assert head_object(root, bucket, "key").info.etag == etag
        write(reader, conditions=is_same)


def test_a_locked_bucket_too_is_read_by_one_query(
    root, account, django_assert_num_queries
):
    create_bucket(root, "locked", has_object_lock=True, now=timezone.now())
    put(root, "locked", "key")
    read(root, "locked", "key")
    with django_assert_num_queries(1):
        content = head_object(root, "locked", "key")
        assert content.info.is_hold_stated is None


def test_chosen_versions_are_weighed_by_few_queries(
    root, bucket, django_assert_max_num_queries
):
    put(root, bucket, "old", b"12")
    put_bucket_versioning(root, bucket, "Enabled")
    chosen = [ObjectIdentifier("old", "null"), ObjectIdentifier("gone", "null")]
    for count in range(20):
        info = put(root, bucket, "old", b"123")
        chosen.append(ObjectIdentifier("old", info.version_id))
        chosen.append(ObjectIdentifier(f"other-{count}", info.version_id))
    with django_assert_max_num_queries(4):
        weight = weigh_versions(root, bucket, chosen, now=timezone.now())
    assert (weight.current_count, weight.current_size) == (1, 3)
    assert (weight.versions_count, weight.versions_size) == (20, 2 + 19 * 3)


def test_deleting_many_by_their_etags_takes_the_right_to_read_each(
    root, bucket, make_principal
):
    deletes = {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "*"}
    reads = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::*/seen",
    }
    some = make_principal("some", json.dumps({"Statement": [deletes, reads]}))
    chosen = [
        ObjectIdentifier(key, etag=put(root, bucket, key).etag)
        for key in ("seen", "unseen")
    ]
    seen, unseen = delete_objects(some, bucket, chosen, now=timezone.now())
    assert seen.key == "seen"
    assert isinstance(unseen.error, errors.AccessDenied)
    assert [one.key for one in list_objects(root, bucket).contents] == ["unseen"]
