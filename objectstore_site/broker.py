"""The broker of the embedded default: messages are files, there whole or not at all.

Kombu's own writes them in place: one that a full disk or a crash cut short ends each
worker that comes to read it.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps

logger = logging.getLogger("objectstore.broker")


class Channel(filesystem.Channel):  # type: ignore[misc]
    """Messages in a folder; their names say in which order they came."""

    def _put(self, queue: str, payload: Any, **_: Any) -> None:
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        path = Path(self.data_folder_out, name)
        # No queue's messages end like this, so that nobody reads it before its time.
        draft = path.with_name(f"{name}.draft")
        try:
            draft.write_bytes(dumps(payload).encode())
            os.replace(draft, path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            raise ChannelError(f"cannot add {path}: {error.strerror}") from error

    def _get(self, queue: str) -> Any:
        """Give the oldest message; pass over what is none."""
        while True:
            try:
                return super()._get(queue)
            except ValueError:
                logger.error("a message could not be read: the schedule sends another")


class Transport(filesystem.Transport):  # type: ignore[misc]
    Channel = Channel
