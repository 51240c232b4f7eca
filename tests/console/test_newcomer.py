"""What a newcomer finds without reading: six errands, by what the pages say alone.

Each begins at the front page and goes on by links, buttons and labels that can be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.servers import LiveStore

PASSWORD = "a-long-pass-phrase-7"


@pytest.fixture
def stranger(chromium: Any, live_store: LiveStore) -> Iterator[Any]:
    """A page of somebody who has never been here."""
    context = chromium.new_context(base_url=live_store.url)
    yield context.new_page()
    context.close()


@pytest.fixture
def click(page: Any) -> Callable[..., None]:
    """Click what has this name and can be seen, as a person would."""
    page.set_default_timeout(60_000)
    page.set_viewport_size({"width": 1280, "height": 800})

    def do(name: str, role: str = "link", *, where: str = "main") -> None:
        area = page.locator(where)
        area.get_by_role(role, name=name, exact=True).first.click()

    return do


def go(page: Any, name: str) -> None:
    """Choose a page in the sidebar."""
    page.locator("#nav-sidebar-inner").get_by_text(name, exact=True).click()


def open_bucket(page: Any, name: str) -> None:
    page.goto("/admin/")
    go(page, "Buckets")
    page.get_by_label("Find a bucket").fill(name)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=name, exact=True).click()


@pytest.mark.parametrize("width", [1024, 1280, 1920])
def test_navigation_is_there_at_once(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/admin/")
    sidebar = page.locator("#nav-sidebar-inner")
    buckets = sidebar.get_by_role("link", name="Buckets")
    buckets.wait_for()
    end = buckets.evaluate("link => link.closest('nav').getBoundingClientRect().right")
    begin = page.locator("main").evaluate("main => main.getBoundingClientRect().left")
    assert end <= begin
    buckets.click()
    page.wait_for_url("**/admin/buckets/")
    page.locator("[x-on\\:click='sidebarToggle()']:visible").click()
    sidebar.wait_for(state="hidden")
    page.reload()
    page.locator("main").wait_for()
    assert not sidebar.is_visible()


def test_phone_reaches_the_buckets_from_the_dashboard(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/admin/")
    page.locator("main").get_by_role("link", name="All buckets").click()
    page.wait_for_url("**/admin/buckets/")
    assert not page.locator("#nav-sidebar-inner").is_visible()
    page.locator("[x-on\\:click='sidebarToggle()']:visible").click()
    page.locator("#nav-sidebar-inner").get_by_role("link", name="Dashboard").click()
    page.wait_for_url("**/admin/")


def sign_in(page: Any, name: str) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.wait_for_url("**/admin/")


def test_makes_a_bucket_and_uploads_a_folder(
    page: Any, click: Any, tmp_path: Path
) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "sea.txt").write_text("sea")
    page.goto("/admin/")
    click("Create bucket")
    page.get_by_label("Name", exact=True).fill("first-steps")
    click("Create bucket", "button")
    page.get_by_text("This bucket is empty").wait_for()
    page.locator("summary", has_text="Upload").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="A folder").click()
    chooser.value.set_files(str(tmp_path / "holiday"))
    page.locator("#os-listing").get_by_role("link", name="holiday/").click()
    page.locator("#os-listing").get_by_text("sea.txt").wait_for()


def test_shares_a_file_for_two_days(
    page: Any, click: Any, make_bucket: Any, stranger: Any
) -> None:
    s3 = make_bucket("newcomer-shares")
    s3.put_object(
        Bucket="newcomer-shares", Key="plan.txt", Body=b"hi", ContentType="text/plain"
    )
    open_bucket(page, "newcomer-shares")
    click("plan.txt")
    share = page.locator("#share")
    share.get_by_label("Lasts").first.select_option(label="2 days")
    share.get_by_role("button", name="Share", exact=True).click()
    link = page.locator("main input[readonly]").first.input_value()
    stranger.goto(link)
    with stranger.expect_download() as download:
        stranger.get_by_text("Download", exact=False).last.click()
    assert Path(download.value.path()).read_bytes() == b"hi"


def let_in(page: Any, click: Any, bucket: str, name: str) -> None:
    """Make a colleague from the bucket's page; reading is what is offered first."""
    open_bucket(page, bucket)
    click("Access")
    click("Somebody new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Console password").fill(PASSWORD)
    click("Create", "button")
    page.get_by_text(f"{name} is there: Reads a bucket.").wait_for()


def test_gives_a_colleague_read_access(
    page: Any, click: Any, make_bucket: Any, stranger: Any
) -> None:
    s3 = make_bucket("newcomer-team")
    s3.put_object(Bucket="newcomer-team", Key="plan.txt", Body=b"hi")
    make_bucket("newcomer-private")
    let_in(page, click, "newcomer-team", "grace")
    sign_in(stranger, "grace")
    stranger.get_by_role("link", name="newcomer-team", exact=True).click()
    stranger.get_by_role("link", name="plan.txt", exact=True).click()
    assert stranger.get_by_role("button", name="Delete").count() == 0
    stranger.goto("/admin/")
    assert stranger.get_by_text("newcomer-private").count() == 0
    open_bucket(page, "newcomer-team")
    click("Access")
    row = page.locator("tr", has_text="grace")
    assert [cell.strip() for cell in row.locator(".os-hidden").all_inner_texts()] == [
        *("yes", "yes", "no", "no", "no")
    ]


def test_lets_an_old_colleague_in(page: Any, click: Any, make_bucket: Any) -> None:
    make_bucket("newcomer-first")
    make_bucket("newcomer-second")
    let_in(page, click, "newcomer-first", "edsger")
    open_bucket(page, "newcomer-second")
    click("Access")
    page.get_by_label("Who", exact=True).select_option(label="edsger")
    click("Give access", "button")
    page.get_by_text("edsger now Reads newcomer-second").wait_for()


def test_sees_why_a_request_was_denied(
    page: Any, click: Any, make_bucket: Any, live_store: LiveStore
) -> None:
    make_bucket("newcomer-denied")
    let_in(page, click, "newcomer-denied", "alan")
    click("Create key")
    click("Create key", "button")
    s3 = boto3.client(
        "s3",
        endpoint_url=live_store.url,
        region_name="us-east-1",
        aws_access_key_id=page.get_by_label("Access key id").input_value(),
        aws_secret_access_key=page.get_by_label("Secret access key").input_value(),
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )
    with pytest.raises(ClientError):
        s3.put_object(Bucket="newcomer-denied", Key="mine.txt", Body=b"x")
    page.goto("/admin/")
    go(page, "Audit log")
    row = page.locator("tr", has_text="alan").filter(has_text="newcomer-denied")
    row.get_by_role("link", name="Why?").first.click()
    page.get_by_role("heading", name="Denied").wait_for()
    page.get_by_text("no identity-based policy allows").wait_for()


def test_sees_what_the_lifecycle_rule_deletes_tomorrow(
    page: Any, click: Any, make_bucket: Any
) -> None:
    s3 = make_bucket("newcomer-rules")
    for number in range(3):
        s3.put_object(Bucket="newcomer-rules", Key=f"logs/{number}", Body=b"x")
    open_bucket(page, "newcomer-rules")
    click("Settings")
    click("Lifecycle")
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_label("Keys that begin with").fill("logs/")
    page.get_by_label("Delete after days", exact=True).fill("1")
    click("Save", "button")
    page.get_by_text("Objects under “logs/”: delete after 1 day.").wait_for()
    click("What will be deleted and moved, and what has been")
    page.get_by_text("3 × delete").wait_for()
