"""A whole life against three web processes behind nginx, and two workers."""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from tests.cluster.cluster import DAY, Cluster
from tests.cluster.conftest import in_threads, new_api_key, s3_client

MIB = 1024**2
PART = 5 * MIB
Say = Callable[[str], None]


def eventually(is_so: Callable[[], Any], within: float = 60) -> None:
    """Wait for what other processes do in their own time."""
    end = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.2)


def test_boto3_lives_a_whole_life(s3: Any, bucket: str, say: Say) -> None:
    s3.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    first, large = os.urandom(1000), os.urandom(300_000)
    metadata = {"plain": "one", "with.dots": "two"}
    old = s3.put_object(Bucket=bucket, Key="a//b c+é", Body=first, Metadata=metadata)
    s3.put_object(Bucket=bucket, Key="a//b c+é", Body=large, Metadata=metadata)
    found = s3.get_object(Bucket=bucket, Key="a//b c+é")
    assert found["Body"].read() == large
    assert found["Metadata"] == metadata
    ranged = s3.get_object(Bucket=bucket, Key="a//b c+é", Range="bytes=70000-70009")
    assert ranged["Body"].read() == large[70_000:70_010]
    older = s3.get_object(Bucket=bucket, Key="a//b c+é", VersionId=old["VersionId"])
    assert older["Body"].read() == first
    s3.copy_object(
        Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a//b c+é"}
    )
    assert s3.head_object(Bucket=bucket, Key="copy")["ContentLength"] == len(large)
    s3.upload_fileobj(io.BytesIO(large * 70), bucket, "in-parts")
    body = s3.get_object(Bucket=bucket, Key="in-parts")["Body"]
    assert hashlib.md5(body.read()).digest() == hashlib.md5(large * 70).digest()
    url = s3.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "copy"}
    )
    assert httpx.get(url).content == large
    listed = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [one["Key"] for one in listed["Contents"]] == ["copy", "in-parts"]
    assert listed["CommonPrefixes"] == [{"Prefix": "a/"}]
    s3.delete_object(Bucket=bucket, Key="copy")
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="copy")
    versions = s3.list_object_versions(Bucket=bucket)
    for one in [*versions["Versions"], *versions["DeleteMarkers"]]:
        s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
    s3.delete_bucket(Bucket=bucket)
    say("boto3: put, versions, ranges, copy, parts, presigned, listings, deletes")


def test_rest_lives_a_whole_life(rest: httpx.Client, say: Say) -> None:
    at = "/v1/buckets/rest-bucket"
    assert rest.put(at).status_code == 201
    data = os.urandom(100_000)
    assert rest.put(f"{at}/objects/a/b.bin", content=data).is_success
    assert rest.get(f"{at}/objects/a/b.bin").content == data
    cut = rest.get(f"{at}/objects/a/b.bin", headers={"Range": "bytes=-5"})
    assert (cut.status_code, cut.content) == (206, data[-5:])
    keys = [one["key"] for one in rest.get(f"{at}/objects").json()["contents"]]
    assert keys == ["a/b.bin"]
    assert rest.delete(at).status_code == 409
    assert rest.delete(f"{at}/objects/a/b.bin").status_code == 204
    assert rest.delete(at).status_code == 204
    say("REST: bucket, object, range, listing, deletes")


def test_keys_and_values(rest: httpx.Client, cluster: Cluster, say: Say) -> None:
    for number in range(30):
        assert rest.put(f"/objects/k{number}", content=b"v%d" % number).is_success
    # Each process knows of the bucket that another has made.
    for web in (1, 2, 3):
        url = f"{cluster.web_url(web)}/objects/k7"
        assert httpx.get(url, headers=rest.headers).content == b"v7"
    assert rest.put("/kv/strict", content=b"value").is_success
    assert rest.get("/kv/strict").text == "value"
    for number in range(30):
        assert rest.delete(f"/objects/k{number}").status_code == 204
    say("key-value: 30 keys written, read at each process, deleted")


def test_parts_of_one_upload_go_to_all_processes(
    s3: Any, s3_of_each: list[Any], bucket: str, say: Say
) -> None:
    pieces = [os.urandom(PART) for _ in range(5)] + [b"the end"]
    target = {"Bucket": bucket, "Key": "in-parts"}
    target["UploadId"] = s3_of_each[0].create_multipart_upload(**target)["UploadId"]

    def send(number: int) -> dict[str, Any]:
        client = s3_of_each[number % 3]
        sent = client.upload_part(Body=pieces[number], PartNumber=number + 1, **target)
        return {"PartNumber": number + 1, "ETag": sent["ETag"]}

    parts = in_threads(len(pieces), send)
    assert len(s3_of_each[1].list_parts(**target)["Parts"]) == 6
    done = s3_of_each[2].complete_multipart_upload(
        MultipartUpload={"Parts": parts}, **target
    )
    # A client that lost the answer asks again, and comes to another process.
    again = s3_of_each[0].complete_multipart_upload(
        MultipartUpload={"Parts": parts}, **target
    )
    assert again["ETag"] == done["ETag"]
    body = s3.get_object(Bucket=bucket, Key="in-parts")["Body"].read()
    assert body == b"".join(pieces)
    say("multipart: 6 parts at 3 processes at once, completed twice")


def test_one_of_many_writers_is_the_first(
    s3: Any, s3_of_each: list[Any], bucket: str, say: Say
) -> None:
    s3.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
    )

    def claim(number: int) -> int:
        try:
            s3_of_each[number % 3].put_object(
                Bucket=bucket, Key="claim", Body=b"%d" % number, IfNoneMatch="*"
            )
        except ClientError as error:
            return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
        return 200

    statuses = Counter(in_threads(30, claim))
    assert statuses == {200: 1, 412: 29}

    def write(number: int) -> None:
        s3_of_each[number % 3].put_object(
            Bucket=bucket, Key="contended", Body=os.urandom(20_000)
        )

    in_threads(30, write)
    versions = s3.list_object_versions(Bucket=bucket, Prefix="contended")["Versions"]
    assert [one["IsLatest"] for one in versions] == [True] + [False] * 29
    say("one key: 1 of 30 conditional writes won, 30 versions with one latest")


def test_limits_are_exact(cluster: Cluster, bucket: str, say: Say) -> None:
    headers = {"Authorization": f"Bearer {key_with_time_left(cluster, bucket)}"}

    def ask(number: int) -> Counter[int]:
        url = f"{cluster.web_url(number % 3 + 1)}/v1/buckets/{bucket}"
        with httpx.Client(headers=headers, timeout=60) as http:
            return Counter(http.get(url).status_code for _ in range(20))

    answers = sum(in_threads(12, ask), Counter())
    # Of 100 a minute, one was used up to learn when the minute ends.
    assert answers == {200: 99, 429: 141}
    say("rate limit: 240 requests at 3 processes at once, exactly 99 let in")


def key_with_time_left(cluster: Cluster, bucket: str) -> str:
    """Each key has a minute of its own: give one whose has just begun."""
    while True:
        key = new_api_key(cluster)
        answer = httpx.get(
            f"{cluster.url}/v1/buckets/{bucket}",
            headers={"Authorization": f"Bearer {key}"},
        )
        if int(answer.headers["X-RateLimit-Reset"]) - time.time() > 30:
            return key


def test_counters_are_exact(
    cluster: Cluster, s3: Any, s3_of_each: list[Any], bucket: str, say: Say
) -> None:
    def churn(number: int) -> None:
        client = s3_of_each[number % 3]
        for turn in range(20):
            key = f"{turn % 5}"
            if (number + turn) % 4 == 0:
                client.delete_object(Bucket=bucket, Key=key)
            else:
                client.put_object(Bucket=bucket, Key=key, Body=b"x" * (number * 100))

    in_threads(9, churn)
    headers = {"Authorization": f"Bearer {cluster.api_key}"}
    facts = httpx.get(f"{cluster.url}/v1/buckets/{bucket}", headers=headers).json()
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    assert facts["object_count"] == len(listed)
    assert facts["total_size"] == sum(one["Size"] for one in listed)
    assert "all counters are right" in cluster.manage("verify_counters")
    say("counters: 180 writes and deletes of 5 keys by 9 writers, exact")


def test_all_processes_know_of_a_changed_policy(
    cluster: Cluster, s3: Any, bucket: str, say: Say
) -> None:
    iam = boto3.client(
        "iam",
        endpoint_url=cluster.web_url(1),
        aws_access_key_id=cluster.access_key_id,
        aws_secret_access_key=cluster.secret_access_key,
        region_name="us-east-1",
    )
    s3.put_object(Bucket=bucket, Key="key", Body=b"data")
    iam.create_user(UserName="reader")
    made = iam.create_access_key(UserName="reader")["AccessKey"]
    readers = [
        s3_client(
            cluster.web_url(web),
            cluster,
            keys=(made["AccessKeyId"], made["SecretAccessKey"]),
        )
        for web in (1, 2, 3)
    ]

    def may_read() -> list[bool]:
        return [may_get(reader, bucket, "key") for reader in readers]

    assert may_read() == [False] * 3
    iam.attach_user_policy(
        UserName="reader", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    )
    # Each keeps what it knows for ten minutes here: Redis tells them.
    eventually(lambda: may_read() == [True] * 3, within=5)
    iam.delete_access_key(UserName="reader", AccessKeyId=made["AccessKeyId"])
    eventually(lambda: may_read() == [False] * 3, within=5)
    say("rights: a policy and a key changed at one process, known at all")


def may_get(client: Any, bucket: str, key: str) -> bool:
    try:
        client.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 403:
            raise
        return False
    return True


def test_a_refused_upload_hears_why(cluster: Cluster, bucket: str, say: Say) -> None:
    stranger = s3_client(cluster.url, cluster, keys=("AKIANOBODYNOBODY0001", "none"))
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        stranger.put_object(Bucket=bucket, Key="large", Body=os.urandom(8 * MIB))
    say("a stranger's 8 MiB are refused with 403, through nginx")


def test_workers_carry_out_lifecycle_rules(
    cluster: Cluster, s3: Any, bucket: str, say: Say
) -> None:
    data = os.urandom(20_000)
    for number in range(40):
        s3.put_object(Bucket=bucket, Key=f"move/{number}", Body=data)
        s3.put_object(Bucket=bucket, Key=f"expire/{number}", Body=data)
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "down",
                    "Status": "Enabled",
                    "Filter": {"And": {"Prefix": "move/", "ObjectSizeGreaterThan": 0}},
                    "Transitions": [{"Days": 1, "StorageClass": "cold"}],
                },
                {
                    "ID": "out",
                    "Status": "Enabled",
                    "Filter": {"Prefix": "expire/"},
                    "Expiration": {"Days": 1},
                },
            ]
        },
    )

    def classes() -> Counter[str]:
        listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        return Counter(one["StorageClass"] for one in listed)

    eventually(lambda: classes() == {"STANDARD_IA": 40}, within=12 * DAY)
    for number in range(40):
        found = s3.get_object(Bucket=bucket, Key=f"move/{number}")["Body"].read()
        assert found == data
    headers = {"Authorization": f"Bearer {cluster.api_key}"}
    runs = httpx.get(
        f"{cluster.url}/v1/buckets/{bucket}/lifecycle/runs", headers=headers
    ).json()
    done = Counter[str]()
    for run in runs["runs"]:
        for action in run["actions"]:
            done[action["rule_id"]] += action["count"]
    assert done == {"down": 40, "out": 40}
    say("lifecycle: 40 objects moved to cold and 40 expired by the workers")


def test_workers_restore_what_is_archived(s3: Any, bucket: str, say: Say) -> None:
    data = os.urandom(100_000)
    place = {"Bucket": bucket, "Key": "old"}
    s3.put_object(**place, Body=data, StorageClass="GLACIER")
    s3.restore_object(**place, RestoreRequest={"Days": 1})
    assert s3.head_object(**place)["Restore"] == 'ongoing-request="true"'
    with pytest.raises(ClientError, match="InvalidObjectState"):
        s3.get_object(**place)
    # The schedule looks each minute.
    eventually(lambda: "expiry-date" in s3.head_object(**place)["Restore"], within=120)
    assert s3.get_object(**place)["Body"].read() == data
    say("archive: an object restored by a job of the workers")
