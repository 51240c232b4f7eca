"""The s3 dialect app."""

from importlib import import_module

from django.apps import AppConfig


class S3ApiConfig(AppConfig):
    name = "s3api"
    verbose_name = "S3 dialect"

    def ready(self) -> None:
        # Registers how this dialect and the query API write errors.
        import_module("s3api.errors")
        import_module("s3api.query.answers")
