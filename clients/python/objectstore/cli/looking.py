"""Commands that read: ls, cat, stat, du, versions, presign."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Annotated

import typer

from objectstore.cli.locations import Remote, object_of, remote_of
from objectstore.cli.output import Output, plain, shown, size_text, time_text
from objectstore.cli.session import (
    AsJson,
    ObjectPlace,
    ObjectPlaces,
    Place,
    Recursive,
    VersionId,
    client_of,
)
from objectstore.cli.spans import seconds_of
from objectstore.client import Client
from objectstore.results import ListedObject


def register(application: typer.Typer) -> None:
    for command in (ls, cat, stat, du, versions, presign):
        application.command()(command)


def ls(
    context: typer.Context,
    place: Place = "",
    recursive: Recursive = False,
    as_json: AsJson = False,
) -> None:
    """List buckets, or a bucket's folders and objects."""
    output = Output(as_json)
    with client_of(context) as client:
        if not place:
            list_buckets(client, output)
            return
        remote = remote_of(place)
        delimiter = None if recursive else "/"
        pages = client.iter_pages(
            remote.bucket, prefix=remote.key or None, delimiter=delimiter
        )
        for page in pages:
            for prefix in page.common_prefixes:
                output.tell({"prefix": prefix}, f"{'':19}  {'':>10}  {shown(prefix)}")
            for item in page.contents:
                output.tell(object_facts(item), object_line(item))


def list_buckets(client: Client, output: Output) -> None:
    for bucket in client.iter_buckets():
        facts = {
            "name": bucket.name,
            "region": bucket.region,
            "created_at": bucket.created_at,
            "storage_class": bucket.storage_class,
        }
        output.tell(facts, f"{time_text(bucket.created_at)}  {bucket.name}")


def object_facts(item: ListedObject) -> dict[str, object]:
    named = ("key", "size", "etag", "last_modified", "storage_class")
    return {name: item[name] for name in named}


def object_line(item: ListedObject) -> str:
    modified = time_text(item.last_modified)
    return f"{modified}  {size_text(item.size):>10}  {shown(item.key)}"


def cat(
    context: typer.Context,
    places: ObjectPlaces,
    version_id: VersionId = "",
    byte_range: Annotated[
        str, typer.Option("--range", help="START-END, as in 0-1023 or 1024-.")
    ] = "",
) -> None:
    """Write objects to standard output."""
    with client_of(context) as client:
        for remote in map(object_of, places):
            download = client.get_object(
                remote.bucket,
                remote.key,
                version_id=version_id or None,
                byte_range=f"bytes={byte_range}" if byte_range else None,
            )
            for chunk in download.body.iter_bytes():
                sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


def stat(
    context: typer.Context,
    place: Place,
    version_id: VersionId = "",
    as_json: AsJson = False,
) -> None:
    """Tell what is known of an object, or of a bucket: its counts are exact."""
    remote = remote_of(place)
    with client_of(context) as client:
        if remote.key:
            head = client.head_object(
                remote.bucket, remote.key, version_id=version_id or None
            )
            named = {"bucket": remote.bucket, "key": remote.key, **plain(head)}
        else:
            named = plain(client.get_bucket(remote.bucket))
    Output(as_json).describe({k: v for k, v in named.items() if k != "headers"})


def du(
    context: typer.Context,
    place: Place,
    summary: Annotated[
        bool, typer.Option("--summary", "-s", help="The total alone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add up the sizes of objects, by the folders directly under the place."""
    remote = remote_of(place).as_folder()
    output = Output(as_json)
    with client_of(context) as client:
        sizes, counts = sizes_by_folder(client, remote, summary)
    if not summary:
        for folder in sorted(folder for folder in sizes if folder):
            tell_usage(output, remote.key + folder, sizes[folder], counts[folder])
    tell_usage(output, remote.key, sizes.total(), counts.total())


def sizes_by_folder(
    client: Client, remote: Remote, summary: bool
) -> tuple[Counter[str], Counter[str]]:
    if summary and not remote.key:
        bucket = client.get_bucket(remote.bucket)
        size, count = bucket.total_size or 0, bucket.object_count or 0
        return Counter({"": size}), Counter({"": count})
    sizes: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for item in client.iter_objects(remote.bucket, prefix=remote.key or None):
        name, slash, _ = item.key.removeprefix(remote.key).partition("/")
        folder = name + slash if slash else ""
        sizes[folder] += item.size
        counts[folder] += 1
    return sizes, counts


def tell_usage(output: Output, prefix: str, size: int, count: int) -> None:
    facts = {"prefix": prefix, "size": size, "object_count": count}
    output.tell(facts, f"{size_text(size):>10}  {count:>8}  {shown(prefix or '/')}")


def versions(context: typer.Context, place: Place, as_json: AsJson = False) -> None:
    """List versions and delete markers, newest first under each key."""
    remote = remote_of(place)
    output = Output(as_json)
    with client_of(context) as client:
        for item in client.iter_versions(remote.bucket, prefix=remote.key or None):
            facts = {
                **object_facts(item),
                "version_id": item.version_id,
                "is_latest": item.is_latest,
                "is_delete_marker": item.is_delete_marker,
            }
            size = "deleted" if item.is_delete_marker else size_text(item.size)
            mark = "*" if item.is_latest else " "
            output.tell(
                facts,
                f"{time_text(item.last_modified)}  {size:>10}  {item.version_id} "
                f"{mark} {shown(item.key)}",
            )


def presign(
    context: typer.Context,
    place: ObjectPlace,
    method: Annotated[str, typer.Option(help="GET, PUT or DELETE.")] = "GET",
    expires: Annotated[
        str, typer.Option(help="Until when: seconds, or 15m, 12h, 7d.")
    ] = "1h",
    as_json: AsJson = False,
) -> None:
    """Make a URL that needs no key and does one thing for a while."""
    remote = object_of(place)
    with client_of(context) as client:
        signed = client.signed_url(
            remote.bucket,
            remote.key,
            method=method.upper(),
            expires_in=seconds_of(expires),
        )
    Output(as_json).tell(plain(signed), signed.url)
