"""Where a storage class keeps its bytes, read from one line of configuration.

The line is a URL, or the dotted path of a Django storage with its options in JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

PREFIX = "OBJECTSTORE_STORAGE_"
CLASSES = f"{PREFIX}CLASSES"
CLASS_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
# Django's own aliases, and what other settings with this prefix end in.
TAKEN = frozenset({"default", "staticfiles", "classes", "timeout", "attempts"})
DOTTED_CLASS = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)\s*(\{.*\})?", re.DOTALL)

type Entry = dict[str, Any]


def storages(
    classes: Sequence[str], environment: Mapping[str, str], folder: Path
) -> dict[str, Entry]:
    """Give the entries in STORAGES of these classes; those not set are local folders.

    Raises ImproperlyConfigured, which names the variable and never shows its value.
    """
    check_class_names(classes)
    check_variables(classes, environment)
    return {
        name: entry_of(PREFIX + name.upper(), environment)
        or local_folder(folder / name)
        for name in classes
    }


def check_class_names(classes: Sequence[str]) -> None:
    for name in classes:
        if name in TAKEN or not CLASS_NAME.fullmatch(name):
            raise ImproperlyConfigured(
                f"{CLASSES}: {name!r} cannot be the name of a storage class; give "
                f"small letters, digits and _, and none of {', '.join(sorted(TAKEN))}"
            )
    if len(set(classes)) != len(classes):
        raise ImproperlyConfigured(f"{CLASSES}: a storage class is named twice")


def check_variables(classes: Sequence[str], environment: Mapping[str, str]) -> None:
    """Refuse a location of a class that is not listed: it is a slip of the pen."""
    known = {PREFIX + name.upper() for name in {*classes, *TAKEN}}
    for variable in environment:
        if variable.startswith(PREFIX) and variable not in known:
            name = variable.removeprefix(PREFIX).lower()
            raise ImproperlyConfigured(f"{variable}: {CLASSES} does not list {name!r}")


def entry_of(variable: str, environment: Mapping[str, str]) -> Entry | None:
    text = environment.get(variable, "").strip()
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as error:
        # The value holds secrets: it is not shown.
        raise ImproperlyConfigured(f"{variable}: {error}") from None


def local_folder(folder: Path) -> Entry:
    return {
        "BACKEND": "blobs.storage.LocalBlobStorage",
        "OPTIONS": {"location": str(folder)},
    }


def parse(text: str) -> Entry:
    """Give the entry in STORAGES that a location means.

    Raises ValueError, which says what is wrong and shows no secret.
    """
    scheme, is_url, _ = text.partition("://")
    if not is_url:
        return parse_dotted_class(text)
    read = SCHEMES.get(scheme.lower())
    if read is None:
        raise ValueError(f"no such kind of storage; there are {', '.join(SCHEMES)}")
    location = Location(urlsplit(text))
    entry = read(location)
    location.check_options_used()
    return entry


def parse_dotted_class(text: str) -> Entry:
    found = DOTTED_CLASS.fullmatch(text)
    if found is None:
        raise ValueError(
            "give a URL, or the dotted path of a storage class and its options as a "
            "JSON object"
        )
    try:
        options = json.loads(found[2] or "{}")
    except json.JSONDecodeError as error:
        raise ValueError(f"the options are no JSON: {error.msg}") from None
    return {"BACKEND": found[1], "OPTIONS": options}


class Location:
    """A URL taken apart; each option is to be asked for by the kind of storage."""

    def __init__(self, url: SplitResult) -> None:
        if url.fragment:
            raise ValueError("write # in a name or secret as %23")
        self.user = unquote(url.username or "")
        self.password = unquote(url.password or "")
        self.host = url.hostname or ""
        self.port = port_of(url)
        self.path = unquote(url.path)
        self._options = dict(parse_qsl(url.query, keep_blank_values=True))

    @property
    def address(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    def option(self, name: str, default: str = "") -> str:
        return self._options.pop(name, default)

    def flag(self, name: str, default: bool) -> bool:
        text = self.option(name, str(default).lower())
        if text not in ("true", "false"):
            raise ValueError(f"the option {name} is true or false")
        return text == "true"

    def number(self, name: str) -> int | None:
        text = self.option(name)
        if text and not text.isdecimal():
            raise ValueError(f"the option {name} is a whole number")
        return int(text) if text else None

    def base_url(self) -> str:
        """Give scheme and address; TLS unless the option tls says otherwise."""
        scheme = "https" if self.flag("tls", True) else "http"
        return f"{scheme}://{self.address}"

    def container_and_prefix(self, what: str) -> tuple[str, str]:
        """Split the path into its first name and the rest."""
        container, _, prefix = self.path.strip("/").partition("/")
        if not container:
            raise ValueError(f"the {what} is missing: it is the first name of the path")
        return container, prefix

    def check_options_used(self) -> None:
        for name in self._options:
            raise ValueError(f"there is no option {name!r}")


def port_of(url: SplitResult) -> int | None:
    try:
        return url.port
    except ValueError:
        # Python's own message would show a piece of the secret.
        raise ValueError(
            "the port is no number; write / in a secret as %2F, : as %3A"
        ) from None


def without_empty(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value not in ("", None)}


def read_file(location: Location) -> Entry:
    if location.host or not location.path:
        raise ValueError("give a whole path with three slashes: file:///srv/objects")
    return local_folder(Path(location.path))


def read_memory(location: Location) -> Entry:
    return {"BACKEND": "blobs.storage.MemoryBlobStorage", "OPTIONS": {}}


def read_s3(location: Location) -> Entry:
    if location.host and not location.path.strip("/"):
        raise ValueError(
            "there is no bucket in the path; for a bucket of AWS write three slashes: "
            "s3:///bucket, with keys s3://key:secret@/bucket"
        )
    bucket, prefix = location.container_and_prefix("bucket")
    style = location.option("addressing", "path" if location.host else "auto")
    if style not in ("path", "virtual", "auto"):
        raise ValueError("the option addressing is path, virtual or auto")
    checksums = location.flag("checksums", True)
    options = {
        "bucket_name": bucket,
        "location": prefix,
        "access_key": location.user,
        "secret_key": location.password,
        "endpoint_url": location.base_url() if location.host else "",
        "region_name": location.option("region", "us-east-1" if location.host else ""),
        "addressing_style": style,
        "verify": location.option("ca"),
    }
    return {
        "BACKEND": "blobs.s3_storage.S3BlobStorage",
        "OPTIONS": without_empty(options) | {"sends_checksums": checksums},
    }


def read_sftp(location: Location) -> Entry:
    check_installed("paramiko", "django-storages[sftp]")
    if not location.host:
        raise ValueError("the host is missing")
    path = location.path
    params = {
        "port": location.port,
        "username": location.user,
        "password": location.password,
        "key_filename": location.option("key"),
    }
    options = {
        "host": location.host,
        # As in scp and curl, /~/ is the folder that a login begins in.
        "root_path": path.removeprefix("/~/") if path.startswith("/~/") else path,
        "known_host_file": location.option("known_hosts"),
        "params": without_empty(params),
    }
    return {
        "BACKEND": "blobs.sftp_storage.SFTPBlobStorage",
        "OPTIONS": without_empty(options) | {"verify": location.flag("verify", True)},
    }


def read_google(location: Location) -> Entry:
    check_installed("google.cloud.storage", "django-storages[google]")
    if location.user or location.password or location.port:
        raise ValueError("give gs://bucket/prefix, and keys by the option credentials")
    options = {
        "bucket_name": location.host,
        "location": location.path.strip("/"),
        "project_id": location.option("project"),
        "credentials_file": location.option("credentials"),
        "api_endpoint": location.option("endpoint"),
    }
    if not location.host:
        raise ValueError("the bucket is missing: gs://bucket/prefix")
    return {
        "BACKEND": "blobs.google_storage.GoogleBlobStorage",
        "OPTIONS": without_empty(options),
    }


def read_azure(location: Location) -> Entry:
    check_installed("azure.storage.blob", "django-storages[azure]")
    if not location.user:
        raise ValueError("the account is missing: azure://account:key@/container")
    container, prefix = location.container_and_prefix("container")
    options = {
        "account_name": location.user,
        "account_key": location.password,
        "azure_container": container,
        "location": prefix,
    }
    if location.host:
        # An engine that is not Azure's: the account is the first name of its paths.
        endpoint = f"{location.base_url()}/{location.user}"
        options["connection_string"] = (
            f"AccountName={location.user};AccountKey={location.password};"
            f"BlobEndpoint={endpoint};"
        )
    return {
        "BACKEND": "blobs.azure_storage.AzureBlobStorage",
        "OPTIONS": without_empty(options),
    }


def read_gitlab(location: Location) -> Entry:
    check_installed("gitlab", "python-gitlab")
    project = location.path.strip("/")
    if not location.host or "/" not in project:
        raise ValueError(
            "give host and project: gitlab://token@gitlab.com/group/project"
        )
    options = {
        "url": location.base_url(),
        "token": location.password or location.user,
        "project": project,
        "branch": location.option("branch", "main"),
        "location": location.option("prefix"),
        "largest": location.number("largest"),
    }
    return {
        "BACKEND": "blobs.gitlab_storage.GitLabStorage",
        "OPTIONS": without_empty(options),
    }


def check_installed(module: str, requirement: str) -> None:
    try:
        is_installed = find_spec(module) is not None
    except ModuleNotFoundError:
        is_installed = False
    if not is_installed:
        raise ValueError(f"a package is missing: pip install '{requirement}'")


SCHEMES: dict[str, Callable[[Location], Entry]] = {
    "file": read_file,
    "memory": read_memory,
    "s3": read_s3,
    "sftp": read_sftp,
    "gs": read_google,
    "azure": read_azure,
    "gitlab": read_gitlab,
}
