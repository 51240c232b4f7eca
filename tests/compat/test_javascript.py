"""The AWS SDK for JavaScript, version 3: the program beside this file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.compat.conftest import CLIENTS, HERE, Client


def test_a_whole_life(store, name, state, large, tmp_path):
    node = shutil.which("node")
    if node is None or not (CLIENTS / "javascript" / "installed").exists():
        pytest.skip("the AWS SDK for JavaScript is not installed; npm gives it")
    # Packages are found from where the program is.
    shutil.copy(HERE / "javascript" / "life.mjs", CLIENTS / "javascript")
    life = Client(Path(node), store, tmp_path)
    said = life(CLIENTS / "javascript" / "life.mjs", name, large).splitlines()
    assert said[-1] == "done"
    state("AWS SDK for JavaScript", said[0])
