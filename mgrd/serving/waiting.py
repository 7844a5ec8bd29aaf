"""Waiting for a server that is out of reach: with a report, for so long, and started again where it is ours."""

import asyncio
import logging
import time

import openai

from mgrd.errors import EngineStopError
from mgrd.serving.connection import Connection
from mgrd.serving.failures import NotACompletionError
from mgrd.serving.launch import LaunchedServer

LOGGER = logging.getLogger("mgrd")
FIRST_LOOK, LONGEST_LOOK = 0.2, 5.0
"""Seconds between two looks: doubled each time."""
LOOK_SECONDS = 10.0
"""Time that a look may take."""
REPORT_SECONDS = 60.0
"""Between two reports."""
MOST_STARTS = 5
"""Times that a launched server may die while it is waited for."""


class Patience:
    """Waits on behalf of all requests at once: the first that finds the server gone looks for it."""

    def __init__(self, connection: Connection, seconds: float, launched: LaunchedServer | None = None) -> None:
        self._connection = connection
        self._seconds = seconds
        self._launched = launched
        self._looking = asyncio.Lock()

    async def until_it_answers(self, reason: str) -> None:
        """Raises EngineStopError, now and for every later request, when patience ends."""
        async with self._looking:
            if self._connection.failed is not None:
                raise self._connection.failed
            if await self._answers():
                return
            url = self._connection.address.base_url
            LOGGER.warning(
                "the server at %s is out of reach (%s); waiting up to %.0f s for it, what is finished is kept",
                url, reason, self._seconds,
            )  # fmt: skip
            started = time.monotonic()
            try:
                await self._look(started)
            except EngineStopError as error:
                self._connection.failed = error
                raise
            LOGGER.warning("the server at %s answers again after %.0f s", url, time.monotonic() - started)

    async def _look(self, started: float) -> None:
        pause, reported, starts = FIRST_LOOK, started, 0
        while not await self._answers():
            now = time.monotonic()
            if self._launched is not None and self._launched.has_died:
                if starts == MOST_STARTS:
                    raise EngineStopError(f"the server died {starts} times while starting:\n{self._launched.tail()}")
                starts += 1
                self._launched.start()
            if now - started > self._seconds:
                raise EngineStopError(
                    f"the server at {self._connection.address.base_url} did not answer for {now - started:.0f} s "
                    "(runtime.server.patience_seconds); start it and run again, what is finished is kept"
                )
            if now - reported > REPORT_SECONDS:
                LOGGER.warning("still waiting for %s, %.0f s", self._connection.address.base_url, now - started)
                reported = now
            await asyncio.sleep(pause)
            pause = min(LONGEST_LOOK, 2 * pause)

    async def _answers(self) -> bool:
        """Whether something answers that is no gateway in front of a dead server."""
        try:
            await self._connection.models(LOOK_SECONDS)
        except openai.APIStatusError as error:
            return error.status_code < 500
        except openai.APIError:
            return False
        except NotACompletionError:  # a page, or half of one: it answers all the same
            return True
        return True
