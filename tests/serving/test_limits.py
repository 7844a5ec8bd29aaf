"""Limits: requests at once rise slowly and halve once per wave."""

import asyncio
import time

import pytest

from mgrd.serving.limits import Concurrency, retry_after


def test_one_wave_of_refusals_halves_once_and_good_replies_raise_by_one_per_round() -> None:
    gate = Concurrency(16)
    wave = time.monotonic()
    for _ in range(16):
        gate.is_busy(wave, None)
    assert gate.allowed == 8
    gate.is_busy(time.monotonic(), None)
    assert gate.allowed == 4
    for _ in range(4):
        gate.went_well()
    assert 4.8 < gate.allowed <= 5
    for _ in range(1000):
        gate.went_well()
    assert gate.allowed == 16


def test_it_never_falls_below_one() -> None:
    gate = Concurrency(3)
    for _ in range(9):
        gate.is_busy(time.monotonic(), None)
    assert gate.allowed == 1


def test_a_lowered_gate_lets_no_more_in_than_it_allows() -> None:
    async def most_at_once() -> int:
        gate, most = Concurrency(8), 0
        gate.is_busy(time.monotonic(), None)

        async def work() -> None:
            nonlocal most
            async with gate.slot():
                most = max(most, gate.running)
                await asyncio.sleep(0.005)

        await asyncio.gather(*(work() for _ in range(20)))
        assert gate.running == 0
        return most

    assert asyncio.run(most_at_once()) == 4


def test_a_cancelled_request_gives_its_place_back() -> None:
    async def cancelled() -> int:
        gate = Concurrency(1)

        async def hold() -> None:
            async with gate.slot():
                await asyncio.sleep(60)

        task = asyncio.create_task(hold())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(1), gate.slot():
            return gate.running

    assert asyncio.run(cancelled()) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": f"Mon, 01 Jan 2001 00:00:00 +{'9' * 20}"}, None),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
