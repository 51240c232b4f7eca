"""`RestStore`: a dictionary of bytes over the key-value API."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any

import httpx

from objectstore.errors import NotFound, ObjectStoreError
from objectstore.transport import Transport, quoted

# What a server answers that has no listing.
NO_LISTING = frozenset({404, 405, 501})


class RestStore:
    """Keys and values in the caller's default bucket.

    `timeout` and `retry_delay` are seconds; the delay doubles after each of
    `max_retries` attempts.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        timeout: float = 30.0,
        max_retries: int = 3,
        retry_delay: float = 1.0,
        *,
        http: httpx.Client | None = None,
        **options: Any,
    ) -> None:
        self._transport = Transport(
            base_url,
            api_key,
            timeout=timeout,
            max_retries=max_retries,
            retry_delay=retry_delay,
            http=http,
            **options,
        )

    @classmethod
    def create(cls, base_url: str, api_key: str, **options: Any) -> RestStore:
        """Make a store; the options are those of the class."""
        return cls(base_url=base_url, api_key=api_key, **options)

    def put(self, key: str, value: bytes) -> None:
        """Store a value."""
        self._transport.send("PUT", path_of(key), content=bytes(memoryview(value)))

    def get(self, key: str) -> bytes:
        """Give a value. Raises KeyError when the key is not there."""
        try:
            return self._transport.send("GET", path_of(key)).content
        except NotFound as error:
            raise KeyError(key) from error

    def exists(self, key: str) -> bool:
        """Tell whether the key is there."""
        try:
            self._transport.send("HEAD", path_of(key))
        except NotFound:
            return False
        return True

    def delete(self, key: str) -> None:
        """Delete a key. Raises KeyError when it is not there."""
        try:
            self._transport.send("DELETE", path_of(key))
        except NotFound as error:
            raise KeyError(key) from error

    def keys(self, prefix: str = "") -> Iterator[str]:
        """List keys in byte order, page after page.

        Raises NotImplementedError when the server has no listing.
        """
        token: str | None = None
        while True:
            page = self._page(prefix, token)
            for one in page["objects"]:
                yield one["key"]
            token = page["next_continuation_token"]
            if not page["is_truncated"]:
                return

    def _page(self, prefix: str, token: str | None) -> dict[str, Any]:
        query = {"prefix": prefix or None, "continuation_token": token}
        try:
            page: dict[str, Any] = self._transport.send(
                "GET", "/objects", query=query
            ).json()
        except ObjectStoreError as error:
            if error.status in NO_LISTING:
                raise NotImplementedError("the server does not list keys") from error
            raise
        return page

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> RestStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def path_of(key: str) -> str:
    return f"/objects/{quoted(key)}"
