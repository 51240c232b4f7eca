"""The blobs app."""

from django.apps import AppConfig
from django.core import checks


class BlobsConfig(AppConfig):
    name = "blobs"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Blobs"

    def ready(self) -> None:
        from blobs.checks import check_room, check_storage_classes, check_storages

        checks.register(check_storage_classes)
        checks.register(check_storages)
        checks.register(check_room)
