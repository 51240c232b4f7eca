"""What `make dist` builds is whole, and a stranger can install it and use it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import httpx
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

from kernel import release
from scripts import dist, shipped
from tests.servers import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
STARTS_WITHIN = 90


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    dist.build(folder)
    return folder


def only(folder, pattern):
    (found,) = folder.glob(pattern)
    return found


def tracked(*folders):
    done = subprocess.run(
        ["git", "ls-files", *folders],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    names = set(done.stdout.split())
    return {name for name in names if (ROOT / name).exists()}


def apps():
    return [name for name in os.listdir(ROOT) if (ROOT / name / "__init__.py").exists()]


def test_the_wheel_holds_every_file_of_every_app(built):
    with zipfile.ZipFile(only(built, "objectstore_server-*.whl")) as wheel:
        held = set(wheel.namelist())
    expected = tracked(*(name for name in apps() if name not in NO_APPS))
    assert expected - held == set()
    others = {name.partition("/")[0] for name in held} - set(apps())
    assert {re.sub("-.*[.]", ".", name) for name in others} == {
        "objectstore_server.dist-info"
    }


NO_APPS = {"bench", "scripts", "tests"}


def test_the_clients_wheel_holds_the_client(built):
    with zipfile.ZipFile(only(built, "objectstore-*.whl")) as wheel:
        held = {f"clients/python/{name}" for name in wheel.namelist()}
    assert tracked("clients/python/objectstore") - held == set()


def test_the_wheel_asks_for_what_the_server_needs(built):
    with zipfile.ZipFile(only(built, "objectstore_server-*.whl")) as wheel:
        name = next(one for one in wheel.namelist() if one.endswith("/METADATA"))
        text = wheel.read(name).decode()
    asked = re.findall(r"^Requires-Dist: ([A-Za-z0-9-]+)", text, re.MULTILINE)
    assert {one.lower() for one in asked} == shipped.asked_by_server()


def test_what_redis_as_a_broker_needs_is_pinned():
    asked = [Requirement(one) for one in metadata.requires("kombu")]
    redis = {"extra": "redis"}
    needed = {one.name for one in asked if one.marker and one.marker.evaluate(redis)}
    assert {"redis", *needed} <= shipped.of_server()


def test_the_source_archive_builds_alone(built):
    with tarfile.open(only(built, "objectstore_server-*.tar.gz")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "manage.py", "requirements/server.in"} <= names
    assert not any(name.startswith(("tests/", "data/", ".env")) for name in names)


@pytest.mark.parametrize(
    ("python", "npm"),
    [
        ("1.2.0", "1.2.0"),
        ("1.2.1.dev5+g1a2b3c4.d20260101", "1.2.1-dev.5"),
        ("2.0.0rc1", "2.0.0-rc.1"),
    ],
)
def test_npm_has_the_same_version_in_its_own_form(python, npm):
    assert dist.npm_version(python) == npm


def test_npms_archive_holds_the_client(built):
    with tarfile.open(only(built, "objectstore-client-*.tgz")) as archive:
        held = set(archive.getnames())
        package = json.load(archive.extractfile("package/package.json"))
    for name in ("dist/index.cjs", "source/index.js", "types/index.d.ts"):
        assert f"package/{name}" in held
    version = only(built, "objectstore_server-*.whl").name.split("-")[1]
    assert package["version"] == dist.npm_version(version)


@pytest.mark.parametrize(
    ("name", "names", "asked"),
    [
        ("objectstore-server", shipped.of_server(), shipped.asked_by_server()),
        ("objectstore", shipped.of_client(), shipped.asked_by_client()),
    ],
)
def test_the_bill_of_materials_is_the_pins(built, name, names, asked):
    text = (built / f"{name}.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    assert bill["bomFormat"] == "CycloneDX"
    root = bill["metadata"]["component"]
    version = only(built, "objectstore_server-*.whl").name.split("-")[1]
    assert (root["name"], root["version"]) == (name, version)
    listed = {one["name"].lower().replace("_", "-") for one in bill["components"]}
    # What is pinned for other systems alone is not installed here.
    assert names - listed <= {"colorama", "tzdata", "pywin32"}
    assert listed <= names
    (leads,) = [
        one["dependsOn"]
        for one in bill["dependencies"]
        if one["ref"] == root["bom-ref"]
    ]
    plain = {one.partition("==")[0].lower().replace("_", "-") for one in leads}
    assert plain == asked


def test_licences_are_listed_and_none_is_forbidden(built):
    listed = (built / "licences.md").read_text()
    assert "| psycopg " in listed
    assert "| httpx " in listed


def test_a_licence_that_is_not_allowed_is_refused():
    done = subprocess.run(
        [str(BIN / "pip-licenses"), "--allow-only", "MIT", "--packages", "paramiko"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "LGPL-2.1" in done.stderr


def test_the_checksums_are_of_all_files(built):
    lines = (built / "SHA256SUMS").read_text().splitlines()
    sums = {name: sum_ for sum_, name in (line.split("  ") for line in lines)}
    files = {one.name for one in built.iterdir()} - {"SHA256SUMS"}
    assert set(sums) == files
    for name in files:
        actual = hashlib.sha256((built / name).read_bytes()).hexdigest()
        assert sums[name] == actual


def test_the_image_is_linted():
    subprocess.run([str(BIN / "hadolint"), "deploy/Dockerfile"], cwd=ROOT, check=True)


def test_a_checkout_is_named_by_its_tag(tmp_path):
    def git(*words):
        settings = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", *settings, *words], cwd=tmp_path, check=True)

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "-m", "one")
    git("tag", "v1.2.0")
    assert release.described(tmp_path) == "1.2.0"
    git("commit", "--quiet", "--allow-empty", "-m", "two")
    assert release.described(tmp_path).startswith("1.2.0-1-g")
    assert release.described(ROOT / "nowhere") == release.UNKNOWN


def test_an_image_is_named_by_what_was_written_into_it(tmp_path, monkeypatch):
    monkeypatch.setattr(release, "ROOT", tmp_path)
    (tmp_path / "VERSION").write_text("1.2.0\n")
    assert release.release.__wrapped__() == "1.2.0"
    (tmp_path / "VERSION").write_text("\n")
    assert release.release.__wrapped__() == release.UNKNOWN


class Installed:
    """The wheel in an environment of its own, run in an empty folder."""

    def __init__(self, folder, wheel):
        venv.create(folder / "venv", with_pip=False)
        self.bin = folder / "venv" / "bin"
        pip = [sys.executable, "-m", "pip", "--python", str(self.bin / "python")]
        options = ["--quiet", "--no-deps", "--no-index", "--no-cache-dir"]
        subprocess.run([*pip, "install", *options, str(wheel)], check=True)
        (site,) = (folder / "venv").glob("lib/python*/site-packages")
        # The packages that it asks for are those that are here already.
        (ours,) = Path(sys.prefix).glob("lib/python*/site-packages")
        (site / "here.pth").write_text(f"{ours}\n")
        self.home = folder / "home"
        self.home.mkdir()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "run.log"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OBJECTSTORE_", "DJANGO_", "PYTHON", "DATABASE_"))
        }

    def tell(self, *words):
        done = subprocess.run(
            [str(self.bin / "objectstore-server"), *words],
            cwd=self.home,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def start(self):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(self.bin / "objectstore-server"), "run", "--port", str(self.port)],
                cwd=self.home,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/-/ready").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.2)
        raise AssertionError(self.log.read_text()[-4000:])

    def stop(self):
        """Ask the first process alone, as Ctrl-C or systemd would."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)

    def secret(self, name):
        return re.search(rf"{name}\s+(\S+)", self.log.read_text())[1]


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    wheel = only(built, "objectstore_server-*.whl")
    installed = Installed(tmp_path_factory.mktemp("installed"), wheel)
    installed.version = wheel.name.split("-")[1]
    installed.start()
    yield installed
    if installed.process.poll() is None:
        installed.stop()


@pytest.mark.slow
def test_an_installed_store_says_its_version(installed):
    assert installed.tell("version").strip() == installed.version
    metrics = httpx.get(f"{installed.url}/-/metrics").text
    assert f'objectstore_build_info{{version="{installed.version}"}} 1' in metrics


@pytest.mark.slow
def test_an_installed_store_keeps_what_it_stores_where_it_was_started(installed):
    assert (installed.home / "data" / "objectstore.sqlite3").exists()


@pytest.mark.slow
def test_an_installed_store_stores(installed):
    key = {"Authorization": f"Bearer {installed.secret('API key')}"}
    bucket = f"{installed.url}/v1/buckets/mine"
    with httpx.Client(headers=key) as http:
        assert http.put(bucket).status_code == 201
        for size in (10, 100_000):
            address = f"{bucket}/objects/{size}"
            http.put(address, content=b"x" * size).raise_for_status()
            assert http.get(address).content == b"x" * size


@pytest.mark.slow
def test_an_installed_console_opens_with_its_own_files(installed):
    with httpx.Client(base_url=installed.url, follow_redirects=True) as http:
        page = http.get("/admin/login/")
        assert page.status_code == 200
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        user, password = re.search(
            r"Operator\s+(\S+) / (\S+)", installed.log.read_text()
        ).groups()
        form = {"username": user, "password": password, "csrfmiddlewaretoken": token}
        home = http.post("/admin/login/?next=/admin/", data=form)
        assert home.url.path == "/admin/"
        assert home.status_code == 200
        files = set(re.findall(r'"(/-/static/[^"]+)"', home.text))
        assert any("/console/" in one for one in files)
        for one in files:
            assert http.get(one).status_code == 200, one


@pytest.mark.slow
def test_an_installed_store_ends_with_all_its_processes(installed):
    installed.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(installed.url)
    with pytest.raises(ProcessLookupError):
        os.killpg(installed.process.pid, 0)
