"""Exit codes that scripts can act on, and what is said with them."""

from __future__ import annotations

import sys
from enum import IntEnum
from typing import NoReturn

from objectstore import errors


class Exit(IntEnum):
    """What the command's end means; 2 is the command line's own."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    DENIED = 4
    CONFLICT = 5
    UNAVAILABLE = 6
    INTERRUPTED = 130


BY_ERROR: dict[type[errors.ObjectStoreError], Exit] = {
    errors.NotFound: Exit.NOT_FOUND,
    errors.AuthenticationFailed: Exit.DENIED,
    errors.AccessDenied: Exit.DENIED,
    errors.Conflict: Exit.CONFLICT,
    errors.PreconditionFailed: Exit.CONFLICT,
    errors.NotModified: Exit.CONFLICT,
    errors.TooManyRequests: Exit.UNAVAILABLE,
    errors.ServerError: Exit.UNAVAILABLE,
    errors.TransportError: Exit.UNAVAILABLE,
}


class CommandError(Exception):
    """A command that cannot be done, in words for the person who gave it."""

    def __init__(self, message: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.code = code


def exit_of(error: Exception) -> Exit:
    """Give the exit code of a failure."""
    if isinstance(error, CommandError):
        return error.code
    for kind, code in BY_ERROR.items():
        if isinstance(error, kind):
            return code
    return Exit.NOT_FOUND if isinstance(error, FileNotFoundError) else Exit.FAILED


def complain(message: object) -> None:
    print(f"error: {message}", file=sys.stderr)


def fail(error: Exception) -> NoReturn:
    """End with the failure's words and exit code."""
    complain(error)
    sys.exit(exit_of(error))
