"""A new user's first hour: `make run`, then the README's six ways to upload."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from tests.servers import ROOT, free_port
from tests.site.documents import here

README = (ROOT / "README.md").read_text()
SECTION = README.partition("### Upload something\n")[2].partition("\n### ")[0]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
CURL, COMMAND_LINE, PYTHON, JAVASCRIPT, BOTO3 = (code for _, code in BLOCKS)
STEPS = re.findall(r"^\d\. .*$", SECTION, re.MULTILINE)
CHROMIUM = Path("/usr/bin/chromium")
STARTS_WITHIN = 120


@dataclass(frozen=True)
class Started:
    """What `make run` has printed."""

    url: str
    operator: str
    password: str
    api_key: str
    access_key_id: str
    secret_access_key: str

    def get(self, key: str) -> bytes:
        headers = {"Authorization": f"Bearer {self.api_key}"}
        path = f"/v1/buckets/my-bucket/objects/{key}"
        return httpx.get(self.url + path, headers=headers).raise_for_status().content


@pytest.fixture(scope="module")
def store(tmp_path_factory: Any) -> Iterator[Started]:
    """Run `make run` in a data folder and on a port of its own; stop it by Ctrl-C."""
    if not (ROOT / ".venv").exists():
        pytest.skip("make has made no .venv here yet: make run")
    folder = tmp_path_factory.mktemp("first-hour")
    port = free_port()
    printed = folder / "printed"
    environment = {k: v for k, v in os.environ.items() if "OBJECTSTORE" not in k}
    environment |= {"OBJECTSTORE_DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1"}
    with printed.open("wb") as output:
        # Packages are as they are: nothing is fetched while tests run.
        process = subprocess.Popen(
            ["make", "--old-file=.venv/server", "run", f"PORT={port}"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", printed)
        yield started_of(printed.read_text(), f"http://127.0.0.1:{port}")
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=60)


def wait_until_ready(url: str, printed: Path) -> None:
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end:
        try:
            if httpx.get(f"{url}/-/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError(printed.read_text()[-4000:])


def started_of(printed: str, url: str) -> Started:
    def said(label: str) -> str:
        found = re.search(rf"^\s*{label}\s+(\S.*)$", printed, re.MULTILINE)
        assert found is not None, printed
        return found[1]

    operator, _, password = said("Operator").partition(" / ")
    return Started(
        url,
        operator,
        password,
        said("API key"),
        said("Access key"),
        said("Secret key"),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any, store: Started) -> Path:
    """The folder of a person who has cloned: with a README in it, and a bucket."""
    folder: Path = tmp_path_factory.mktemp("person")
    shutil.copy(ROOT / "README.md", folder)
    package = ROOT / "clients" / "javascript"
    if shutil.which("node") is not None:
        subprocess.run(["node", "build.js"], cwd=package, check=True)
    (folder / "node_modules" / "@objectstore").mkdir(parents=True)
    (folder / "node_modules" / "@objectstore" / "client").symlink_to(package)
    run(store, folder, CURL.replace("curl ", "curl --fail-with-body -sS "))
    return folder


def run(store: Started, folder: Path, script: str) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", here(script, store)],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_there_are_six_ways_of_three_lines_at_most() -> None:
    kinds = [kind for kind, _ in BLOCKS]
    assert kinds == ["sh", "sh", "python", "javascript", "python"]
    assert [code.count("\n") for _, code in BLOCKS] == [3] * 5
    assert len(STEPS) == 3


def test_curl(store: Started, folder: Path) -> None:
    assert store.get("by-curl").decode() == README


def test_the_command_line(store: Started, folder: Path) -> None:
    key = CURL.splitlines()[0]
    assert "by-command-line" in run(store, folder, f"{key}\n{COMMAND_LINE}")
    assert store.get("by-command-line").decode() == README


@pytest.mark.parametrize(("code", "key"), [(PYTHON, "by-python"), (BOTO3, "by-boto3")])
def test_python(store: Started, folder: Path, code: str, key: str) -> None:
    (folder / "example.py").write_text(here(code, store))
    run(store, folder, "python example.py")
    assert store.get(key).decode() == README


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_javascript(store: Started, folder: Path) -> None:
    (folder / "example.mjs").write_text(here(JAVASCRIPT, store))
    run(store, folder, "node example.mjs")
    assert store.get("by-javascript") == b"hello world"


def test_a_browser(store: Started, folder: Path) -> None:
    api = pytest.importorskip("playwright.sync_api", reason="no Playwright")
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed: apt install chromium")
    address = re.search(r"<(\S+)>", STEPS[0])
    assert address is not None
    (folder / "by-browser").write_text("hello world")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox"]
        )
        page = browser.new_page()
        page.goto(here(address[1], store))
        page.fill("input[name=username]", store.operator)
        page.fill("input[name=password]", store.password)
        page.press("input[name=password]", "Enter")
        page.get_by_role("link", name="my-bucket").first.click()
        page.click("summary:has-text('Upload')")
        with page.expect_file_chooser() as chooser:
            page.click("[data-picks=files]")
        chooser.value.set_files([str(folder / "by-browser")])
        row = page.locator(".os-transfers-list li", has_text="by-browser")
        row.locator(".os-good").wait_for(timeout=60_000)
        browser.close()
    assert store.get("by-browser") == b"hello world"


def test_the_printed_key_pair_signs(store: Started, folder: Path) -> None:
    s3 = boto3.client(
        "s3",
        endpoint_url=store.url,
        region_name="us-east-1",
        aws_access_key_id=store.access_key_id,
        aws_secret_access_key=store.secret_access_key,
    )
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket="my-bucket")["Contents"]]
    assert "by-curl" in keys
