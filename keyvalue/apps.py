"""The key-value dialects app."""

from django.apps import AppConfig


class KeyValueConfig(AppConfig):
    name = "keyvalue"
    verbose_name = "Key-value dialects"
