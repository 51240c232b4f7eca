"""Answers made past Django's constructor are like those that it makes."""

from __future__ import annotations

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from kernel.http.responses import ObjectResponse, PlainResponse, json_response


def plain_facts(response: HttpResponseBase) -> dict[str, object]:
    assert response.cookies == {}  # Ours are made when they are asked for.
    facts = dict(vars(response))
    facts["headers"] = dict(facts["headers"])  # type: ignore[call-overload]
    return facts


@pytest.mark.parametrize("status", [200, 204, 404])
def test_a_plain_answer_is_as_django_makes_it(status: int) -> None:
    theirs = HttpResponse(b"x", content_type="text/plain", status=status)
    ours = PlainResponse(b"x", {"Content-Type": "text/plain"}, status)
    assert plain_facts(ours) == plain_facts(theirs)
    assert (ours.content, ours.reason_phrase) == (b"x", theirs.reason_phrase)


def test_an_answer_without_headers_has_none() -> None:
    assert dict(PlainResponse(b"", {}).headers) == {}


def test_an_objects_answer_is_as_django_makes_a_stream() -> None:
    theirs = plain_facts(StreamingHttpResponse(iter([b"x"])))
    ours = plain_facts(ObjectResponse(iter([b"x"]), 1, 206))
    assert theirs.keys() - ours.keys() <= {"_iterator", "is_async"}
    assert ours["status_code"] == 206


def test_flat_json_is_json() -> None:
    response = json_response({"key": 'a"\u00e9\n', "size": 5}, {"ETag": "1"})
    assert response.content == b'{"key": "a\\"\\u00e9\\n", "size": 5}'
    assert dict(response.headers) == {"Content-Type": "application/json", "ETag": "1"}
