"""Version ids."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.versions import (
    ENTROPY_BYTES,
    NULL_VERSION,
    is_version_id,
    new_version_id,
    version_time_ns,
)

times = st.integers(0, 2**63)
entropies = st.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES)
ZEROS, ONES = bytes(ENTROPY_BYTES), b"\xff" * ENTROPY_BYTES


@given(st.lists(st.tuples(times, entropies), max_size=10))
def test_ids_sort_newest_first_whatever_the_clock_does(moments):
    newest_first = []
    for now_ns, entropy in moments:
        before = newest_first[0] if newest_first else ""
        newest_first.insert(0, new_version_id(now_ns, entropy, before=before))
    assert sorted(newest_first, key=str.encode) == newest_first
    assert len(set(newest_first)) == len(newest_first)


@given(times, entropies)
def test_ids_are_32_characters_that_urls_keep(now_ns, entropy):
    version_id = new_version_id(now_ns, entropy)
    assert len(version_id) == 32
    assert quote(version_id, safe="") == version_id
    assert is_version_id(version_id)


@given(times, entropies)
def test_ids_tell_their_time(now_ns, entropy):
    assert version_time_ns(new_version_id(now_ns, entropy)) == now_ns


@given(st.tuples(times, entropies), st.tuples(times, entropies))
def test_ids_of_different_keys_sort_by_time_too(one, two):
    if one[0] < two[0]:
        assert new_version_id(*two) < new_version_id(*one)


def test_a_later_time_is_kept_and_an_earlier_one_is_moved_on():
    newest = new_version_id(1000, ZEROS)
    assert version_time_ns(new_version_id(5000, ONES, before=newest)) == 5000
    assert version_time_ns(new_version_id(1000, ONES, before=newest)) == 1001
    assert version_time_ns(new_version_id(3, ONES, before=newest)) == 1001


def test_ids_of_one_moment_differ_by_their_entropy():
    assert new_version_id(1000, ZEROS) != new_version_id(1000, ONES)


def test_the_null_version_sets_no_bound():
    assert new_version_id(7, ONES, before=NULL_VERSION) == new_version_id(7, ONES)


@pytest.mark.parametrize("size", [0, ENTROPY_BYTES - 1, ENTROPY_BYTES + 1])
def test_too_little_or_too_much_entropy_is_refused(size):
    with pytest.raises(ValueError, match="entropy"):
        new_version_id(0, bytes(size))


@pytest.mark.parametrize(
    "text", ["", NULL_VERSION, "0" * 31, "0" * 33, "w" * 32, "W" * 32, "0" * 32 + "\n"]
)
def test_what_is_no_version_id(text):
    assert not is_version_id(text)
    with pytest.raises(ValueError, match="not a version id"):
        version_time_ns(text)
