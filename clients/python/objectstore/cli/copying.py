"""Commands that copy: cp, mv, sync."""

from __future__ import annotations

from typing import Annotated

import typer

from objectstore.cli.exits import CommandError, Exit
from objectstore.cli.jobs import Job, Manner, Runner
from objectstore.cli.locations import Local, Location, Pipe, Remote, location_of
from objectstore.cli.output import Output
from objectstore.cli.plans import Entry, check_pair, difference, jobs_of
from objectstore.cli.removing import remove
from objectstore.cli.session import (
    AsJson,
    DryRun,
    Recursive,
    client_of,
    names_starting,
)
from objectstore.client import Client
from objectstore.transfers import PART_SIZE

MEBIBYTE = 1024**2

Source = Annotated[str, typer.Argument(metavar="SOURCE", autocompletion=names_starting)]
Target = Annotated[str, typer.Argument(metavar="TARGET", autocompletion=names_starting)]
Parallel = Annotated[
    int, typer.Option("--parallel", "-j", min=1, max=32, help="How many at a time.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
ContentType = Annotated[str, typer.Option(help="Else the name's ending tells.")]
Metadata = Annotated[
    list[str] | None, typer.Option("--metadata", "-m", metavar="NAME=VALUE")
]
StorageClass = Annotated[str, typer.Option(help="standard, cold, archive")]
PartSize = Annotated[int, typer.Option(min=5, max=5120, metavar="MIB")]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Keep the parts of an upload that fails; send only the others."
    ),
]


def register(application: typer.Typer) -> None:
    for command in (cp, mv, sync):
        application.command()(command)


def cp(
    context: typer.Context,
    source: Source,
    target: Target,
    recursive: Recursive = False,
    parallel: Parallel = 4,
    content_type: ContentType = "",
    metadata: Metadata = None,
    storage_class: StorageClass = "",
    part_size: PartSize = PART_SIZE // MEBIBYTE,
    resume: Resume = False,
    quiet: Quiet = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Copy files up, down or within the store; - is standard input or output.

    With --recursive what is in the source folder comes to lie in the target folder. A
    download that broke off is taken up where it ended.
    """
    manner = manner_of(content_type, metadata, storage_class, part_size, resume)
    come, go = location_of(source), location_of(target)
    with client_of(context) as client:
        runner = Runner(
            client, manner, Output(as_json), "copy", parallel, quiet, dry_run
        )
        run(runner, come, go, recursive)


def mv(
    context: typer.Context,
    source: Source,
    target: Target,
    recursive: Recursive = False,
    parallel: Parallel = 4,
    quiet: Quiet = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Copy, and delete each source once its copy is stored."""
    come, go = location_of(source), location_of(target)
    if isinstance(come, Pipe) or isinstance(go, Pipe):
        raise CommandError("a pipe can be copied, not moved", Exit.USAGE)
    with client_of(context) as client:
        runner = Runner(
            client,
            Manner(),
            Output(as_json),
            "move",
            parallel,
            quiet,
            dry_run,
            after=lambda job: delete_source(client, job),
        )
        run(runner, come, go, recursive)


def run(runner: Runner, source: Location, target: Location, recursive: bool) -> None:
    check_pair(source, target, recursive)
    runner.run(jobs_of(runner.client, source, target, recursive))


def delete_source(client: Client, job: Job) -> None:
    if isinstance(job.source, Remote):
        client.delete_object(job.source.bucket, job.source.key)
    elif isinstance(job.source, Local):
        job.source.path.unlink()


def sync(
    context: typer.Context,
    source: Source,
    target: Target,
    delete: Annotated[
        bool,
        typer.Option("--delete", help="Delete from the target what the source lacks."),
    ] = False,
    checksum: Annotated[
        bool, typer.Option("--checksum", help="Compare contents, not times.")
    ] = False,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="As in *.tmp")
    ] = None,
    parallel: Parallel = 4,
    quiet: Quiet = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Copy what is new or has changed from one folder to another."""
    come, go = location_of(source), location_of(target)
    check_pair(come, go, recursive=True)
    output = Output(as_json)
    with client_of(context) as client:
        found = difference(
            client, come, go, excluded=exclude or (), by_checksum=checksum
        )
        Runner(client, Manner(), output, "copy", parallel, quiet, dry_run).run(
            found.jobs
        )
        if delete and found.extra:
            if not found.source_count:
                raise CommandError(f"{come} is empty: nothing is deleted for that")
            delete_extra(client, go, found.extra, output, dry_run)


def delete_extra(
    client: Client,
    target: Location,
    extra: list[Entry],
    output: Output,
    dry_run: bool,
) -> None:
    if isinstance(target, Remote):
        folder = target.as_folder()
        keys = [(folder.child(entry.relative).key, "") for entry in extra]
        remove(client, target.bucket, keys, output, dry_run)
        return
    for entry in extra:
        if entry.path is not None and not dry_run:
            entry.path.unlink()
        would = "would " if dry_run else ""
        facts = {"operation": "delete", "target": str(entry.path), "dry_run": dry_run}
        output.tell(facts, f"{would}delete {entry.path}")


def manner_of(
    content_type: str,
    metadata: list[str] | None,
    storage_class: str,
    part_size: int,
    resume: bool,
) -> Manner:
    pairs = [one.partition("=") for one in metadata or []]
    if not all(name and mark for name, mark, _ in pairs):
        raise CommandError("--metadata is NAME=VALUE", Exit.USAGE)
    return Manner(
        content_type=content_type or None,
        metadata={name: value for name, _, value in pairs},
        storage_class=storage_class or None,
        part_size=part_size * MEBIBYTE,
        resume=resume,
    )
