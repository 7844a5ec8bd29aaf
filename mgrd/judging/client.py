"""The judge's client: one chain's prompt to an OpenAI-compatible server, and back as a judgement.

A server that is busy or out of reach is asked again with growing pauses. A reply that cannot be read
gets one correction turn. What still fails is a judgement without scores; a chain is never held
responsible for its judge. The key comes from the environment, and neither it nor anything that
quotes it is stored.
"""

import asyncio
import json
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

import openai

from mgrd.errors import JudgeError
from mgrd.judging.dialect import Dialect, Messages
from mgrd.judging.limits import Concurrency, Prices, Spend, Usage, retry_after
from mgrd.judging.replies import REFUSED, UNREACHABLE, Reply, Unreadable, read_reply, reply_of
from mgrd.judging.rubric import GroundingReply
from mgrd.settings import JudgeSpec
from prompts import Prompt

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Seconds between tries: doubled each time, with jitter."""
BYTES_PER_TOKEN = 3.0
"""For reserving cost, and for servers that report no usage; ordinary English has about four."""


class SpendLimitError(Exception):
    """The next request could pass the spend limit; nothing was asked."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of asking once: a grade, or the reason why there is none; the raw reply either way.

    `readable` is the one reply that was read as the grade.
    """

    grade: GroundingReply | None
    reason: str
    raw_reply: str
    usage: Usage
    readable: str = ""
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Paid:
    """A reply and what it cost."""

    reply: Reply
    usage: Usage


class NoReplyError(Exception):
    """No reply came; the message opens with UNREACHABLE or REFUSED and says how the last try ended."""

    def __init__(self, message: str, requests: int) -> None:
        super().__init__(message)
        self.requests = requests


class NotACompletionError(Exception):
    """The server answered 200 with something else: a proxy's page, a cut body, an empty object."""


class JudgeClient:
    """Asks one judge; share one client among all its requests, and the gate and purse among the panel's clients."""

    def __init__(self, judge: JudgeSpec, correction: Prompt, gate: Concurrency, purse: Spend) -> None:
        self.judge_spec = judge
        self.correction = correction
        self.gate = gate
        self.purse = purse
        self.prices = Prices(judge.price_in, judge.price_out)
        self.dialect = Dialect()
        self.failed: JudgeError | None = None
        self._jitter = random.Random()
        self._key = _key(judge)
        self.api = openai.AsyncOpenAI(
            base_url=judge.base_url, api_key=self._key, max_retries=0, timeout=judge.timeout_seconds
        )
        # What the environment says of an OpenAI account is not meant for whatever server this is.
        self.api.organization = self.api.project = None

    async def close(self) -> None:
        await self.api.close()

    async def judge(self, prompt: str, graded: str = "", arrived: Paid | None = None) -> Judgement:
        """The judgement on one rendered prompt; `graded` is the chain in it, `arrived` a reply that a batch brought.

        Raises SpendLimitError before anything is asked, JudgeError when no request can succeed.
        """
        messages: Messages = [{"role": "user", "content": prompt}]
        try:
            first = arrived or await self._ask(messages)
        except NoReplyError as error:
            return Judgement(None, str(error), "", Usage(requests=error.requests))
        reply, usage, raw = first.reply, first.usage, first.reply.raw
        read = read_reply(reply, graded)
        if isinstance(read, Unreadable) and read.mendable:
            messages.append({"role": "assistant", "content": reply.content or ""})
            messages.append({"role": "user", "content": self.correction.render(problem=read.problem)})
            try:
                second = await self._ask(messages)
            except SpendLimitError as error:
                return Judgement(None, f"{read.code}: {read.problem}; no correction: {error}", raw, usage)
            except NoReplyError as error:
                usage += Usage(requests=error.requests)
                return Judgement(None, f"{read.code}: {read.problem}; no correction: {error}", raw, usage)
            reply, usage, raw = second.reply, usage + second.usage, f"{raw}\n\n[after correction]\n{second.reply.raw}"
            read = read_reply(reply, graded)
        if isinstance(read, Unreadable):
            return Judgement(None, f"{read.code}: {read.problem}", raw, usage)
        return Judgement(read, read.reasons(), raw, usage, readable=reply.content or "")

    async def complete(self, messages: Messages) -> Paid:
        """One reply to messages that ask for something else than a grade, as a JSON object where the server can.

        Raises SpendLimitError, NoReplyError, or JudgeError where no request can succeed.
        """
        if self.dialect.format == 0:
            self.dialect = replace(self.dialect, format=1)  # the first format is the schema of a grade
        return await self._ask(messages)

    def most(self, messages: Messages) -> float:
        """What a request can cost at most."""
        return self.prices.usage(int(_size(messages) / BYTES_PER_TOKEN) + 1, self.judge_spec.max_tokens).cost

    def paid(self, data: object, messages: Messages, *, requests: int, share: float = 1.0) -> Paid:
        """A response body as a reply with its usage: counted by the server, else estimated, never free.

        Raises NotACompletionError when the body is none.
        """
        reply = reply_of(data)
        if reply is None or not isinstance(data, Mapping):
            raise NotACompletionError(f"the reply is no chat completion: {self._safe(str(data))[:100]}")
        counted = data.get("usage")
        counted = counted if isinstance(counted, Mapping) else {}
        asked = _count(counted.get("prompt_tokens"), _size(messages))
        replied = _count(counted.get("completion_tokens"), len(reply.raw.encode()))
        return Paid(reply, self.prices.usage(asked, replied, requests=requests, share=share))

    async def _ask(self, messages: Messages) -> Paid:
        """One paid reply. Raises SpendLimitError or NoReplyError."""
        most = self.most(messages)
        if not await self.purse.reserve(most):
            raise SpendLimitError(f"spend limit of {self.purse.limit:g}")
        cost = 0.0
        try:
            paid = await self._request(messages)
            cost = paid.usage.cost
        finally:
            await self.purse.settle(most, cost)
        return paid

    async def _request(self, messages: Messages) -> Paid:
        """Try until the server answers. Raises NoReplyError, or JudgeError where no request can succeed."""
        failure, sent = "", _Sent()
        for attempt in range(self.judge_spec.attempts):
            if attempt:
                await asyncio.sleep(self._pause(attempt))
            try:
                return await self._in_some_dialect(messages, sent)
            except openai.APIStatusError as error:
                failure = self.told(error)
                if not _passes(error.status_code):
                    raise self._final(error, failure, sent) from error
            except (openai.APIError, TimeoutError, NotACompletionError) as error:
                failure = self.told(error)
        raise NoReplyError(f"{UNREACHABLE}: {failure} ({self.judge_spec.attempts} tries)", sent.requests)

    async def _in_some_dialect(self, messages: Messages, sent: "_Sent") -> Paid:
        """Step down while the server refuses the request; only what succeeded is learnt."""
        async with self.gate.slot() as began:
            paid = await self._down_the_ladder(messages, sent, began)
        await asyncio.sleep(0)  # whoever got the place sends first: the server waits, this reply does not
        return paid

    async def _down_the_ladder(self, messages: Messages, sent: "_Sent", began: float) -> Paid:
        if self.failed is not None:
            raise self.failed  # another request learnt that none can succeed
        tried = self.dialect
        while True:
            try:
                paid = await self._once(messages, tried, sent, began)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                simpler = tried.simpler(error)
                if simpler is None:
                    raise
                tried = simpler
            except JudgeError as error:
                self.failed = error
                raise
            else:
                self.dialect = self.dialect.joined(tried)
                return paid

    async def _once(self, messages: Messages, dialect: Dialect, sent: "_Sent", began: float) -> Paid:
        sent.requests += 1
        body = dialect.body(self.judge_spec, messages)
        try:
            async with asyncio.timeout(self.judge_spec.timeout_seconds):
                # The plain JSON: the typed call rewrites each request and believes the shape of each reply.
                data = await self.api.post("/chat/completions", cast_to=object, body=body)
            paid = self.paid(_parsed(data), messages, requests=sent.requests)
        except (json.JSONDecodeError, RecursionError) as error:
            raise NotACompletionError(f"the reply's body is no JSON: {str(error)[:100]}") from error
        except openai.APIStatusError as error:
            if _passes(error.status_code):
                self.gate.is_busy(began, retry_after(error.response.headers))
            raise
        except (openai.APIConnectionError, TimeoutError):
            self.gate.is_busy(began, None)
            raise
        self.gate.went_well()
        return paid

    def _final(self, error: openai.APIStatusError, failure: str, sent: "_Sent") -> Exception:
        """A refusal of this one request concerns one chain; any other concerns all."""
        if error.status_code in {400, 413, 422}:
            return NoReplyError(f"{REFUSED}: {failure}", sent.requests)
        self.failed = JudgeError(
            f"the judge at {self.judge_spec.base_url} refuses {self.judge_spec.model}: {failure}; "
            f"check base_url, model and api_key_env in spec.panel.judges, then run again"
        )
        return self.failed

    def _pause(self, attempt: int) -> float:
        return self._jitter.uniform(0.5, 1.0) * min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))

    def told(self, error: Exception) -> str:
        """The failure in words, without the key, which some servers quote."""
        if isinstance(error, (openai.APITimeoutError, TimeoutError)):
            return f"no reply within {self.judge_spec.timeout_seconds:g} s"
        return self._safe(str(error))[:300] or type(error).__name__

    def _safe(self, text: str) -> str:
        """One line of text by a server, without the key and without what no table can hold."""
        line = " ".join(text.encode("utf-8", "replace").decode().split())
        return line.replace(self._key, "***")


@dataclass(slots=True)
class _Sent:
    """HTTP requests that went out for one reply."""

    requests: int = 0


def _key(judge: JudgeSpec) -> str:
    if judge.api_key_env is None:
        return "no-key"
    key = os.environ.get(judge.api_key_env, "")
    if not key:
        raise JudgeError(f"api_key_env of judge {judge.model} names {judge.api_key_env}, which is not set; export it")
    return key


def _passes(status: int) -> bool:
    """Whether a failure may be gone at the next try."""
    return status in {408, 409, 425, 429} or status >= 500


def _parsed(data: object) -> object:
    """The body as JSON, also where the server calls it plain text."""
    return json.loads(data) if isinstance(data, str) else data


def _size(messages: Messages) -> int:
    return sum(len(message["content"].encode()) for message in messages)


def _count(counted: object, size: int) -> int:
    """The server's count of tokens, or an estimate from `size` bytes where it counts none."""
    if isinstance(counted, int) and not isinstance(counted, bool) and counted >= 0:
        return counted
    return int(size / BYTES_PER_TOKEN) + 1
