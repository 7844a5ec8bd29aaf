"""The provider's batch interface: a file of requests goes up, a file of replies comes back within a day.

Batches that were handed in are remembered in the reply cache until their replies have become
verdicts, so a killed run collects what it ordered. What a batch leaves unanswered (an error for one
line, an expired batch) is asked directly by the caller, so that no chain depends on it.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import openai

from mgrd.errors import JudgeError
from mgrd.ids import content_key
from mgrd.judging.cache import ReplyCache
from mgrd.judging.client import JudgeClient, Paid
from mgrd.judging.dialect import Messages
from mgrd.serving.failures import NotACompletionError

ENDPOINT = "/v1/chat/completions"
MOST_REQUESTS = 20_000
MOST_BYTES = 90_000_000
"""Of one batch; providers allow 50,000 and 200 MB or less."""
FIRST_POLL, LONGEST_POLL = 1.0, 60.0
"""Seconds between two looks at a batch: doubled each time."""
RETRIES = 6
"""Of the library itself, for uploads and looks: they cost nothing."""
UNDER_WAY = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
ENDED = frozenset({"completed", "expired", "cancelled", "failed"})


class BatchDesk:
    """Hands in one judge's requests and collects the replies."""

    def __init__(self, client: JudgeClient, cache: ReplyCache) -> None:
        self.client = client
        self.cache = cache
        self.judge = content_key("batch", client.judge_spec.base_url, client.judge_spec.model)
        self._api = client.server.api.with_options(max_retries=RETRIES)
        self._collected: list[str] = []

    async def replies(self, requests: Mapping[str, Messages]) -> dict[str, Paid]:
        """The replies that batches bring, by the requests' keys; first those of batches from earlier runs.

        Requests that the spend limit does not allow, and those that fail, are missing. Raises JudgeError
        when the server has no batch interface or refuses the batch.
        """
        try:
            arrived: dict[str, Paid] = {}
            for batch_id in self.cache.open_batches(self.judge):
                arrived |= await self._collect(batch_id, requests)
            owed = {key: messages for key, messages in requests.items() if key not in arrived}
            for part in self._parts(owed):
                arrived |= await self._order(part, requests)
        except (openai.APIError, NotACompletionError, ValueError) as error:  # ValueError: a body that is no JSON
            told = self.client.server.told(error)
            raise JudgeError(
                f"the batch interface at {self.client.judge_spec.base_url} does not work: {told}; "
                "set batch = false in spec.panel.judges for a server without one, or run again to go on"
            ) from error
        return arrived

    def forget(self) -> None:
        """Call when the replies have become verdicts: the batches need not be collected again."""
        for batch_id in self._collected:
            self.cache.forget_batch(batch_id)
        self._collected = []

    def _parts(self, requests: Mapping[str, Messages]) -> list[dict[str, bytes]]:
        """Lines of the batch files by key, within the limits of one batch."""
        parts: list[dict[str, bytes]] = []
        size = MOST_BYTES
        for key, messages in requests.items():
            body = self.client.dialect.body(self.client.judge_spec, messages)
            line = json.dumps({"custom_id": key, "method": "POST", "url": ENDPOINT, "body": body}).encode() + b"\n"
            if size + len(line) > MOST_BYTES or len(parts[-1]) >= MOST_REQUESTS:
                parts.append({})
                size = 0
            parts[-1][key] = line
            size += len(line)
        return parts

    async def _order(self, lines: Mapping[str, bytes], requests: Mapping[str, Messages]) -> dict[str, Paid]:
        """Hand in one batch and wait for its replies; only as many requests as the spend limit allows."""
        share, purse = self.client.judge_spec.batch_price, self.client.purse
        reserved, allowed = 0.0, bytearray()
        for key, line in lines.items():
            most = share * self.client.most(requests[key])
            if not purse.reserve_now(most):
                break
            reserved += most
            allowed += line
        if not allowed:
            return {}
        try:
            file = await self._api.files.create(file=("judge.jsonl", bytes(allowed)), purpose="batch")
            batch = await self._api.batches.create(
                completion_window="24h", endpoint=ENDPOINT, input_file_id=_id_of(file)
            )
            batch_id = _id_of(batch)
            self.cache.remember_batch(batch_id, self.judge)
            return await self._collect(batch_id, requests)
        finally:
            await purse.settle(reserved, 0.0)

    async def _collect(self, batch_id: str, requests: Mapping[str, Messages]) -> dict[str, Paid]:
        pause = FIRST_POLL
        while (batch := await self._look(batch_id)) is not None and _status_of(batch) not in ENDED:
            await asyncio.sleep(pause)
            pause = min(LONGEST_POLL, 2 * pause)
        self._collected.append(batch_id)
        if batch is None:
            return {}
        if batch.status == "failed":
            self.forget()
            told = self.client.server.told(Exception(str(batch.errors)))
            raise JudgeError(f"the judge's server refused batch {batch_id}: {told}; set batch = false to ask directly")
        arrived: dict[str, Paid] = {}
        if batch.output_file_id:
            content = await self._api.files.content(batch.output_file_id)
            for line in content.text.splitlines():
                arrived |= self._read(line, requests)
        await self.client.purse.settle(0.0, sum(paid.usage.cost for paid in arrived.values()))
        return arrived

    async def _look(self, batch_id: str) -> Any:
        """The batch as it stands; None when the server no longer knows it."""
        try:
            return await self._api.batches.retrieve(batch_id)
        except openai.NotFoundError:
            return None

    def _read(self, line: str, requests: Mapping[str, Messages]) -> dict[str, Paid]:
        """One line of an output file; nothing for a line that holds no reply to one of the requests."""
        try:
            told = json.loads(line)
            key, response = told["custom_id"], told["response"]
            if response["status_code"] != 200 or key not in requests:
                return {}
            share = self.client.judge_spec.batch_price
            return {key: self.client.paid(response["body"], requests[key], requests=0, share=share)}
        except (ValueError, RecursionError, KeyError, TypeError, NotACompletionError):
            return {}


def _id_of(made: Any) -> str:
    """The id of a file or batch. Raises NotACompletionError where there is none: the library believes any body."""
    found = getattr(made, "id", None)
    if not isinstance(found, str) or not found:
        raise NotACompletionError(f"no id in {str(made)[:100]}")
    return found


def _status_of(batch: Any) -> str:
    status = getattr(batch, "status", None)
    if not isinstance(status, str) or status not in UNDER_WAY | ENDED:
        raise NotACompletionError(f"no status of a batch in {str(batch)[:100]}")
    return status
