"""Names, keys, tags and metadata."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import (
    InvalidBucketName,
    InvalidObjectKey,
    InvalidTag,
    KeyTooLongError,
    MetadataTooLarge,
)
from kernel.names import (
    RESERVED_BUCKET_NAMES,
    check_bucket_name,
    check_kv_key,
    check_metadata,
    check_object_key,
    check_tags,
    next_name,
)

texts = st.text(
    st.one_of(
        st.sampled_from("ab/\0\x7f\x80\ud7ff\ue000\uffff\U00010000\U0010ffff"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=4,
)


@pytest.mark.parametrize(
    "name",
    ["abc", "a1b", "123", "a" * 63, "my.bucket", "a-b.c-d", "1.2.3", "a--b", "xn-a"],
)
def test_bucket_names_that_aws_allows(name):
    check_bucket_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab",
        "a" * 64,
        "Abc",
        "a_b",
        "a b",
        "a/b",
        "abc\n",
        "äbc",
        "٣٣٣",
        "-abc",
        "abc-",
        ".abc",
        "abc.",
        "a..b",
        "a.-b",
        "a-.b",
        "192.168.5.4",
        "999.1.1.1",
        "xn--abc",
        "sthree-abc",
        "amzn-s3-demo-abc",
        "abc-s3alias",
        "abc--ol-s3",
        "abc.mrap",
        "abc--x-s3",
        "abc--table-s3",
    ],
)
def test_bucket_names_that_aws_refuses(name):
    with pytest.raises(InvalidBucketName) as refusal:
        check_bucket_name(name)
    assert refusal.value.details == {"bucket_name": name}


@pytest.mark.parametrize("name", sorted(RESERVED_BUCKET_NAMES))
def test_reserved_names_are_refused_only_where_they_are_reserved(name):
    with pytest.raises(InvalidBucketName):
        check_bucket_name(name)
    check_bucket_name(name, reserved=())


@pytest.mark.parametrize(
    "key", ["a", "/", "a//b", "a/", "..", "%00", " ", "\n", "k" * 1024, "😀" * 256]
)
def test_object_keys_may_be_any_text_of_1024_bytes(key):
    check_object_key(key)


@pytest.mark.parametrize(("key", "size"), [("k" * 1025, 1025), ("é" * 513, 1026)])
def test_object_keys_are_measured_in_bytes(key, size):
    with pytest.raises(KeyTooLongError) as refusal:
        check_object_key(key)
    assert refusal.value.details == {
        "key": key,
        "size": size,
        "max_size_allowed": 1024,
    }


@pytest.mark.parametrize("key", ["", "a\0b", "a\udcff"])
def test_object_keys_that_no_dialect_can_carry(key):
    with pytest.raises(InvalidObjectKey) as refusal:
        check_object_key(key)
    str(refusal.value.details["key"]).encode()


@pytest.mark.parametrize("key", ["a", "Z9", "0" * 255])
def test_kv_keys_are_letters_and_digits(key):
    check_kv_key(key)


@pytest.mark.parametrize(
    "key", ["", "a" * 256, "a-b", "a/b", "é", "a\n", "٣", "\udcff"]
)
def test_other_kv_keys_are_refused(key):
    with pytest.raises(InvalidObjectKey):
        check_kv_key(key)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"k" * 128: "v" * 256},
        {"project": ""},
        {"a b+c-d=e.f_g:h/i@j": "Größe 10 ½ Ж 漢"},
        {"aws": "aws:"},
        {str(number): "" for number in range(10)},
    ],
)
def test_tags_that_aws_allows(tags):
    check_tags(tags)


@pytest.mark.parametrize(
    "tags",
    [
        {"": "v"},
        {"k" * 129: "v"},
        {"k": "v" * 257},
        {"\U00020000" * 65: "v"},
        {"aws:k": "v"},
        {"AWS:k": "v"},
        {"k!": "v"},
        {"k": "a,b"},
        {"k": "a\nb"},
        {"k": "😀"},
        {"k": "\udcff"},
    ],
)
def test_tags_that_aws_refuses(tags):
    with pytest.raises(InvalidTag):
        check_tags(tags)


def test_objects_have_ten_tags_and_buckets_fifty():
    tags = {str(number): "" for number in range(50)}
    check_tags(tags, most=50)
    with pytest.raises(InvalidTag):
        check_tags(tags)
    with pytest.raises(InvalidTag):
        check_tags(tags | {"one": "more"}, most=50)


def test_metadata_is_measured_in_bytes_of_names_and_values():
    check_metadata({"name": "v" * 1000, "other": "é" * 519 + "v"})
    with pytest.raises(MetadataTooLarge) as refusal:
        check_metadata({"name": "v" * 1000, "other": "é" * 520})
    assert refusal.value.details == {"size": 2049, "max_size_allowed": 2048}


@given(texts, st.lists(texts))
def test_next_name_is_above_exactly_what_begins_with_the_text_or_sorts_below(
    text, names
):
    following = next_name(text)
    for name in [*names, *(text + name for name in names)]:
        is_below = not following or name.encode() < following.encode()
        sorts_up_to = name.encode() < text.encode() or name.startswith(text)
        assert is_below == sorts_up_to


@given(texts)
def test_next_name_can_be_stored_as_utf8(text):
    next_name(text).encode()


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ("", ""),
        ("a/", "a0"),
        ("a\ud7ff", "a\ue000"),
        ("a\U0010ffff\U0010ffff", "b"),
        ("\U0010ffff", ""),
    ],
)
def test_next_name_at_the_edges(text, following):
    assert next_name(text) == following
