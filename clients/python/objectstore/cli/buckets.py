"""`objectstore bucket ...`: create, remove, and the documents of a bucket."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from objectstore.cli.exits import CommandError, Exit
from objectstore.cli.locations import Remote, document_in, remote_of
from objectstore.cli.output import Output, plain, shown, time_text
from objectstore.cli.removing import removals, remove
from objectstore.cli.session import AsJson, Source, client_of, names_starting
from objectstore.client import Client

application = typer.Typer(help="Create and remove buckets; read and set what they do.")
Name = Annotated[str, typer.Argument(metavar="BUCKET", autocompletion=names_starting)]


class Document(StrEnum):
    """The documents of a bucket, in the words of the API reference."""

    LIFECYCLE = "lifecycle"
    CORS = "cors"
    TAGS = "tags"
    POLICY = "policy"
    VERSIONING = "versioning"
    PUBLIC_ACCESS_BLOCK = "public-access-block"


class Switch(StrEnum):
    ON = "on"
    OFF = "off"


def bucket_of(text: str) -> str:
    remote = remote_of(text)
    if remote.key:
        raise CommandError(f"{text!r} is no bucket", Exit.USAGE)
    return remote.bucket


@application.command()
def create(
    context: typer.Context,
    name: Name,
    region: Annotated[str, typer.Option()] = "",
    storage_class: Annotated[str, typer.Option()] = "",
    versioning: Annotated[
        bool, typer.Option("--versioning", help="Keep every version.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Create a bucket."""
    with client_of(context) as client:
        bucket = client.create_bucket(
            bucket_of(name),
            region=region or None,
            storage_class=storage_class or None,
            versioning=versioning or None,
        )
    facts = {"operation": "create", "target": f"os://{bucket.name}"}
    Output(as_json).tell(facts, f"create os://{bucket.name}")


@application.command()
def rm(
    context: typer.Context,
    name: Name,
    force: Annotated[
        bool, typer.Option("--force", help="With all it holds: versions and uploads.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a bucket, which must be empty."""
    bucket = bucket_of(name)
    output = Output(as_json)
    with client_of(context) as client:
        if force:
            if not yes:
                typer.confirm(f"Delete {bucket} and all that is in it?", abort=True)
            empty(client, bucket, output)
        client.delete_bucket(bucket)
    facts = {"operation": "remove", "target": f"os://{bucket}"}
    output.tell(facts, f"remove os://{bucket}")


def empty(client: Client, bucket: str, output: Output) -> None:
    chosen = removals(client, Remote(bucket), True, "", all_versions=True)
    remove(client, bucket, chosen, output)
    for upload in list(client.iter_multipart_uploads(bucket)):
        client.abort_multipart_upload(bucket, upload.object_key, upload.upload_id)


@application.command("get")
def get_document(context: typer.Context, name: Name, document: Document) -> None:
    """Write one of a bucket's documents as JSON."""
    with client_of(context) as client:
        found = client.get_bucket_configuration(bucket_of(name), document.value)
    print(json.dumps(found, indent=2, ensure_ascii=False))


@application.command("set")
def set_document(
    context: typer.Context,
    name: Name,
    document: Document,
    source: Source,
) -> None:
    """Set one of a bucket's documents to the JSON of a file."""
    written = document_in(source)
    with client_of(context) as client:
        client.put_bucket_configuration(bucket_of(name), document.value, written)


@application.command("unset")
def unset_document(context: typer.Context, name: Name, document: Document) -> None:
    """Remove one of a bucket's documents."""
    with client_of(context) as client:
        client.delete_bucket_configuration(bucket_of(name), document.value)


@application.command()
def versioning(context: typer.Context, name: Name, switch: Switch) -> None:
    """Keep every version from now on, or no more."""
    with client_of(context) as client:
        client.put_bucket_configuration(
            bucket_of(name), "versioning", {"enabled": switch is Switch.ON}
        )


@application.command()
def uploads(
    context: typer.Context,
    name: Name,
    abort: Annotated[
        bool, typer.Option("--abort", help="Give them up, with their parts.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the uploads that are not finished."""
    bucket = bucket_of(name)
    with client_of(context) as client:
        for upload in list(client.iter_multipart_uploads(bucket)):
            if abort:
                client.abort_multipart_upload(
                    bucket, upload.object_key, upload.upload_id
                )
            began = time_text(upload.initiated_at) if upload.initiated_at else ""
            line = f"{began}  {upload.upload_id}  {shown(upload.object_key)}"
            Output(as_json).tell({**plain(upload), "aborted": abort}, line)
