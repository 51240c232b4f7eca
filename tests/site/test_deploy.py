"""The files in deploy/ agree with the code, with one another and with the docs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def ignored_names() -> list[str]:
    return (DEPLOY / "Dockerfile.dockerignore").read_text().split("\n")[1:]


def test_what_the_image_holds_is_a_whole_store(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns(*(name.lstrip("*/") for name in ignored_names()))
    shutil.copytree(ROOT, tmp_path / "app", ignore=ignored)
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OBJECTSTORE_", "DJANGO_", "PYTHON"))
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=tmp_path / "app",
        env=plain,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [".*", "data", "**/*.env"])
def test_no_secret_goes_into_the_image(name: str) -> None:
    assert name in ignored_names()


def test_variables_are_settings() -> None:
    documented = (ROOT / "docs/settings.md").read_text()
    files = [one for one in DEPLOY.rglob("*") if one.is_file()]
    used = {
        name
        for one in files
        for name in re.findall(r"\b(?:OBJECTSTORE|CELERY)_[A-Z_]+\b", one.read_text())
        # The address that Compose publishes is Compose's own affair.
        if name != "OBJECTSTORE_LISTEN"
    }
    assert used
    for name in used:
        general = re.sub("^OBJECTSTORE_STORAGE_.*", "OBJECTSTORE_STORAGE_<CLASS>", name)
        assert f"`{general}`" in documented, name


def test_compose_has_one_schedule_and_trusts_only_the_proxys_network(
    compose: Any,
) -> None:
    services = compose["services"]
    commands = [str(one.get("command", "")) for one in services.values()]
    assert sum(" beat " in f"{command} " for command in commands) == 1
    subnet = compose["networks"]["front"]["ipam"]["config"][0]["subnet"]
    web = services["web-1"]
    assert web["environment"]["OBJECTSTORE_TRUSTED_PROXIES"] == subnet
    on_front = {name for name, one in services.items() if "front" in one["networks"]}
    assert on_front == {"nginx", "web-1", "web-2", "web-3"}


def test_nginx_knows_every_web_process(compose: Any) -> None:
    webs = {name for name in compose["services"] if name.startswith("web-")}
    known = (DEPLOY / "nginx/compose.conf").read_text()
    assert set(re.findall(r"server (web-\d+):8000", known)) == webs


def test_compose_asks_for_what_its_example_names(compose: Any) -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    example = (DEPLOY / "compose.env.example").read_text()
    asked = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text))
    assert asked == set(re.findall(r"^([A-Z_]+)=", example, re.M))
