"""The documentation: what is generated is true, what is linked is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scripts import errors_reference

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_errors_page_is_what_the_code_says():
    assert (ROOT / "docs" / "errors.md").read_text() == errors_reference.page(), (
        "write it anew: python scripts/errors_reference.py"
    )


def test_the_site_builds_and_its_links_lead_somewhere(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "guides" / "minio" / "index.html").exists()
