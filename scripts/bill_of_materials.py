"""Write the CycloneDX bill of materials of the store, or with `client` of its client.

CycloneDX's own tool lists an environment; what is there for tests alone is left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from kernel.release import release  # noqa: E402
from scripts import shipped  # noqa: E402


def bill(
    project: Path, names: set[str], asked: set[str], version: str
) -> dict[str, Any]:
    """Give the bill of a project: its packages, and which of them it asks for."""
    whole = environment(project)
    kept = {
        one["bom-ref"]: one
        for one in whole["components"]
        if canonicalize_name(one["name"]) in names
    }
    root = whole["metadata"]["component"]
    root["version"] = version
    leads_to = {
        one["ref"]: [each for each in one.get("dependsOn", []) if each in kept]
        for one in whole["dependencies"]
        if one["ref"] in kept
    }
    leads_to[root["bom-ref"]] = [
        reference
        for reference, one in kept.items()
        if canonicalize_name(one["name"]) in asked
    ]
    dependencies = [{"ref": one, "dependsOn": leads_to[one]} for one in leads_to]
    return {**whole, "components": [*kept.values()], "dependencies": dependencies}


def environment(project: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "cyclonedx_py", "environment"]
    command += ["--pyproject", str(project), "--output-reproducible", sys.prefix]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    listed: dict[str, Any] = json.loads(done.stdout)
    return listed


def bill_of_server(version: str) -> dict[str, Any]:
    project = ROOT / "pyproject.toml"
    return bill(project, shipped.of_server(), shipped.asked_by_server(), version)


def bill_of_client(version: str) -> dict[str, Any]:
    project = ROOT / "clients/python/pyproject.toml"
    return bill(project, shipped.of_client(), shipped.asked_by_client(), version)


if __name__ == "__main__":
    make = bill_of_client if "client" in sys.argv else bill_of_server
    print(json.dumps(make(release()), indent=2))
