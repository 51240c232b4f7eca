"""The server's own app: what holds for it, and not for projects that it is part of."""

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, reset_queries


class SiteConfig(AppConfig):
    name = "objectstore_site"
    verbose_name = "Object store"

    def ready(self) -> None:
        from objectstore_site.checks import (
            check_archives,
            check_data_folder,
            check_names,
            check_protections,
            check_public_address,
        )

        checks.register(check_names)
        checks.register(check_archives)
        checks.register(check_protections, checks.Tags.security, deploy=True)
        checks.register(check_data_folder, checks.Tags.security, deploy=True)
        checks.register(check_public_address, checks.Tags.security, deploy=True)
        leave_connections_alone()


def leave_connections_alone() -> None:
    """Leave out what Django does for connections that can grow old.

    A SQLite connection is a file and does not: looking after it at each request
    costs 12 us of a GET's 170.
    """
    if connection.vendor == "sqlite" and not settings.DEBUG:
        request_started.disconnect(reset_queries)
        request_started.disconnect(close_old_connections)
        request_finished.disconnect(close_old_connections)
