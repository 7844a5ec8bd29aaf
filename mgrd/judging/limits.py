"""How fast and how far a judge is asked: concurrency that yields to the server, and a limit on cost.

Concurrency rises by one per full round of good replies and halves when the server says it is busy
(additive increase, multiplicative decrease; Chiu and Jain 1989). A `Retry-After` holds back all
requests, not only the one that was told. Spending is reserved before a request and settled after
it, so that requests in flight cannot pass the limit together.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from mgrd.errors import JudgeError

LONGEST_WAIT = 300.0
"""Seconds; a server that asks for more is asked again in a later run."""


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
    """Seconds that the server asks to wait, or None. Raises JudgeError when that is longer than a run should wait."""
    asked = _asked_wait(headers)
    if asked is not None and asked > LONGEST_WAIT:
        raise JudgeError(f"the judge's server asks to wait {asked:.0f} s; run again later, finished verdicts are kept")
    return asked


def _asked_wait(headers: Mapping[str, str]) -> float | None:
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
        except ValueError:
            continue
    return None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or several replies, what they cost, and the HTTP requests that it took."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    requests: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost + other.cost,
            self.requests + other.requests,
        )


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of a million tokens, in the settings' currency."""

    price_in: float
    price_out: float

    def usage(self, prompt_tokens: int, completion_tokens: int, *, requests: int = 1, share: float = 1.0) -> Usage:
        """The usage of one reply; `share` is the part of the prices that is charged, as in a batch."""
        cost = share * (prompt_tokens * self.price_in + completion_tokens * self.price_out) / 1e6
        return Usage(prompt_tokens, completion_tokens, cost, requests)


class Spend:
    """What was spent and what requests in flight may still cost, against a limit; one for all judges of a panel."""

    def __init__(self, limit: float | None, spent: float = 0.0) -> None:
        self.limit = limit
        self.spent = spent
        self._reserved = 0.0
        self._settled = asyncio.Condition()

    async def reserve(self, most: float) -> bool:
        """Put `most` aside for a request; False when it can no longer be paid, whatever is still in flight."""
        async with self._settled:
            while self.limit is not None and self.spent + self._reserved + most > self.limit:
                if self.spent + most > self.limit:
                    return False
                await self._settled.wait()
            self._reserved += most
            return True

    def reserve_now(self, most: float) -> bool:
        """As `reserve`, without waiting for what is in flight: for one who holds reservations himself."""
        if self.limit is not None and self.spent + self._reserved + most > self.limit:
            return False
        self._reserved += most
        return True

    async def settle(self, reserved: float, cost: float) -> None:
        async with self._settled:
            self._reserved -= reserved
            self.spent += cost
            self._settled.notify_all()
