"""Load from wrk on the second core."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from bench import signing
from bench.servers import CLIENT_CORE, pinned

SECONDS = 3
CONNECTIONS = 16
# Those who write at once are committed together: twice as many as the server has
# threads, so that it has work while one group is synced. With 32 its core idles for a
# twentieth of the time, and wakes a thread more for each write: a tenth fewer PUTs.
WRITERS = 64
# Requests signed beforehand: more than a round sends.
SIGNED = 20_000
UNITS = {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}


def measure(
    url: str,
    *,
    headers: dict[str, str] | None = None,
    script: Path | None = None,
    connections: int = CONNECTIONS,
    seconds: int = SECONDS,
) -> tuple[float, float]:
    """Give requests and bytes a second. Fails when an answer was no success."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("wrk is needed (Debian: apt-get install wrk)")
    command = [program, "-t1", f"-c{connections}", f"-d{seconds}s", url]
    for name, value in (headers or {}).items():
        command[1:1] = ["-H", f"{name}: {value}"]
    if script is not None:
        command[1:1] = ["-s", str(script)]
    done = subprocess.run(
        pinned(CLIENT_CORE, *command), check=True, capture_output=True, text=True
    )
    if "Non-2xx" in done.stdout:
        raise SystemExit(f"{url} refused requests:\n{done.stdout}")
    requests = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    transfer = re.search(r"Transfer/sec:\s+([\d.]+)([KMG]?B)", done.stdout)
    if requests is None or transfer is None:
        raise SystemExit(f"wrk said nothing that can be read:\n{done.stdout}")
    return float(requests[1]), float(transfer[1]) * UNITS[transfer[2]]


PUT = """
local size = {size}
local body = string.rep("x", size)
math.randomseed({seed})
request = function()
  local path = "{path}" .. math.random(1, 100000000)
  return wrk.format("PUT", path, {{["Authorization"] = "{authorization}"}}, body)
end
"""


SIGNED_PUTS = """
local body = string.rep("x", {size})
local signed = {{ {signed} }}
local place = 0
request = function()
  place = place % #signed + 1
  local one = signed[place]
  return wrk.format("PUT", one[1], {{
    ["Authorization"] = one[2], ["X-Amz-Date"] = "{date}",
    ["X-Amz-Content-SHA256"] = "{digest}",
  }}, body)
end
"""


def signed_puts_script(folder: Path, url: str, path: str, size: int, seed: int) -> Path:
    """Write the script of PUTs to new keys, each signed beforehand."""
    body = b"x" * size
    signed = [
        (f"{path}{seed}-{n}", signing.sign("PUT", url, f"{path}{seed}-{n}", body))
        for n in range(SIGNED)
    ]
    first = signed[0][1]
    lines = [f'{{"{place}", "{one["Authorization"]}"}}' for place, one in signed]
    script = folder / f"signed-put-{seed}.lua"
    script.write_text(
        SIGNED_PUTS.format(
            size=size,
            signed=",\n".join(lines),
            date=first["X-Amz-Date"],
            digest=first["X-Amz-Content-SHA256"],
        )
    )
    return script


def put_script(
    folder: Path, path: str, authorization: str, size: int, seed: int
) -> Path:
    """Write the script of PUTs to new keys."""
    script = folder / f"put-{seed}.lua"
    script.write_text(
        PUT.format(path=path, authorization=authorization, size=size, seed=seed)
    )
    return script
