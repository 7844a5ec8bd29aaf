"""Committing what is done while more is being done: soon, but not for every batch.

A commit costs the same for one row as for thousands, so an engine that is faster than the table would wait for it.
What is done is committed within COMMIT_SECONDS, also when the next batch never comes; the first one at once.
"""

import math
import threading
import time
from collections.abc import Callable
from typing import Generic, Self, TypeVar

COMMIT_SECONDS = 1.0
"""Time between two commits, and what a kill can cost beside the batch in hand."""
Item = TypeVar("Item")


class Commits(Generic[Item]):
    """Collects items and hands them to `commit`, one call at a time; leaving the block commits the rest.

    An error of `commit` is raised by the next `add`, or on leaving.
    """

    def __init__(self, commit: Callable[[list[Item]], None], seconds: float = COMMIT_SECONDS) -> None:
        self._commit = commit
        self._seconds = seconds
        self._done: list[Item] = []
        self._committed = -math.inf
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._error: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Also when the engine has stopped or a signal has come: what was done is kept."""
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            self._flush()
            self._raise()

    def add(self, item: Item) -> None:
        with self._lock:
            self._raise()
            self._done.append(item)
            if time.monotonic() - self._committed >= self._seconds:
                self._flush()
            elif self._timer is None:
                self._timer = threading.Timer(self._seconds, self._late)
                self._timer.daemon = True
                self._timer.start()

    def _late(self) -> None:
        with self._lock:
            self._timer = None
            try:
                self._flush()
            except Exception as error:
                self._error = error

    def _flush(self) -> None:
        if self._done:
            # Forgotten before it is written: an interrupt in between costs work, never a doubled row.
            done, self._done = self._done, []
            self._commit(done)
            self._committed = time.monotonic()

    def _raise(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error
