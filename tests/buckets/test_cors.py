"""CORS rules: the grammar, and which rule lets a request through."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buckets.cors import ELEMENTS, METHODS, check_cors, find_rule
from kernel.errors import InvalidRequest, MalformedXML

ORIGINS = st.sampled_from(["*", "http://*.example.com", "https://a.example", "null"])
HEADERS = st.sampled_from(["*", "x-amz-*", "Content-Type", "authorization"])
RULES = st.fixed_dictionaries(
    {
        "AllowedOrigins": st.lists(ORIGINS, min_size=1, max_size=3),
        "AllowedMethods": st.lists(
            st.sampled_from(sorted(METHODS)), min_size=1, max_size=3
        ),
    },
    optional={
        "AllowedHeaders": st.lists(HEADERS, max_size=3),
        "ExposeHeaders": st.lists(st.sampled_from(["ETag", "x-amz-meta-a"])),
        "MaxAgeSeconds": st.integers(0, 10**6),
        "ID": st.text(max_size=255),
    },
)
DOCUMENTS = st.builds(
    lambda rules: {"CORSRules": rules}, st.lists(RULES, min_size=1, max_size=4)
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(sorted(ELEMENTS | {"CORSRules", "Other"})), inner
        )
    ),
    max_leaves=12,
)


def rule(**changed):
    return {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], **changed}


def document(*rules):
    return {"CORSRules": list(rules)}


@given(DOCUMENTS)
def test_a_normal_form_is_its_own_normal_form(given_document):
    normal = check_cors(given_document)
    assert check_cors(json.loads(json.dumps(normal))) == normal


@given(DOCUMENTS)
def test_a_rule_lets_through_what_it_names(given_document):
    normal = check_cors(given_document)
    first = normal["CORSRules"][0]
    origin = first["AllowedOrigins"][0].replace("*", "any")
    headers = [one.replace("*", "any") for one in first.get("AllowedHeaders", [])]
    method = first["AllowedMethods"][0]
    assert find_rule(normal, origin, method, headers) == first


@given(VALUES)
def test_any_document_is_taken_or_refused_by_name(value):
    for candidate in (value, {"CORSRules": [value]}, {"CORSRules": [rule(ID=value)]}):
        try:
            check_cors(candidate)
        except (MalformedXML, InvalidRequest):
            continue


@pytest.mark.parametrize(
    "malformed",
    [
        None,
        [],
        {"CORSRules": []},
        {"CORSRules": [rule()], "Other": 1},
        document(*[rule()] * 101),
        document(rule(AllowedOrigins=[])),
        document(rule(AllowedMethods=None)),
        document(rule(AllowedHeaders="x-amz-*")),
        document(rule(MaxAgeSeconds=-1)),
        document(rule(MaxAgeSeconds=True)),
        document(rule(MaxAgeSeconds="60")),
        document(rule(ID="i" * 256)),
        document(rule(Unknown=1)),
    ],
)
def test_what_is_not_of_the_published_form(malformed):
    with pytest.raises(MalformedXML):
        check_cors(malformed)


@pytest.mark.parametrize(
    "changed",
    [
        {"AllowedMethods": ["PATCH"]},
        {"AllowedMethods": ["get"]},
        {"AllowedOrigins": ["http://*.*.example"]},
        {"AllowedHeaders": ["x-*-*"]},
        {"ExposeHeaders": ["ETag\r\nSet-Cookie: a=b"]},
        {"AllowedOrigins": ["http://a.example\n"]},
    ],
)
def test_values_that_are_not_allowed(changed):
    with pytest.raises(InvalidRequest):
        check_cors(document(rule(**changed)))


@pytest.mark.parametrize(
    ("origin", "method", "headers", "is_let_through"),
    [
        ("http://www.example.com", "PUT", [], True),
        ("http://www.example.com", "PUT", ["X-Amz-Date"], True),
        ("http://www.example.com", "PUT", ["X-Amz-Date", "X-Other"], False),
        ("http://www.example.com", "GET", [], False),
        ("http://example.com", "PUT", [], False),
        ("https://www.example.com", "PUT", [], False),
        ("HTTP://www.example.com", "PUT", [], False),
    ],
)
def test_origin_method_and_headers_must_all_fit(
    origin, method, headers, is_let_through
):
    rules = document(
        rule(
            AllowedOrigins=["http://*.example.com"],
            AllowedMethods=["PUT"],
            AllowedHeaders=["x-amz-*"],
        )
    )
    assert (find_rule(rules, origin, method, headers) is not None) == is_let_through


def test_the_first_rule_that_fits_decides():
    narrow = rule(AllowedOrigins=["http://a.example"], ID="narrow")
    wide = rule(ID="wide")
    rules = document(narrow, wide)
    assert find_rule(rules, "http://a.example", "GET")["ID"] == "narrow"
    assert find_rule(rules, "http://b.example", "GET")["ID"] == "wide"
    assert find_rule(None, "http://a.example", "GET") is None


@pytest.mark.parametrize("sign", ["?", "[a]", "[!b]"])
def test_the_star_is_the_only_wildcard(sign):
    rules = document(rule(AllowedOrigins=[f"http://{sign}.example"]))
    assert find_rule(rules, "http://a.example", "GET") is None
    assert find_rule(rules, f"http://{sign}.example", "GET") is not None
