"""Copies one by one and side by side: up, down, across, and through the pipe."""

from __future__ import annotations

import mimetypes
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from threading import Event

from rich.progress import Progress

from objectstore.cli.exits import CommandError, complain, exit_of
from objectstore.cli.locations import Local, Location, Pipe, Remote
from objectstore.cli.output import Output, progress_bars, shown
from objectstore.client import Client
from objectstore.errors import ObjectStoreError
from objectstore.transfers import PART_SIZE

REFUSALS = (ObjectStoreError, CommandError, OSError, ValueError)
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to copy; `relative` is its name under the folder that is the target."""

    source: Location
    base: Location
    relative: str = ""
    size: int = 0

    @property
    def target(self) -> Location:
        """Say where it goes. Raises CommandError for a key that is no path there."""
        if not self.relative or isinstance(self.base, Pipe):
            return self.base
        return self.base.child(self.relative)


@dataclass(frozen=True, slots=True)
class Manner:
    """How things are copied, and as what."""

    content_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    storage_class: str | None = None
    part_size: int = PART_SIZE
    threads: int = 4
    resume: bool = False

    def attributes(self, name: str = "") -> dict[str, object]:
        """Give what an upload says of its object; the name may tell the type."""
        guessed = mimetypes.guess_type(name)[0] if name else None
        return {
            "content_type": self.content_type or guessed,
            "metadata": self.metadata or None,
            "storage_class": self.storage_class,
        }


def copy(client: Client, job: Job, manner: Manner, told: Told) -> None:
    """Do one job."""
    match job.source, job.target:
        case Local() as source, Remote() as target:
            upload(client, source, target, manner, told)
        case Remote() as source, Local() as target:
            download(client, source, target, told)
        case Remote() as source, Remote() as target:
            copy_across(client, source, target, manner)
        case Pipe(), Remote() as target:
            upload_pipe(client, target, manner, told)
        case Remote() as source, Pipe():
            download_pipe(client, source)
        case _:
            raise CommandError("one of the two must be os://bucket/key")


def upload(
    client: Client, source: Local, target: Remote, manner: Manner, told: Told
) -> None:
    client.upload_file(
        target.bucket,
        target.key,
        source.path,
        part_size=manner.part_size,
        threads=manner.threads,
        progress=told,
        resume=manner.resume,
        **manner.attributes(source.name),  # type: ignore[arg-type]
    )


def download(client: Client, source: Remote, target: Local, told: Told) -> None:
    """Download, and give the file the object's time: `sync` compares by it."""
    target.path.parent.mkdir(parents=True, exist_ok=True)
    head = client.download_file(source.bucket, source.key, target.path, progress=told)
    modified = head.last_modified.timestamp()
    os.utime(target.path, (modified, modified))


def copy_across(client: Client, source: Remote, target: Remote, manner: Manner) -> None:
    is_described = bool(manner.metadata or manner.content_type)
    client.copy_object(
        source.bucket,
        source.key,
        target.bucket,
        target.key,
        metadata_directive="REPLACE" if is_described else "COPY",
        **manner.attributes(),  # type: ignore[arg-type]
    )


def upload_pipe(client: Client, target: Remote, manner: Manner, told: Told) -> None:
    client.upload_stream(
        target.bucket,
        target.key,
        sys.stdin.buffer,
        part_size=manner.part_size,
        threads=manner.threads,
        progress=told,
        **manner.attributes(target.name),  # type: ignore[arg-type]
    )


def download_pipe(client: Client, source: Remote) -> None:
    download = client.get_object(source.bucket, source.key)
    for chunk in download.body.iter_bytes():
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


@dataclass(frozen=True, slots=True)
class Runner:
    """Does jobs side by side and tells of each; one that fails does not stop others."""

    client: Client
    manner: Manner
    output: Output
    operation: str
    parallel: int = 4
    is_quiet: bool = False
    dry_run: bool = False
    after: Callable[[Job], None] | None = None
    stopped: Event = field(default_factory=Event)

    def run(self, jobs: Iterable[Job]) -> None:
        """Do the jobs. Raises CommandError when some of several failed."""
        if self.dry_run:
            for job in jobs:
                self.tell(job)
            return
        failures = 0
        done = 0
        code = None
        with progress_bars(not self.is_quiet and not self.output.as_json) as bars:
            for job, failure in self.outcomes(iter(jobs), bars):
                done += 1
                if failure is None:
                    self.tell(job)
                    continue
                failures += 1
                code = code or exit_of(failure)
                complain(f"{shown(job.source)}: {failure}")
        if code is not None:
            raise CommandError(f"{failures} of {done} failed", code)

    def outcomes(
        self, jobs: Iterator[Job], bars: Progress
    ) -> Iterator[tuple[Job, Exception | None]]:
        """Keep `parallel` jobs going, and take no more of a long listing than that."""
        waiting: deque[tuple[Job, Future[None]]] = deque()
        with ThreadPoolExecutor(self.parallel) as pool:
            try:
                while True:
                    for job in islice(jobs, 2 * self.parallel - len(waiting)):
                        waiting.append((job, pool.submit(self.do, job, bars)))
                    if not waiting:
                        return
                    job, future = waiting.popleft()
                    failure = future.exception()
                    if failure is not None and not isinstance(failure, REFUSALS):
                        raise failure
                    yield job, failure
            except BaseException:
                self.stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def do(self, job: Job, bars: Progress) -> None:
        name = shown(job.relative or job.source)
        task = bars.add_task(name, total=job.size or None)

        def told(done: int, total: int) -> None:
            if self.stopped.is_set():
                raise CommandError("stopped")
            bars.update(task, completed=done, total=total or None)

        try:
            copy(self.client, job, self.manner, told)
            if self.after is not None:
                self.after(job)
        finally:
            bars.remove_task(task)

    def tell(self, job: Job) -> None:
        if self.is_quiet or isinstance(job.base, Pipe):
            return
        facts = {
            "operation": self.operation,
            "source": str(job.source),
            "target": str(job.target),
            "dry_run": self.dry_run,
        }
        would = "would " if self.dry_run else ""
        line = f"{would}{self.operation} {shown(job.source)} -> {shown(job.target)}"
        self.output.tell(facts, line)
