"""Commands that take away and bring back: rm, restore."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import batched, groupby
from typing import Annotated

import typer

from objectstore.cli.exits import CommandError, Exit, complain
from objectstore.cli.locations import Remote, object_of, remote_of
from objectstore.cli.output import Output, shown
from objectstore.cli.session import (
    AsJson,
    DryRun,
    ObjectPlaces,
    Recursive,
    VersionId,
    client_of,
)
from objectstore.client import Client
from objectstore.results import ListedObject

MOST_AT_ONCE = 1000
Removal = tuple[str, str]
AllVersions = Annotated[
    bool, typer.Option("--all-versions", help="Every version and marker, for good.")
]


def register(application: typer.Typer) -> None:
    for command in (rm, restore):
        application.command()(command)


def rm(
    context: typer.Context,
    places: ObjectPlaces,
    recursive: Recursive = False,
    version_id: VersionId = "",
    all_versions: AllVersions = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Delete objects. In a versioned bucket `restore` brings them back."""
    if version_id and (recursive or all_versions or len(places) > 1):
        raise CommandError("--version-id is of one object", Exit.USAGE)
    output = Output(as_json)
    with client_of(context) as client:
        for place in places:
            remote = remote_of(place).as_folder() if recursive else object_of(place)
            if not remote.key and not (yes or dry_run):
                typer.confirm(f"Delete all that is in {remote.bucket}?", abort=True)
            chosen = removals(client, remote, recursive, version_id, all_versions)
            remove(client, remote.bucket, chosen, output, dry_run)


def removals(
    client: Client,
    remote: Remote,
    recursive: bool,
    version_id: str,
    all_versions: bool,
) -> Iterator[Removal]:
    """Name what is to be deleted: keys, with version ids where they go for good."""
    prefix = remote.key or None
    if all_versions:
        for item in client.iter_versions(remote.bucket, prefix=prefix):
            if recursive or item.key == remote.key:
                yield item.key, item.version_id
    elif recursive:
        for item in client.iter_objects(remote.bucket, prefix=prefix):
            yield item.key, ""
    else:
        yield remote.key, version_id


def remove(
    client: Client,
    bucket: str,
    chosen: Iterable[Removal],
    output: Output,
    dry_run: bool = False,
) -> None:
    """Delete in batches. Raises CommandError when some could not be."""
    failed = 0
    for batch in batched(chosen, MOST_AT_ONCE):
        if dry_run:
            deleted = [{"key": key, "version_id": version} for key, version in batch]
        else:
            outcome = client.delete_objects(bucket, batch)
            deleted = outcome["deleted"]
            failed += len(outcome["errors"])
            for one in outcome["errors"]:
                complain(f"{shown(one['key'])}: {one['code']}: {one['message']}")
        for one in deleted:
            version = one["version_id"]
            tell_removal(output, bucket, one["key"], version or "", dry_run)
    if failed:
        raise CommandError(f"{failed} could not be deleted")


def tell_removal(
    output: Output, bucket: str, key: str, version_id: str, dry_run: bool
) -> None:
    place = str(Remote(bucket, key))
    facts = {"operation": "delete", "target": place, "version_id": version_id}
    would = "would " if dry_run else ""
    output.tell({**facts, "dry_run": dry_run}, f"{would}delete {shown(place)}")


def restore(
    context: typer.Context,
    places: ObjectPlaces,
    recursive: Recursive = False,
    version_id: Annotated[
        str, typer.Option(help="Make this version the newest again.")
    ] = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Bring back what was deleted, or an earlier version."""
    if version_id and (recursive or len(places) > 1):
        raise CommandError("--version-id is of one object", Exit.USAGE)
    output = Output(as_json)
    with client_of(context) as client:
        for place in places:
            if version_id:
                restore_version(client, object_of(place), version_id, output, dry_run)
            else:
                remote = remote_of(place).as_folder() if recursive else object_of(place)
                undelete(client, remote, recursive, output, dry_run)


def restore_version(
    client: Client, remote: Remote, version_id: str, output: Output, dry_run: bool
) -> None:
    if dry_run:
        client.head_object(remote.bucket, remote.key, version_id=version_id)
    else:
        client.copy_object(
            remote.bucket,
            remote.key,
            remote.bucket,
            remote.key,
            source_version_id=version_id,
        )
    tell_restored(output, remote, version_id, dry_run)


def undelete(
    client: Client, remote: Remote, recursive: bool, output: Output, dry_run: bool
) -> None:
    """Take the delete markers off every key that has a version under them."""
    found = False
    items = client.iter_versions(remote.bucket, prefix=remote.key or None)
    for key, history in groupby(items, lambda item: item.key):
        if not recursive and key != remote.key:
            continue
        markers, beneath = covering_markers(history)
        if not markers or not beneath:
            continue
        found = True
        if not dry_run:
            outcome = client.delete_objects(remote.bucket, markers)
            if outcome["errors"]:
                raise CommandError(f"{shown(key)}: {outcome['errors'][0]['message']}")
        tell_restored(output, Remote(remote.bucket, key), beneath, dry_run)
    if not found:
        raise CommandError(f"nothing deleted at {remote}", Exit.NOT_FOUND)


def covering_markers(history: Iterable[ListedObject]) -> tuple[list[Removal], str]:
    """Give the newest markers of a key and the version that lies under them."""
    markers: list[Removal] = []
    for item in history:
        if not item.is_delete_marker:
            return markers, item.version_id
        markers.append((item.key, item.version_id))
    return markers, ""


def tell_restored(
    output: Output, remote: Remote, version_id: str, dry_run: bool
) -> None:
    facts = {"operation": "restore", "target": str(remote), "version_id": version_id}
    would = "would " if dry_run else ""
    output.tell({**facts, "dry_run": dry_run}, f"{would}restore {shown(remote)}")
