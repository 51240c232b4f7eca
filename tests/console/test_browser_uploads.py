"""Uploads in a real browser where something goes wrong meanwhile."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.console.test_browser import browse, choose_files, write_numbered

MIB = 1024 * 1024


def row(page: Any, key: str) -> Any:
    return page.locator(".os-transfers-list li", has_text=key)


def keys_in(s3: Any, bucket: str) -> list[str]:
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return [one["Key"] for one in listed]


def lose(page: Any, method: str, *, times: int = 1000) -> list[str]:
    """Cut the connection of the first requests for an upload."""
    lost: list[str] = []

    def cut(route: Any) -> None:
        if route.request.method != method or len(lost) >= times:
            route.continue_()
            return
        lost.append(route.request.url)
        route.abort()

    page.route("**/upload/**", cut)
    return lost


def test_what_is_cancelled_between_two_tries_is_not_sent(
    page: Any, make_bucket: Any, tmp_path: Path, errors: list[str]
) -> None:
    s3 = make_bucket("uploads-cancelled")
    note = tmp_path / "note.txt"
    note.write_text("hello")
    browse(page, "uploads-cancelled")
    lost = lose(page, "PUT", times=1)
    choose_files(page, note)
    while not lost:
        page.wait_for_timeout(50)
    page.click("button[aria-label='Cancel note.txt']")
    page.wait_for_timeout(2000)
    assert row(page, "note.txt").inner_text().endswith("Cancelled")
    assert keys_in(s3, "uploads-cancelled") == []
    errors.clear()


def test_nothing_is_written_over_where_nobody_could_be_asked(
    page: Any, make_bucket: Any, tmp_path: Path, errors: list[str]
) -> None:
    s3 = make_bucket("uploads-unasked")
    s3.put_object(Bucket="uploads-unasked", Key="note.txt", Body=b"theirs")
    for name in ("note.txt", "new.txt"):
        (tmp_path / name).write_text("mine")
    browse(page, "uploads-unasked")
    lose(page, "POST")
    choose_files(page, tmp_path / "note.txt", tmp_path / "new.txt")
    row(page, "new.txt").locator(".os-good").wait_for()
    row(page, "note.txt").get_by_text("left as it is").wait_for()
    page.get_by_text("1 uploaded, 1 skipped").wait_for()
    stored = s3.get_object(Bucket="uploads-unasked", Key="note.txt")
    assert stored["Body"].read() == b"theirs"
    errors.clear()


def test_parts_of_what_is_left_as_it_is_do_not_stay(
    page: Any, make_bucket: Any, tmp_path: Path, errors: list[str]
) -> None:
    s3 = make_bucket("uploads-left")
    s3.put_object(Bucket="uploads-left", Key="large.bin", Body=b"theirs")
    large = tmp_path / "large.bin"
    write_numbered(large, 33 * MIB)
    browse(page, "uploads-left")
    lose(page, "POST")
    with page.expect_response(lambda one: one.request.method == "DELETE"):
        choose_files(page, large)
    row(page, "large.bin").get_by_text("left as it is").wait_for()
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="uploads-left")
    assert page.evaluate("Object.keys(localStorage).join().includes('large')") is False
    errors.clear()


def test_a_part_that_is_refused_ends_the_others(
    page: Any, make_bucket: Any, tmp_path: Path, errors: list[str]
) -> None:
    make_bucket("uploads-refused")
    large = tmp_path / "large.bin"
    write_numbered(large, 81 * MIB)
    browse(page, "uploads-refused")
    sent: list[str] = []

    def refuse_first(route: Any) -> None:
        if route.request.method != "PUT":
            route.continue_()
            return
        sent.append(route.request.url)
        if len(sent) == 1:
            refusal = {"error": {"code": "AccessDenied", "message": "No more."}}
            route.fulfill(status=403, body=json.dumps(refusal))
        else:
            route.continue_()

    page.route("**/upload-parts/**", refuse_first)
    choose_files(page, large)
    row(page, "large.bin").get_by_text("No more.").wait_for()
    page.wait_for_timeout(2000)
    assert len(sent) <= 3
    errors.clear()


DROP = """() => {
    const file = new File(["one"], "one.txt", {type: "text/plain"});
    const children = [
        {isFile: true, name: "kept.txt", file: (_, reject) => reject(new Error("no"))},
        {isFile: true, name: "one.txt", file: (resolve) => resolve(file)},
    ];
    const folder = {
        name: "album",
        createReader: () => ({readEntries: (give) => give(children.splice(0))}),
    };
    const item = {kind: "file", webkitGetAsEntry: () => folder, getAsFile: () => null};
    const dataTransfer = {types: ["Files"], items: [item]};
    const drop = new Event("drop", {bubbles: true, cancelable: true});
    document.body.dispatchEvent(Object.assign(drop, {dataTransfer}));
}"""


def test_a_file_that_cannot_be_read_keeps_no_other_back(
    page: Any, make_bucket: Any
) -> None:
    s3 = make_bucket("uploads-unreadable")
    browse(page, "uploads-unreadable")
    page.evaluate(DROP)
    row(page, "album/one.txt").locator(".os-good").wait_for()
    row(page, "album/kept.txt").get_by_text("cannot be read").wait_for()
    page.click("button[aria-label='Cancel album/kept.txt']")
    row(page, "album/kept.txt").get_by_text("Cancelled").wait_for()
    assert keys_in(s3, "uploads-unreadable") == ["album/one.txt"]


def test_a_file_that_changes_meanwhile_is_named(
    page: Any, make_bucket: Any, tmp_path: Path, errors: list[str]
) -> None:
    s3 = make_bucket("uploads-changed")
    note = tmp_path / "note.txt"
    note.write_text("hello")
    browse(page, "uploads-changed")

    def change(route: Any) -> None:
        if route.request.method == "PUT":
            note.write_text("hello, changed")
            os.utime(note, (1_700_000_000, 1_700_000_000))
        route.continue_()

    page.route("**/upload/**", change)
    choose_files(page, note)
    row(page, "note.txt").get_by_text("Choose it again").wait_for()
    assert keys_in(s3, "uploads-changed") == []
    errors.clear()


def test_another_tab_knows_what_is_under_way(
    page: Any, make_bucket: Any, tmp_path: Path, errors: list[str]
) -> None:
    """It is interrupted once no tab has it; what is forgotten leaves no parts."""
    s3 = make_bucket("uploads-tabs")
    large = tmp_path / "large.bin"
    write_numbered(large, 33 * MIB)
    browse(page, "uploads-tabs")
    page.route(
        "**/upload-parts/**",
        lambda one: one.abort() if one.request.method == "PUT" else one.continue_(),
    )
    choose_files(page, large)
    row(page, "large.bin").get_by_text("lost").wait_for()
    other = page.context.new_page()
    browse(other, "uploads-tabs")
    note = other.locator("#os-interrupted")
    note.wait_for(state="hidden")
    page.goto("about:blank")
    browse(other, "uploads-tabs")
    note.get_by_text("large.bin").wait_for()
    with other.expect_response(lambda one: one.request.method == "DELETE"):
        note.get_by_text("Forget them").click()
    note.wait_for(state="hidden")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="uploads-tabs")
    errors.clear()
