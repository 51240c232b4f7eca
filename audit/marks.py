"""The newest seal that this machine has made, kept beside the database.

Who can change rows there could remove seals and let the server seal what was changed;
that one is gone shows here.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from audit.models import AuditSeal

NAME = "audit.seal"


@dataclass(frozen=True, slots=True)
class Mark:
    """What is kept of a seal."""

    first_id: int
    last_id: int
    digest: str
    ended_at: str

    @property
    def is_kept(self) -> bool:
        """Tell whether the database still has the seal."""
        seals = AuditSeal.objects.filter(last_id=self.last_id, digest=self.digest)
        return seals.exists()

    def is_older_than(self, moment: datetime) -> bool:
        return datetime.fromisoformat(self.ended_at) < moment


def place() -> Path:
    return Path(settings.DATA_DIR) / NAME


def read() -> Mark | None:
    """Give what was kept; None where nothing was, or nothing can be read."""
    try:
        return Mark(**json.loads(place().read_text()))
    except (OSError, ValueError, TypeError):
        return None


def keep(seal: AuditSeal) -> None:
    """Keep a seal in the place of the one before it."""
    mark = Mark(seal.first_id, seal.last_id, seal.digest, seal.ended_at.isoformat())
    new = place().with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(asdict(mark)))
    new.replace(place())
