"""`objectstore share ...`: links to objects and folders, for people without a key."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from objectstore.cli.locations import object_of, remote_of
from objectstore.cli.output import Output, plain, shown, time_text
from objectstore.cli.session import (
    NOTHING_TO_COMPLETE,
    AsJson,
    ObjectPlace,
    VersionId,
    client_of,
    completing,
    names_starting,
)
from objectstore.cli.spans import seconds_of
from objectstore.results import Share

MEBIBYTE = 1024 * 1024
MOST_UPLOADS = 100
application = typer.Typer(help="Share links: create, list, revoke.")
Bucket = Annotated[
    str,
    typer.Argument(metavar="BUCKET", autocompletion=names_starting, show_default=False),
]


def ids_starting(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the id of a link; a store that does not answer completes nothing."""
    try:
        with completing(context) as client:
            ids = [str(one.id) for one in client.list_shares()]
    except NOTHING_TO_COMPLETE:
        return []
    return [one for one in ids if one.startswith(incomplete)]


@application.command()
def create(
    context: typer.Context,
    place: ObjectPlace,
    expires: Annotated[
        str, typer.Option(help="Until when: seconds, or 15m, 12h, 7d.")
    ] = "7d",
    folder: Annotated[
        bool, typer.Option("--folder", help="All that is under the folder.")
    ] = False,
    most: Annotated[
        int | None,
        typer.Option(metavar="N", help="Downloads at most, else any; or uploads, 100."),
    ] = None,
    uploads: Annotated[
        bool,
        typer.Option("--uploads", help="Let people put files into the folder instead."),
    ] = False,
    largest: Annotated[
        int, typer.Option(metavar="MIB", min=1, help="Largest upload, in MiB.")
    ] = 1024,
    password: Annotated[
        bool,
        typer.Option("--password", help="Ask for one, or read it from the pipe."),
    ] = False,
    version_id: VersionId = "",
    as_json: AsJson = False,
) -> None:
    """Make a link that leads to an object or a folder, or takes files into one."""
    is_folder = folder or uploads
    remote = remote_of(place).as_folder() if is_folder else object_of(place)
    ends = timedelta(seconds=seconds_of(expires))
    secret = asked_password() if password else ""
    with client_of(context) as client:
        made = client.create_share(
            remote.bucket,
            remote.key,
            expires_at=datetime.now(UTC) + ends,
            is_folder=is_folder,
            version_id=version_id,
            takes_uploads=uploads,
            most_downloads=MOST_UPLOADS if uploads and most is None else most,
            most_size=largest * MEBIBYTE if uploads else None,
            password=secret,
        )
    Output(as_json).tell(plain(made), made.url)


def asked_password() -> str:
    """Ask for a password; as an option it would be seen among the processes."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


@application.command("ls")
def list_shares(
    context: typer.Context, bucket: Bucket = "", as_json: AsJson = False
) -> None:
    """List links with their ids and how often they were used, ended ones too."""
    output = Output(as_json)
    name = remote_of(bucket).bucket if bucket else None
    now = datetime.now(UTC)
    with client_of(context) as client:
        for share in client.list_shares(bucket=name):
            output.tell(plain(share), line_of(share, now))


def line_of(share: Share, now: datetime) -> str:
    most = "" if share.most_downloads is None else f" of {share.most_downloads}"
    words = (
        str(share.id),
        f"{share.bucket_name}/{share.key}",
        state_of(share, now),
        f"{share.download_count}{most} {'up' if share.takes_uploads else 'down'}loads",
        "with a password" if share.has_password else "",
        share.created_by,
    )
    return "  ".join(shown(word) for word in words if word)


def state_of(share: Share, now: datetime) -> str:
    if share.revoked_at:
        return "revoked"
    if share.expires_at <= now:
        return "expired"
    if share.most_downloads and share.download_count >= share.most_downloads:
        return "used up"
    return f"until {time_text(share.expires_at)}"


@application.command()
def revoke(
    context: typer.Context,
    share_id: Annotated[
        int, typer.Argument(metavar="ID", autocompletion=ids_starting, min=1)
    ],
    as_json: AsJson = False,
) -> None:
    """End a link now."""
    with client_of(context) as client:
        client.revoke_share(share_id)
    facts = {"operation": "revoke", "target": share_id}
    Output(as_json).tell(facts, f"revoke {share_id}")
