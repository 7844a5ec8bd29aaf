"""Claims by a language model, for many chains: the first judge of the panel is asked, and its replies are kept.

A chain whose claims could not be read is told apart from one that claims nothing.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mgrd.errors import JudgeError
from mgrd.grounding.llm_claims import Extraction, extract_by
from mgrd.ids import content_key
from mgrd.judging.cache import CachedReply, ReplyCache
from mgrd.judging.cases import CORRECTION
from mgrd.judging.spend import Spend, Usage
from mgrd.serving.failures import NoReplyError
from mgrd.serving.limits import Concurrency
from mgrd.settings import ClaimsSpec, JudgeSpec, PanelSpec
from prompts import load_prompt

if TYPE_CHECKING:
    from mgrd.judging.client import JudgeClient


def extractor_identity(claims: ClaimsSpec, panel: PanelSpec | None) -> dict[str, object]:
    """What extracted claims depend on beside the chain."""
    if claims.extractor == "grammar" or panel is None:
        return {"extractor": "grammar"}
    judge = panel.judges[0]
    asked = {"model": judge.model, "temperature": judge.temperature, "max_tokens": judge.max_tokens}
    return {"extractor": claims.extractor, "prompt": load_prompt(claims.prompt).sha, **asked}


def extract_chains(
    chains: Mapping[str, str],
    claims: ClaimsSpec,
    panel: PanelSpec,
    replies: Path | None = None,
    on_usage: Callable[[Usage], None] | None = None,
) -> dict[str, Extraction]:
    """Key -> the claims of each chain, by `claims.extractor`.

    `replies` is the folder of the reply cache: a chain is paid once per model and prompt; `on_usage` gets the
    requests, tokens and cost that this call took, also when it fails. Raises JudgeError when the server refuses
    all requests or the panel's spend limit is reached; replies until then are kept.
    """
    asker = _Asker(claims, panel, replies)
    try:
        return asyncio.run(asker.run(chains))
    finally:
        if on_usage is not None:
            on_usage(asker.usage)


class _Asker:
    """Asks about one call's chains, within the panel's limits, and counts what that took."""

    def __init__(self, claims: ClaimsSpec, panel: PanelSpec, replies: Path | None) -> None:
        self.claims = claims
        self.panel = panel
        self.judge: JudgeSpec = panel.judges[0]
        self.purse = Spend(panel.max_cost)
        self.usage = Usage()
        self.prompt = load_prompt(claims.prompt)
        self.replies = replies

    async def run(self, chains: Mapping[str, str]) -> dict[str, Extraction]:
        from mgrd.judging.client import JudgeClient, SpendLimitError  # openai takes seconds to import

        cache = ReplyCache(self.replies)
        gate = Concurrency(self.judge.concurrency)
        client = JudgeClient(self.judge, load_prompt(CORRECTION), gate, self.purse)
        found: dict[str, Extraction] = {}
        queue = iter(chains.items())

        async def work() -> None:
            for key, chain in queue:
                found[key] = await self._extract(client, cache, chain)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.judge.concurrency, len(chains))):
                    group.create_task(work())
        except* SpendLimitError as limited:
            left = len(chains) - len(found)
            raise JudgeError(
                f"{limited.exceptions[0]} reached with the claims of {left} of {len(chains)} chains to go; "
                "replies that came in are kept, raise spec.panel.max_cost or runtime.max_cost and run again"
            ) from limited
        except* JudgeError as refused:
            raise refused.exceptions[0] from refused
        finally:
            cache.close()
            await client.close()
        return found

    async def _extract(self, client: "JudgeClient", cache: ReplyCache, chain: str) -> Extraction:
        async def complete(messages: list[dict[str, str]], schema: dict[str, object]) -> str:
            parts = (self.judge.model, self.judge.temperature, self.judge.max_tokens, self.prompt.sha, schema)
            key = content_key("claims", messages, *parts)
            known = cache.get(key)
            if known is not None:
                return known.content
            try:
                paid = await client.complete(messages)
            except NoReplyError as error:
                self.usage += Usage(requests=error.requests)
                raise
            self.usage += paid.usage
            content = paid.reply.content or ""
            if content:
                cache.put(
                    key, self.judge.model, CachedReply(content, paid.usage.prompt_tokens, paid.usage.completion_tokens)
                )
            return content

        try:
            return await extract_by(self.claims.extractor, chain, complete, self.prompt)
        except NoReplyError:
            grammar = self.claims.extractor == "both"
            return (await extract_by("grammar", chain)) if grammar else Extraction((), readable=False)
