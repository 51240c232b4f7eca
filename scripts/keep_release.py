"""Keep a store of this release, with data of every kind, for tests of later upgrades.

Run it on the commit that is tagged: python scripts/keep_release.py 1.2.0
"""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402

from tests.servers import LiveStore  # noqa: E402
from tests.site import kept_releases as kept  # noqa: E402

EVERYBODY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}
OWN_APPS = (
    *("audit", "blobs", "buckets", "console", "iam", "lifecycle", "monitoring"),
    *("objects", "shares"),
)


def keep(name: str) -> Path:
    """Fill a store, let it tell what it holds, and pack both."""
    target = kept.FOLDER / f"{name}.tar.gz"
    with tempfile.TemporaryDirectory() as folder:
        store = kept.store_in(Path(folder))
        store.start()
        try:
            fill(store)
            told = kept.tell(store)
        finally:
            store.stop()
        store.manage("verify_counters")
        pack(Path(folder), told, target)
    return target


def fill(store: LiveStore) -> None:
    s3 = kept.client(store, "s3")
    fill_plain(s3)
    fill_versioned(s3)
    fill_locked(s3)
    fill_people(kept.client(store, "iam"))
    key = {"Authorization": f"Bearer {store.api_key}"}
    httpx.put(
        f"{store.url}/objects/setting", headers=key, content=b"value"
    ).raise_for_status()
    for command in ("lifecycle_run", "scrub"):
        store.manage(command)
    store.manage("create_account", "second")
    code = "from scripts.keep_release import fill_empty_tables as fill; fill()"
    store.manage("shell", "--no-imports", "-c", code)


def fill_plain(s3: Any) -> None:
    """Inline, stored, composite, copied, archived and encrypted objects; settings."""
    s3.create_bucket(Bucket="plain")
    s3.put_object(Bucket="plain", Key="empty", Body=b"")
    s3.put_object(
        Bucket="plain",
        Key="folder/grün 🌳.txt",
        Body=b"small",
        ContentType="text/plain",
        CacheControl="no-cache",
        Metadata={"colour": "green"},
        Tagging="season=autumn",
    )
    s3.put_object(Bucket="plain", Key="stored", Body=b"large" * 10_000)
    s3.copy_object(Bucket="plain", Key="copied", CopySource="plain/stored")
    s3.put_object(Bucket="plain", Key="archived", Body=b"cold", StorageClass="GLACIER")
    for key, options in (
        ("sealed", {"ServerSideEncryption": "AES256"}),
        ("sealed-by-kms", {"ServerSideEncryption": "aws:kms"}),
        (
            kept.SEALED_BY_CUSTOMER,
            {"SSECustomerKey": kept.CUSTOMER_KEY, "SSECustomerAlgorithm": "AES256"},
        ),
    ):
        s3.put_object(Bucket="plain", Key=key, Body=b"secret" * 5_000, **options)
    fill_uploads(s3)
    s3.put_bucket_tagging(
        Bucket="plain", Tagging={"TagSet": [{"Key": "team", "Value": "one"}]}
    )
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://example.com"]}
    s3.put_bucket_cors(Bucket="plain", CORSConfiguration={"CORSRules": [rule]})
    s3.put_bucket_website(
        Bucket="plain",
        WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}},
    )
    s3.delete_public_access_block(Bucket="plain")
    statement = {
        **EVERYBODY["Statement"][0],
        "Principal": "*",
        "Resource": "arn:aws:s3:::plain/folder/*",
    }
    policy = {**EVERYBODY, "Statement": [statement]}
    s3.put_bucket_policy(Bucket="plain", Policy=json.dumps(policy))


def fill_uploads(s3: Any) -> None:
    """One upload that was completed, and one that was not."""
    for key, is_completed in (("parts", True), ("unfinished", False)):
        made = s3.create_multipart_upload(Bucket="plain", Key=key)
        upload = {"Bucket": "plain", "Key": key, "UploadId": made["UploadId"]}
        parts = []
        for number, size in ((1, 5 * 1024**2), (2, 1000)):
            part = s3.upload_part(**upload, PartNumber=number, Body=bytes(size))
            parts.append({"PartNumber": number, "ETag": part["ETag"]})
        if is_completed:
            s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})


def fill_versioned(s3: Any) -> None:
    """Versions, a delete marker, and a null version beneath."""
    s3.create_bucket(Bucket="versioned")
    s3.put_object(Bucket="versioned", Key="key", Body=b"null version")
    s3.put_bucket_versioning(
        Bucket="versioned", VersioningConfiguration={"Status": "Enabled"}
    )
    for body in (b"first", b"second" * 10_000):
        s3.put_object(Bucket="versioned", Key="key", Body=body)
    s3.put_object(Bucket="versioned", Key="deleted", Body=b"gone")
    s3.delete_object(Bucket="versioned", Key="deleted")
    rule = {
        "ID": "old",
        "Status": "Enabled",
        "Filter": {"Prefix": "logs/"},
        "Expiration": {"Days": 3650},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 365},
    }
    s3.put_bucket_lifecycle_configuration(
        Bucket="versioned", LifecycleConfiguration={"Rules": [rule]}
    )


def fill_locked(s3: Any) -> None:
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    s3.put_object(
        Bucket="locked", Key="held", Body=b"held", ObjectLockLegalHoldStatus="ON"
    )
    s3.put_object(
        Bucket="locked",
        Key="retained",
        Body=b"retained",
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate="2099-01-01T00:00:00Z",
    )


def fill_people(iam: Any) -> None:
    iam.create_user(UserName="reader")
    iam.create_access_key(UserName="reader")
    iam.put_user_policy(
        UserName="reader", PolicyName="own", PolicyDocument=json.dumps(EVERYBODY)
    )
    iam.create_group(GroupName="people")
    iam.add_user_to_group(GroupName="people", UserName="reader")
    policy = iam.create_policy(PolicyName="read", PolicyDocument=json.dumps(EVERYBODY))
    iam.attach_group_policy(GroupName="people", PolicyArn=policy["Policy"]["Arn"])


def fill_empty_tables() -> None:
    """Give every table of ours that has no row one with plain values."""
    from django.apps import apps

    for label in OWN_APPS:
        for model in apps.get_app_config(label).get_models():
            if not model.objects.exists():
                model.objects.create(**dict(values_of(model)))


def values_of(model: Any) -> Iterator[tuple[str, Any]]:
    from django.db import models
    from django.utils import timezone

    for field in model._meta.concrete_fields:
        if (field.primary_key and not field.is_relation) or field.has_default():
            continue
        if field.is_relation:
            yield field.name, field.related_model.objects.order_by("pk").first()
        elif field.choices:
            yield field.name, field.choices[0][0]
        elif isinstance(field, models.DateTimeField):
            yield field.name, timezone.now()
        elif isinstance(field, models.IntegerField):
            yield field.name, 1
        else:
            yield field.name, "kept"


def pack(folder: Path, told: dict[str, Any], target: Path) -> None:
    """Pack database, bytes and what was told; the keys are those of the tests."""
    connection = sqlite3.connect(folder / kept.DATABASE)
    database = "\n".join(connection.iterdump())
    connection.close()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        add(archive, "database.sql", database.encode())
        add(archive, "told.json", json.dumps(told, indent=1, sort_keys=True).encode())
        for file in sorted((folder / "blobs").rglob("*")):
            if file.is_file():
                add(archive, str(file.relative_to(folder)), file.read_bytes())
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(gzip.compress(packed.getvalue(), mtime=0))


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


if __name__ == "__main__":
    print(keep(sys.argv[1]))
