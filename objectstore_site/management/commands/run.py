"""Run all of the store on this machine: web server, worker and schedule."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from honcho import manager as honcho

from objectstore_site.management.commands.serve import check_is_free

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
# A worker takes up to 5 to look up from its queue.
SECONDS_TO_STOP = 10


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
        manager = honcho.Manager()
        for name, words in PROCESSES.items():
            command = f"{shlex.quote(sys.executable)} {words}"
            manager.add_process(name, command, env=environment, cwd=settings.HOME)
        manager.loop()
        sys.exit(manager.returncode)


def shown(host: str) -> str:
    """Give the address that a person on this machine can try."""
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
