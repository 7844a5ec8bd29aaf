"""One OpenAI-compatible server as a caller sees it: requests that are tried until they are answered.

A server that is busy or out of reach is asked again with growing pauses. What concerns one request
(it is refused as it stands) is told apart from what concerns all (no access, no such model). The key
comes from the environment, and neither it nor anything that quotes it leaves this module.
"""

import asyncio
import json
import os
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import openai

from mgrd.errors import MgrdError
from mgrd.serving.failures import REFUSED, UNREACHABLE, NoReplyError, NotACompletionError
from mgrd.serving.limits import Concurrency, retry_after

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Seconds between tries: doubled each time, with jitter."""
LONGEST_WAIT = 300.0
"""Seconds; a server that asks for more is asked again in a later run."""
OF_THIS_REQUEST = frozenset({400, 413, 422})
"""Refusals that say nothing about other requests."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and how it is asked. `role` names it in messages, `section` is where its settings stand;
    `error` is raised when no request can succeed.
    """

    base_url: str
    model: str
    api_key_env: str | None
    timeout_seconds: float
    attempts: int
    role: str
    section: str
    error: type[MgrdError]


@dataclass(slots=True)
class Try:
    """One of the tries to get a reply: `requests` that went out so far for it, and when this try `began`."""

    requests: int = 0
    began: float = 0.0


class Connection:
    """Asks one server; share one among all requests to it, and the gate among the connections to one address.

    `failed` is set once it is known that no request can succeed; all later ones raise it.
    """

    def __init__(self, address: Address, gate: Concurrency) -> None:
        self.address = address
        self.gate = gate
        self.failed: MgrdError | None = None
        self._jitter = random.Random()
        self._key = _key(address)
        self.api = openai.AsyncOpenAI(
            base_url=address.base_url, api_key=self._key, max_retries=0, timeout=address.timeout_seconds
        )
        # What the environment says of an OpenAI account is not meant for whatever server this is.
        self.api.organization = self.api.project = None

    async def close(self) -> None:
        await self.api.close()

    async def persist(self, attempt: Callable[[Try], Awaitable[T]]) -> T:
        """Repeat the attempt, each in a place of its own at the gate, until it gets an answer.

        Raises NoReplyError, or the address's error where no request can succeed.
        """
        failure, sent = "", Try()
        for number in range(self.address.attempts):
            if number:
                await asyncio.sleep(self._pause(number))
            try:
                return await self._in_a_place(attempt, sent)
            except openai.APIStatusError as error:
                failure = self.told(error)
                if not _passes(error.status_code):
                    raise self._final(error, failure, sent) from error
            except (openai.APIError, TimeoutError, NotACompletionError) as error:
                failure = self.told(error)
        raise NoReplyError(f"{UNREACHABLE}: {failure} ({self.address.attempts} tries)", sent.requests)

    async def _in_a_place(self, attempt: Callable[[Try], Awaitable[T]], sent: Try) -> T:
        async with self.gate.slot() as began:
            if self.failed is not None:
                raise self.failed  # another request learnt that none can succeed
            sent.began = began
            try:
                reply = await attempt(sent)
            except self.address.error as error:
                self.failed = error
                raise
        await asyncio.sleep(0)  # whoever got the place sends first: the server waits, this reply does not
        return reply

    async def post(self, path: str, body: Mapping[str, object], read: Callable[[object], T], sent: Try) -> T:
        """One request; what `read` makes of the reply's JSON. Raises what openai raises, and NotACompletionError."""
        sent.requests += 1
        try:
            async with asyncio.timeout(self.address.timeout_seconds):
                # The plain JSON: the typed call rewrites each request and believes the shape of each reply.
                data = await _json(self.api.post(path, cast_to=object, body=body))
            reply = read(data)
        except RecursionError as error:
            raise NotACompletionError("the reply is nested without end") from error
        except openai.APIStatusError as error:
            if _passes(error.status_code):
                self.gate.is_busy(sent.began, self._asked_wait(error))
            raise
        except (openai.APIConnectionError, TimeoutError):
            self.gate.is_busy(sent.began, None)
            raise
        self.gate.went_well()
        return reply

    async def models(self, seconds: float | None = None) -> object:
        """What the server lists as its models. Raises what openai raises, and NotACompletionError."""
        return await _json(
            self.api.get("/models", cast_to=object, options={} if seconds is None else {"timeout": seconds})
        )

    def _asked_wait(self, error: openai.APIStatusError) -> float | None:
        """Raises the address's error when the server asks for a longer wait than a run should make."""
        asked = retry_after(error.response.headers)
        if asked is not None and asked > LONGEST_WAIT:
            raise self.address.error(
                f"{self.address.role} at {self.address.base_url} asks to wait {asked:.0f} s; "
                "run again later, what is finished is kept"
            ) from error
        return asked

    def _final(self, error: openai.APIStatusError, failure: str, sent: Try) -> Exception:
        """A refusal of this one request concerns one row; any other concerns all."""
        if error.status_code in OF_THIS_REQUEST:
            return NoReplyError(f"{REFUSED}: {failure}", sent.requests)
        self.failed = self.address.error(
            f"{self.address.role} at {self.address.base_url} refuses {self.address.model}: {failure}; "
            f"check base_url, model and api_key_env in {self.address.section}, then run again"
        )
        return self.failed

    def _pause(self, attempt: int) -> float:
        return self._jitter.uniform(0.5, 1.0) * min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))

    def told(self, error: Exception) -> str:
        """The failure in words, without the key, which some servers quote."""
        if isinstance(error, (openai.APITimeoutError, TimeoutError)):
            return f"no reply within {self.address.timeout_seconds:g} s"
        return self.safe(str(error))[:300] or type(error).__name__

    def safe(self, text: str) -> str:
        """One line of text by a server, without the key and without what no table can hold."""
        line = " ".join(text.encode("utf-8", "replace").decode().split())
        return self.without_key(line)

    def without_key(self, text: str) -> str:
        """The text with stars for the key, which a server may repeat."""
        return text if self.address.api_key_env is None else text.replace(self._key, "***")


def _key(address: Address) -> str:
    if address.api_key_env is None:
        return "no-key"
    key = os.environ.get(address.api_key_env, "")
    if not key:
        raise address.error(
            f"api_key_env of {address.role} {address.model} names {address.api_key_env}, which is not set; export it"
        )
    return key


def _passes(status: int) -> bool:
    """Whether a failure may be gone at the next try."""
    return status in {408, 409, 425, 429} or status >= 500


async def _json(reply: Awaitable[object]) -> object:
    """The body as JSON, also where the server calls it plain text. Raises NotACompletionError for what is none."""
    try:
        data = await reply
        return json.loads(data) if isinstance(data, str) else data
    except (ValueError, RecursionError) as error:  # no JSON, a number of thousands of digits, nested without end
        raise NotACompletionError(f"the reply's body is no JSON: {str(error)[:100]}") from error
