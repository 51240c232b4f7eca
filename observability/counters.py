"""What is counted, and how it lies in the ledger."""

from __future__ import annotations

import os
import threading
from bisect import bisect_left
from pathlib import Path

from observability.ledger import Cells, Ledger, Name

# Seconds of a request or commit: a small GET takes 0.0001, a large upload minutes.
SECONDS = (
    *(0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
TASK_SECONDS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 3600.0)
WRITES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)

# A histogram's cells: one for each bound, one for what is above, then the sum.
SUM = len(SECONDS) + 1
RECEIVED, SENT = SUM + 1, SUM + 2
REQUEST_CELLS = SENT + 1
STARTED: Name = ("started",)
COMMITS: Name = ("commits",)
GROUPS: Name = ("groups",)
SWEEPS: Name = ("sweeps",)
# Dialect, operation, and the first digit of the status.
Series = tuple[str, str, int]
REQUESTS, TASKS = "requests", "tasks"


class Counters:
    """The counters of this process; a forked child begins its own.

    No lock is taken to add to a cell. The interpreter lets other threads run between
    calls and at the end of loops only, and there is neither between reading a cell
    and writing it; a lock would take a fifth of what counting may cost.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opening = threading.RLock()
        self._begin()
        os.register_at_fork(after_in_child=self._begin_in_child)

    def _begin(self) -> None:
        self._ledger: Ledger | None = None
        self._cells: dict[Name, Cells] = {}
        self.requests: dict[Series, Cells] = {}
        self.started: Cells | None = None

    def _begin_in_child(self) -> None:
        parents = self._ledger
        self._opening = threading.RLock()
        self._begin()
        if parents is not None:
            parents.close_in_child()

    def cells(self, name: Name, count: int) -> Cells:
        """Find or make the cells of a name; the file is made with the first."""
        found = self._cells.get(name)
        if found is not None:
            return found
        with self._opening:
            if name not in self._cells:
                self._ledger = self._ledger or Ledger(self._folder)
                self._cells[name] = self._ledger.cells(name, count)
            return self._cells[name]

    def begin_requests(self) -> Cells:
        self.started = self.cells(STARTED, 1)
        return self.started

    def begin_series(self, series: Series) -> Cells:
        dialect, operation, status_class = series
        name = (REQUESTS, dialect, operation, f"{status_class}xx")
        cells = self.requests[series] = self.cells(name, REQUEST_CELLS)
        return cells

    def committed(self, writes: int, seconds: float) -> None:
        self._observe(COMMITS, SECONDS, seconds)
        self._observe(GROUPS, WRITES, writes)

    def swept(self, blobs: int, size: int) -> None:
        cells = self.cells(SWEEPS, 3)
        cells[0] += 1.0
        cells[1] += blobs
        cells[2] += size

    def count_task(self, task: str, state: str, seconds: float) -> None:
        self._observe((TASKS, task, state), TASK_SECONDS, seconds)

    def _observe(self, name: Name, bounds: tuple[float, ...], value: float) -> None:
        cells = self.cells(name, len(bounds) + 2)
        cells[bisect_left(bounds, value)] += 1.0
        cells[len(bounds) + 1] += value
