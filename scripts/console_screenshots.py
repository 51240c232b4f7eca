"""Take the console's pictures for the docs: light and dark, wide and of phone width.

Run as: .venv/bin/python -m scripts.console_screenshots [folder]
It starts a store of its own on a free port, fills it, and ends it again.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.console.figures import count_usage, give_ages, give_figures
from tests.console.filling import client_of, fill, give_png
from tests.servers import LiveStore

CHROMIUM = "/usr/bin/chromium"
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
# Versions tell their time by their ids, so that nothing was there before the pictures.
FILLED_AT = datetime.now(UTC) + timedelta(minutes=3)
PAGES = {
    "dashboard": "",
    "create-bucket": "create-bucket/",
    "browser": "buckets/team-photos/objects/?prefix=2026/",
    "search": "buckets/team-photos/objects/?q=20&type=image/&sort=-size",
    "object": "buckets/team-photos/object/?key=2026/lighthouse.png",
    "rewind": "buckets/team-photos/objects/?prefix=2026/"
    f"&at={FILLED_AT:%Y-%m-%dT%H:%M}",
    "lifecycle": "buckets/team-photos/settings/lifecycle/",
    "pdf": "buckets/team-photos/object/?key=2026/report.pdf",
    "policy": "buckets/website/settings/policy/",
    "audit": "audit/",
    "usage": "buckets/team-photos/usage/",
    "health": "health/",
    "jobs": "jobs/",
    "create-share": "buckets/team-photos/share/?key=2026/lighthouse.png",
    "preview": "buckets/team-photos/lifecycle/",
    "simulator": "simulator/?who=anonymous&action=s3:GetObject"
    "&bucket=website&key=index.html&is_secure=on",
}


def sign_in(page: Page, store: LiveStore) -> None:
    page.goto(f"{store.url}/admin/login/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", "test-password")
    page.click("button[type=submit]")
    page.wait_for_url(f"{store.url}/admin/")


def show_uploads(page: Page, store: LiveStore) -> None:
    """Drop a few files, so that the drawer of uploads shows."""
    sizes = (420_000, 1_900_000, 733_000)
    for size in sizes:
        client_of(store).delete_object(Bucket="scratch", Key=f"trip-{size}.jpg")
    page.goto(f"{store.url}/admin/buckets/scratch/objects/")
    page.click("summary:has-text('Upload')")
    with page.expect_file_chooser() as chooser:
        page.click("[data-picks=files]")
    chooser.value.set_files(
        [
            {"name": f"trip-{n}.jpg", "mimeType": "image/jpeg", "buffer": bytes(n)}
            for n in sizes
        ]
    )
    page.locator(".os-transfers-list .os-good").nth(2).wait_for()
    page.locator("#os-listing >> text=trip-733000.jpg").wait_for()


def show_edit(page: Page, store: LiveStore) -> None:
    """Choose what a search finds, and open the form that changes it."""
    page.goto(f"{store.url}/admin/{PAGES['search']}")
    page.check("#os-every")
    page.click("#os-chosen >> text=Edit")
    page.locator("button[name=confirmed]").wait_for()


def take(page: Page, store: LiveStore, folder: Path, suffix: str) -> None:
    for name, path in PAGES.items():
        page.goto(f"{store.url}/admin/{path}")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=folder / f"{name}-{suffix}.png")
    show_edit(page, store)
    page.screenshot(path=folder / f"edit-{suffix}.png")
    show_uploads(page, store)
    page.screenshot(path=folder / f"uploads-{suffix}.png")


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        store = LiveStore(Path(data))
        store.start()
        try:
            fill(store)
            give_png(store)
            give_figures(store)
            give_ages(store)
            count_usage(store, "team-photos")
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox"]
            )
            for suffix, size, scheme in (
                ("light", WIDE, "light"),
                ("dark", WIDE, "dark"),
                ("phone", PHONE, "light"),
            ):
                page = browser.new_page(viewport=size, color_scheme=scheme)
                sign_in(page, store)
                take(page, store, folder, suffix)
                page.close()
            browser.close()
        finally:
            store.stop()


if __name__ == "__main__":
    main()
