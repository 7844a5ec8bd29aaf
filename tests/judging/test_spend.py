"""Spending: money is put aside before it is spent."""

import asyncio

from mgrd.judging.spend import Spend


def test_requests_in_flight_cannot_pass_the_limit_together() -> None:
    async def spend() -> tuple[int, float]:
        purse, paid = Spend(10.0), 0

        async def request() -> None:
            nonlocal paid
            if await purse.reserve(3.0):
                await asyncio.sleep(0.001)
                paid += 1
                assert purse.spent + 3.0 <= 10.0 + 1e-9
                await purse.settle(3.0, 2.0)

        await asyncio.gather(*(request() for _ in range(20)))
        return paid, purse.spent

    assert asyncio.run(spend()) == (4, 8.0), "after 8 a request of up to 3 could pass 10"


def test_without_a_limit_everything_is_paid() -> None:
    assert asyncio.run(Spend(None, 1e9).reserve(1e9))
