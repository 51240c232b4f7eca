"""Byte ranges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import InvalidArgument, InvalidRange, InvalidRequest
from kernel.ranges import ByteRange, parse_copy_range, parse_range

DATA = b"0123456789abcde"


@pytest.mark.parametrize(
    ("header", "data"),
    [
        ("bytes=0-8", b"012345678"),
        ("bytes=1-1", b"1"),
        ("bytes=1-", b"123456789abcde"),
        ("bytes=14-", b"e"),
        ("bytes=0-100", DATA),
        ("bytes=-1", b"e"),
        ("bytes=-15", DATA),
        ("bytes=-100", DATA),
        ("Bytes=0-1", b"01"),
    ],
)
def test_one_range_is_cut(header, data):
    found = parse_range(header, len(DATA))
    assert DATA[found.start : found.end + 1] == data
    assert found.length == len(data)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=1-0",
        "bytes=100-99",
        "bytes=-1-",
        "bytes=0--1",
        "bytes=0-1,3-4",
        "bytes=0-1, 3-4, 6-9",
        "bytes=a-b",
        "bytes=0-1x",
        "bytes=٣-٤",
        "items=0-1",
        "0-1",
        "bytes=" + "9" * 5000 + "-",
    ],
)
def test_what_is_not_one_range_means_the_whole_object(header):
    assert parse_range(header, len(DATA)) is None


@pytest.mark.parametrize("header", ["bytes=15-", "bytes=15-20", "bytes=-0"])
def test_a_range_outside_the_object_is_refused(header):
    with pytest.raises(InvalidRange) as refusal:
        parse_range(header, len(DATA))
    assert refusal.value.details == {
        "range_requested": header,
        "actual_object_size": 15,
    }


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-1"])
def test_an_empty_object_has_no_ranges(header):
    with pytest.raises(InvalidRange):
        parse_range(header, 0)


def test_content_range_names_both_ends_and_the_size():
    assert ByteRange(2, 5).content_range(15) == "bytes 2-5/15"


@given(
    st.one_of(st.none(), st.integers(0, 12)),
    st.one_of(st.none(), st.integers(0, 12)),
    st.integers(0, 10),
)
def test_ranges_choose_the_bytes_that_counting_them_one_by_one_would(first, last, size):
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    if first is None:
        chosen = [at for at in range(size) if last is not None and at >= size - last]
    else:
        chosen = [
            at for at in range(size) if first <= at <= (size if last is None else last)
        ]
    is_ignored = (first is None and last is None) or (
        first is not None and last is not None and first > last
    )
    if is_ignored:
        assert parse_range(header, size) is None
    elif not chosen:
        with pytest.raises(InvalidRange):
            parse_range(header, size)
    else:
        found = parse_range(header, size)
        assert list(range(found.start, found.end + 1)) == chosen


@given(st.text())
def test_any_header_is_read_or_refused_by_name(header):
    for text in (header, "bytes=" + header):
        try:
            found = parse_range(text, 10)
        except InvalidRange:
            continue
        assert found is None or 0 <= found.start <= found.end < 10


@pytest.mark.parametrize(
    ("header", "found"),
    [("bytes=0-14", ByteRange(0, 14)), ("bytes=3-3", ByteRange(3, 3))],
)
def test_a_copy_range_lies_inside_the_source(header, found):
    assert parse_copy_range(header, 15) == found


@pytest.mark.parametrize(
    "header",
    ["0-1", "bytes=0-", "bytes=-1", "bytes=1-0", "bytes=0-1,3-4", "bytes=a-b", "", " "],
)
def test_a_copy_range_of_another_form_is_refused(header):
    with pytest.raises(InvalidArgument) as refusal:
        parse_copy_range(header, 15)
    assert "must be of the form bytes=first-last" in refusal.value.text
    assert refusal.value.details == {
        "argument_name": "x-amz-copy-source-range",
        "argument_value": header,
    }


def test_a_copy_range_that_ends_past_the_source_is_refused():
    with pytest.raises(InvalidArgument, match="source object of size: 15"):
        parse_copy_range("bytes=0-15", 15)


def test_a_copy_range_that_starts_past_the_source_is_refused():
    with pytest.raises(InvalidRequest, match="invalid for the source object size"):
        parse_copy_range("bytes=15-16", 15)
