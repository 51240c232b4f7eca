"""Whether bytes are still those that were stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from blobs import store
from blobs.queries import BlobInfo
from kernel.bodies import Body
from kernel.errors import ObjectStoreError
from kernel.results import CUSTOMER


def problem_with(blob: BlobInfo, md5: str) -> str:
    """Say what is wrong with a blob's bytes; "" when they are as they were stored.

    What a client's key has sealed cannot be opened: it is read to its end.
    """
    try:
        found = md5_of(blob) if can_open(blob) else stored_md5_of(blob) and md5
    except (ObjectStoreError, OSError) as error:
        return f"{blob.storage_class} {blob.path}: {error.__cause__ or error}"
    if md5 and found != md5:
        return f"{blob.storage_class} {blob.path}: MD5 is {found}, was {md5}"
    return ""


def can_open(blob: BlobInfo) -> bool:
    """Tell whether the store itself has the key, where one is needed."""
    text = blob.encryption_text
    return text is None or json.loads(text)["purpose"] != CUSTOMER


def md5_of(blob: BlobInfo) -> str:
    """Read a blob to its end and give the MD5 of what a client would read."""
    return digest(store.open_blob(blob, 0, blob.size))


def stored_md5_of(blob: BlobInfo) -> str:
    """Read a blob to its end and give the MD5 of what is stored."""
    return digest(chunks_of(store.stored_body(blob)))


def chunks_of(body: Body) -> Iterable[bytes]:
    while chunk := body.read():
        yield chunk


def digest(chunks: Iterable[bytes]) -> str:
    found = hashlib.md5(usedforsecurity=False)
    for chunk in chunks:
        found.update(chunk)
    return found.hexdigest()
