"""The WSGI application that Granian serves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler

from kernel.http.requests import RECEIVED_PATH

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "objectstore_site.settings")


class Application(WSGIHandler):
    """Django's handler, which keeps the path as it arrived beside Django's reading."""

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        environ[RECEIVED_PATH] = environ.get("PATH_INFO", "")
        return super().__call__(environ, start_response)


django.setup(set_prefix=False)
application = Application()
