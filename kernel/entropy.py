"""Random bytes for ids, drawn from the system a block at a time.

Each call of os.urandom lets go of the interpreter, which a busy server's other threads
then hold for a while. For secrets, use `secrets`.
"""

from __future__ import annotations

import os
import threading

BLOCK = 4096


class _Stock(threading.local):
    block = b""
    place = 0

    def forget(self) -> None:
        self.block, self.place = b"", 0


_stock = _Stock()
# A forked child would draw what its parent draws.
os.register_at_fork(after_in_child=_stock.forget)


def id_bytes(count: int) -> bytes:
    """Give a few bytes, BLOCK at most, that nobody was given before."""
    end = _stock.place + count
    if end > len(_stock.block):
        _stock.block, end = os.urandom(BLOCK), count
    _stock.place = end
    return _stock.block[end - count : end]
