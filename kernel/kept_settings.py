"""Django's settings as plain attributes, for hot paths.

A small request reads a dozen settings, and Django's lazy object takes 0.4 us for each.
What tests override is read again.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings as django_settings
from django.core.signals import setting_changed


class KeptSettings:
    """Reads a setting once."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(django_settings, name)
        self.__dict__[name] = value
        return value

    def forget(self, **_: Any) -> None:
        self.__dict__.clear()


settings = KeptSettings()
setting_changed.connect(settings.forget)
