"""The judge's client: one chain's prompt to an OpenAI-compatible server, and back as a judgement.

A reply that cannot be read gets one correction turn. What still fails is a judgement without scores; a
chain is never held responsible for its judge.
"""

from dataclasses import dataclass, replace

import openai

from mgrd.errors import JudgeError
from mgrd.judging.dialect import Dialect, Messages
from mgrd.judging.replies import Reply, Unreadable, read_reply, reply_of
from mgrd.judging.rubric import GroundingReply
from mgrd.judging.spend import BYTES_PER_TOKEN, Prices, Spend, Usage
from mgrd.serving.connection import Address, Connection, Try
from mgrd.serving.failures import NoReplyError, NotACompletionError
from mgrd.serving.limits import Concurrency
from mgrd.serving.values import count_of, part_of
from mgrd.settings import JudgeSpec
from prompts import Prompt


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


class JudgeClient:
    """Asks one judge; share one client among all its requests, and the gate and purse among the panel's clients."""

    def __init__(self, judge: JudgeSpec, correction: Prompt, gate: Concurrency, purse: Spend) -> None:
        self.judge_spec = judge
        self.correction = correction
        self.purse = purse
        self.prices = Prices(judge.price_in, judge.price_out)
        self.dialect = Dialect()
        self.server = Connection(_address(judge), gate)

    async def close(self) -> None:
        await self.server.close()

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
        return self.prices.most(_size(messages), self.judge_spec.max_tokens).cost

    def paid(self, data: object, messages: Messages, *, requests: int, share: float = 1.0) -> Paid:
        """A response body as a reply with its usage: counted by the server, else estimated, never free.

        Raises NotACompletionError when the body is none.
        """
        reply = reply_of(data)
        if reply is None:
            raise NotACompletionError(f"the reply is no chat completion: {self.server.safe(str(data))[:100]}")
        usage = part_of(data, "usage")
        asked = _tokens(part_of(usage, "prompt_tokens"), _size(messages))
        replied = _tokens(part_of(usage, "completion_tokens"), len(reply.raw.encode()))
        reply = reply.mapped(self.server.without_key)  # it is stored
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

        async def down_the_ladder(sent: Try) -> Paid:
            """Step down while the server refuses the request; only what succeeded is learnt."""
            tried = self.dialect
            while True:
                try:
                    paid = await self._once(messages, tried, sent)
                except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                    simpler = tried.simpler(error)
                    if simpler is None:
                        raise
                    tried = simpler
                else:
                    self.dialect = self.dialect.joined(tried)
                    return paid

        return await self.server.persist(down_the_ladder)

    async def _once(self, messages: Messages, dialect: Dialect, sent: Try) -> Paid:
        body = dialect.body(self.judge_spec, messages)

        def read(data: object) -> Paid:
            return self.paid(data, messages, requests=sent.requests)

        return await self.server.post("/chat/completions", body, read, sent)


def _address(judge: JudgeSpec) -> Address:
    return Address(
        base_url=judge.base_url,
        model=judge.model,
        api_key_env=judge.api_key_env,
        timeout_seconds=judge.timeout_seconds,
        attempts=judge.attempts,
        role="the judge",
        section="spec.panel.judges",
        error=JudgeError,
    )


def _size(messages: Messages) -> int:
    return sum(len(message["content"].encode()) for message in messages)


def _tokens(counted: object, size: int) -> int:
    """The server's count of tokens, or an estimate from `size` bytes where it counts none."""
    count = count_of(counted)
    return int(size / BYTES_PER_TOKEN) + 1 if count is None else count
