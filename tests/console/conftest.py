"""Fixtures of the console: people who are signed in, and a real browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.console.filling import client_of
from tests.servers import ROOT, LiveStore

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(autouse=True)
def _jobs_run_at_once(settings: Any) -> None:
    """Run what a page hands to the workers before it answers."""
    from objectstore_site.celery import app

    app.conf.task_always_eager = True


@pytest.fixture
def sign_in(account: Any, django_user_model: Any) -> Callable[..., Client]:
    """Sign a user with these policies in; without any, the root user."""
    from iam.operations import create_identity, put_identity_policy

    def make(name: str, *policies: str) -> Client:
        user = django_user_model.objects.create_user(name, is_staff=True)
        identity = create_identity(account, name, user=user, now=timezone.now())
        for number, document in enumerate(policies):
            put_identity_policy(identity, f"policy-{number}", document)
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def operator(account: Any, django_user_model: Any) -> Client:
    """The root user at the console."""
    user = django_user_model.objects.create_superuser("operator", password="secret")
    account.identities.filter(kind="root").update(user=user)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    api = pytest.importorskip(
        "playwright.sync_api",
        reason="Playwright is not installed: pip install playwright",
    )
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed: apt install chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in(chromium: Any, live_store: LiveStore) -> Any:
    """The cookies of a person who has signed in at the form."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{live_store.url}/admin/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", "test-password")
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{live_store.url}/admin/")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def errors() -> list[str]:
    """What the browser's console has complained of."""
    return []


@pytest.fixture
def page(
    chromium: Any, signed_in: Any, live_store: LiveStore, errors: list[str]
) -> Iterator[Any]:
    """A page at the console; an error in the browser's console fails the test."""
    context = chromium.new_context(storage_state=signed_in, base_url=live_store.url)
    opened = context.new_page()

    def hear(message: Any) -> None:
        if message.type == "error":
            errors.append(message.text)

    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", hear)
    yield opened
    context.close()
    assert errors == []


@pytest.fixture
def make_bucket(live_store: LiveStore) -> Callable[..., Any]:
    """Make a bucket over S3 and give the client with it."""

    def make(name: str, *, is_versioned: bool = False) -> Any:
        s3 = client_of(live_store)
        s3.create_bucket(Bucket=name)
        if is_versioned:
            s3.put_bucket_versioning(
                Bucket=name, VersioningConfiguration={"Status": "Enabled"}
            )
        return s3

    return make


@pytest.fixture
def worker(live_store: LiveStore) -> Iterator[None]:
    """A Celery worker beside the live store."""
    log = open(live_store.folder / "worker.log", "ab")  # noqa: SIM115 - the process's
    process = subprocess.Popen(
        [
            sys.executable,
            *["-m", "celery", "-A", "objectstore_site", "worker", "--pool", "solo"],
        ],
        cwd=ROOT,
        env=live_store.environment,
        stdout=log,
        stderr=log,
    )
    yield
    process.terminate()
    process.wait(timeout=30)
