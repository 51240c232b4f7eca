"""In a real browser: the audit log, search, zip, shares and health."""

from __future__ import annotations

import zipfile
from typing import Any

from tests.servers import LiveStore


def test_denied_request_is_explained(
    page: Any, make_bucket: Any, live_store: LiveStore
) -> None:
    s3 = make_bucket("browser-audit")
    s3.put_object(Bucket="browser-audit", Key="plan.txt", Body=b"x")
    assert page.request.get(f"{live_store.url}/browser-audit/plan.txt").status == 403
    page.goto("/admin/audit/")
    page.click("summary:has-text('Search')")
    page.fill("input[name=bucket]", "browser-audit")
    page.press("input[name=bucket]", "Enter")
    page.wait_for_url("**bucket=browser-audit**")
    row = page.locator("tr", has_text="s3:GetObject")
    row.locator("text=denied").wait_for()
    row.locator("text=Why?").click()
    page.wait_for_url("**/simulator/**")
    page.get_by_role("heading", name="Denied").wait_for()
    page.go_back()
    page.click("tr:has-text('s3:CreateBucket') a.os-name")
    page.get_by_role("heading", name="Before and after").wait_for()
    page.goto("/admin/audit/")
    with page.expect_download() as download:
        page.click("text=Export as CSV")
    assert "browser-audit" in download.value.path().read_text()


def test_chosen_folder_is_downloaded_as_zip(page: Any, make_bucket: Any) -> None:
    s3 = make_bucket("browser-zip")
    for key in ("album/one.txt", "album/deep/two.txt", "other.txt"):
        s3.put_object(Bucket="browser-zip", Key=key, Body=key.encode())
    page.goto("/admin/buckets/browser-zip/objects/")
    page.check("input[value='album/']")
    with page.expect_download() as download:
        page.click("text=Download as zip")
    assert download.value.suggested_filename == "album.zip"
    archive = zipfile.ZipFile(download.value.path())
    assert archive.read("album/deep/two.txt") == b"album/deep/two.txt"
    assert sorted(archive.namelist()) == ["album/deep/two.txt", "album/one.txt"]


def test_addresses_are_copied_over_plain_http(page: Any, make_bucket: Any) -> None:
    """Browsers give pages of another machine no clipboard without TLS."""
    s3 = make_bucket("browser-copy")
    s3.put_object(Bucket="browser-copy", Key="note.txt", Body=b"hello")
    page.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'clipboard', {value: undefined})"
    )
    page.goto("/admin/buckets/browser-copy/object/?key=note.txt")
    button = page.locator("[data-copies=object-uri]")
    button.click()
    button.get_by_text("Copied").wait_for()
    button.click()
    button.get_by_text("Copy", exact=True).wait_for()
    page.goto("/admin/buckets/browser-copy/objects/")
    page.focus("#os-prefix")
    page.keyboard.press("Control+v")
    assert page.input_value("#os-prefix") == "s3://browser-copy/note.txt"


def test_a_page_that_cannot_be_refreshed_says_so(
    page: Any, make_bucket: Any, errors: list[str]
) -> None:
    """No worker runs: the job waits, and its page asks again and again."""
    make_bucket("browser-stale")
    page.goto("/admin/buckets/browser-stale/usage/")
    page.click("text=Count now")
    page.click("text=The job")
    cancel = page.get_by_role("button", name="Cancel")
    cancel.focus()
    with page.expect_response("**/jobs/**"):
        pass
    page.wait_for_function(
        "document.activeElement.textContent === 'Cancel'", timeout=5000
    )
    page.route("**/jobs/**", lambda route: route.abort())
    page.get_by_text("The server does not answer").wait_for()
    page.unroute("**/jobs/**")
    page.get_by_text("The server does not answer").wait_for(state="detached")
    errors.clear()


RESTORE = """
from django.utils import timezone
from lifecycle import restores

now = timezone.now()
restores.carry_out_restores(restores.take_due_jobs(now), now=now, clock=timezone.now)
"""


def test_a_restore_shows_by_itself_when_it_is_done(
    page: Any, make_bucket: Any, live_store: LiveStore
) -> None:
    s3 = make_bucket("browser-restores")
    s3.put_object(
        Bucket="browser-restores",
        Key="old.txt",
        Body=b"read me again\n" * 2000,
        ContentType="text/plain",
        StorageClass="GLACIER",
    )
    page.goto("/admin/buckets/browser-restores/object/?key=old.txt")
    page.click("#archive summary")
    page.click("text=Restore from the archive")
    page.locator("#archive", has_text="under way").wait_for()
    live_store.manage("shell", "--verbosity", "0", "-c", RESTORE)
    page.locator("#archive", has_text="Restored from the archive").wait_for()
    page.locator(".os-head-actions >> text=Download").wait_for()
    page.locator("#preview-text", has_text="read me again").wait_for()
