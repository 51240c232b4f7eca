"""What orchestrators ask: is the process alive, and can it do its work?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Answer 200 as long as the process answers at all."""
    return JsonResponse({"status": "live"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 when database and storages work, else 503 with what does not."""
    checks: dict[str, Callable[[], None]] = {
        "database": check_database,
        "storage": check_storages,
    }
    failures = {}
    for name, check in checks.items():
        try:
            check()
        except Exception as error:
            failures[name] = type(error).__name__
    status = "ready" if not failures else "not ready"
    return JsonResponse(
        {"status": status, "failures": failures}, status=503 if failures else 200
    )


def check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM iam_account LIMIT 1")
        cursor.fetchone()


def check_storages() -> None:
    """Write where blobs are written; a full or read-only disk is not ready."""
    storage = storages[settings.OBJECTSTORE_DEFAULT_STORAGE_CLASS]
    if isinstance(storage, FileSystemStorage):
        folder = Path(storage.location)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"ready")
            file.flush()
