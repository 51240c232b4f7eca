"""Share links in the console, and in a real browser."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from console.settings.policies import IDENTITY_POLICIES
from kernel.bodies import Body
from objects.operations import put_object
from shares.models import Share

CONFIRMED = {"confirmed": "1"}
ROLES = {title: text for title, _, text in IDENTITY_POLICIES}


@pytest.fixture
def filled(root: Any, bucket: str) -> str:
    for key in ("a.txt", "trip/b.txt"):
        put_object(root, bucket, key, body=Body.of(b"data"), now=timezone.now())
    return bucket


def make(client: Client, bucket: str, key: str = "a.txt", **given: Any) -> Share:
    page = f"/admin/buckets/{bucket}/share/?key={key}"
    if key.endswith("/"):
        page += "&folder=1"
    response = client.post(page, {"hours": "48", **given})
    assert response.status_code == 302, response.content
    return Share.objects.latest("pk")


def test_object_is_shared_for_two_days(operator: Client, filled: str) -> None:
    page = operator.get(f"/admin/buckets/{filled}/object/?key=a.txt").content
    assert b'<option value="48" selected>2 days</option>' in page
    share = make(operator, filled)
    days = share.expires_at - share.created_at
    assert days == timedelta(days=2)
    shown = operator.get(f"/admin/shares/{share.pk}/")
    link = shown.context_data["link"]
    assert link.startswith("http://testserver/-/share/")
    assert b"".join(Client().get(f"{link}/download").streaming_content) == b"data"
    assert b"a.txt" in operator.get("/admin/shares/").content


def test_folder_with_password_and_limit(operator: Client, filled: str) -> None:
    share = make(operator, filled, "trip/", password="open sesame", most_downloads="3")
    assert (share.is_folder, share.most_downloads) == (True, 3)
    assert b"password" in operator.get("/admin/shares/").content


def test_wrong_terms_are_told_in_the_form(operator: Client, filled: str) -> None:
    page = f"/admin/buckets/{filled}/share/?key=a.txt"
    short = operator.post(page, {"hours": "48", "password": "abc"})
    assert short.status_code == 400
    assert b"6 to 128 characters" in short.content
    assert operator.post(page, {"hours": "7"}).status_code == 400
    missing = f"/admin/buckets/{filled}/share/?key=none.txt"
    assert operator.post(missing, {"hours": "48"}).status_code == 404


def test_link_is_ended(operator: Client, filled: str) -> None:
    share = make(operator, filled)
    link = operator.get(f"/admin/shares/{share.pk}/").context_data["link"]
    operator.post(f"/admin/shares/{share.pk}/", CONFIRMED)
    assert Client().get(link).status_code == 404
    assert b"No link works now" in operator.get("/admin/shares/").content
    assert b"taken back" in operator.get("/admin/shares/?show=all").content


def test_auditor_sees_links_and_does_nothing_with_them(
    operator: Client, sign_in: Any, filled: str
) -> None:
    share = make(operator, filled)
    auditor = sign_in("auditor", ROLES["Auditor"])
    listed = auditor.get("/admin/shares/").content
    assert b"a.txt" in listed
    assert b">End<" not in listed
    shown = auditor.get(f"/admin/shares/{share.pk}/")
    assert shown.context_data["link"] == ""
    assert auditor.post(f"/admin/shares/{share.pk}/", CONFIRMED).status_code == 403
    share.refresh_from_db()
    assert share.revoked_at is None


def test_others_do_not_see_them(operator: Client, sign_in: Any, filled: str) -> None:
    share = make(operator, filled)
    said = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [said]})
    anna = sign_in("anna", document)
    assert b"a.txt" not in anna.get("/admin/shares/").content
    assert anna.get(f"/admin/shares/{share.pk}/").status_code == 404
    assert anna.post(f"/admin/shares/{share.pk}/", CONFIRMED).status_code == 404
    mine = make(anna, filled, "trip/b.txt")
    assert b"b.txt" in anna.get("/admin/shares/").content
    anna.post(f"/admin/shares/{mine.pk}/", CONFIRMED)
    mine.refresh_from_db()
    assert mine.revoked_at is not None


def test_share_in_a_browser(page: Any, chromium: Any, make_bucket: Any) -> None:
    """Share with a password, open it as a stranger, download, and take it back."""
    s3 = make_bucket("shared")
    s3.put_object(Bucket="shared", Key="note.txt", Body=b"for you")
    page.goto("/admin/buckets/shared/object/?key=note.txt")
    page.click("text=With a password or a limit")
    page.fill("#id_password", "open sesame")
    page.fill("#id_most_downloads", "1")
    page.click("text=Make the link")
    link = page.input_value("#share-link")
    stranger = chromium.new_context(accept_downloads=True)
    visitor = stranger.new_page()
    visitor.goto(link)
    visitor.fill("#password", "open sesame")
    visitor.keyboard.press("Enter")
    visitor.wait_for_selector("text=note.txt")
    with visitor.expect_download() as download:
        visitor.click("text=Download")
    assert download.value.path().read_bytes() == b"for you"
    visitor.goto(link)
    assert visitor.text_content("h1") == "This link has ended"
    stranger.close()
    page.goto("/admin/shares/?show=all")
    page.wait_for_selector("text=used up")


def test_the_console_asks_for_files(operator: Client, root: Any, bucket: str) -> None:
    place = f"/admin/buckets/{bucket}/share/?key=in/&folder=1&allows=upload"
    shown = operator.get(place).content
    assert b'<option value="upload" selected>' in shown
    operator.post(place, {"hours": "48", "allows": "upload", "most_mebibytes": "5"})
    share = Share.objects.get()
    assert (share.takes_uploads, share.most_downloads) == (True, 100)
    assert share.most_size == 5 * 1024 * 1024
    page = operator.get(f"/admin/shares/{share.pk}/").content
    assert b"can put files into the folder" in page
    assert b"takes files" in operator.get("/admin/shares/").content


def test_files_are_asked_for_in_a_browser(
    page: Any, chromium: Any, make_bucket: Any, tmp_path: Path, errors: list[str]
) -> None:
    s3 = make_bucket("browser-asks")
    s3.put_object(Bucket="browser-asks", Key="inbox/mine.txt", Body=b"mine")
    page.goto("/admin/buckets/browser-asks/objects/?prefix=inbox/")
    page.click("text=Ask others for files")
    page.fill("input[name=most_mebibytes]", "1")
    page.click("text=Make the link")
    link = page.input_value("#share-link")
    visitor = chromium.new_context(viewport={"width": 390, "height": 800}).new_page()
    visitor.on("pageerror", lambda error: errors.append(str(error)))
    visitor.goto(link)
    small, large = tmp_path / "mine.txt", tmp_path / "large.bin"
    small.write_bytes(b"theirs")
    large.write_bytes(bytes(2 * 1024 * 1024))
    visitor.set_input_files("#files", [small, large])
    visitor.click("button")
    visitor.locator("#sent >> text=has arrived").wait_for()
    visitor.locator("#sent >> text=is larger than may be sent").wait_for()
    width = visitor.evaluate("document.documentElement.scrollWidth")
    visitor.context.close()
    assert width <= 390
    stored = s3.get_object(Bucket="browser-asks", Key="inbox/mine (2).txt")
    assert stored["Body"].read() == b"theirs"
    page.reload()
    page.locator("dd:has-text('1 of 100')").wait_for()


def test_files_are_sent_without_a_script(
    page: Any, chromium: Any, make_bucket: Any, tmp_path: Path
) -> None:
    s3 = make_bucket("browser-plain")
    s3.put_object(Bucket="browser-plain", Key="inbox/mine.txt", Body=b"mine")
    page.goto("/admin/buckets/browser-plain/objects/?prefix=inbox/")
    page.click("text=Ask others for files")
    page.click("text=Make the link")
    link = page.input_value("#share-link")
    visitor = chromium.new_context(java_script_enabled=False).new_page()
    visitor.goto(link)
    file = tmp_path / "mine.txt"
    file.write_bytes(b"theirs")
    visitor.set_input_files("#files", file)
    visitor.click("button")
    visitor.get_by_text("mine.txt has arrived").wait_for()
    visitor.click("text=Send another file")
    visitor.get_by_text("You are asked for files").wait_for()
    visitor.context.close()
    stored = s3.get_object(Bucket="browser-plain", Key="inbox/mine (2).txt")
    assert stored["Body"].read() == b"theirs"
