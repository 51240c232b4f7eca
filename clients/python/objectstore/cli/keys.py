"""`objectstore key ...`: bearer keys and S3 key pairs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from objectstore.cli.output import Output, plain, shown, time_text
from objectstore.cli.session import NOTHING_TO_COMPLETE, AsJson, client_of, completing
from objectstore.cli.spans import seconds_of
from objectstore.client import Client
from objectstore.results import Key

application = typer.Typer(help="The keys of users: create, list, disable, remove.")
User = Annotated[
    str, typer.Option("--user", "-u", metavar="NAME", help="A user's, not one's own.")
]


def ids_starting(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the id of a key; a store that does not answer completes nothing."""
    try:
        with completing(context) as client:
            ids = [key.key_id for key in client.list_keys()]
    except NOTHING_TO_COMPLETE:
        return []
    return [one for one in ids if one.startswith(incomplete)]


KeyId = Annotated[str, typer.Argument(metavar="KEY_ID", autocompletion=ids_starting)]


@application.command("ls")
def list_keys(context: typer.Context, user: User = "", as_json: AsJson = False) -> None:
    """List keys, without their secrets."""
    output = Output(as_json)
    with client_of(context) as client:
        for key in client.list_keys(user_name=user or None):
            output.tell(plain(key), line_of(key))


def line_of(key: Key) -> str:
    ends = f"until {time_text(key.expires_at)}" if key.expires_at else ""
    words = (key.key_id, key.kind, key.status, key.user_name, key.name, ends)
    return "  ".join(shown(word) for word in words if word)


@application.command()
def create(
    context: typer.Context,
    user: User = "",
    s3: Annotated[
        bool, typer.Option("--s3", help="An S3 key pair, not a bearer key.")
    ] = False,
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    expires: Annotated[
        str, typer.Option(help="After when it ends: 12h, 90d; if not given, never.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Create a key. Its secret is shown this once."""
    ends = timedelta(seconds=seconds_of(expires)) if expires else None
    with client_of(context) as client:
        made = client.create_key(
            kind="s3" if s3 else "api",
            user_name=user,
            name=name,
            expires_at=datetime.now(UTC) + ends if ends else None,
        )
    line = f"{made.key_id}  {made.secret}" if s3 else made.secret
    Output(as_json).tell(plain(made), line)


@application.command()
def disable(context: typer.Context, key_id: KeyId, as_json: AsJson = False) -> None:
    """Let a key be used no more; it can be turned back."""
    with client_of(context) as client:
        tell_status(client, key_id, "disable", as_json)


@application.command()
def enable(context: typer.Context, key_id: KeyId, as_json: AsJson = False) -> None:
    """Let a key be used again."""
    with client_of(context) as client:
        tell_status(client, key_id, "enable", as_json)


def tell_status(client: Client, key_id: str, verb: str, as_json: bool) -> None:
    key = client.update_key(key_id, status="active" if verb == "enable" else "inactive")
    facts = {"operation": verb, "target": key.key_id, "status": key.status}
    Output(as_json).tell(facts, f"{verb} {key.key_id}")


@application.command()
def rm(context: typer.Context, key_id: KeyId, as_json: AsJson = False) -> None:
    """Remove a key for good."""
    with client_of(context) as client:
        client.delete_key(key_id)
    Output(as_json).tell({"operation": "remove", "target": key_id}, f"remove {key_id}")
