"""Dashboard, health, usage, jobs and shares in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.console.figures import count_usage, give_figures
from tests.servers import LiveStore

WIDTHS = {"wide": 1440, "phone": 390}


@pytest.fixture(scope="module")
def with_figures(live_store: LiveStore) -> LiveStore:
    give_figures(live_store)
    return live_store


def axe_script() -> str:
    axe = pytest.importorskip(
        "axe_playwright_python", reason="axe is not installed: axe-playwright-python"
    )
    return (Path(axe.__file__).parent / "axe.min.js").read_text()


def barriers(page: Any, script: str) -> list[Any]:
    page.wait_for_load_state("networkidle")
    page.evaluate(script)
    return [
        (page.url, one["id"], [node["html"][:160] for node in one["nodes"]])
        for one in page.evaluate("axe.run().then((result) => result.violations)")
        if one["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_barrier_and_nothing_sticks_out(
    page: Any, chromium: Any, make_bucket: Any, with_figures: LiveStore, scheme: str
) -> None:
    script = axe_script()
    name = f"figures-{scheme}"
    s3 = make_bucket(name)
    for number in range(12):
        key = f"folder-{number}/{'deep/' * (number % 3)}a-file-of-its-own-{number}.txt"
        s3.put_object(Bucket=name, Key=key, Body=bytes(5000 * (number + 1)))
    count_usage(with_figures, name)
    page.emulate_media(color_scheme=scheme)
    page.goto(f"/admin/buckets/{name}/share/?key=folder-1/&folder=1")
    page.fill("#id_password", "open sesame")
    page.click("text=Make the link")
    share = page.url
    link = page.input_value("#share-link")
    found = []
    for path in (
        "/admin/",
        "/admin/?range=7d",
        "/admin/health/",
        "/admin/jobs/",
        "/admin/shares/",
        share,
        f"/admin/buckets/{name}/share/?key=folder-1/&folder=1",
        f"/admin/buckets/{name}/usage/",
        f"/admin/buckets/{name}/usage/?folder=folder-1/",
    ):
        page.goto(path)
        found += barriers(page, script)
        for width in WIDTHS.values():
            page.set_viewport_size({"width": width, "height": 900})
            taken = page.evaluate("document.documentElement.scrollWidth")
            assert taken <= width, path
    stranger = chromium.new_context(color_scheme=scheme)
    visitor = stranger.new_page()
    visitor.goto(link)
    # The page's own policy lets no script run, so axe comes in beside it.
    found += barriers(visitor, script)
    visitor.fill("#password", "open sesame")
    visitor.keyboard.press("Enter")
    visitor.wait_for_selector("text=Download all")
    found += barriers(visitor, script)
    stranger.close()
    assert found == []


def test_usage_is_counted_while_one_watches(
    page: Any, make_bucket: Any, worker: None
) -> None:
    s3 = make_bucket("watched")
    s3.put_object(Bucket="watched", Key="photos/a.jpg", Body=bytes(9000))
    page.goto("/admin/buckets/watched/usage/")
    page.click("main >> text=Count now")
    page.wait_for_selector("a.os-tile", timeout=60_000)
    page.click("a.os-tile")
    page.wait_for_url("**/usage/?folder=photos%2F")


def test_range_is_chosen_by_keyboard(page: Any, with_figures: LiveStore) -> None:
    page.goto("/admin/")
    page.focus("text=7 days")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?range=7d#requests")
    assert page.locator("[aria-current=true]").inner_text() == "7 days"
