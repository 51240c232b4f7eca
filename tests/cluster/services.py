"""Processes that are started again when they end, as systemd and Compose do."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

# systemd's RestartSec= in deploy/systemd.
RESTARTS_AFTER = 1
STARTS_WITHIN = 90
STOPS_WITHIN = 5


class Service:
    """One program of the cluster, in a process group of its own."""

    def __init__(
        self,
        name: str,
        command: list[str],
        folder: Path,
        is_ready: Callable[[], object],
        *,
        environment: dict[str, str] | None = None,
        user: str | None = None,
        working_folder: Path | None = None,
    ) -> None:
        self.name = name
        self.command = command
        self.log = folder / f"{name}.log"
        self.is_ready = is_ready
        self.environment = environment
        self.user = user
        self.working_folder = working_folder or folder
        self.restarts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = threading.Event()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the program; `wait_until_ready` tells when it answers."""
        self._wanted.set()
        self._launch()
        threading.Thread(target=self._watch, daemon=True).start()

    def _launch(self) -> None:
        with self._lock, open(self.log, "ab") as log:
            if not self._wanted.is_set():
                return
            self._process = subprocess.Popen(
                self.command,
                cwd=self.working_folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=self.user,
            )

    def _watch(self) -> None:
        while self._wanted.is_set():
            process = self._process
            assert process is not None
            process.wait()
            # As a control group: what the program left behind goes with it.
            self._signal(process, signal.SIGKILL)
            if self._wanted.wait(0) and not self._pause():
                self.restarts += 1
                self._launch()

    def _pause(self) -> bool:
        """Wait before a restart; tell whether it is no longer wanted."""
        end = time.monotonic() + RESTARTS_AFTER
        while time.monotonic() < end:
            if not self._wanted.is_set():
                return True
            time.sleep(0.05)
        return False

    @property
    def process_id(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End the program as a crash would; it is started again."""
        if self._process is not None:
            self._signal(self._process, signal.SIGKILL)

    def kill_child(self) -> None:
        """End the first of the processes that the program started."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.process_id)], capture_output=True, text=True
        )
        os.kill(int(found.stdout.split()[0]), signal.SIGKILL)

    def hold_down(self) -> None:
        """Kill the program and leave it down until `start`."""
        self._wanted.clear()
        self.kill()
        if self._process is not None:
            self._process.wait(timeout=30)

    def ask_to_stop(self) -> None:
        self._wanted.clear()
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._signal(self._process, signal.SIGTERM)

    def stop(self) -> None:
        """Let the program end by itself, and end it where it takes too long."""
        self.ask_to_stop()
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=STOPS_WITHIN)
        self._signal(self._process, signal.SIGKILL)

    def _signal(self, process: subprocess.Popen[bytes], number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)

    def wait_until_ready(self) -> None:
        end = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < end:
            try:
                self.is_ready()
            except Exception:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(
            f"{self.name} did not become ready:\n{self.log.read_text()[-4000:]}"
        )
