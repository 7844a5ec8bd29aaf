"""What every executor does."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import polars as pl

Frames = tuple[pl.DataFrame, ...]
Work = Callable[[pl.DataFrame], Frames]
"""A function of rows alone, that pickles. It opens what it needs on its first call and keeps it."""


class Executor(Protocol):
    """Runs the work of one stage on frame after frame."""

    def map(self, work: Work, parts: Iterable[pl.DataFrame], *, many: bool = True) -> Iterator[Frames]:
        """What `work` makes of each frame, in the order of the frames; a few of them are in memory at once.

        `many` False says that there is too little work to start processes for. An error that `work` raises is raised
        here, and ends the map.
        """
        ...
