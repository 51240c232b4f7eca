"""Paths of objects that are not resolved mean what resolving them would."""

from __future__ import annotations

from django.urls import Resolver404, resolve
from hypothesis import example, given
from hypothesis import strategies as st

from objects.urls import names_in, one_object

WORDS = "v1 buckets objects uploads parts complete signed-url versions delete a . %2F"
PIECES = st.sampled_from(["/", "", "\n", "\N{SNOWMAN}", "A" * 43, *WORDS.split()])


@given(rest=st.lists(PIECES, max_size=14).map("".join))
@example(rest="b/objects/k")
@example(rest="b/objects/k\n")
@example(rest="b/objects/uploads")
@example(rest="b/objects//")
@example(rest="/objects/k")
def test_a_path_that_is_not_resolved_means_the_same(rest):
    path = f"/v1/buckets/{rest}"
    names = names_in(path)
    if names is None:
        return
    try:
        match = resolve(path)
    except Resolver404:
        raise AssertionError(path) from None
    assert match.func is one_object
    assert match.kwargs == names


def test_plain_keys_are_not_resolved():
    assert names_in("/v1/buckets/b/objects/a/b") == {"bucket_name": "b", "key": "a/b"}
    assert names_in("/v1/buckets/b/objects/a/uploads") is None
    assert names_in("/v1/buckets/b/objects") is None
    assert names_in("/objects/a") is None


def test_a_bucket_named_like_a_page_is_no_page(client, db):
    assert "X-Frame-Options" in client.get("/docs")
    assert "X-Frame-Options" not in client.get("/docs-archive/key")
