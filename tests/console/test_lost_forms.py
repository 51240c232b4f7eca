"""Forms that did not arrive, and addresses without a page: said with words."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client


@pytest.mark.parametrize(
    "act", ["delete", "transfer", "edit-objects", "folder", "zip", "store-zip"]
)
def test_lost_form_leads_back_to_the_bucket(
    operator: Client, bucket: str, act: str
) -> None:
    """Who signs in anew is sent to the form's address, without the form."""
    answer = operator.get(f"/admin/buckets/{bucket}/{act}/", follow=True)
    assert answer.redirect_chain == [(f"/admin/buckets/{bucket}/objects/", 302)]
    assert b"Nothing was done: you had been signed out" in answer.content
    page = f"/admin/buckets/{bucket}/{act}/"
    assert operator.put(page).status_code == 405


def test_form_of_an_earlier_sign_in_is_refused_with_words(
    operator: Client, django_user_model: Any
) -> None:
    guarded = Client(enforce_csrf_checks=True)
    guarded.force_login(django_user_model.objects.get(username="operator"))
    answer = guarded.post("/admin/create-bucket/", {"name": "made-here"})
    assert answer.status_code == 403
    assert b"This page is out of date" in answer.content
    assert b"Nothing was done" in answer.content


def test_console_says_that_there_is_no_page(operator: Client) -> None:
    answer = operator.get("/admin/nothing-here/")
    assert answer.status_code == 404
    assert b"There is no page at this address" in answer.content
    assert b"My store" in answer.content
    assert "Content-Security-Policy" in answer.headers
    assert Client().get("/admin/nothing-here/").status_code == 302


def test_failure_inside_is_said_with_words(operator: Client, monkeypatch: Any) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("console.pages.shares.Shares.get", fail)
    operator.raise_request_exception = False
    answer = operator.get("/admin/shares/")
    assert answer.status_code == 500
    assert b"Something went wrong" in answer.content
