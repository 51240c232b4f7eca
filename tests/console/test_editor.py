"""Keys and JSON in a real browser: the editor, with and without script; rotation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.servers import LiveStore

EDITOR = ".cm-content"
BROKEN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Maybe", "Action": "s3:GetObject", "Resource": "*"}],
}


def text_of(page: Any, selector: str = "#id_document") -> str:
    return str(page.eval_on_selector(selector, "area => area.value"))


def test_template_fills_the_editor_and_saves(page: Any) -> None:
    page.goto("/admin/create-policy/")
    page.get_by_role("textbox", name="Policy").wait_for()
    page.get_by_role("button", name="Auditor").click()
    page.get_by_label("Name").fill("read-all")
    page.get_by_role("button", name="Create policy").click()
    page.get_by_text("read-all is there").wait_for()
    assert "s3:Get*" in text_of(page)


def test_editor_marks_the_line_of_an_error(page: Any) -> None:
    page.goto("/admin/create-policy/")
    page.locator(EDITOR).focus()
    page.keyboard.insert_text(json.dumps(BROKEN, indent=2))
    page.get_by_text("Line 5: Invalid effect: Maybe").wait_for()
    page.locator(".cm-lint-marker-error").wait_for()


def test_editor_warns_of_public_access(page: Any, make_bucket: Any) -> None:
    make_bucket("editor-public")
    page.goto("/admin/buckets/editor-public/settings/policy/")
    page.get_by_role("button", name="Everybody may read").click()
    page.get_by_text("Lets everybody in, without a key.").first.wait_for()


def test_editor_offers_words(page: Any) -> None:
    page.goto("/admin/create-policy/")
    page.locator(EDITOR).focus()
    page.keyboard.type('{"Statement": [{"Effect": "')
    page.keyboard.press("Control+Space")
    page.locator(".cm-tooltip-autocomplete", has_text="Allow").wait_for()
    page.keyboard.type("De")
    page.wait_for_timeout(300)
    page.keyboard.press("Enter")
    assert '"Effect": "Deny"' in text_of(page)


@pytest.mark.parametrize("slug", ["lifecycle", "cors"])
def test_rules_are_edited_as_json(page: Any, make_bucket: Any, slug: str) -> None:
    name = f"editor-{slug}"
    make_bucket(name)
    document = {
        "lifecycle": {
            "Rules": [
                {
                    "ID": "a",
                    "Status": "Enabled",
                    "Filter": {},
                    "Expiration": {"Days": 9},
                }
            ]
        },
        "cors": {"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]},
    }[slug]
    page.goto(f"/admin/buckets/{name}/settings/{slug}/")
    page.locator(EDITOR).focus()
    page.keyboard.insert_text(json.dumps(document))
    page.get_by_role("button", name="Save JSON").click()
    page.get_by_text(": saved.").wait_for()
    assert list(document) == list(json.loads(text_of(page)))


def test_without_script_a_text_area_does(
    chromium: Any, signed_in: Any, live_store: LiveStore
) -> None:
    context = chromium.new_context(
        storage_state=signed_in, base_url=live_store.url, java_script_enabled=False
    )
    page = context.new_page()
    page.goto("/admin/create-policy/")
    page.locator("#id_name").fill("plain")
    page.locator("#id_document").fill(json.dumps(BROKEN, indent=2))
    page.get_by_role("button", name="Create policy").click()
    assert "Line 5: " in page.content()
    good = json.dumps(BROKEN).replace("Maybe", "Allow")
    page.locator("#id_document").fill(good)
    page.get_by_role("button", name="Create policy").click()
    assert "plain is there" in page.content()
    context.close()


def test_key_is_made_rotated_disabled_and_deleted_by_keyboard(
    page: Any, live_store: LiveStore
) -> None:
    live_store.manage("create_user", "root", "keyboarder")
    page.goto("/admin/create-key/")
    page.get_by_label("For", exact=True).select_option(label="keyboarder")
    page.get_by_label("What for").fill("rotated here")
    page.keyboard.press("Enter")
    old = page.get_by_label("Access key id").input_value()
    secret = page.get_by_label("Secret access key").input_value()
    for way in ("curl", "AWS CLI", "boto3", "rclone", "mc", "Django"):
        page.get_by_role("tab", name=way).click()
        assert secret in page.locator("[role=tabpanel]:visible").inner_text()
    page.goto("/admin/keys/")
    page.get_by_label(f"Acts on {old}").focus()
    page.keyboard.press("Enter")
    row = page.locator("tr", has_text=old)
    row.get_by_label("Rotate").select_option(label="in 7 days")
    row.get_by_role("button", name="Rotate").focus()
    page.keyboard.press("Enter")
    page.get_by_text("It takes the place of").wait_for()
    new = page.get_by_label("Access key id").input_value()
    page.goto("/admin/keys/")
    page.locator("tr", has_text=old).get_by_text("ends in 1 week").wait_for()
    for act, then in (("Disable", "disabled"), ("Enable", "active")):
        page.get_by_label(f"Acts on {new}").click()
        row = page.locator("tr", has_text=new)
        row.get_by_role("button", name=act).click()
        page.locator("tr", has_text=new).get_by_text(then).wait_for()
    page.get_by_label(f"Acts on {old}").click()
    page.locator("tr", has_text=old).get_by_role("button", name="Delete").click()
    page.get_by_text(f"Delete the key {old}?").wait_for()
    page.locator("button[name=confirmed]").press("Enter")
    page.get_by_text(f"{old} is gone").wait_for()


def test_bundle_has_its_licence() -> None:
    folder = Path("console/static/console/vendor")
    assert "MIT License" in (folder / "codemirror.LICENSE").read_text()
