"""What the cluster costs: processor time by program, bytes by object, time by size.

Throughput on one machine says little of several, where every program has cores of its
own. Processor time per request holds there too: docs/operations/sizing.md is made of
it.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from bench import load
from bench.servers import environment
from tests.cluster.cluster import Cluster
from tests.cluster.services import Service

ROUNDS = 3
SECONDS = 4
SMALL, STORED, LARGE = 4096, 65_536, 32 * 1024**2
FEW, MANY = 10_000, 1_000_000
FILLED_AT_ONCE = 100_000
FOLDERS = 100
TICK = os.sysconf("SC_CLK_TCK")
Busy = Counter[str]


def main() -> None:
    limits = {
        name: value
        for name, value in environment(Path()).items()
        if name.startswith("OBJECTSTORE_RATE_")
    }
    with tempfile.TemporaryDirectory(prefix="bench-") as name, Cluster(**limits) as it:
        Measures(it, Path(name)).report()


class Measures:
    """The measures of one cluster."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        self.seeds = iter(range(1, 1000))
        self.headers = {"Authorization": f"Bearer {cluster.api_key}"}
        self.http = httpx.Client(
            base_url=cluster.url, headers=self.headers, timeout=600
        )

    def report(self) -> None:
        self.prepare()
        self.report_requests()
        self.report_log()
        self.report_large()
        self.report_memory()
        self.report_growth()

    def prepare(self) -> None:
        self.http.put("/v1/buckets/bench").raise_for_status()
        for key, size in (("small", SMALL), ("stored", STORED), ("large", LARGE)):
            url = f"/v1/buckets/bench/objects/{key}"
            self.http.put(url, content=os.urandom(size)).raise_for_status()
        for bucket in ("few", "many"):
            self.http.put(f"/v1/buckets/{bucket}").raise_for_status()
        self.fill("few", FEW)

    # Requests

    def report_requests(self) -> None:
        at = f"{self.cluster.url}/v1/buckets"
        measured: dict[str, Callable[[], float]] = {
            "GET 4 KiB, in the database": lambda: self.get(f"{at}/bench/objects/small"),
            "GET 64 KiB, in the storage": lambda: self.get(
                f"{at}/bench/objects/stored"
            ),
            "PUT 4 KiB, into the database": lambda: self.put(SMALL),
            "PUT 64 KiB, into the storage": lambda: self.put(STORED),
            "LIST 1,000 keys": lambda: self.get(f"{at}/few/objects?limit=1000"),
        }
        programs = ("web", "postgresql", "nginx", "redis", "seaweedfs")
        print(f"\nProcessor time per request in us, median of {ROUNDS} rounds:")
        print(f"{'':30}" + "".join(f"{name:>12}" for name in ("a second", *programs)))
        for name, run in measured.items():
            rounds = [self.costs(run) for _ in range(ROUNDS)]
            rate = statistics.median(one[0] for one in rounds)
            shares = [
                statistics.median(one[1][program] for one in rounds)
                for program in programs
            ]
            row = "".join(f"{share:12,.0f}" for share in shares)
            print(f"{name:30}{rate:12,.0f}{row}", flush=True)

    def get(self, url: str) -> float:
        return load.measure(url, headers=self.headers, seconds=SECONDS)[0]

    def put(self, size: int) -> float:
        script = load.put_script(
            self.folder,
            "/v1/buckets/bench/objects/put/",
            self.headers["Authorization"],
            size,
            next(self.seeds),
        )
        return load.measure(self.cluster.url, script=script, seconds=SECONDS)[0]

    def costs(self, run: Callable[[], float]) -> tuple[float, dict[str, float]]:
        """Give requests a second, and microseconds of each program per request."""
        before = self.busy()
        rate = run()
        requests = rate * SECONDS
        spent = {name: ticks - before[name] for name, ticks in self.busy().items()}
        return rate, {
            name: ticks / TICK * 1e6 / requests for name, ticks in spent.items()
        }

    def busy(self) -> Busy:
        """Sum the processor time so far, in ticks, by kind of program."""
        parents = parents_of_all()
        busy = Busy()
        for service in self.cluster.services:
            kind = service.name.partition("-")[0]
            busy[kind] += sum(ticks_of(one) for one in family(service, parents))
        return busy

    def report_log(self) -> None:
        """Say what a PUT adds to the log, which replicas and archives are sent."""
        for name, size in (("4 KiB", SMALL), ("64 KiB", STORED)):
            before = self.cluster.sql("SELECT pg_current_wal_insert_lsn()")
            requests = self.put(size) * SECONDS
            written = self.cluster.sql(
                f"SELECT pg_current_wal_insert_lsn() - '{before}'::pg_lsn"
            )
            print(f"  PUT {name}: {int(written) / requests:,.0f} bytes of the log")

    def report_large(self) -> None:
        url = f"{self.cluster.url}/v1/buckets/bench/objects/large"
        rates = [
            load.measure(url, headers=self.headers, connections=4, seconds=SECONDS)[1]
            for _ in range(ROUNDS)
        ]
        print(
            f"\nGET 32 MiB from the storage: {statistics.median(rates) / 1e6:,.0f} MB/s"
        )

    # Memory

    def report_memory(self) -> None:
        parents = parents_of_all()
        print("\nMemory of its own, in MB, after these requests:")
        for service in self.cluster.services:
            size = sum(memory_of(one) for one in family(service, parents))
            print(f"  {service.name:12}{size / 1e6:8,.0f}")
        count = self.cluster.sql("SELECT count(*) FROM pg_stat_activity")
        print(f"  connections to PostgreSQL: {count}")

    # Growth

    def report_growth(self) -> None:
        before = self.table_sizes()
        began = time.monotonic()
        self.fill("many", MANY)
        print(f"\nFilled {MANY:,} objects in {time.monotonic() - began:,.0f} s.")
        for part, size in self.table_sizes().items():
            print(f"  {part:34}{(size - before[part]) / MANY:6,.0f} bytes an object")
        print(f"\nMedian times in ms, at {FEW:,} and at {MANY:,} keys:")
        for name, path in (
            ("GET a random key's headers", "objects/{key}"),
            ("LIST 1,000 keys", "objects?limit=1000&start_after={key}"),
            ("LIST with a delimiter", "objects?delimiter=/"),
        ):
            few, many = self.times("few", FEW, path), self.times("many", MANY, path)
            print(f"  {name:28}{few:8.1f}{many:8.1f}", flush=True)

    def times(self, bucket: str, count: int, path: str) -> float:
        taken = []
        for turn in range(40):
            key = key_of(turn * 7919 % count)
            url = f"/v1/buckets/{bucket}/{path.format(key=key)}"
            method = "HEAD" if "?" not in path else "GET"
            begin = time.perf_counter()
            self.http.request(method, url).raise_for_status()
            taken.append(time.perf_counter() - begin)
        return statistics.median(taken) * 1e3

    def table_sizes(self) -> dict[str, int]:
        return {
            f"{table}, {part}": int(
                self.cluster.sql(f"SELECT pg_{function}_size('{table}')")
            )
            for table in ("objects_objectversion", "blobs_blob")
            for part, function in (("rows", "table"), ("indexes", "indexes"))
        }

    def fill(self, bucket: str, count: int) -> None:
        """Add that many objects as copies of one's rows, each with its own blob."""
        for begin in range(0, count, FILLED_AT_ONCE):
            end = min(begin + FILLED_AT_ONCE, count) - 1
            self.cluster.sql(FILL.format(bucket=bucket, begin=begin, end=end))
        self.cluster.sql("ANALYZE")
        self.cluster.manage("verify_counters", "--repair")


# Without triggers and foreign keys: the counters are set right once, at the end.
FILL = """
SET session_replication_role = replica;
WITH model AS (
  SELECT v.* FROM objects_objectversion v JOIN buckets_bucket b ON b.id = v.bucket_id
  WHERE b.name = 'bench' AND v.key = 'stored'
), named AS (
  SELECT n, nextval('blobs_blob_id_seq') AS blob_id, md5(n::text) AS digest
  FROM generate_series({begin}, {end}) n
), blobs AS (
  INSERT INTO blobs_blob (id, kind, state, storage_class, path, size, md5, changed_at)
  SELECT named.blob_id, kind, state, storage_class,
    left(digest, 2) || '/' || substr(digest, 3, 2) || '/' || digest, size, digest,
    changed_at
  FROM named, blobs_blob
  WHERE blobs_blob.id = (SELECT blob_id FROM model)
)
INSERT INTO objects_objectversion (storage_class, content_type, headers, metadata, tags,
  lock_mode, has_legal_hold, owner_id, bucket_id, key, version_id, is_null, is_latest,
  is_delete_marker, blob_id, size, etag, created_at)
SELECT model.storage_class, content_type, headers, metadata, tags, lock_mode,
  has_legal_hold, model.owner_id, target.id,
  'folder-' || lpad((n % 100)::text, 3, '0') || '/file-' || lpad(n::text, 9, '0'),
  lpad(n::text, 32, '0'), true, true, false, named.blob_id, size, digest,
  model.created_at
FROM named, model, buckets_bucket target WHERE target.name = '{bucket}'
"""


def key_of(number: int) -> str:
    return f"folder-{number % FOLDERS:03}/file-{number:09}"


def parents_of_all() -> dict[int, int]:
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found[int(folder.name)] = int(stat_of(folder)[1])
        except OSError:
            continue
    return found


def stat_of(folder: Path) -> list[str]:
    """Give the fields of a process after its name: state, parent, ..."""
    return (folder / "stat").read_text().rpartition(")")[2].split()


def family(service: Service, parents: dict[int, int]) -> Iterator[int]:
    """Name the processes that a program consists of."""
    for process in parents:
        ancestor = process
        while ancestor in parents and ancestor != service.process_id:
            ancestor = parents[ancestor]
        if ancestor == service.process_id:
            yield process


def ticks_of(process: int) -> int:
    """Give a process's own time, and that of children that have ended."""
    try:
        fields = stat_of(Path(f"/proc/{process}"))
    except OSError:
        return 0
    return sum(int(one) for one in fields[11:15])


def memory_of(process: int) -> int:
    """Give the bytes that a process does not share, and its part of what it does."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next(
        int(line.split()[1]) * 1024
        for line in text.splitlines()
        if line.startswith("Pss:")
    )


if __name__ == "__main__":
    main()
