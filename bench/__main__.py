"""make bench: ratios, in one run, on pinned cores, several rounds, medians.

Absolute numbers belong to the machine; the ratios to an empty Django view on the same
server, and to nginx with the same bytes, are what can be compared.
"""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from bench import fill, load, servers, signing, telemetry

ROUNDS = 5
SMALL, LARGE = 4096, 64 * 1024**2
AUTHORIZATION = f"Bearer {servers.API_KEY}"
HEADERS = {"Authorization": AUTHORIZATION}
FEW, MANY = 10_000, 1_000_000


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        servers.manage(folder, "migrate", "--verbosity", "0")
        servers.manage(folder, "bootstrap")
        with servers.store(folder) as url:
            prepare(url)
        print(f"Filling buckets with {FEW:,} and {MANY:,} keys ...", flush=True)
        fill.fill(folder, {"few-keys": FEW, "many-keys": MANY})
        (folder / "files").mkdir()
        (folder / "files" / "large").write_bytes(b"x" * LARGE)
        logging.getLogger("httpx").setLevel(logging.WARNING)
        with (
            servers.store(folder) as url,
            servers.empty_view() as empty,
            servers.nginx(folder, folder / "files") as nginx,
        ):
            report(url, empty, nginx, folder)
    telemetry.main()


def prepare(url: str) -> None:
    with httpx.Client(base_url=url, headers=HEADERS, timeout=60) as http:
        http.put("/objects/small", content=b"x" * SMALL).raise_for_status()
        http.put("/v1/buckets/bench-bucket").raise_for_status()
        path = "/v1/buckets/bench-bucket/objects"
        http.put(f"{path}/small", content=b"x" * SMALL).raise_for_status()
        http.put(f"{path}/large", content=b"x" * LARGE).raise_for_status()
        for bucket in ("few-keys", "many-keys"):
            http.put(f"/v1/buckets/{bucket}").raise_for_status()


def report(url: str, empty: str, nginx: str | None, folder: Path) -> None:
    rest = f"{url}/v1/buckets/bench-bucket/objects"
    seeds = iter(range(1, 1000))

    def puts(path: str) -> float:
        script = load.put_script(folder, path, AUTHORIZATION, SMALL, next(seeds))
        return load.measure(url, script=script, connections=load.WRITERS)[0]

    def signed_puts() -> float:
        script = load.signed_puts_script(
            folder, url, "/bench-bucket/put-", SMALL, next(seeds)
        )
        return load.measure(url, script=script, connections=load.WRITERS)[0]

    measured: dict[str, Callable[[], float]] = {
        "GET 4 KiB, key-value": lambda: load.measure(
            f"{url}/objects/small", headers=HEADERS
        )[0],
        "GET 4 KiB, REST": lambda: load.measure(f"{rest}/small", headers=HEADERS)[0],
        "durable PUT 4 KiB, key-value": lambda: puts("/objects/put/"),
        "durable PUT 4 KiB, REST": lambda: puts(
            "/v1/buckets/bench-bucket/objects/put/"
        ),
        "GET 4 KiB, S3": lambda: load.measure(
            f"{url}/bench-bucket/small",
            headers=signing.sign("GET", url, "/bench-bucket/small"),
        )[0],
        "durable PUT 4 KiB, S3": signed_puts,
        "LIST 1,000 keys, S3": lambda: load.measure(
            f"{url}/few-keys?list-type=2",
            headers=signing.sign("GET", url, "/few-keys", query="list-type=2"),
        )[0],
        "LIST 1,000 keys, REST": lambda: load.measure(
            f"{url}/v1/buckets/few-keys/objects?limit=1000", headers=HEADERS
        )[0],
    }
    print(f"\nBeside an empty Django view, median of {ROUNDS} rounds:")
    print(f"{'':32}{'per second':>12}{'empty view':>12}{'ratio':>8}")
    for name, run in measured.items():
        pairs = [(run(), load.measure(empty)[0]) for _ in range(ROUNDS)]
        ours = statistics.median(pair[0] for pair in pairs)
        theirs = statistics.median(pair[1] for pair in pairs)
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"{name:32}{ours:12,.0f}{theirs:12,.0f}{ratio:8.3f}", flush=True)
    report_large(rest, nginx)
    report_listing(url)


def report_large(rest: str, nginx: str | None) -> None:
    if nginx is None:
        print("\nGET 64 MiB beside nginx: skipped, nginx is not installed")
        return
    pairs = [
        (
            load.measure(f"{rest}/large", headers=HEADERS, connections=4)[1],
            load.measure(f"{nginx}/large", connections=4)[1],
        )
        for _ in range(ROUNDS)
    ]
    ours = statistics.median(pair[0] for pair in pairs) / 1e9
    theirs = statistics.median(pair[1] for pair in pairs) / 1e9
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"\nGET 64 MiB: {ours:.2f} GB/s, nginx {theirs:.2f} GB/s, ratio {ratio:.2f}")


def report_listing(url: str) -> None:
    """A listing with a delimiter skips the keys under each common prefix."""
    with httpx.Client(base_url=url, headers=HEADERS, timeout=60) as http:
        times: dict[str, list[float]] = {"few-keys": [], "many-keys": []}
        for _ in range(30):
            for bucket, taken in times.items():
                begin = time.perf_counter()
                answer = http.get(f"/v1/buckets/{bucket}/objects?delimiter=/")
                taken.append(time.perf_counter() - begin)
                assert len(answer.json()["common_prefixes"]) == fill.FOLDERS
    few, many = (statistics.median(taken) for taken in times.values())
    print(
        f"LIST with a delimiter: {few * 1e3:.1f} ms at {FEW:,} keys, "
        f"{many * 1e3:.1f} ms at {MANY:,}, ratio {many / few:.2f}"
    )


if __name__ == "__main__":
    main()
