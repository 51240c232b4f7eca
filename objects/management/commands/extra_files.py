"""List, or delete, files that no row of the database names."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from blobs.extras import extra_files


class Command(BaseCommand):
    help = (
        "List the files of local storage classes that no row names: what is newer than "
        "a database that was put back from a backup."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--delete",
            action="store_true",
            help="delete them; only where no other database has files in these folders",
        )

    def handle(self, *arguments: Any, delete: bool, **options: Any) -> None:
        grace = timedelta(seconds=settings.OBJECTSTORE_PENDING_GRACE_SECONDS)
        for name in settings.OBJECTSTORE_STORAGE_CLASSES:
            found = extra_files(name, timezone.now() - grace)
            if found is None:
                self.stdout.write(f"{name}: not on a local disk")
                continue
            for one in found:
                self.stdout.write(f"  {one.path}")
                if delete:
                    one.path.unlink(missing_ok=True)
            size = sum(one.size for one in found)
            done = "deleted" if delete else "found"
            self.stdout.write(f"{name}: {len(found)} extra files {done}, {size} bytes")
