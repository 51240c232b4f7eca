"""The s3 dialect app."""

from django.apps import AppConfig


class S3ApiConfig(AppConfig):
    name = "s3api"
    verbose_name = "S3 dialect"
