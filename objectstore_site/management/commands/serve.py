"""Serve with Granian, the production web server."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections
from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LOGGING_CONFIG

from iam.queries import check_sealing_keys
from objectstore_site.stopping import SECONDS_TO_DRAIN

logger = logging.getLogger("granian")

SEALED = (
    "All nodes must have the same. Where they are lost for good, what they sealed is "
    "too: make a key that these open with manage.py create_key, and start again."
)


class Server(Granian):  # type: ignore[misc]
    """Ends once requests under way have, and at once where it is told to again."""

    def signal_handler_interrupt(self, *arguments: Any, **named: Any) -> None:
        if self.interrupt_signal:
            for worker in self.wrks:
                worker.kill()
        super().signal_handler_interrupt(*arguments, **named)

    def _stop_workers(self) -> None:
        news = threading.Timer(1, self._say_what_is_waited_for)
        news.daemon = True
        news.start()
        super()._stop_workers()
        news.cancel()

    def _say_what_is_waited_for(self) -> None:
        logger.info(
            "Requests under way have %s seconds to end; Ctrl-C again cuts them off",
            SECONDS_TO_DRAIN,
        )


class Command(BaseCommand):
    help = "Serve every dialect and the console on one port."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--host", default=settings.SERVER_HOST)
        parser.add_argument("--port", type=int, default=settings.SERVER_PORT)
        parser.add_argument("--workers", type=int, default=settings.SERVER_WORKERS)

    def handle(
        self, *arguments: Any, host: str, port: int, workers: int, **options: Any
    ) -> None:
        self.check(fail_level=40)
        check_is_free(host, port)
        check_secrets()
        check_certificate()
        prefer_throughput()
        Server(
            "objectstore_site.wsgi:application",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            workers=workers,
            blocking_threads=settings.SERVER_THREADS,
            respawn_failed_workers=True,
            workers_kill_timeout=SECONDS_TO_DRAIN,
            http1_settings=HTTP1Settings(header_read_timeout=30_000),
            websockets=False,
            ssl_cert=path_of(settings.TLS_CERTIFICATE),
            ssl_key=path_of(settings.TLS_KEY),
            log_access=False,
            log_dictconfig=server_logs(),
        ).serve()


def check_is_free(host: str, port: int) -> None:
    """Refuse a port that another server listens on.

    The kernel would share its connections out among both.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]
        raise CommandError(
            f"{host}:{port} cannot be listened on: {reason}. Stop what does, or choose"
            " another with OBJECTSTORE_PORT or --port."
        ) from error


def prefer_throughput() -> None:
    """Let a thread that is woken wait for the one that wakes it.

    Of the threads of a process one at a time runs Python: where each that is woken
    pushes the other aside, they do little but hand over. With 16 connections on two
    cores this makes 30 % more GETs, and 9 % more PUTs.
    """
    if hasattr(os, "sched_setscheduler"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def check_secrets() -> None:
    """Refuse to serve with other sealing keys than the rest of the cluster.

    A database that is away now is waited for by the requests.
    """
    try:
        check_sealing_keys()
    except DatabaseError:
        return
    except ImproperlyConfigured as error:
        raise CommandError(f"{error}. {SEALED}") from error
    finally:
        connections.close_all()


def check_certificate() -> None:
    """Refuse a certificate that cannot be read, or a key that is not its own."""
    if not settings.TLS_CERTIFICATE:
        return
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.TLS_CERTIFICATE, settings.TLS_KEY)
    except OSError as error:
        raise CommandError(
            "OBJECTSTORE_TLS_CERTIFICATE and OBJECTSTORE_TLS_KEY cannot be used: "
            f"{error.strerror}. Give a file of each in PEM that the server's user may "
            "read."
        ) from error


def server_logs() -> dict[str, Any]:
    """Let the server's own lines be of the same form as ours, and news."""
    console = {**LOGGING_CONFIG["handlers"]["console"], "filters": ["news"]}
    news = {
        "filters": {"news": {"()": "objectstore_site.logs.News"}},
        "handlers": {**LOGGING_CONFIG["handlers"], "console": console},
    }
    if settings.LOG_FORMAT == "text":
        return news
    ours = {"()": "observability.logs.JsonLines"}
    return news | {"formatters": {**LOGGING_CONFIG["formatters"], "generic": ours}}


def path_of(text: str) -> Path | None:
    return Path(text) if text else None
