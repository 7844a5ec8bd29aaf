"""How many requests a server gets at once: concurrency that yields to the server.

Concurrency rises by one per full round of good replies and halves when the server says it is busy
(additive increase, multiplicative decrease; Chiu and Jain 1989). A `Retry-After` holds back all
requests, not only the one that was told.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime


class Concurrency:
    """A gate for at most `ceiling` requests at once, fewer while the server is busy."""

    def __init__(self, ceiling: int) -> None:
        self.ceiling = ceiling
        self.allowed = float(ceiling)
        self.running = 0
        self._resume_at = 0.0
        self._last_cut = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[float]:
        """Wait for a place; the value is the time at which the request begins."""
        if self.running < int(self.allowed) and not self._waiting:
            self.running += 1
        else:
            await self._place()
        try:
            while (pause := self._resume_at - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            yield time.monotonic()
        finally:
            self._leave()

    async def _place(self) -> None:
        """Wait in line until a place is handed over."""
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        """Give a place back, and hand over all that are free: first come, first served."""
        self.running -= 1
        while self._waiting and self.running < int(self.allowed):
            place = self._waiting.popleft()
            if not place.done():
                self.running += 1
                place.set_result(None)

    def went_well(self) -> None:
        self.allowed = min(float(self.ceiling), self.allowed + 1 / self.allowed)

    def is_busy(self, began: float, retry_after: float | None) -> None:
        """Halve, once per wave: requests that began before the last cut tell nothing new."""
        now = time.monotonic()
        if began >= self._last_cut:
            self.allowed = max(1.0, self.allowed / 2)
            self._last_cut = now
        if retry_after is not None:
            self._resume_at = max(self._resume_at, now + retry_after)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait, or None."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        try:
            return max(0.0, float(text) * unit)
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
        except (ValueError, OverflowError):
            continue
    return None
