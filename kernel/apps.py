"""The ground floor's app."""

from django.apps import AppConfig
from django.core import checks


class KernelConfig(AppConfig):
    name = "kernel"
    verbose_name = "Ground floor"

    def ready(self) -> None:
        from kernel.database.checks import check_byte_order

        checks.register(check_byte_order, checks.Tags.database)
