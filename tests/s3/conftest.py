"""boto3 against a real server, in AWS's flavour, over http and https."""

from __future__ import annotations

import itertools
import json
import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.servers import LiveStore

NAMES = itertools.count(1)
# Which operations ran, and in which tests: docs/s3-compatibility.md is made of it.
ran: dict[str, set[str]] = defaultdict(set)


Connect = Callable[..., Any]


@pytest.fixture
def connect(live_store: LiveStore, request: pytest.FixtureRequest) -> Connect:
    """Make boto3 clients of a store, which note what they call."""

    def make(
        store: LiveStore = live_store,
        access_key_id: str = "",
        secret_access_key: str = "",
        **config: Any,
    ) -> Any:
        client = boto3.client(
            "s3",
            endpoint_url=store.url,
            aws_access_key_id=access_key_id or store.access_key_id,
            aws_secret_access_key=secret_access_key or store.secret_access_key,
            region_name="us-east-1",
            verify=str(store.certificate) if store.certificate else None,
            config=Config(retries={"max_attempts": 0}, **config),
        )
        client.meta.events.register("before-call.s3", noting(request.node.name))
        return client

    return make


def noting(test: str) -> Callable[..., None]:
    def note(model: Any, **_: Any) -> None:
        ran[model.name].add(test.partition("[")[0])

    return note


@pytest.fixture
def s3(connect: Connect) -> Any:
    return connect()


@pytest.fixture
def secure_s3(connect: Connect, secure_store: LiveStore) -> Any:
    return connect(secure_store)


@pytest.fixture
def new_bucket(s3: Any) -> Callable[..., str]:
    """Create buckets with names of their own."""

    def make(**options: Any) -> str:
        name = f"bucket-{next(NAMES)}"
        s3.create_bucket(Bucket=name, **options)
        return name

    return make


@pytest.fixture
def s3_bucket(new_bucket: Callable[..., str]) -> str:
    return new_bucket()


@pytest.fixture
def open_bucket(s3: Any, new_bucket: Callable[..., str]) -> str:
    """A bucket that may be made public, and uses ACLs."""
    name = new_bucket(ObjectOwnership="ObjectWriter")
    s3.delete_public_access_block(Bucket=name)
    return name


@pytest.fixture
def client_of(live_store: LiveStore) -> Connect:
    """Make clients of any service, for keys as IAM and STS give them."""

    def make(service: str, keys: dict[str, str] | None = None, **config: Any) -> Any:
        keys = keys or {}
        return boto3.client(
            service,
            endpoint_url=live_store.url,
            aws_access_key_id=keys.get("AccessKeyId", live_store.access_key_id),
            aws_secret_access_key=keys.get(
                "SecretAccessKey", live_store.secret_access_key
            ),
            aws_session_token=keys.get("SessionToken"),
            region_name="us-east-1",
            config=Config(retries={"max_attempts": 0}, **config),
        )

    return make


@pytest.fixture
def iam(client_of: Connect) -> Any:
    return client_of("iam")


@pytest.fixture
def sts(client_of: Connect) -> Any:
    return client_of("sts")


@pytest.fixture
def new_user(iam: Any) -> Callable[..., tuple[str, dict[str, str]]]:
    """Create users with a key pair, and with policies by name."""

    def make(**policies: Any) -> tuple[str, dict[str, str]]:
        name = f"user-{next(NAMES)}"
        iam.create_user(UserName=name)
        for policy, statement in policies.items():
            iam.put_user_policy(
                UserName=name, PolicyName=policy, PolicyDocument=document_of(statement)
            )
        return name, iam.create_access_key(UserName=name)["AccessKey"]

    return make


def document_of(*statements: dict[str, Any]) -> str:
    """Write a policy of statements, which allow where they do not say otherwise."""
    told = [{"Effect": "Allow", **statement} for statement in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": told})


@pytest.fixture
def policy_document() -> Callable[..., str]:
    return document_of


@pytest.fixture(scope="session")
def stranger(live_store: LiveStore) -> dict[str, str]:
    """The root keys of another account of the live store."""
    made = json.loads(live_store.manage("create_account", "stranger"))
    key = json.loads(live_store.manage("create_key", "stranger"))
    return {**made, **key}


class Refusal:
    """Expects a refusal with a code, and keeps the answer."""

    def __init__(self, code: str, status: int | None = None) -> None:
        self.code, self.status = code, status
        self.response: Any = None

    def __enter__(self) -> Refusal:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        assert isinstance(error, ClientError), f"{self.code} was expected: {error}"
        self.response = error.response
        assert error.response["Error"]["Code"] == self.code
        if self.status:
            found = error.response["ResponseMetadata"]["HTTPStatusCode"]
            assert found == self.status
        return True


@pytest.fixture
def refused() -> type[Refusal]:
    return Refusal


def pytest_sessionfinish() -> None:
    """Leave what ran where OBJECTSTORE_OPERATIONS_RAN names a file."""
    path = os.environ.get("OBJECTSTORE_OPERATIONS_RAN")
    if path and ran:
        facts = {name: sorted(tests) for name, tests in sorted(ran.items())}
        Path(path).write_text(json.dumps(facts, indent=2))
