"""What judging costs: tokens, prices, and a limit that requests in flight cannot pass together.

Spending is reserved before a request and settled after it.
"""

import asyncio
from dataclasses import dataclass

BYTES_PER_TOKEN = 3.0
"""For reserving cost, and for servers that report no usage; ordinary English has about four."""


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

    def most(self, size: int, max_tokens: int) -> Usage:
        """What a request of `size` bytes can use at most."""
        return self.usage(int(size / BYTES_PER_TOKEN) + 1, max_tokens)


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
