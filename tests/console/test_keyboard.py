"""The console by keyboard alone: the navigation's button, and single keys."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def listed(page: Any, make_bucket: Any, request: Any) -> Any:
    name = f"keys-{abs(hash(request.node.name)) % 10**9}"
    s3 = make_bucket(name)
    for key in ("a.txt", "b.txt", "c.txt"):
        s3.put_object(Bucket=name, Key=key, Body=b"x")
    page.goto(f"/admin/buckets/{name}/objects/")
    page.get_by_role("link", name="a.txt", exact=True).wait_for()
    return page


def test_navigation_is_folded_by_keyboard(listed: Any) -> None:
    fold = listed.locator("#header-inner").get_by_role("button", name="Navigation")
    assert fold.get_attribute("aria-expanded") == "true"
    fold.focus()
    for key, then in (("Enter", "false"), ("Space", "true")):
        listed.keyboard.press(key)
        listed.locator(f"#header-inner [aria-expanded={then}]").wait_for()


def test_navigation_is_skipped(listed: Any) -> None:
    listed.keyboard.press("Tab")
    skip = listed.get_by_role("link", name="Skip to the content")
    assert skip.evaluate("one => one === document.activeElement")
    skip.click(trial=True)  # Nothing covers it.
    listed.keyboard.press("Enter")
    listed.keyboard.press("Tab")
    assert listed.evaluate(
        "document.querySelector('#content').contains(document.activeElement)"
    )


def test_single_keys(listed: Any) -> None:
    listed.keyboard.press("/")
    assert listed.evaluate("document.activeElement.id") == "os-q"
    listed.keyboard.type("jx")
    assert listed.input_value("#os-q") == "jx"
    listed.evaluate("document.activeElement.blur()")
    for key in ("j", "j", "x"):
        listed.keyboard.press(key)
    assert listed.get_by_label("Choose b.txt").is_checked()
    listed.keyboard.press("c")
    assert listed.evaluate("document.activeElement.id") == "new-folder"


def test_keys_are_listed_and_can_be_turned_off(listed: Any) -> None:
    listed.get_by_role("button", name="Keyboard shortcuts").click()
    listed.get_by_text("Go to a folder or prefix").wait_for()
    listed.get_by_label("Single keys act on this page").uncheck()
    listed.keyboard.press("Escape")
    listed.get_by_text("Go to a folder or prefix").wait_for(state="hidden")
    listed.evaluate("document.activeElement.blur()")
    listed.keyboard.press("g")
    assert listed.evaluate("document.activeElement.id") != "os-prefix"
    listed.keyboard.press("Shift+?")
    listed.get_by_label("Single keys act on this page").check()
