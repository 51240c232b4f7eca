"""Run all of the store on this machine: web server, worker and schedule."""

from __future__ import annotations

import multiprocessing
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from honcho import manager as honcho
from honcho.printer import Message, Printer
from honcho.process import Process

from objectstore_site.management.commands.serve import check_is_free
from objectstore_site.stopping import SECONDS_TO_DRAIN

# The words after the interpreter; the settings tell each the rest.
PROCESSES = {
    "web": "-m objectstore_site.cli serve",
    "worker": (
        "-m celery --quiet -A objectstore_site worker --loglevel warning"
        " --concurrency 1"
    ),
    "beat": (
        "-m celery --quiet -A objectstore_site beat --loglevel warning --pidfile="
    ),
}
# A worker takes up to 5 to look up from its queue. What it was at is taken up again.
SECONDS_FOR_JOBS = 10
# The web server ends sooner by itself.
SECONDS_TO_STOP = SECONDS_TO_DRAIN + 5


class Command(BaseCommand):
    help = "Migrate, make the first account, and run web server, worker and schedule."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--host", default=settings.SERVER_HOST)
        parser.add_argument("--port", type=int, default=settings.SERVER_PORT)

    def handle(self, *arguments: Any, host: str, port: int, **options: Any) -> None:
        check_is_free(host, port)
        try:
            call_command("migrate", verbosity=0)
        except OperationalError as error:
            raise CommandError(f"The database does not answer: {error}") from error
        url = settings.OBJECTSTORE_PUBLIC_URL or f"http://{shown(host)}:{port}"
        call_command("bootstrap", url=url)
        environment = {
            **os.environ,
            "OBJECTSTORE_HOST": host,
            "OBJECTSTORE_PORT": str(port),
            "PYTHONUNBUFFERED": "1",
        }
        honcho.KILL_WAIT = SECONDS_TO_STOP
        stop_at_hangup()
        manager = Manager(Lines(sys.stdout))
        for name, words in PROCESSES.items():
            command = f"{shlex.quote(sys.executable)} {words}"
            manager.add_process(name, command, env=environment, cwd=settings.HOME)
        manager.run()
        sys.exit(manager.returncode)


class Manager(honcho.Manager):  # type: ignore[misc]
    """Starts processes that end with this one, even where it is killed.

    The first signal asks them to, the next ends them at once.
    """

    def __init__(self, printer: Printer) -> None:
        super().__init__(printer)
        self._process_ctor = Dependent
        self._is_told = False

    def run(self) -> None:
        """Watch over the processes; where that fails, leave none of them behind.

        Nobody would ever stop them, and Python waits for them before it exits.
        """
        try:
            self.loop()
        except BaseException:
            self._kill(self._processes)
            raise

    def _start(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        super()._start()

    def _stop(self, number: int, frame: Any) -> None:
        if not self._all_started():
            # One that has not said who it is cannot be told.
            signal_again = threading.Timer(0.1, os.kill, (os.getpid(), number))
            signal_again.daemon = True
            signal_again.start()
            return
        self.returncode = 128 + number
        if self._is_told:
            self.kill()
            return
        self._is_told = True
        self._system_print(
            f"Stopping: requests under way have {SECONDS_TO_DRAIN} seconds to end, "
            f"jobs {SECONDS_FOR_JOBS}. Ctrl-C again ends all at once.\n"
        )
        self.terminate()

    def terminate(self) -> None:
        if not self._terminating:
            end = threading.Timer(SECONDS_FOR_JOBS, self._end_jobs)
            end.daemon = True
            end.start()
        super().terminate()

    def _end_jobs(self) -> None:
        self._kill(name for name in self._processes if name != "web")

    def _kill(self, names: Iterable[str]) -> None:
        for process in [self._processes[name] for name in names]:
            if "pid" in process and "returncode" not in process:
                self._procmgr.kill(process["pid"])


class Dependent(Process):  # type: ignore[misc]
    """A process that is stopped when nobody is left to stop it.

    What reads its lines lives on where `run` itself is killed (kill -9, no memory).
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._parent = os.getpid()

    def run(self, *arguments: Any, **named: Any) -> None:
        threading.Thread(target=self._stop_when_alone, daemon=True).start()
        super().run(*arguments, **named)

    def _stop_when_alone(self) -> None:
        while self._child is None or os.getppid() == self._parent:
            time.sleep(1)
        # Nobody reads any more what is said of it.
        self._events = None
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, number)
            time.sleep(SECONDS_TO_STOP)


class Lines(Printer):  # type: ignore[misc]
    """What the processes say, as long as somebody reads it.

    A terminal or a pipe that is gone must not keep them from being stopped. Nor must a
    line that the signal to stop interrupts: what is said of that is then left out.
    """

    def write(self, message: Message) -> None:
        with suppress(OSError, RuntimeError):
            super().write(message)


def stop_at_hangup() -> None:
    """Stop with the terminal, unless nohup says otherwise.

    The processes are in sessions of their own: nobody else would tell them.
    """
    if sys.platform == "linux":
        # Those that read what they say must hear the signal as this process does.
        multiprocessing.set_start_method("fork", force=True)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))


def shown(host: str) -> str:
    """Give the address that a person on this machine can try."""
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
