"""The versions table in partitions, as deploy/postgresql splits it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cluster.cluster import Cluster, start_all
from tests.servers import ROOT

SCRIPT = ROOT / "deploy" / "postgresql" / "partition-versions.sql"
Say = Callable[[str], None]


def test_versions_live_on_in_partitions(
    cluster: Cluster, s3: Any, new_bucket: Callable[[], str], say: Say
) -> None:
    buckets = [new_bucket() for _ in range(4)]
    data = {bucket: os.urandom(20_000) for bucket in buckets}
    for bucket in buckets:
        s3.put_object(Bucket=bucket, Key="before", Body=data[bucket])
    versions = "SELECT count(*) FROM objects_objectversion"
    users = [*cluster.webs, *cluster.workers, cluster.beat]
    for service in users:
        service.hold_down()
    before = cluster.sql(versions)
    cluster.sql(SCRIPT.read_text())
    assert cluster.sql(versions) == before
    start_all(users)

    for bucket in buckets:
        versioning = {"Status": "Enabled"}
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=versioning)
        read = s3.get_object(Bucket=bucket, Key="before")["Body"].read()
        assert read == data[bucket]
        s3.put_object(Bucket=bucket, Key="after", Body=b"first")
        s3.put_object(Bucket=bucket, Key="after", Body=b"second")
        source = {"Bucket": bucket, "Key": "before"}
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
        s3.delete_object(Bucket=bucket, Key="before")
        keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
        assert keys == ["after", "copy"]
        with pytest.raises(ClientError, match="PreconditionFailed"):
            s3.put_object(Bucket=bucket, Key="after", Body=b"", IfNoneMatch="*")
        listed = s3.list_object_versions(Bucket=bucket)
        assert len(listed["Versions"]) == 4
    assert "all counters are right" in cluster.manage("verify_counters")
    say(f"partitions: {before} versions moved into 16, written and listed on")
