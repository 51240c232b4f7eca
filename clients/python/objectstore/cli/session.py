"""What every command needs: the options before it, and the client they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from objectstore.cli import profiles
from objectstore.cli.exits import CommandError
from objectstore.cli.locations import SCHEME
from objectstore.client import Client
from objectstore.errors import ObjectStoreError


@dataclass(frozen=True, slots=True)
class Session:
    """The options that stand before the command."""

    profile: str = ""
    endpoint: str = ""
    api_key: str = ""

    def client(self) -> Client:
        """Connect to the chosen store."""
        profile = profiles.chosen(self.profile, self.endpoint, self.api_key)
        return Client(api_key=profile.api_key, endpoint=profile.endpoint)


def client_of(context: typer.Context) -> Client:
    session: Session = context.obj
    return session.client()


def completing(context: typer.Context) -> Client:
    """Connect while a command line is completed, before any command has begun."""
    options = context.find_root().params
    named = ("profile", "endpoint", "api_key")
    return Session(*(options.get(name) or "" for name in named)).client()


# What may go wrong while completing: then nothing is completed.
NOTHING_TO_COMPLETE = (ObjectStoreError, CommandError, OSError, ValueError)


def names_starting(context: typer.Context, incomplete: str) -> list[str]:
    """Complete a bucket or key; a store that does not answer completes nothing."""
    scheme = SCHEME if incomplete.startswith(SCHEME) else ""
    bucket, slash, prefix = incomplete.removeprefix(SCHEME).partition("/")
    try:
        with completing(context) as client:
            if not slash:
                names = [one.name for one in client.iter_buckets()]
                return [f"{scheme}{one}/" for one in names if one.startswith(bucket)]
            page = client.list_objects(bucket, prefix=prefix, delimiter="/", limit=100)
    except NOTHING_TO_COMPLETE:
        return []
    found = [*page.common_prefixes, *(one.key for one in page.contents)]
    return [f"{scheme}{bucket}/{one}" for one in found]


AsJson = Annotated[
    bool, typer.Option("--json", help="Write one JSON object a line, for scripts.")
]
Recursive = Annotated[
    bool, typer.Option("--recursive", "-r", help="All that is under the folder.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", "-n", help="Say what would be done, and stop.")
]
Source = Annotated[str, typer.Argument(metavar="FILE|-", help="JSON; - is the pipe.")]
VersionId = Annotated[str, typer.Option(help="One version, not the newest.")]
Place = Annotated[
    str,
    typer.Argument(
        metavar="os://BUCKET[/PREFIX]",
        autocompletion=names_starting,
        show_default=False,
    ),
]
ObjectPlace = Annotated[
    str, typer.Argument(metavar="os://BUCKET/KEY", autocompletion=names_starting)
]
ObjectPlaces = Annotated[
    list[str],
    typer.Argument(metavar="os://BUCKET/KEY...", autocompletion=names_starting),
]
