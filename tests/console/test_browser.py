"""The console in a real browser: its main acts from end to end.

Chromium is Debian's; where it or Playwright is missing, this says so and skips.
"""

from __future__ import annotations

import hashlib
import io
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.console.filling import client_of, pdf, png
from tests.servers import LiveStore

MIB = 1024 * 1024
PART = 16 * MIB
WORKER = ("worker", "--pool", "solo")
PAGES = (
    "",
    "mine/",
    "buckets/",
    "create-bucket/",
    "buckets/{name}/",
    "buckets/{name}/objects/",
    "buckets/{name}/objects/?show=versions",
    "buckets/{name}/objects/?q=note&type=text/&sort=-size",
    "buckets/{name}/objects/?state=deleted",
    "buckets/{name}/objects/?weigh=1",
    "buckets/{name}/objects/?at=2099-01-01T00:00",
    "buckets/{name}/rewind/?at=2020-01-01T00:00",
    "buckets/{name}/object/?key=note.txt",
    "buckets/{name}/object/?key=paper.pdf",
    "buckets/{name}/object/?key=all.zip",
    "buckets/{name}/access/",
    "buckets/{name}/unfinished/",
    "buckets/{name}/settings/lifecycle/",
    "buckets/{name}/lifecycle/",
    "buckets/{name}/settings/policy/",
    "buckets/{name}/settings/cors/",
    "buckets/{name}/settings/website/",
    "buckets/{name}/purge/",
    "buckets/{name}/store-zip/?prefix=",
    "buckets/{name}/share/?key=a/&folder=1&allows=upload",
    "users/",
    "create-user/",
    "groups/",
    "policies/",
    "create-policy/",
    "simulator/",
    "keys/",
    "create-key/",
    "jobs/",
    "audit/",
)


def give_previewed(s3: Any, bucket: str, inside: str) -> None:
    """Put what is not shown as text: a PDF, and an archive with one file in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(inside, b"x")
    for key, data in (("paper.pdf", pdf("One", "Two")), ("all.zip", file.getvalue())):
        s3.put_object(Bucket=bucket, Key=key, Body=data)


def browse(page: Any, bucket: str, query: str = "") -> None:
    page.goto(f"/admin/buckets/{bucket}/objects/{query}")


def choose_files(page: Any, *files: Path, kind: str = "files") -> None:
    page.click("summary:has-text('Upload')")
    with page.expect_file_chooser() as chooser:
        page.click(f"[data-picks={kind}]")
    chooser.value.set_files([str(file) for file in files])


def wait_until_uploaded(page: Any, key: str, *, seconds: float = 60) -> None:
    row = page.locator(".os-transfers-list li", has_text=key)
    row.locator(".os-good").wait_for(timeout=seconds * 1000)


def test_bucket_is_created_from_a_preset(page: Any, live_store: LiveStore) -> None:
    page.goto("/admin/")
    page.click("main >> text=Create bucket")
    page.check("input[value=worm]")
    assert page.input_value("select[name=retention_mode]") == "GOVERNANCE"
    page.check("input[value=backup]")
    assert page.input_value("select[name=retention_mode]") == ""
    assert page.is_checked("input[name=is_versioned]")
    page.fill("input[name=name]", "made-in-browser")
    page.press("input[name=name]", "Enter")
    page.wait_for_url("**/buckets/made-in-browser/objects/")
    page.get_by_text("This bucket is empty").wait_for()
    s3 = client_of(live_store)
    versioning = s3.get_bucket_versioning(Bucket="made-in-browser")
    assert versioning["Status"] == "Enabled"


def test_files_are_uploaded_seen_and_deleted(
    page: Any, make_bucket: Any, tmp_path: Path
) -> None:
    s3 = make_bucket("browser-files")
    picture = tmp_path / "sea ü.png"
    picture.write_bytes(png(64, 48))
    note = tmp_path / "note.txt"
    note.write_text("hello")
    browse(page, "browser-files", "?prefix=in/")
    choose_files(page, picture, note)
    page.locator("#os-listing >> text=sea ü.png").wait_for()
    stored = s3.get_object(Bucket="browser-files", Key="in/sea ü.png")
    assert stored["Body"].read() == picture.read_bytes()
    assert stored["ContentType"] == "image/png"

    page.click("#os-listing >> text=sea ü.png")
    image = page.locator(".os-preview img")
    image.wait_for()
    assert (
        image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    )

    page.click("main >> button:has-text('Delete')")
    page.get_by_text("This is for good").wait_for()
    page.click("button[name=confirmed]")
    page.locator("#os-listing >> text=note.txt").wait_for()
    assert page.locator("#os-listing >> text=sea ü.png").count() == 0


def test_folder_is_dropped_on_the_page(page: Any, make_bucket: Any) -> None:
    s3 = make_bucket("browser-drops")
    browse(page, "browser-drops")
    # Chromium makes no directory entries for scripted drops; files stand for them.
    page.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["one"], "one.txt", {type: "text/plain"}));
            transfer.items.add(new File(["two"], "two.txt", {type: "text/plain"}));
            for (const kind of ["dragenter", "dragover", "drop"]) {
                document.body.dispatchEvent(new DragEvent(kind, {
                    dataTransfer: transfer, bubbles: true, cancelable: true,
                }));
            }
        }"""
    )
    page.locator("#os-listing >> text=two.txt").wait_for()
    listed = s3.list_objects_v2(Bucket="browser-drops")["Contents"]
    assert [one["Key"] for one in listed] == ["one.txt", "two.txt"]


def test_folder_is_uploaded_with_its_paths(
    page: Any, make_bucket: Any, tmp_path: Path
) -> None:
    s3 = make_bucket("browser-folders")
    (tmp_path / "album" / "deep").mkdir(parents=True)
    (tmp_path / "album" / "a.txt").write_text("a")
    (tmp_path / "album" / "deep" / "b.txt").write_text("b")
    browse(page, "browser-folders")
    choose_files(page, tmp_path / "album", kind="folder")
    page.locator("#os-listing >> text=album/").wait_for()
    listed = s3.list_objects_v2(Bucket="browser-folders")["Contents"]
    assert [one["Key"] for one in listed] == ["album/a.txt", "album/deep/b.txt"]


def write_numbered(path: Path, size: int) -> str:
    """Write a file of which each MiB is another; give its digest."""
    digest = hashlib.sha256()
    block = os.urandom(MIB)
    with path.open("wb") as file:
        for number in range(0, size, MIB):
            data = (number.to_bytes(8, "big") + block)[: min(MIB, size - number)]
            digest.update(data)
            file.write(data)
    return digest.hexdigest()


def digest_of(s3: Any, bucket: str, key: str) -> str:
    digest = hashlib.sha256()
    body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    for data in body.iter_chunks(MIB):
        digest.update(data)
    return digest.hexdigest()


def test_large_file_goes_on_after_a_reload(
    page: Any, make_bucket: Any, tmp_path: Path, errors: list[str]
) -> None:
    """OBJECTSTORE_UPLOAD_TEST_BYTES=2147483648 proves it with 2 GiB."""
    size = int(os.environ.get("OBJECTSTORE_UPLOAD_TEST_BYTES", 81 * MIB))
    parts_count = -(-size // PART)
    half = parts_count // 2
    s3 = make_bucket("browser-large")
    large = tmp_path / "large.bin"
    digest = write_numbered(large, size)
    browse(page, "browser-large")
    sent: list[str] = []

    def let_half_through(route: Any) -> None:
        if route.request.method == "PUT":
            if len(sent) >= half:
                route.abort()
                return
            sent.append(route.request.url)
        route.continue_()

    page.route("**/upload-parts/**", let_half_through)
    began = time.monotonic()
    choose_files(page, large)
    page.wait_for_function(
        "() => Object.keys(localStorage).some((name) => name.includes('large.bin'))"
    )
    while len(sent) < half:
        page.wait_for_timeout(50)
    uploads = s3.list_multipart_uploads(Bucket="browser-large")["Uploads"]

    def arrived() -> int:
        parts = s3.list_parts(
            Bucket="browser-large",
            Key="large.bin",
            UploadId=uploads[0]["UploadId"],
        )
        return len(parts.get("Parts", []))

    while arrived() < half:
        page.wait_for_timeout(50)
    page.on("dialog", lambda dialog: dialog.accept())
    again: list[str] = []
    page.on(
        "request",
        lambda request: again.append(request.url) if request.method == "PUT" else None,
    )
    page.reload()
    page.get_by_text("Uploads were interrupted").wait_for()
    page.unroute("**/upload-parts/**")
    again.clear()
    errors.clear()
    choose_files(page, large)
    wait_until_uploaded(page, "large.bin", seconds=60 + size // (8 * MIB))
    taken = time.monotonic() - began
    print(f"{size / MIB:,.0f} MiB, reloaded in the middle: {taken:.1f} s")
    assert len(again) == parts_count - half
    assert digest_of(s3, "browser-large", "large.bin") == digest


def test_script_in_an_uploaded_page_does_not_run_here(
    page: Any, make_bucket: Any, live_store: LiveStore
) -> None:
    s3 = make_bucket("browser-evil")
    script = b"<script>document.cookie='owned=1'; localStorage.owned='1'</script>"
    svg = b'<svg xmlns="http://www.w3.org/2000/svg">' + script + b"</svg>"
    s3.put_object(
        Bucket="browser-evil", Key="page.html", Body=script, ContentType="text/html"
    )
    s3.put_object(
        Bucket="browser-evil", Key="art.svg", Body=svg, ContentType="image/svg+xml"
    )
    for key in ("page.html", "art.svg"):
        page.goto(f"/admin/buckets/browser-evil/object/?key={key}")
        page.locator(".os-preview pre").wait_for()
        for query in (f"?key={key}", f"?key={key}&inline=1"):
            with page.expect_download():
                page.evaluate(
                    "(link) => { window.location = link }",
                    f"/admin/buckets/browser-evil/download/{query}",
                )
    assert page.evaluate("localStorage.owned") is None
    assert "owned" not in page.evaluate("document.cookie")


def test_a_shared_page_runs_without_the_consoles_origin(
    page: Any, make_bucket: Any, live_store: LiveStore
) -> None:
    s3 = make_bucket("browser-shared")
    script = b"<script>document.title = 'origin ' + self.origin</script>"
    s3.put_object(
        Bucket="browser-shared", Key="page.html", Body=script, ContentType="text/html"
    )
    link = s3.generate_presigned_url(
        "get_object", Params={"Bucket": "browser-shared", "Key": "page.html"}
    )
    for address in (link, "/v1/buckets/browser-shared/objects/page.html"):
        page.goto(address)
        assert page.title() == "origin null"


def test_versions_are_undeleted(page: Any, make_bucket: Any) -> None:
    s3 = make_bucket("browser-versions", is_versioned=True)
    s3.put_object(Bucket="browser-versions", Key="plan.txt", Body=b"plan")
    s3.delete_object(Bucket="browser-versions", Key="plan.txt")
    browse(page, "browser-versions")
    page.click("text=With deleted")
    page.check("#os-listing tbody input[type=checkbox]")
    page.click("#os-chosen >> text=Undelete")
    page.get_by_text("1 brought back").wait_for()
    assert s3.get_object(Bucket="browser-versions", Key="plan.txt")["Body"].read()


def test_keyboard_alone_chooses_and_deletes(page: Any, make_bucket: Any) -> None:
    s3 = make_bucket("browser-keyboard")
    for key in ("a.txt", "b.txt"):
        s3.put_object(Bucket="browser-keyboard", Key=key, Body=b"x")
    browse(page, "browser-keyboard")
    page.focus("#os-prefix")
    page.keyboard.type("a")
    page.keyboard.press("Enter")
    page.wait_for_url("**prefix=a")
    page.focus("#os-listing tbody input[type=checkbox]")
    page.keyboard.press("Space")
    page.focus("#os-chosen >> text=Delete")
    page.keyboard.press("Enter")
    page.locator("button[name=confirmed]").wait_for()
    page.focus("button[name=confirmed]")
    page.keyboard.press("Enter")
    page.get_by_text("1 deleted").wait_for()
    left = s3.list_objects_v2(Bucket="browser-keyboard")["Contents"]
    assert [one["Key"] for one in left] == ["b.txt"]


def test_whole_bucket_is_searched_filtered_and_sorted(
    page: Any, make_bucket: Any
) -> None:
    s3 = make_bucket("browser-search")
    for number in range(120):
        s3.put_object(
            Bucket="browser-search",
            Key=f"in/{number:03}.{'jpg' if number % 2 else 'txt'}",
            Body=b"x" * number,
        )
    names = page.locator("#os-listing tbody .os-name")
    browse(page, "browser-search")
    page.fill("#os-q", "1?.JPG")
    page.press("#os-q", "Enter")
    page.get_by_text("Nothing matches").wait_for()
    page.fill("#os-q", "*1?.JPG")
    page.press("#os-q", "Enter")
    page.locator("#os-listing >> text=in/011.jpg").wait_for()
    assert names.count() == 10
    page.click("th >> text=Size")
    page.wait_for_url("**sort=-size**")
    assert names.first.inner_text() == "in/119.jpg"
    page.click("summary:has-text('Filters')")
    page.fill("input[name=max]", "20")
    page.press("input[name=max]", "Enter")
    page.wait_for_url("**max=20**")
    assert names.all_inner_texts() == [f"in/0{n}.jpg" for n in (19, 17, 15, 13, 11)]
    page.click("[aria-label='Without name: *1?.JPG']")
    page.wait_for_url("**max=20**")
    page.locator("#os-listing >> text=in/020.txt").wait_for()
    page.go_back()
    page.locator("#os-listing >> text=in/011.jpg").wait_for()
    assert page.input_value("#os-q") == "*1?.JPG"


def test_what_is_chosen_stays_chosen_on_other_pages(
    page: Any, make_bucket: Any
) -> None:
    s3 = make_bucket("browser-choice")
    for number in range(130):
        s3.put_object(Bucket="browser-choice", Key=f"{number:03}", Body=b"x")
    browse(page, "browser-choice")
    page.check("input[value='001']")
    page.click("text=Next")
    page.locator("#os-listing >> text=120").wait_for()
    page.check("input[value='120']")
    page.get_by_text("2 selected, 1 on other pages").wait_for()
    page.click("text=Previous")
    page.locator("#os-listing >> text=099").wait_for()
    assert page.is_checked("input[value='001']")
    page.click("#os-chosen >> text=Delete")
    page.get_by_text("2 objects").first.wait_for()
    page.click("button[name=confirmed]")
    page.get_by_text("2 deleted").wait_for()
    left = [
        one["Key"] for one in s3.list_objects_v2(Bucket="browser-choice")["Contents"]
    ]
    assert len(left) == 128
    assert not {"001", "120"} & set(left)
    browse(page, "browser-choice")
    assert page.locator("#os-chosen").is_hidden()


def test_versions_are_chosen_apart_from_what_is_current(
    page: Any, make_bucket: Any
) -> None:
    s3 = make_bucket("browser-apart", is_versioned=True)
    s3.put_object(Bucket="browser-apart", Key="a", Body=b"x")
    s3.put_object(Bucket="browser-apart", Key="b", Body=b"x")
    page.goto("/admin/buckets/browser-apart/objects/?show=versions")
    page.check("#os-every")
    page.get_by_text("2 selected").wait_for()
    page.get_by_role("link", name="Current").click()
    page.locator("input[name=key][value='a']").wait_for()
    assert page.locator("#os-chosen").is_hidden()
    page.check("input[name=key][value='a']")
    page.click("#os-chosen >> text=Edit")
    page.get_by_text("Change 1 object").wait_for()


def test_version_is_deleted_after_a_look(page: Any, make_bucket: Any) -> None:
    s3 = make_bucket("browser-version", is_versioned=True)
    for body in (b"first", b"second!"):
        s3.put_object(Bucket="browser-version", Key="a b", Body=body)
    page.goto("/admin/buckets/browser-version/object/?key=a%20b")
    row = page.locator("#versions tbody tr").nth(1)
    row.get_by_role("button", name="Delete").press("Enter")
    page.get_by_text("1 earlier version").wait_for()
    page.get_by_text("5 B").wait_for()
    page.click("button[name=confirmed]")
    page.get_by_text("1 deleted.").wait_for()
    left = s3.list_object_versions(Bucket="browser-version")["Versions"]
    assert [one["Size"] for one in left] == [7]


def test_keyboard_alone_edits_all_that_match(
    page: Any, make_bucket: Any, worker: None
) -> None:
    s3 = make_bucket("browser-edit")
    for number in range(105):
        s3.put_object(Bucket="browser-edit", Key=f"in/{number:03}", Body=b"x")
    s3.put_object(Bucket="browser-edit", Key="out", Body=b"x")
    browse(page, "browser-edit")
    page.focus("#os-q")
    page.keyboard.type("in/")
    page.keyboard.press("Enter")
    page.locator("#os-listing >> text=in/099").wait_for()
    page.focus("#os-every")
    page.keyboard.press("Space")
    page.focus("[data-all]")
    page.keyboard.press("Enter")
    page.get_by_text("All selected, on every page").wait_for()
    page.focus("#os-chosen >> text=Edit")
    page.keyboard.press("Enter")
    page.get_by_text("105 objects").first.wait_for()
    page.focus("textarea[name=tags]")
    page.keyboard.type("team=red")
    page.focus("button[name=confirmed]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/*/")
    page.locator(".os-badge-good", has_text="done").wait_for(timeout=180_000)
    page.get_by_text("105 of 105").wait_for()
    tags = s3.get_object_tagging(Bucket="browser-edit", Key="in/104")["TagSet"]
    assert tags == [{"Key": "team", "Value": "red"}]
    assert not s3.get_object_tagging(Bucket="browser-edit", Key="out")["TagSet"]


def test_purge_runs_as_a_job_and_its_page_follows(
    page: Any, make_bucket: Any, worker: None
) -> None:
    s3 = make_bucket("browser-purge")
    for number in range(5):
        s3.put_object(Bucket="browser-purge", Key=f"in/{number}", Body=b"x")
    s3.put_object(Bucket="browser-purge", Key="out", Body=b"x")
    browse(page, "browser-purge", "?prefix=in/")
    page.click("text=Purge everything under")
    page.fill("input[name=bucket_name]", "browser-purge")
    page.press("input[name=bucket_name]", "Enter")
    page.wait_for_url("**/jobs/*/")
    page.locator(".os-badge-good", has_text="done").wait_for(timeout=180_000)
    page.get_by_text("5 of 5").wait_for()
    left = s3.list_objects_v2(Bucket="browser-purge")["Contents"]
    assert [one["Key"] for one in left] == ["out"]


def test_palette_finds_a_bucket(page: Any, make_bucket: Any) -> None:
    make_bucket("browser-palette")
    page.goto("/admin/")
    page.keyboard.press("Control+k")
    page.locator("#search-input-command").press_sequentially("palette")
    page.locator("#command-results >> text=browser-palette").click()
    page.wait_for_url("**/buckets/browser-palette/objects/")


def test_key_is_shown_with_lines_to_copy(page: Any) -> None:
    page.goto("/admin/create-key/")
    page.click("main >> button:has-text('Create key')")
    secret = page.input_value("#new-secret")
    page.click("[role=tab]:has-text('rclone')")
    assert secret in page.locator("[role=tabpanel]:visible").inner_text()


@pytest.mark.parametrize("width", [390, 1440])
def test_no_page_is_wider_than_the_screen(
    page: Any, make_bucket: Any, width: int
) -> None:
    name = f"browser-wide-{width}"
    s3 = make_bucket(name, is_versioned=True)
    long_name = "a-long-name-" * 12
    s3.put_object(Bucket=name, Key=f"{long_name}.txt", Body=b"x")
    give_previewed(s3, name, long_name)
    page.set_viewport_size({"width": width, "height": 844})
    for path in PAGES:
        page.goto(f"/admin/{path.format(name=name)}".replace("note", long_name))
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_have_no_serious_barrier(
    page: Any, make_bucket: Any, scheme: str
) -> None:
    """Ask axe-core about each page: contrast, names, roles, order (WCAG 2.2)."""
    axe = pytest.importorskip(
        "axe_playwright_python", reason="axe is not installed: axe-playwright-python"
    )
    script = (Path(axe.__file__).parent / "axe.min.js").read_text()
    name = f"browser-axe-{scheme}"
    s3 = make_bucket(name, is_versioned=True)
    s3.put_object(Bucket=name, Key="note.txt", Body=b"hello")
    give_previewed(s3, name, "note.txt")
    page.emulate_media(color_scheme=scheme)
    found = []
    for path in PAGES:
        page.goto(f"/admin/{path.format(name=name)}")
        page.wait_for_load_state("networkidle")
        page.evaluate(script)
        for one in page.evaluate("axe.run().then((result) => result.violations)"):
            if one["impact"] in {"serious", "critical"}:
                places = [node["html"][:120] for node in one["nodes"]]
                found.append((path, one["id"], places))
    assert found == []
