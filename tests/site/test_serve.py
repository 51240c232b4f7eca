"""What `serve` refuses to start with."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from iam.operations import create_access_key
from objectstore_site.management.commands import serve


@pytest.fixture
def served(monkeypatch: Any) -> list[str]:
    """What would be served."""
    found: list[str] = []

    class Server:
        def __init__(self, target: str, **options: Any) -> None:
            self.target = target

        def serve(self) -> None:
            found.append(self.target)

    monkeypatch.setattr(serve, "Granian", Server)
    monkeypatch.setattr(serve.connections, "close_all", lambda: None)
    return found


@pytest.fixture
def sealed(account: Any) -> None:
    create_access_key(account.identities.get(kind="root"), now=timezone.now())


@pytest.mark.usefixtures("sealed")
def test_other_sealing_keys_than_the_databases_are_refused(
    served: list[str], settings: Any
) -> None:
    settings.OBJECTSTORE_SEALING_KEYS = ["of another installation altogether"]
    with pytest.raises(CommandError, match="OBJECTSTORE_SEALING_KEYS"):
        call_command("serve")
    assert served == []


@pytest.mark.usefixtures("sealed")
def test_the_same_sealing_keys_are_served_with(served: list[str]) -> None:
    call_command("serve")
    assert len(served) == 1
