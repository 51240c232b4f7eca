"""Fixtures for every storey: principals, buckets, and a real server process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from tests.certificates import make_certificate
from tests.servers import LiveStore


@pytest.fixture(autouse=True)
def _own_storages(settings: Any, tmp_path: Path) -> None:
    """Keep each test's blobs in its own folder."""
    settings.STORAGES = {
        **settings.STORAGES,
        **{
            name: {
                "BACKEND": "blobs.storage.LocalBlobStorage",
                "OPTIONS": {"location": str(tmp_path / "blobs" / name)},
            }
            for name in ("standard", "cold", "archive")
        },
    }


@pytest.fixture(autouse=True)
def _fresh_counters() -> None:
    """Forget rate counters and kept credentials between tests."""
    from django.core.cache import caches

    from iam.queries import kept

    caches["ratelimit"].clear()
    kept.clear()


@pytest.fixture
def clock(monkeypatch: Any) -> SimpleNamespace:
    """The clock of rate limits, which stands until the test moves it.

    No window ends in the middle of a test, however slow the machine is.
    """
    now = SimpleNamespace(seconds=1_800_000_000.0)
    fake = SimpleNamespace(time=lambda: now.seconds, monotonic=lambda: now.seconds)
    for module in ("iam.counters", "iam.rate_limits", "django_ratelimit.core"):
        monkeypatch.setattr(f"{module}.time", fake)
    return now


@pytest.fixture
def account(db: Any) -> Any:
    from iam.operations import create_account

    return create_account("main", number="111111111111", now=timezone.now())[0]


@pytest.fixture
def root(account: Any) -> Any:
    from iam.queries import principal_of

    return principal_of(account.identities.get(kind="root"))


@pytest.fixture
def other_root(db: Any) -> Any:
    from iam.operations import create_account
    from iam.queries import principal_of

    _, identity = create_account("other", number="222222222222", now=timezone.now())
    return principal_of(identity)


@pytest.fixture
def make_principal(account: Any) -> Callable[..., Any]:
    """Make a user of the main account with policies given as JSON text."""
    from iam.operations import create_identity, put_identity_policy
    from iam.queries import principal_of

    def make(name: str, *policies: str) -> Any:
        identity = create_identity(account, name, now=timezone.now())
        for number, document in enumerate(policies):
            put_identity_policy(identity, f"policy-{number}", document)
        return principal_of(identity)

    return make


@pytest.fixture
def api_key(account: Any) -> str:
    from iam.operations import create_api_key

    root = account.identities.get(kind="root")
    return create_api_key(root, now=timezone.now()).api_key


@pytest.fixture
def access_key(account: Any) -> Any:
    """An S3 key pair: `.access_key_id` and `.secret_access_key`."""
    from types import SimpleNamespace

    from iam.operations import create_access_key

    made = create_access_key(account.identities.get(kind="root"), now=timezone.now())
    return SimpleNamespace(
        access_key_id=made.key.access_key_id,
        secret_access_key=made.secret_access_key,
    )


@pytest.fixture
def bucket(root: Any) -> str:
    from buckets.operations import create_bucket

    return create_bucket(root, "bucket", now=timezone.now()).name


@pytest.fixture
def versioned(root: Any) -> str:
    from buckets.operations import create_bucket

    return create_bucket(root, "versioned", is_versioned=True, now=timezone.now()).name


@pytest.fixture(scope="session")
def live_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStore]:
    """A server process with its own data folder, shared by the whole run."""
    store = LiveStore(tmp_path_factory.mktemp("live"))
    store.start()
    yield store
    store.stop()


@pytest.fixture(scope="session")
def secure_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStore]:
    """A server that speaks TLS, so that clients send their trailers."""
    folder = tmp_path_factory.mktemp("secure")
    store = LiveStore(folder, certificate=make_certificate(folder))
    store.start()
    yield store
    store.stop()
