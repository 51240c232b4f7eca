"""Nothing reaches over the edge, and what cannot be shown or sent says so."""

from __future__ import annotations

from typing import Any

import pytest

PHONE = {"width": 390, "height": 844}
OVER = "document.scrollingElement.scrollWidth - window.innerWidth"


def test_menus_stay_on_a_phone(page: Any, make_bucket: Any) -> None:
    make_bucket("popups")
    page.set_viewport_size(PHONE)
    for path, words in (
        ("buckets/popups/objects/", "New folder"),
        ("buckets/popups/objects/", "Upload"),
        ("groups/", "Create group"),
    ):
        page.goto(f"/admin/{path}")
        page.click(f"main summary:has-text('{words}')")
        popup = page.locator(".os-menu[open] > .os-popup").bounding_box()
        assert popup["x"] >= 0, words
        assert popup["x"] + popup["width"] <= PHONE["width"], words
        assert page.evaluate(OVER) <= 0, words


def test_long_names_are_broken(page: Any, make_bucket: Any) -> None:
    s3 = make_bucket("long-names")
    folder = "folder/" * 100
    s3.put_object(Bucket="long-names", Key=f"{folder}a", Body=b"x")
    rule = {"ID": "r" * 200, "Status": "Enabled", "Filter": {"Prefix": ""}}
    s3.put_bucket_lifecycle_configuration(
        Bucket="long-names",
        LifecycleConfiguration={"Rules": [{**rule, "Expiration": {"Days": 9}}]},
    )
    for place in (f"objects/?prefix={folder}", "settings/lifecycle/"):
        page.goto(f"/admin/buckets/long-names/{place}")
        assert page.evaluate(OVER) <= 0, place


@pytest.mark.parametrize("kind", ["image/png", "video/mp4", "audio/mpeg"])
def test_what_cannot_be_shown_is_not_waited_for(
    page: Any, make_bucket: Any, kind: str
) -> None:
    name = f"broken-{kind.partition('/')[0]}"
    s3 = make_bucket(name)
    s3.put_object(Bucket=name, Key="broken", Body=b"not this", ContentType=kind)
    s3.put_object(Bucket=name, Key="empty", Body=b"", ContentType=kind)
    page.goto(f"/admin/buckets/{name}/object/?key=broken")
    page.get_by_text("The browser cannot show this file").wait_for()
    page.goto(f"/admin/buckets/{name}/object/?key=empty")
    page.get_by_text("The object is empty").wait_for()


def test_upload_goes_on_after_signing_in_in_another_tab(
    page: Any, make_bucket: Any, errors: list[str]
) -> None:
    make_bucket("signed-out")
    page.goto("/admin/buckets/signed-out/objects/")
    page.context.clear_cookies(name="sessionid")
    page.click("summary:has-text('Upload')")
    with page.expect_file_chooser() as chooser:
        page.click("[data-picks=files]")
    file = {"name": "late.txt", "mimeType": "text/plain", "buffer": b"x"}
    chooser.value.set_files([file])
    page.get_by_text("You are signed out").wait_for()
    other = page.context.new_page()
    other.goto("/admin/login/")
    other.fill("input[name=username]", "admin")
    other.fill("input[name=password]", "test-password")
    other.press("input[name=password]", "Enter")
    other.wait_for_url("**/admin/")
    page.get_by_role("button", name="Retry failed").click()
    page.locator(".os-transfers-list li", has_text="late.txt").get_by_text(
        "Done"
    ).wait_for()
    errors.clear()


def test_sign_in_and_deletion_without_scripts(
    chromium: Any, live_store: Any, make_bucket: Any
) -> None:
    make_bucket("no-scripts").put_bucket_tagging(
        Bucket="no-scripts", Tagging={"TagSet": [{"Key": "team", "Value": "red"}]}
    )
    context = chromium.new_context(base_url=live_store.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/admin/buckets/no-scripts/settings/tags/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", "test-password")
    page.press("input[name=password]", "Enter")
    page.click("button[name=remove]")
    page.get_by_text("Remove Tags from no-scripts?").wait_for()
    page.click("button[name=confirmed]")
    page.get_by_text("Tags: removed.").wait_for()
    # Nothing can open the navigation here: it stands above the page.
    page.set_viewport_size({"width": 768, "height": 1024})
    box = page.locator("#nav-sidebar-apps").bounding_box()
    assert box["height"] > 200
    page.goto("/admin/password_change/")
    assert page.locator("input[name=old_password]").is_visible()
    context.close()


def test_settings_and_audit_log_fit_a_phone(page: Any, make_bucket: Any) -> None:
    s3 = make_bucket("fits-a-phone")
    s3.put_bucket_cors(
        Bucket="fits-a-phone",
        CORSConfiguration={
            "CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]
        },
    )
    page.set_viewport_size(PHONE)
    page.goto("/admin/buckets/fits-a-phone/settings/versioning/")
    assert page.evaluate(OVER) <= 0
    page.goto("/admin/audit/")
    assert page.evaluate(OVER) <= 0
    deed = page.locator("a", has_text="s3:CreateBucket").first
    assert deed.bounding_box()["height"] < 30


def test_spaces_in_names_are_seen(page: Any, make_bucket: Any) -> None:
    s3 = make_bucket("spaces")
    s3.put_object(Bucket="spaces", Key="  two  spaces", Body=b"x")
    page.goto("/admin/buckets/spaces/objects/")
    name = page.locator(".os-table a.os-name")
    assert name.inner_text() == "  two  spaces"
    name.click()
    assert page.locator("h2.os-title").inner_text() == "  two  spaces"
