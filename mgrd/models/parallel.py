"""Work on several cores by threads of our own, each computing with a single torch thread.

Torch's own threads meet at a barrier after every operation and spin while they wait: beside any other
process a small model becomes ten times slower. Whole shards of a batch side by side meet once.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_WORKERS = 8

CACHED_KERNELS = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "128", "LRU_CACHE_CAPACITY": "8"}
"""Limits of oneDNN's and torch's caches of compiled products (1024 as they come), unless the environment has others.

Packed batches have another length each step, so hardly a product is found again, and each holds megabytes: with
the limits that these libraries have, a long run fills gigabytes with products that are never used again.
"""
for _name, _capacity in CACHED_KERNELS.items():
    os.environ.setdefault(_name, _capacity)  # read by torch at its first product


def worker_count() -> int:
    """Cores that this process may use, at most MAX_WORKERS; OMP_NUM_THREADS lowers it, as for torch."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cores, int(asked) if asked.isdigit() else cores, MAX_WORKERS))


class Workers:
    """Runs a function over items in threads; results come in the order of the items."""

    def __init__(self, pool: ThreadPoolExecutor | None, count: int) -> None:
        self._pool = pool
        self.count = count

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """All results; the first error of an item is raised as it is."""
        return [work(item) for item in items] if self._pool is None else list(self._pool.map(work, items))


@contextmanager
def workers(count: int | None = None) -> Iterator[Workers]:
    """Threads for a stretch of work; torch computes with one thread inside and as before afterwards."""
    count = count or worker_count()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if count == 1:
            yield Workers(None, 1)
        else:
            with ThreadPoolExecutor(count, "mgrd-models", initializer=torch.set_num_threads, initargs=(1,)) as pool:
                yield Workers(pool, count)
    finally:
        torch.set_num_threads(before)
