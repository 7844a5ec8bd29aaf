"""Processes of this machine, one per core unless told otherwise."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import polars as pl

from mgrd.errors import MgrdError
from mgrd.executors.protocol import Frames, Work
from mgrd.executors.threads import one_thread_each

AHEAD = 1
"""Frames that wait beside those that are worked on."""

_work: list[Work] = []
"""The work of this process, when it is a worker."""


class LocalExecutor:
    """`workers` 0 is one process per core; 1 works in this process."""

    def __init__(self, workers: int = 0) -> None:
        self.workers = workers or os.cpu_count() or 1

    def map(self, work: Work, parts: Iterable[pl.DataFrame], *, many: bool = True) -> Iterator[Frames]:
        if self.workers == 1 or not many:
            yield from map(work, parts)
            return
        with (
            one_thread_each(),
            ProcessPoolExecutor(
                self.workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(work,)
            ) as pool,
        ):
            running: deque[Future[Frames]] = deque()
            try:
                for part in parts:
                    running.append(pool.submit(_run, part))
                    if len(running) >= self.workers + AHEAD:
                        yield _result(running.popleft())
                while running:
                    yield _result(running.popleft())
            finally:
                for future in running:
                    future.cancel()

    def map_unordered(self, work: Work, parts: Sequence[pl.DataFrame], at_most: int | None = None) -> Iterator[Frames]:
        """Here, one after the other: work that takes long to open would be opened in each process."""
        del at_most
        yield from map(work, parts)


def _result(future: "Future[Frames]") -> Frames:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise MgrdError(
            "a worker process died, most likely because the memory was full; what is committed is kept. Set "
            "runtime.workers lower and run the same command again"
        ) from error


def _begin(work: Work) -> None:
    _work[:] = [work]


def _run(part: pl.DataFrame) -> Frames:
    return _work[0](part)
