"""The command line `objectstore`, which needs the package's extra `cli`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; what it needs more than the client does is an extra."""
    try:
        from objectstore.cli.application import run
    except ModuleNotFoundError as error:
        if error.name not in {"typer", "rich"}:
            raise
        sys.exit("The command line needs more: pip install typer rich")
    run()
