"""How the server's processes end: with requests under way, and without their parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

# Seconds that requests under way have to end, where a process is told to stop. Systemd
# and Docker are told in deploy/ to kill after 60.
SECONDS_TO_DRAIN = 50


def end_with_parent() -> None:
    """Let a worker of the web server stop where its main process is gone.

    One that is killed (kill -9, no memory) tells its workers nothing: they would keep
    the port, and serve beside the next server.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent.pid,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_DRAIN)
    os.kill(os.getpid(), signal.SIGKILL)
