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
