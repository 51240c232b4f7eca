"""Storage classes: aliases in STORAGES, and the names that S3 clients use for them."""

from __future__ import annotations

from kernel.errors import InvalidStorageClass
from kernel.kept_settings import settings

# What AWS calls a class, and the alias that comes nearest to it here.
AWS_NAMES = {
    "STANDARD": "standard",
    "REDUCED_REDUNDANCY": "standard",
    "EXPRESS_ONEZONE": "standard",
    "STANDARD_IA": "cold",
    "ONEZONE_IA": "cold",
    "INTELLIGENT_TIERING": "cold",
    "GLACIER_IR": "cold",
    "GLACIER": "archive",
    "DEEP_ARCHIVE": "archive",
}


def alias_of(name: str) -> str:
    """Give the alias that a client's storage class means; "" stays "".

    Raises InvalidStorageClass for a name that means none.
    """
    if not name or name in settings.OBJECTSTORE_STORAGE_CLASSES:
        return name
    alias = name.lower()
    if alias not in settings.OBJECTSTORE_STORAGE_CLASSES:
        alias = AWS_NAMES.get(name.upper(), "")
    if alias not in settings.OBJECTSTORE_STORAGE_CLASSES:
        raise InvalidStorageClass(storage_class_requested=name)
    return alias


# What AWS's clients know our own aliases as: of GLACIER they know that it is closed.
SHOWN = {"cold": "STANDARD_IA", "archive": "GLACIER"}


def s3_name_of(alias: str) -> str:
    """Give the name that S3 answers show: AWS's, or else the alias in capitals."""
    name = SHOWN.get(alias, "")
    if (
        not name
        or name.lower() in settings.OBJECTSTORE_STORAGE_CLASSES
        or settings.OBJECTSTORE_S3_FLAVOUR == "rgw"
    ):
        return alias.upper()
    return name
