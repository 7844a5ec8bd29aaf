"""The judge's client: one chain's prompt to an OpenAI-compatible server, and back as a judgement.

A server that is busy or out of reach is asked again with growing pauses. A server that does not know
a reply format is asked for the next simpler one. A reply that cannot be read gets one correction turn.
What still fails is a judgement without scores; a chain is never held responsible for its judge. The
key comes from the environment, and neither it nor anything that quotes it is stored.
"""

import asyncio
import json
import os
import random
from dataclasses import dataclass
from typing import Any

import openai
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

from mgrd.errors import JudgeError
from mgrd.judging.limits import Concurrency, Spend, Usage, retry_after
from mgrd.judging.replies import REFUSED, UNREACHABLE, Reply, Unreadable, read_reply
from mgrd.judging.rubric import GroundingReply, reply_schema
from mgrd.settings import JudgeSpec
from prompts import Prompt

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Seconds between tries: doubled each time, with full jitter."""
BYTES_PER_TOKEN = 3.0
"""For reserving cost, and for servers that report no usage; ordinary English has about four."""
FORMATS: tuple[Any, ...] = (
    {"type": "json_schema", "json_schema": {"name": "grade", "strict": True, "schema": reply_schema()}},
    {"type": "json_object"},
    openai.omit,
)
"""From strict to plain; a server that refuses one is asked for the next."""

Messages = list[ChatCompletionMessageParam]


class SpendLimitError(Exception):
    """The next request could pass the spend limit; nothing was asked."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of asking once: a grade, or the reason why there is none; the raw reply either way."""

    grade: GroundingReply | None
    reason: str
    raw_reply: str
    usage: Usage


class _NoReplyError(Exception):
    """No reply came; the message opens with UNREACHABLE or REFUSED and says how the last try ended."""


class _NotACompletionError(Exception):
    """The server answered 200 with something else: a proxy's page, a cut body, an empty object."""


class JudgeClient:
    """Asks one server; share one client among all requests, so that limits hold for them together."""

    def __init__(self, spec: JudgeSpec, correction: Prompt, spent: float = 0.0) -> None:
        self.spec = spec
        self.correction = correction
        self.concurrency = Concurrency(spec.concurrency)
        self.spend = Spend(spec.max_cost, spent, spec.price_in, spec.price_out)
        self._format = 0
        self._jitter = random.Random()
        self._key = _key(spec)
        self._client = openai.AsyncOpenAI(
            base_url=spec.base_url, api_key=self._key, max_retries=0, timeout=spec.timeout_seconds
        )
        # What the environment says of an OpenAI account is not meant for whatever server this is.
        self._client.organization = self._client.project = None

    async def close(self) -> None:
        await self._client.close()

    async def judge(self, prompt: str, graded: str = "") -> Judgement:
        """The judgement on one rendered prompt; `graded` is the chain in it.

        Raises SpendLimitError before anything is asked, JudgeError when no request can succeed.
        """
        messages: Messages = [{"role": "user", "content": prompt}]
        try:
            reply, usage = await self._ask(messages)
        except _NoReplyError as error:
            return Judgement(None, str(error), "", Usage())
        raw = reply.raw
        read = read_reply(reply, graded)
        if isinstance(read, Unreadable) and read.mendable:
            mended = self.correction.render(problem=read.problem)
            messages.append({"role": "assistant", "content": reply.content or ""})
            messages.append({"role": "user", "content": mended})
            try:
                second, more = await self._ask(messages)
            except (_NoReplyError, SpendLimitError) as error:
                return Judgement(None, f"{read.code}; no correction: {error}", raw, usage)
            usage, raw = usage + more, f"{raw}\n\n[after correction]\n{second.raw}"
            read = read_reply(second, graded)
        if isinstance(read, Unreadable):
            return Judgement(None, read.code, raw, usage)
        return Judgement(read, read.reasons(), raw, usage)

    async def _ask(self, messages: Messages) -> tuple[Reply, Usage]:
        """One paid reply. Raises SpendLimitError or _NoReplyError."""
        size = sum(len(str(message.get("content")).encode()) for message in messages)
        most = self.spend.usage(int(size / BYTES_PER_TOKEN) + 1, self.spec.max_tokens).cost
        if not await self.spend.reserve(most):
            raise SpendLimitError(f"spend limit of {self.spec.max_cost:g}")
        usage = Usage()
        try:
            completion = await self._request(messages)
            reply = _reply(completion)
            usage = self._usage(completion, size, len((reply.content or "").encode()))
        finally:
            await self.spend.settle(most, usage.cost)
        return reply, usage

    async def _request(self, messages: Messages) -> ChatCompletion:
        """Try until the server answers. Raises _NoReplyError, or JudgeError where no request can succeed."""
        failure = ""
        for attempt in range(self.spec.attempts):
            if attempt:
                await asyncio.sleep(self._pause(attempt))
            try:
                return await self._in_some_format(messages)
            except openai.APIStatusError as error:
                failure = self._told(error)
                if not _passes(error.status_code):
                    raise self._final(error, failure) from error
            except (openai.APIError, TimeoutError, _NotACompletionError) as error:
                failure = self._told(error)
        raise _NoReplyError(f"{UNREACHABLE}: {failure} ({self.spec.attempts} tries)")

    async def _in_some_format(self, messages: Messages) -> ChatCompletion:
        """Step down the formats that the server refuses; what succeeded first is where later requests begin."""
        for step in range(self._format, len(FORMATS) - 1):
            try:
                completion = await self._once(messages, FORMATS[step])
            except (openai.BadRequestError, openai.UnprocessableEntityError):
                continue
            self._format = max(self._format, step)
            return completion
        completion = await self._once(messages, FORMATS[-1])
        self._format = len(FORMATS) - 1
        return completion

    async def _once(self, messages: Messages, format_: Any) -> ChatCompletion:
        async with self.concurrency.slot() as began:
            try:
                async with asyncio.timeout(self.spec.timeout_seconds):
                    completion = _checked(
                        await self._client.chat.completions.create(
                            model=self.spec.model,
                            messages=messages,
                            temperature=self.spec.temperature,
                            max_tokens=self.spec.max_tokens,
                            response_format=format_,
                        )
                    )
            except json.JSONDecodeError as error:
                raise _NotACompletionError(f"the reply's body is no JSON: {error}") from error
            except openai.APIStatusError as error:
                if _passes(error.status_code):
                    self.concurrency.is_busy(began, retry_after(error.response.headers))
                raise
            except (openai.APIConnectionError, TimeoutError):
                self.concurrency.is_busy(began, None)
                raise
            self.concurrency.went_well()
            return completion

    def _final(self, error: openai.APIStatusError, failure: str) -> Exception:
        """A refusal of this one request concerns one chain; any other concerns all."""
        if error.status_code in {400, 413, 422}:
            return _NoReplyError(f"{REFUSED}: {failure}")
        return JudgeError(
            f"the judge at {self.spec.base_url} refuses {self.spec.model}: {failure}; "
            f"check spec.judge.base_url, model and api_key_env, then run again"
        )

    def _pause(self, attempt: int) -> float:
        return self._jitter.uniform(0.5, 1.0) * min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))

    def _told(self, error: Exception) -> str:
        """The failure in words, without the key, which some servers quote."""
        if isinstance(error, (openai.APITimeoutError, TimeoutError)):
            return f"no reply within {self.spec.timeout_seconds:g} s"
        text = " ".join(str(error).split())[:300] or type(error).__name__
        return text.replace(self._key, "***")

    def _usage(self, completion: ChatCompletion, asked_bytes: int, replied_bytes: int) -> Usage:
        """What the server counted, else an estimate: an uncounted reply is not a free one."""
        counted = completion.usage
        if counted is None:
            return self.spend.usage(int(asked_bytes / BYTES_PER_TOKEN), int(replied_bytes / BYTES_PER_TOKEN))
        return self.spend.usage(counted.prompt_tokens or 0, counted.completion_tokens or 0)


def _key(spec: JudgeSpec) -> str:
    if spec.api_key_env is None:
        return "no-key"
    key = os.environ.get(spec.api_key_env, "")
    if not key:
        raise JudgeError(f"spec.judge.api_key_env names {spec.api_key_env}, which is not set; export the judge's key")
    return key


def _passes(status: int) -> bool:
    """Whether a failure may be gone at the next try."""
    return status in {408, 409, 425, 429} or status >= 500


def _checked(response: Any) -> ChatCompletion:
    """The response if it is a completion: the library builds its objects without looking at the shape."""
    choices = getattr(response, "choices", None)
    if not isinstance(choices, list) or not choices or getattr(choices[0], "message", None) is None:
        raise _NotACompletionError(f"the reply is no chat completion: {str(response)[:100]}")
    return response


def _reply(completion: ChatCompletion) -> Reply:
    choice = completion.choices[0]
    content = choice.message.content
    if content is not None and not isinstance(content, str):
        content = json.dumps(content)  # some servers send a list of parts
    return Reply(content, choice.finish_reason, choice.message.refusal, raw=content or choice.model_dump_json())
