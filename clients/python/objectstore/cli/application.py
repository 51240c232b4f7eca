"""The commands, put together."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from objectstore.cli import (
    buckets,
    configuring,
    copying,
    keys,
    lifecycle,
    looking,
    policies,
    removing,
    shares,
)
from objectstore.cli.exits import CommandError, Exit, fail
from objectstore.cli.session import Session
from objectstore.errors import ObjectStoreError

application = typer.Typer(
    name="objectstore",
    help="Buckets and objects of an object store. os://bucket/key names an object.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog=(
        "Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 not allowed, "
        "5 conflict or condition, 6 the store cannot be reached or is overloaded, "
        "130 interrupted."
    ),
)


def show_version(is_wanted: bool) -> None:
    if is_wanted:
        print(version("objectstore"))
        raise typer.Exit


@application.callback()
def options(
    context: typer.Context,
    profile: Annotated[
        str, typer.Option(envvar="OBJECTSTORE_PROFILE", help="Whose store and key.")
    ] = "",
    endpoint: Annotated[
        str, typer.Option(envvar="OBJECTSTORE_ENDPOINT", help="https://host/v1")
    ] = "",
    api_key: Annotated[
        str,
        typer.Option(
            envvar="OBJECTSTORE_API_KEY",
            help="Seen among the processes; in the variable it is not.",
        ),
    ] = "",
    _version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True)
    ] = False,
) -> None:
    """Keep the options for the command."""
    context.obj = Session(profile, endpoint, api_key)


for group in (configuring, looking, copying, removing):
    group.register(application)
application.add_typer(buckets.application, name="bucket")
application.add_typer(keys.application, name="key")
application.add_typer(policies.application, name="policy")
application.add_typer(shares.application, name="share")
application.add_typer(lifecycle.application, name="lifecycle")
application.add_typer(configuring.profile_application, name="profile")


def run() -> None:
    """Run a command; say what went wrong, and end with its exit code."""
    try:
        application(prog_name="objectstore")
    except BrokenPipeError:
        # The reader has what it wanted. Nothing more may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.FAILED)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except (ObjectStoreError, CommandError, OSError, ValueError) as error:
        fail(error)
