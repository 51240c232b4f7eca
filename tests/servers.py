"""A real server in a process of its own, to be used, stopped and killed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
API_KEY = "test-api-key-of-the-live-store"
ACCESS_KEY_ID = "AKIATESTTESTTEST0001"
SECRET_ACCESS_KEY = "test-secret-key-of-the-live-store"
STARTS_WITHIN = 60


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class LiveStore:
    """The production server on a free port of loopback, with data in `folder`."""

    api_key = API_KEY
    access_key_id = ACCESS_KEY_ID
    secret_access_key = SECRET_ACCESS_KEY

    def __init__(
        self, folder: Path, *, certificate: Path | None = None, **environment: str
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.certificate = certificate
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("OBJECTSTORE_")},
            "OBJECTSTORE_DATA_DIR": str(folder),
            "OBJECTSTORE_ROOT_API_KEY": API_KEY,
            "OBJECTSTORE_ROOT_ACCESS_KEY": ACCESS_KEY_ID,
            "OBJECTSTORE_ROOT_SECRET_KEY": SECRET_ACCESS_KEY,
            "OBJECTSTORE_ROOT_PASSWORD": "test-password",
            "OBJECTSTORE_RATE_LIMITED_DIALECTS": "",
            # Where a database is given, all stores of a run share it.
            "OBJECTSTORE_SEALING_KEYS": "sealing-key-of-the-tests",
            **environment,
        }
        if certificate is not None:
            self.environment["OBJECTSTORE_TLS_CERTIFICATE"] = str(certificate)
            self.environment["OBJECTSTORE_TLS_KEY"] = str(
                certificate.parent / "key.pem"
            )
        self.process: subprocess.Popen[bytes] | None = None

    def manage(self, *arguments: str) -> str:
        """Run a management command on this store's data."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def start(self) -> None:
        """Migrate, make the first account, serve, and wait until ready."""
        self.manage("migrate", "--verbosity", "0")
        self.manage("bootstrap")
        self.serve()

    def serve(self) -> None:
        log = open(self.folder / "server.log", "ab")  # noqa: SIM115 - the process's
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", str(self.port)],
            cwd=ROOT,
            env=self.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        end = time.monotonic() + STARTS_WITHIN
        trust = (
            ssl.create_default_context(cafile=str(self.certificate))
            if self.certificate
            else None
        )
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(
                    f"{self.url}/-/ready", timeout=5, context=trust
                ) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.1)
        log = (self.folder / "server.log").read_text()
        raise AssertionError(f"the server did not become ready:\n{log[-4000:]}")

    def kill(self) -> None:
        """End every process of the server at once, as a power cut would."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        self.process.wait(timeout=30)
        self.process = None
