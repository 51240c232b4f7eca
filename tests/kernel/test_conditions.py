"""Conditional reads, copies, writes and deletes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.conditions import (
    Conditions,
    check_copy_source,
    check_delete,
    check_read,
    check_write,
    parse_http_date,
)
from kernel.errors import NoSuchKey, NotImplemented, NotModified, PreconditionFailed

ETAG = "9b2cf535f27731c974343645a3985328"
OTHER = "00000000000000000000000000000000"
STORED = datetime(2026, 3, 1, 12, 0, 0, 600_000, tzinfo=UTC)
WHOLE = STORED.replace(microsecond=0)
EARLIER = WHOLE - timedelta(seconds=1)


def outcome(check, conditions):
    try:
        check(conditions, etag=ETAG, last_modified=STORED)
    except NotModified:
        return 304
    except PreconditionFailed as failure:
        return failure.details["condition"]
    return 200


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (Conditions(), 200),
        (Conditions(if_match=ETAG), 200),
        (Conditions(if_match=OTHER), "If-Match"),
        (Conditions(if_match="*"), 200),
        (Conditions(if_none_match=OTHER), 200),
        (Conditions(if_none_match=ETAG), 304),
        (Conditions(if_none_match="*"), 304),
        (Conditions(if_modified_since=EARLIER), 200),
        (Conditions(if_modified_since=WHOLE), 304),
        (Conditions(if_unmodified_since=WHOLE), 200),
        (Conditions(if_unmodified_since=EARLIER), "If-Unmodified-Since"),
        (Conditions(if_match=ETAG, if_unmodified_since=EARLIER), 200),
        (Conditions(if_match=OTHER, if_unmodified_since=WHOLE), "If-Match"),
        (Conditions(if_none_match=ETAG, if_modified_since=EARLIER), 304),
        (Conditions(if_none_match=OTHER, if_modified_since=WHOLE), 200),
        (Conditions(if_match=OTHER, if_none_match=ETAG), "If-Match"),
        (Conditions(if_match=ETAG, if_none_match=ETAG), 304),
        (
            Conditions(if_unmodified_since=EARLIER, if_none_match=ETAG),
            "If-Unmodified-Since",
        ),
    ],
)
def test_reads_follow_the_precedence_of_rfc_9110(conditions, expected):
    assert outcome(check_read, conditions) == expected


@pytest.mark.parametrize(
    "header",
    [
        ETAG,
        f'"{ETAG}"',
        f' "{ETAG}" ',
        f'"{OTHER}", "{ETAG}"',
        f"{OTHER},{ETAG}",
        f'"{OTHER}",W/"{OTHER}" , "{ETAG}"',
    ],
)
def test_etags_are_compared_one_by_one_with_or_without_quotes(header):
    assert outcome(check_read, Conditions(if_match=header)) == 200
    assert outcome(check_read, Conditions(if_none_match=header)) == 304


@pytest.mark.parametrize("header", ["", '""', '"', ",", ETAG[:-1], ETAG + "-2", '"*"'])
def test_other_etags_do_not_match(header):
    assert outcome(check_read, Conditions(if_match=header)) == "If-Match"
    assert outcome(check_read, Conditions(if_none_match=header)) == 200


def test_a_weak_etag_matches_only_if_none_match():
    weak = f'W/"{ETAG}"'
    assert outcome(check_read, Conditions(if_none_match=weak)) == 304
    assert outcome(check_read, Conditions(if_match=weak)) == "If-Match"


def test_the_stored_etag_may_carry_its_quotes():
    check_read(Conditions(if_match=ETAG), etag=f'"{ETAG}"', last_modified=STORED)


def test_not_modified_carries_what_its_answer_must():
    with pytest.raises(NotModified) as refusal:
        check_read(
            Conditions(if_none_match=ETAG),
            etag=ETAG,
            last_modified=STORED,
            headers={"Cache-Control": "no-cache"},
        )
    assert refusal.value.details == {
        "etag": ETAG,
        "last_modified": STORED,
        "headers": {"Cache-Control": "no-cache"},
    }


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (Conditions(if_match=ETAG, if_unmodified_since=EARLIER), 200),
        (Conditions(if_match=OTHER), "x-amz-copy-source-If-Match"),
        (Conditions(if_none_match=ETAG), "x-amz-copy-source-If-None-Match"),
        (Conditions(if_modified_since=WHOLE), "x-amz-copy-source-If-Modified-Since"),
        (
            Conditions(if_unmodified_since=EARLIER),
            "x-amz-copy-source-If-Unmodified-Since",
        ),
    ],
)
def test_a_copy_source_is_never_not_modified(conditions, expected):
    assert outcome(check_copy_source, conditions) == expected


@pytest.mark.parametrize(
    ("conditions", "current"),
    [
        (Conditions(), None),
        (Conditions(), ETAG),
        (Conditions(if_none_match="*"), None),
        (Conditions(if_match=ETAG), ETAG),
        (Conditions(if_match=f'"{ETAG}"'), f'"{ETAG}"'),
        (Conditions(if_match="*"), ETAG),
        (Conditions(if_modified_since=STORED, if_unmodified_since=EARLIER), ETAG),
    ],
)
def test_writes_whose_conditions_hold(conditions, current):
    check_write(conditions, current)


@pytest.mark.parametrize(
    ("conditions", "current", "error", "details"),
    [
        (
            Conditions(if_none_match="*"),
            ETAG,
            PreconditionFailed,
            {"condition": "If-None-Match"},
        ),
        (
            Conditions(if_match=ETAG),
            OTHER,
            PreconditionFailed,
            {"condition": "If-Match"},
        ),
        (Conditions(if_match=ETAG), None, NoSuchKey, {"key": "k"}),
        (Conditions(if_match="*"), None, NoSuchKey, {"key": "k"}),
    ],
)
def test_writes_whose_conditions_fail(conditions, current, error, details):
    with pytest.raises(error) as refusal:
        check_write(conditions, current, key="k")
    assert refusal.value.details == details


@pytest.mark.parametrize("current", [None, ETAG, OTHER])
@pytest.mark.parametrize(
    ("conditions", "header"),
    [
        (Conditions(if_none_match=ETAG), "If-None-Match"),
        (Conditions(if_match=ETAG, if_none_match="*"), "If-Match,If-None-Match"),
    ],
)
def test_writes_whose_conditions_aws_does_not_have(conditions, header, current):
    with pytest.raises(NotImplemented) as refusal:
        check_write(conditions, current, strict_aws=True)
    assert refusal.value.details["header"] == header


def test_a_write_unless_the_key_has_one_state():
    check_write(Conditions(if_none_match=OTHER), ETAG)
    check_write(Conditions(if_none_match=ETAG), None)
    with pytest.raises(PreconditionFailed):
        check_write(Conditions(if_none_match=ETAG), ETAG)


def test_aws_does_not_write_if_anything_is_there():
    with pytest.raises(NotImplemented) as refusal:
        check_write(Conditions(if_match="*"), ETAG, strict_aws=True)
    assert refusal.value.details["header"] == "If-Match"
    check_write(Conditions(if_match=ETAG), ETAG, strict_aws=True)


@pytest.mark.parametrize(
    ("conditions", "current"),
    [
        (Conditions(), None),
        (Conditions(if_match=ETAG), ETAG),
        (Conditions(if_match="*"), ETAG),
    ],
)
def test_deletes_whose_conditions_hold(conditions, current):
    check_delete(conditions, current)


def test_deletes_whose_conditions_fail():
    with pytest.raises(PreconditionFailed):
        check_delete(Conditions(if_match=ETAG), OTHER)
    with pytest.raises(PreconditionFailed):
        check_delete(Conditions(if_match=ETAG), OTHER, missing_is_deleted=True)
    with pytest.raises(NotImplemented):
        check_delete(Conditions(if_none_match="*"), ETAG)


@pytest.mark.parametrize("header", [ETAG, "*"])
def test_a_conditional_delete_of_a_missing_key_is_a_choice(header):
    with pytest.raises(NoSuchKey) as refusal:
        check_delete(Conditions(if_match=header), None, key="k")
    assert refusal.value.details == {"key": "k"}
    check_delete(Conditions(if_match=header), None, missing_is_deleted=True)


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ],
)
def test_the_three_forms_of_http_date(text):
    assert parse_http_date(text) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [None, "", "yesterday", "Sun, 06 Nov 1994 25:49:37 GMT", "2026-03-01", "12345678"],
)
def test_a_date_that_cannot_be_read_is_as_if_absent(text):
    assert parse_http_date(text) is None


@given(
    st.one_of(
        st.text(),
        st.lists(
            st.sampled_from(
                ["Sun,", "6", "Nov", "1994", "0", "08:49:37", "GMT", "+9999", "-", ":"]
            )
        ).map(" ".join),
    )
)
def test_any_date_is_read_or_ignored(text):
    found = parse_http_date(text)
    assert found is None or found.tzinfo is UTC
