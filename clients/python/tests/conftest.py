"""The server that the client is tested against."""

from tests.conftest import live_store

__all__ = ["live_store"]
