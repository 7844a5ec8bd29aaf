"""A connection: what concerns all requests stops all of them, with the caller's own error."""

import asyncio
from collections.abc import Iterator

import pytest

from mgrd.errors import EngineStopError
from mgrd.judging.mock import Answer, MockJudge, serving
from mgrd.serving.connection import Address, Connection, Try
from mgrd.serving.limits import Concurrency

BUSY = Answer("busy", status=429, headers={"Retry-After": "86400"})


@pytest.fixture
def busy() -> Iterator[MockJudge]:
    with serving(lambda *_: BUSY) as server:
        yield server


def test_a_wait_beyond_patience_stops_every_request(busy: MockJudge) -> None:
    address = Address(busy.url, "m", None, 5.0, 3, "the server", "runtime.server", EngineStopError)

    async def ask_twice() -> list[object]:
        connection = Connection(address, Concurrency(1))

        async def attempt(sent: Try) -> object:
            return await connection.post("/chat/completions", {"messages": []}, lambda data: data, sent)

        results = [await asyncio.gather(connection.persist(attempt), return_exceptions=True) for _ in range(2)]
        await connection.close()
        return [result[0] for result in results]

    first, second = asyncio.run(ask_twice())
    assert isinstance(first, EngineStopError)
    assert "asks to wait 86400 s; run again later" in str(first)
    assert second is first
    assert len(busy.requests) == 1
