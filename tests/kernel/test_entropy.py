"""Bytes of ids: no two draws alike, in one thread, in many, and after a fork."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from kernel.entropy import BLOCK, id_bytes


def drawn(count: int = BLOCK // 8 + 1) -> list[bytes]:
    return [id_bytes(8) for _ in range(count)]


def test_no_two_draws_are_alike() -> None:
    with ThreadPoolExecutor(8) as pool:
        lists = list(pool.map(lambda _: drawn(), range(16)))
    every = [one for some in lists for one in some]
    assert len(set(every)) == len(every)
    assert {len(one) for one in every} == {8}


def test_a_block_may_end_within_a_draw() -> None:
    assert len(id_bytes(BLOCK - 3)) == BLOCK - 3
    assert len(id_bytes(8)) == 8


def test_a_forked_child_draws_its_own() -> None:
    id_bytes(8)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, id_bytes(8))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 8) != id_bytes(8)
