"""Which keys are taken before they are written, and free names to write beside them."""

from __future__ import annotations

from collections.abc import Sequence

from iam.principals import Principal
from kernel.errors import InvalidArgument
from kernel.names import KEY_MAX_BYTES
from objects import queries
from objects.bulk import bucket_of_keys

MOST_KEYS = 1000
MOST_NUMBER = 1000


def taken_keys(
    principal: Principal, bucket_name: str, keys: Sequence[str]
) -> dict[str, str]:
    """Give the keys that have an object, each with a free name: "photo (2).jpg".

    Where no name is free, or none would be short enough, it is empty. Raises
    NoSuchBucket, InvalidArgument, and AccessDenied to those who may not list the
    folder that all of the keys lie in.
    """
    if len(keys) > MOST_KEYS:
        raise InvalidArgument(f"At most {MOST_KEYS} keys at a time.")
    bucket = bucket_of_keys(principal, bucket_name, keys)
    # Names that are on their way are taken as well.
    used, free = set(keys), dict.fromkeys(current(bucket.id, keys), "")
    number = 2
    while number <= MOST_NUMBER and not all(free.values()):
        wanted = {key: numbered(key, number) for key, name in free.items() if not name}
        used |= current(bucket.id, list(wanted.values()))
        for key, name in wanted.items():
            if name not in used and len(name.encode()) <= KEY_MAX_BYTES:
                free[key] = name
                used.add(name)
        # Those who have uploaded a file a hundred times wait for few questions.
        number += 1 if number < 20 else number // 4
    return free


def current(bucket_id: int, keys: Sequence[str]) -> set[str]:
    rows = queries.latest_of_keys(bucket_id, keys)
    return {row.key for row in rows if not row.is_delete_marker}


def numbered(key: str, number: int) -> str:
    """Number a key before its last name's ending."""
    folder, slash, name = key.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    if not stem:
        return f"{key} ({number})"
    return f"{folder}{slash}{stem} ({number}){dot}{ending}"
