"""Build all that is shipped into dist/, named by the tag.

The store and its Python client as wheels and source archives, the JavaScript client as
npm's archive where npm is there, bills of materials, the licences, and the checksums of
them all.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts import bill_of_materials, shipped  # noqa: E402

JAVASCRIPT = ROOT / "clients/javascript"


def build(target: Path) -> None:
    """Fill the folder, which is emptied first."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for project in (ROOT, ROOT / "clients/python"):
        build_python(project, target)
    (wheel,) = target.glob("objectstore_server-*.whl")
    version = wheel.name.split("-")[1]
    build_javascript(target, version)
    for name, bill in (
        ("objectstore-server", bill_of_materials.bill_of_server(version)),
        ("objectstore", bill_of_materials.bill_of_client(version)),
    ):
        (target / f"{name}.cdx.json").write_text(json.dumps(bill, indent=2))
    (target / "licences.md").write_text(licences())
    sums = [f"{checksum(file)}  {file.name}\n" for file in sorted(target.iterdir())]
    (target / "SHA256SUMS").write_text("".join(sums))


def build_python(project: Path, target: Path) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target)]
    run([*command, str(project)])


def build_javascript(target: Path, version: str) -> None:
    """Pack a copy: npm's own file states no version, for the tag does."""
    if shutil.which("npm") is None:
        print("npm is not here: no archive of the JavaScript client", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "client"
        ignored = shutil.ignore_patterns("node_modules", "tests")
        shutil.copytree(JAVASCRIPT, copy, ignore=ignored)
        manifest = copy / "package.json"
        package = json.loads(manifest.read_text())
        package["version"] = npm_version(version)
        manifest.write_text(json.dumps(package, indent=2))
        run(["npm", "pack", "--silent", "--pack-destination", str(target)], copy)


def npm_version(version: str) -> str:
    """Write Python's form of a version as npm's: 1.2.1.dev5+g1a2b is 1.2.1-dev.5."""
    public = version.partition("+")[0]
    return re.sub(r"(\d)\.?(dev|a|b|rc)(\d+)$", r"\1-\2.\3", public)


def licences() -> str:
    """List them; fails where one is not among those that pyproject.toml allows."""
    names = sorted(shipped.of_server() | shipped.of_client())
    tool = Path(sys.executable).parent / "pip-licenses"
    command = [str(tool), "--format=markdown", "--with-urls", "--packages", *names]
    return run(command, ROOT)


def checksum(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def run(command: list[str], folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}{' '.join(command)} failed")
    return done.stdout


if __name__ == "__main__":
    build(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist").absolute())
