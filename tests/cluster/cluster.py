"""The store as deploy/ lays it out, on one machine: ten processes and a proxy."""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import httpx
import redis
from celery import Celery

from tests.cluster.services import Service
from tests.servers import ROOT, free_port
from tests.storages.engines import SeaweedFS

API_KEY = "api-key-of-the-cluster"
ACCESS_KEY_ID = "AKIACLUSTERCLUSTER01"
SECRET_ACCESS_KEY = "secret-access-key-of-the-cluster"
WEBS, WORKERS = 3, 2
# How long a day of lifecycle rules lasts here.
DAY = 10

NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream objectstore {{
    {servers}
    keepalive 32;
  }}
  server {{ listen 127.0.0.1:{port}; include {common}; }}
}}
"""


def missing_programs() -> list[str]:
    """Name the Debian packages that the cluster needs and this machine lacks."""
    programs = {
        "postgresql": postgresql_folder() is not None,
        "redis-server": program("redis-server") is not None,
        "nginx": program("nginx") is not None,
        "procps": program("pgrep") is not None,
    }
    return [name for name, is_there in programs.items() if not is_there]


def program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def postgresql_folder() -> Path | None:
    """Find the newest PostgreSQL server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=version_of)
    if found:
        return found[-1]
    initdb = shutil.which("initdb")
    return None if initdb is None else Path(initdb).parent


def version_of(folder: Path) -> int:
    name = folder.parent.name
    return int(name) if name.isdigit() else 0


class Cluster:
    """All programs, in a temporary folder and on free ports of loopback."""

    api_key = API_KEY
    access_key_id = ACCESS_KEY_ID
    secret_access_key = SECRET_ACCESS_KEY

    def __init__(self, **environment: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cluster-"))
        # PostgreSQL and nginx's workers run as users of their own.
        self.folder.chmod(0o711)
        self.ports = {
            name: free_port()
            for name in ("nginx", "redis", *(f"web-{n}" for n in range(1, WEBS + 1)))
        }
        self.url = f"http://127.0.0.1:{self.ports['nginx']}"
        self.engine = SeaweedFS(self.subfolder("seaweedfs"))
        self.environment = self._environment(environment)
        self.postgresql = self._postgresql()
        self.redis = self._redis()
        self.seaweedfs = self._seaweedfs()
        self.webs = [self._web(f"web-{n}") for n in range(1, WEBS + 1)]
        self.workers = [self._worker(f"worker-{n}") for n in range(1, WORKERS + 1)]
        self.beat = self._beat()
        self.nginx = self._nginx()

    def __enter__(self) -> Cluster:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def engines(self) -> list[Service]:
        return [self.postgresql, self.redis, self.seaweedfs]

    @property
    def services(self) -> list[Service]:
        return [*self.engines, *self.webs, *self.workers, self.beat, self.nginx]

    def start(self) -> None:
        self._make_postgresql()
        start_all(self.engines)
        self._create_database()
        self.manage("migrate", "--verbosity", "0")
        self.manage("bootstrap", "--url", self.url)
        start_all([*self.webs, *self.workers, self.beat])
        start_all([self.nginx])

    def stop(self) -> None:
        for service in [self.nginx, self.beat, *self.workers, *self.webs]:
            service.ask_to_stop()
        for service in reversed(self.services):
            service.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def manage(self, *arguments: str) -> str:
        """Run a management command as any node of the cluster would."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.node("manage"),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise AssertionError(f"manage.py {arguments[0]} failed:\n{done.stderr}")
        return done.stdout

    def evaluate(self, code: str) -> object:
        """Run Python in the cluster's environment and give what it prints as JSON."""
        return json.loads(self.manage("shell", "--no-imports", "-c", code))

    def sql(self, text: str) -> str:
        """Run SQL as the owner of the database and give what it prints."""
        programs = postgresql_folder()
        assert programs is not None
        done = subprocess.run(
            [
                *(programs / "psql", "-h", self.folder / "postgresql"),
                *("-U", "objectstore", "-X", "-q", "-At"),
                *("-v", "ON_ERROR_STOP=1", "objectstore"),
            ],
            input=text,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def subfolder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def web_url(self, number: int) -> str:
        return f"http://127.0.0.1:{self.ports[f'web-{number}']}"

    # What the nodes are told

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        socket_folder = str(self.folder / "postgresql").replace("/", "%2F")
        cache = f"redis://127.0.0.1:{self.ports['redis']}"
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OBJECTSTORE_", "CELERY_", "DJANGO_"))
        }
        return {
            **inherited,
            "DATABASE_URL": f"postgresql://objectstore@{socket_folder}/objectstore",
            "OBJECTSTORE_CACHE_URL": f"{cache}/0",
            "CELERY_BROKER_URL": f"{cache}/1",
            "OBJECTSTORE_SECRET_KEY": secrets.token_urlsafe(48),
            "OBJECTSTORE_SEALING_KEYS": secrets.token_urlsafe(48),
            "OBJECTSTORE_ROOT_API_KEY": API_KEY,
            "OBJECTSTORE_ROOT_ACCESS_KEY": ACCESS_KEY_ID,
            "OBJECTSTORE_ROOT_SECRET_KEY": SECRET_ACCESS_KEY,
            "OBJECTSTORE_TRUSTED_PROXIES": "127.0.0.1/32",
            "OBJECTSTORE_THREADS": "16",
            "OBJECTSTORE_LIFECYCLE_DAY_SECONDS": str(DAY),
            "OBJECTSTORE_FREE_GRACE_SECONDS": "5",
            # Long, so that tests see who is told of changes and who only waits.
            "OBJECTSTORE_PRINCIPAL_CACHE_SECONDS": "600",
            **{
                f"OBJECTSTORE_STORAGE_{name.upper()}": self.engine.location(name)
                for name in ("standard", "cold", "archive")
            },
            **more,
        }

    def node(self, name: str) -> dict[str, str]:
        """Give a node's environment: it shares nothing with others but by network."""
        return {
            **self.environment,
            "OBJECTSTORE_DATA_DIR": str(self.subfolder(f"data-{name}")),
        }

    # The programs

    def _postgresql(self) -> Service:
        folder = self.subfolder("postgresql")
        programs = postgresql_folder()
        assert programs is not None
        user = "postgres" if os.geteuid() == 0 else None
        if user:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            # Each thread of each web process keeps a connection.
            "max_connections": "200",
        }
        return Service(
            "postgresql",
            [
                str(programs / "postgres"),
                *("-D", str(folder / "data")),
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            self.folder,
            self._ask_postgresql,
            user=user,
        )

    def _ask_postgresql(self) -> None:
        programs = postgresql_folder()
        assert programs is not None
        subprocess.run(
            [
                *(programs / "pg_isready", "-q", "-U", "objectstore"),
                *("-d", "template1", "-h", self.folder / "postgresql"),
            ],
            check=True,
        )

    def _make_postgresql(self) -> None:
        programs = postgresql_folder()
        assert programs is not None
        subprocess.run(
            [
                *(programs / "initdb", "-D", self.folder / "postgresql" / "data"),
                *("-U", "objectstore", "-A", "trust", "-E", "UTF8"),
                "--locale=C.UTF-8",
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
            user=self.postgresql.user,
        )

    def _create_database(self) -> None:
        programs = postgresql_folder()
        assert programs is not None
        subprocess.run(
            [
                *(programs / "createdb", "-h", self.folder / "postgresql"),
                *("-U", "objectstore", "objectstore"),
            ],
            check=True,
        )

    def _redis(self) -> Service:
        port = self.ports["redis"]
        return Service(
            "redis",
            [
                str(program("redis-server")),
                *("--port", str(port), "--bind", "127.0.0.1", "--save", ""),
                *("--appendonly", "yes", "--dir", str(self.subfolder("redis"))),
            ],
            self.folder,
            lambda: redis.Redis(port=port).ping(),
        )

    def _seaweedfs(self) -> Service:
        return Service(
            "seaweedfs", self.engine.command(), self.folder, self.engine.is_ready
        )

    def _web(self, name: str) -> Service:
        port = self.ports[name]
        return Service(
            name,
            [sys.executable, "manage.py", "serve", "--port", str(port)],
            self.folder,
            lambda: httpx.get(f"http://127.0.0.1:{port}/-/ready").raise_for_status(),
            environment=self.node(name),
            working_folder=ROOT,
        )

    def _celery(self, *arguments: str) -> list[str]:
        celery = [sys.executable, "-m", "celery", "-A", "objectstore_site"]
        return [*celery, *arguments, "--loglevel=info"]

    def _worker(self, name: str) -> Service:
        full_name = f"{name}@cluster"
        return Service(
            name,
            self._celery("worker", "--concurrency=1", f"--hostname={full_name}"),
            self.folder,
            lambda: self._ask_worker(full_name),
            environment=self.node(name),
            working_folder=ROOT,
        )

    def _ask_worker(self, full_name: str) -> None:
        app = Celery(broker=self.environment["CELERY_BROKER_URL"])
        if not app.control.ping(destination=[full_name], timeout=1):
            raise AssertionError(f"{full_name} does not answer")

    def _beat(self) -> Service:
        return Service(
            "beat",
            self._celery("beat", "--pidfile="),
            self.folder,
            # It answers nobody: what it sends is seen in what workers do.
            lambda: None,
            environment=self.node("beat"),
            working_folder=ROOT,
        )

    def _nginx(self) -> Service:
        folder, port = self.subfolder("nginx"), self.ports["nginx"]
        ports = [self.ports[f"web-{n}"] for n in range(1, WEBS + 1)]
        configuration = folder / "nginx.conf"
        configuration.write_text(
            NGINX.format(
                folder=folder,
                port=port,
                servers=servers(ports),
                common=ROOT / "deploy/nginx/objectstore-proxy.conf",
            )
        )
        return Service(
            "nginx",
            [str(program("nginx")), "-c", str(configuration)],
            self.folder,
            lambda: httpx.get(f"{self.url}/-/ready").raise_for_status(),
        )


def start_all(services: list[Service]) -> None:
    for service in services:
        service.start()
    for service in services:
        service.wait_until_ready()


def servers(ports: Iterable[int]) -> str:
    return "\n".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports)
