"""Stores of earlier releases, as scripts/keep_release.py kept them; what they tell."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.servers import LiveStore

FOLDER = Path(__file__).parent / "upgrade"
DATABASE = "objectstore.sqlite3"
CUSTOMER_KEY = "k" * 32
SEALED_BY_CUSTOMER = "sealed-by-customer"
CONFIGURATIONS = (
    "versioning",
    "tagging",
    "lifecycle_configuration",
    "cors",
    "policy",
    "acl",
    "website",
    "encryption",
    "ownership_controls",
)


def store_in(folder: Path) -> LiveStore:
    return LiveStore(folder, OBJECTSTORE_TRUSTED_PROXIES="127.0.0.1/32")


def archives() -> list[Path]:
    return sorted(FOLDER.glob("*.tar.gz"))


def unpack(archive: Path, folder: Path) -> dict[str, Any]:
    """Put the store into a data folder; give what it told when it was kept."""
    with tarfile.open(archive) as kept:
        kept.extractall(folder, filter="data")
    connection = sqlite3.connect(folder / DATABASE)
    connection.executescript((folder / "database.sql").read_text())
    connection.close()
    told: dict[str, Any] = json.loads((folder / "told.json").read_text())
    return told


def client(store: LiveStore, service: str) -> Any:
    made = boto3.client(
        service,
        endpoint_url=store.url,
        region_name="us-east-1",
        aws_access_key_id=store.access_key_id,
        aws_secret_access_key=store.secret_access_key,
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )
    made.meta.events.register("before-sign", say_it_came_by_https)
    return made


def say_it_came_by_https(request: Any, **_: Any) -> None:
    """Speak as a proxy with TLS does: keys of clients are taken over nothing else."""
    request.headers["X-Forwarded-Proto"] = "https"


def ask(operation: Callable[..., Any], **arguments: Any) -> Any:
    """Give an answer without what is said of the request, or the refusal's code."""
    try:
        answer = operation(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    answer.pop("ResponseMetadata", None)
    return answer


def tell(store: LiveStore) -> dict[str, Any]:
    """Let a store tell all it holds, as clients see it."""
    s3, iam = client(store, "s3"), client(store, "iam")
    names = [one["Name"] for one in s3.list_buckets()["Buckets"]]
    told = {
        "buckets": {name: told_of_bucket(store, s3, name) for name in names},
        "users": iam.list_users()["Users"],
        "groups": iam.list_groups()["Groups"],
        "policies": iam.list_policies(Scope="Local")["Policies"],
        "keys": iam.list_access_keys(UserName="reader")["AccessKeyMetadata"],
        "attached": iam.list_attached_group_policies(GroupName="people")[
            "AttachedPolicies"
        ],
        "inline": ask(iam.get_user_policy, UserName="reader", PolicyName="own"),
    }
    plain: dict[str, Any] = json.loads(json.dumps(told, default=str))
    return plain


def told_of_bucket(store: LiveStore, s3: Any, name: str) -> dict[str, Any]:
    key = {"Authorization": f"Bearer {store.api_key}"}
    counted = httpx.get(f"{store.url}/v1/buckets/{name}", headers=key).json()
    listed = s3.list_object_versions(Bucket=name)
    uploads = s3.list_multipart_uploads(Bucket=name).get("Uploads", [])
    return {
        "counted": counted,
        "versions": [told_of_version(s3, name, one) for one in listed["Versions"]]
        if "Versions" in listed
        else [],
        "markers": listed.get("DeleteMarkers", []),
        "uploads": uploads,
        "parts": [
            s3.list_parts(Bucket=name, Key=one["Key"], UploadId=one["UploadId"])[
                "Parts"
            ]
            for one in uploads
        ],
        **{
            one: ask(getattr(s3, f"get_bucket_{one}"), Bucket=name)
            for one in CONFIGURATIONS
        },
        "public": ask(s3.get_public_access_block, Bucket=name),
        "lock": ask(s3.get_object_lock_configuration, Bucket=name),
    }


def told_of_version(s3: Any, bucket: str, listed: dict[str, Any]) -> dict[str, Any]:
    place = {
        "Bucket": bucket,
        "Key": listed["Key"],
        "VersionId": listed["VersionId"],
    }
    sealed = listed["Key"] == SEALED_BY_CUSTOMER
    opened = {"SSECustomerKey": CUSTOMER_KEY, "SSECustomerAlgorithm": "AES256"}
    answer = ask(s3.get_object, **place, **(opened if sealed else {}))
    if isinstance(answer, dict):
        body = answer.pop("Body").read()
        answer["sha256"] = hashlib.sha256(body).hexdigest()
    return {
        "listed": listed,
        "got": answer,
        "tags": ask(s3.get_object_tagging, **place),
        "acl": ask(s3.get_object_acl, **place),
        "retention": ask(s3.get_object_retention, **place),
    }


# What is told otherwise on purpose, since AWS tells it so: the type of an object that
# was stored without one, the class of what is archived, and that the owner's rights
# alone count unless a bucket says otherwise.
TOLD_OTHERWISE = [
    ("application/octet-stream", "binary/octet-stream"),
    ("ARCHIVE", "GLACIER"),
    (
        "OwnershipControlsNotFoundError",
        {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
    ),
]
# As on AWS: the parts of an upload that was begun without a checksum.
TOLD_NO_MORE = re.compile(r"/parts/\d+/\d+/ChecksumCRC32$")


def lost(before: Any, after: Any, place: str = "") -> Iterator[str]:
    """Name what was told before and is not told the same now; more may be told."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            if name in after:
                yield from lost(value, after[name], f"{place}/{name}")
            elif not TOLD_NO_MORE.search(f"{place}/{name}"):
                yield f"{place}/{name}"
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{place}: {len(before)} became {len(after)}"
        for number, (one, other) in enumerate(zip(before, after, strict=False)):
            yield from lost(one, other, f"{place}/{number}")
    elif before != after and (before, after) not in TOLD_OTHERWISE:
        yield f"{place}: {before!r} became {after!r}"


Rows = dict[str, tuple[list[str], list[tuple[Any, ...]]]]


def rows_of(database: Path) -> Rows:
    """Give every table's columns and rows."""
    connection = sqlite3.connect(database)
    found: Rows = {}
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        " AND name NOT LIKE 'sqlite_%' ORDER BY name"
    ).fetchall()
    for (name,) in names:
        cursor = connection.execute(f'SELECT * FROM "{name}"')  # noqa: S608 - a table
        columns = [one[0] for one in cursor.description]
        found[name] = (columns, cursor.fetchall())
    connection.close()
    return found


def rows_lost(before: Rows, after: Rows, changed: dict[str, str]) -> list[str]:
    """Name the tables that lack a row of before, by the columns that both have.

    `changed` names a table or `table.column` that a migration means to change, and why.
    """
    found = []
    for table, (columns, rows) in before.items():
        if table in changed:
            continue
        if table not in after:
            found.append(table)
            continue
        now_columns, now_rows = after[table]
        shared = [
            one
            for one in columns
            if one in now_columns and f"{table}.{one}" not in changed
        ]
        had = picked(columns, shared, rows)
        found += [table] if had - picked(now_columns, shared, now_rows) else []
        gone = set(columns) - set(now_columns)
        found += [f"{table}.{one}" for one in gone if f"{table}.{one}" not in changed]
    return found


def picked(columns: list[str], wanted: list[str], rows: list[Any]) -> set[Any]:
    places = [columns.index(one) for one in wanted]
    return {tuple(row[place] for place in places) for row in rows}
