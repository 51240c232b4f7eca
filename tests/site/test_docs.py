"""The documentation: what is generated is true, what is linked is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import cli_reference, errors_reference, rest_reference
from tests.site.documents import pages

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("reference", [errors_reference, rest_reference, cli_reference])
def test_a_page_is_what_the_code_says(reference):
    name = reference.__name__.rpartition(".")[2]
    assert reference.PAGE.read_text() == reference.page(), (
        f"write it anew: python scripts/{name}.py"
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


@pytest.mark.parametrize("page", [page for page in pages() if "README" in page])
def test_links_of_a_readme_lead_somewhere(page):
    text = (ROOT / page).read_text()
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (folder / target).exists(), f"{page} links to {target}"
