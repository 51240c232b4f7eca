"""A client of the REST dialect that carries the root's bearer key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections


class Rest:
    """Requests under /v1/buckets with the key; `url` is quoted by the caller."""

    def __init__(self, client: Any, api_key: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {api_key}"}

    def __call__(
        self, method: str, path: str, data: Any = b"", *, kind: str = "", **headers: str
    ) -> Any:
        if isinstance(data, (dict, list)):
            kind = "application/json"
            import json

            data = json.dumps(data).encode()
        return self.client.generic(
            method,
            f"/v1/buckets{path}",
            data,
            content_type=kind or "application/octet-stream",
            headers={
                **self.headers,
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )


@pytest.fixture
def rest(client: Any, api_key: str) -> Rest:
    return Rest(client, api_key)


@pytest.fixture
def connection_kept() -> Iterator[None]:
    """Keep the test's transaction open between requests, as Django's client does."""
    signals = [
        signal
        for signal in (request_started, request_finished)
        if signal.disconnect(close_old_connections)
    ]
    yield
    for signal in signals:
        signal.connect(close_old_connections)


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)
