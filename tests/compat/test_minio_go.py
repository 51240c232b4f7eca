"""minio-go, MinIO's SDK for Go: the program beside this file."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("trailers", ["no", "yes"])
def test_a_whole_life(client, name, state, trailers):
    life = client("bin/minio-go-life")
    life.environment["TRAILERS"] = trailers
    version, *_, end = life(name).splitlines()
    assert end == "done"
    state(*version.split())
