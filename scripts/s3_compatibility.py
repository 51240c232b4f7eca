#!/usr/bin/env python3
"""Write docs/s3-compatibility.md: each S3 operation, whether it is there, its tests.

    OBJECTSTORE_OPERATIONS_RAN=ran.json .venv/bin/pytest tests/s3
    .venv/bin/python scripts/s3_compatibility.py ran.json

What is there is read from the dispatch table, which operations exist from botocore,
and which tests called them from what ran.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "s3-compatibility.md"
INTRODUCTION = """# S3 compatibility

Every operation of the S3 API as botocore knows it. "yes" is whole, not partial: what
an operation does not do it refuses with `NotImplemented`, and nothing is stored that
has no effect. The tests are those of `tests/s3` that called it.

The conformance suite of Ceph, `ceph/s3-tests`, is run by `scripts/s3_tests.py`; its
outcome is in [s3-tests.md](s3-tests.md), that of its IAM and STS tests in
[iam-tests.md](iam-tests.md).

## Where answers are not AWS's

- **Checksums.** AWS computes a CRC64NVME where the client sends no checksum; here none
  is kept but what the client sent. (SDKs send one by themselves since 2025.)
- **Encryption.** Bytes are sealed, and `x-amz-server-side-encryption` is answered,
  where the upload or the bucket's configuration asks for it, not of every object.
- **Copies** share their source's bytes: that of an object uploaded in parts keeps its
  parts, and so its ETag and its composite checksum.
- **Storage classes.** `cold` is shown as `STANDARD_IA` and `archive` as `GLACIER`;
  AWS's other names are taken for the class that comes nearest, and shown as that. A
  class called `deep_archive` in the [settings](storages.md) is shown as `DEEP_ARCHIVE`.
- **Small objects.** Lifecycle rules that come by S3 leave objects under 128 KiB where
  they are, as `x-amz-transition-default-minimum-object-size` says; those of the REST
  API and the console move objects of any size unless a rule's filter names one.
- **Governance.** `x-amz-bypass-governance-retention: false` is taken as if it were not
  there; AWS refuses it, too, in buckets without object lock.
- **One region.** A store has one, which ListBuckets always names; owners still have a
  display name.

## Operations

| operation | | tests |
|---|---|---|
"""
# One handler serves both, as on AWS's wire.
ALIASES = {
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
}
# Of directory buckets, Object Lambda and the like, which no bucket here is.
ELSEWHERE = frozenset(
    {"CreateSession", "ListDirectoryBuckets", "WriteGetObjectResponse"}
)


def main() -> None:
    ran = json.loads(Path(sys.argv[1]).read_text())
    PAGE.write_text(INTRODUCTION + "".join(rows(ran)))


def rows(ran: dict[str, list[str]]) -> list[str]:
    there = operations_here()
    known = [*sorted(set(operations_of_aws()) | there)]
    return [
        f"| {name} | {status(name, there)} | {tests_of(name, ran)} |\n"
        for name in known
    ]


def operations_here() -> set[str]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "objectstore_site.settings")
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    from s3api.dispatch import TABLE

    return {name for name, _ in TABLE.values()}


def operations_of_aws() -> list[str]:
    from botocore.session import Session

    return list(Session().get_service_model("s3").operation_names)


def status(name: str, there: set[str]) -> str:
    if name in ELSEWHERE:
        return "not for general purpose buckets"
    return "yes" if ALIASES.get(name, name) in there else "NotImplemented"


def tests_of(name: str, ran: dict[str, list[str]]) -> str:
    tests = ran.get(ALIASES.get(name, name), [])
    shown = ", ".join(f"`{test}`" for test in tests[:3])
    return f"{shown} and {len(tests) - 3} more" if len(tests) > 3 else shown


if __name__ == "__main__":
    main()
