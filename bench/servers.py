"""The servers that are measured, each pinned to the first core."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
API_KEY = "api-key-of-the-benchmark"
ACCESS_KEY_ID, SECRET_ACCESS_KEY = "AKIABENCHMARK", "secret-of-the-benchmark"
SERVER_CORE, CLIENT_CORE = "0", "1"
NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; tcp_nopush on; default_type application/octet-stream;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def pinned(core: str, *command: str) -> list[str]:
    return ["taskset", "-c", core, *command] if shutil.which("taskset") else [*command]


def wait_for(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"nothing answers on port {port}")


@contextmanager
def running(command: list[str], port: int, **environment: str) -> Iterator[str]:
    process = subprocess.Popen(
        pinned(SERVER_CORE, *command),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def environment(folder: Path) -> dict[str, str]:
    """Limits stay on and are counted; they are only too high to be reached."""
    limits = {
        f"OBJECTSTORE_RATE_{name}": "99999999/m"
        for name in ("OBJECT_GET", "OBJECT_PUT", "OBJECT_DELETE", "BUCKET", "LIST")
    }
    return {
        **limits,
        "OBJECTSTORE_DATA_DIR": str(folder),
        "OBJECTSTORE_ROOT_API_KEY": API_KEY,
        "OBJECTSTORE_ROOT_ACCESS_KEY": ACCESS_KEY_ID,
        "OBJECTSTORE_ROOT_SECRET_KEY": SECRET_ACCESS_KEY,
    }


def manage(folder: Path, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment(folder)},
        check=True,
        stdout=subprocess.DEVNULL,
    )


@contextmanager
def store(folder: Path, **more: str) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "manage.py", "serve", "--port", str(port)]
    with running(command, port, **environment(folder), **more) as url:
        yield url


@contextmanager
def empty_view() -> Iterator[str]:
    port = free_port()
    command = [
        str(Path(sys.executable).with_name("granian")),
        *("--interface", "wsgi", "--port", str(port), "--blocking-threads", "32"),
        *("--no-ws", "bench.empty:application"),
    ]
    with running(command, port) as url:
        yield url


@contextmanager
def nginx(folder: Path, root: Path) -> Iterator[str | None]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        yield None
        return
    port = free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX.format(folder=folder, port=port, root=root))
    for one in [folder, *folder.parents]:
        if os.access(one, os.W_OK) and str(one).startswith(str(folder.parent)):
            one.chmod(0o755)
    with running([program, "-c", str(configuration)], port) as url:
        yield url
