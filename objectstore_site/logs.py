"""Where errors are kept beside the console, and what is no news to it."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from logging.handlers import WatchedFileHandler


class ErrorLog(WatchedFileHandler):
    """A file that log rotation may move; where it cannot be written, work goes on.

    The standard handler opens its file outside of its own error handling, so a full
    disk would fail the request that had something to log.
    """

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Say in a line what was lost: the standard one prints two tracebacks."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        text = f"{self.baseFilename} cannot be written ({error.strerror})"
        with suppress(OSError):
            print(f"{text}: {record.getMessage()}", file=sys.stderr)


class News(logging.Filter):
    """Leaves out the server's warning of our number of threads, which is meant."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "Python threads" not in record.getMessage()
