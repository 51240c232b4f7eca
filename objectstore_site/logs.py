"""Where errors are kept beside the console, and what is no news to it."""

from __future__ import annotations

import logging
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


class News(logging.Filter):
    """Leaves out the server's warning of our number of threads, which is meant."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "Python threads" not in record.getMessage()
