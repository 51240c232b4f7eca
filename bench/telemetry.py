"""python -m bench.telemetry: processor time of a small GET, with telemetry and without.

Time is that of the server's process, as the system counts it, so that what else runs on
the machine matters little; ratios are of one round, medians over all.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from bench import load, servers

ROUNDS = 7
SECONDS = 2
KINDS = {
    "nothing": {"OBJECTSTORE_METRICS": "false"},
    "as it comes": {},
    "OTLP, all signals": {"OTEL_EXPORTER_OTLP_ENDPOINT": "{sink}"},
    "OTLP, every request a trace": {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "{sink}",
        "OTEL_TRACES_SAMPLER": "parentbased_always_on",
    },
}


class Sink(BaseHTTPRequestHandler):
    """Takes what is sent, and forgets it."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


def main() -> None:
    sink = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{sink.server_port}"
    headers = {"Authorization": f"Bearer {servers.API_KEY}"}
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
        folder = Path(name)
        servers.manage(folder, "migrate", "--verbosity", "0")
        servers.manage(folder, "bootstrap")
        urls = {
            kind: stack.enter_context(
                servers.store(
                    folder, **{k: v.format(sink=address) for k, v in more.items()}
                )
            )
            for kind, more in KINDS.items()
        }
        first = next(iter(urls.values()))
        httpx.put(f"{first}/objects/small", content=b"x" * 4096, headers=headers)
        rounds = [
            {kind: microseconds(url, headers) for kind, url in urls.items()}
            for _ in range(ROUNDS)
        ]
    print("\nProcessor time of GET 4 KiB, key-value, by telemetry:")
    for kind in KINDS:
        taken = statistics.median(one[kind] for one in rounds)
        ratio = statistics.median(one[kind] / one["nothing"] for one in rounds)
        print(f"{kind:30}{taken:8.1f} us{ratio:8.3f}")


def microseconds(url: str, headers: dict[str, str]) -> float:
    """Give the server's processor time for each GET of a round."""
    processes = serving(url.rpartition(":")[2])
    before = sum(map(spent, processes))
    rate, _ = load.measure(f"{url}/objects/small", headers=headers, seconds=SECONDS)
    return (sum(map(spent, processes)) - before) / (rate * SECONDS) * 1e6


def serving(port: str) -> list[int]:
    """Give the processes of the server at a port: the one that was started, its own."""
    named = {
        int(path.parent.name): path.read_bytes().split(b"\0")
        for path in Path("/proc").glob("[0-9]*/cmdline")
    }
    mine = [pid for pid, words in named.items() if port.encode() in words]
    return [pid for pid in named if pid in mine or parent_of(pid) in mine]


def facts(pid: int) -> list[str]:
    """Give what the system says of a process, from its state on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["", "0"]


def parent_of(pid: int) -> int:
    return int(facts(pid)[1])


def spent(pid: int) -> float:
    """Give the seconds of processor time that a process has had."""
    user, system = facts(pid)[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
