"""What every executor does."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import polars as pl

Frames = tuple[pl.DataFrame, ...]
Work = Callable[[pl.DataFrame], Frames]
"""A function of rows alone, that pickles. It opens what it needs on its first call and keeps it."""


class Executor(Protocol):
    """Runs the work of one stage on frame after frame."""

    workers: int
    """How many frames are worked on at once."""

    def map(self, work: Work, parts: Iterable[pl.DataFrame], *, many: bool = True) -> Iterator[Frames]:
        """What `work` makes of each frame, in the order of the frames; a few of them are in memory at once.

        `many` False says that there is too little work to start processes for. An error that `work` raises is raised
        here, and ends the map.
        """
        ...

    def map_unordered(self, work: Work, parts: Sequence[pl.DataFrame], at_most: int | None = None) -> Iterator[Frames]:
        """What `work` makes of the frames, each as it is done; they are handed over at once.

        For work that takes long: it is opened once in a worker, and `at_most` of the workers are at it.
        """
        ...
