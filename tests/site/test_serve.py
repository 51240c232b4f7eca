"""What `serve` refuses to start with."""

from __future__ import annotations

import os
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from wsgiref.util import FileWrapper, setup_testing_defaults

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError
from django.utils import timezone

from iam.operations import create_access_key
from objectstore_site.management.commands import run, serve
from objectstore_site.wsgi import application
from tests.servers import ROOT, free_port


@pytest.fixture
def served(monkeypatch: Any) -> list[str]:
    """What would be served."""
    found: list[str] = []

    class Server:
        def __init__(self, target: str, **options: Any) -> None:
            self.target = target

        def serve(self) -> None:
            found.append(self.target)

    monkeypatch.setattr(serve, "Server", Server)
    monkeypatch.setattr(serve.connections, "close_all", lambda: None)
    monkeypatch.setattr(serve, "prefer_throughput", lambda: None)
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
        call_command("serve", port=free_port())
    assert served == []


@pytest.mark.usefixtures("sealed")
def test_the_same_sealing_keys_are_served_with(served: list[str]) -> None:
    call_command("serve", port=free_port())
    assert len(served) == 1


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize("command", ["serve", "run"])
def test_a_port_that_another_server_has_is_refused(
    served: list[str], command: str
) -> None:
    with socket.socket() as other:
        # As the servers themselves do: the kernel would let both listen.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CommandError, match=f"127.0.0.1:{port} .*OBJECTSTORE_PORT"):
            call_command(command, host="127.0.0.1", port=port)
    assert served == []


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_a_certificate_that_cannot_be_read_is_refused(
    served: list[str], settings: Any, tmp_path: Any, db: Any, text: str | None
) -> None:
    settings.TLS_CERTIFICATE = settings.TLS_KEY = str(tmp_path / "store.pem")
    if text is not None:
        (tmp_path / "store.pem").write_text(text)
    with pytest.raises(CommandError, match="OBJECTSTORE_TLS_KEY cannot be used"):
        call_command("serve", port=free_port())
    assert served == []


def test_a_database_that_is_away_is_said_in_a_sentence(monkeypatch: Any) -> None:
    def migrate(*arguments: Any, **options: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(run, "call_command", migrate)
    with pytest.raises(CommandError, match="database does not answer: connection"):
        call_command("run", port=free_port())


@pytest.mark.parametrize("given", [[], ["PORT=8123"]])
def test_make_leaves_the_port_to_the_settings(given: list[str]) -> None:
    told = subprocess.run(
        ["make", "--dry-run", "--old-file=.venv/server", "run", *given],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert ("--port" in told) == bool(given)
    assert ("--port 8123" in told) == bool(given)


def test_files_that_the_server_sends_itself_are_answers(db: Any) -> None:
    environ: dict[str, Any] = {"wsgi.file_wrapper": FileWrapper}
    environ["PATH_INFO"] = "/-/static/console/browser.css"
    setup_testing_defaults(environ)
    said: list[str] = []
    chunks = application(environ, lambda status, headers: said.append(status))
    assert said == ["200 OK"]
    assert b"".join(chunks)


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="only Linux has it")
def test_threads_that_are_woken_wait_for_those_that_wake_them() -> None:
    def scheduled() -> int:
        serve.prefer_throughput()
        return os.sched_getscheduler(0)

    # The policy is that of the thread which asks, and of those that it starts.
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(scheduled).result() == os.SCHED_BATCH
