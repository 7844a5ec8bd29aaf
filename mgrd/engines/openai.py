"""Sampling and scoring with any OpenAI-compatible server.

Requests run side by side, as many as the server bears. A server that dies is waited for, or started
again where it is ours, and every request in flight is sent anew: a chain's seed is its own, so
nothing but time is lost. Before the first request the server is asked what it serves: chains of
another model than the one they are booked on are never sampled.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import openai

from mgrd.engines.answers import Answer, Token, read_answer, read_prompt_logprobs, read_prompt_tokens
from mgrd.engines.asking import Asking, Body, SentClip, sent_clips
from mgrd.engines.protocol import Completion, SampleRequest, Sampling, Score, ScoreRequest, audio_of
from mgrd.engines.results import chat_token_bias, completion_of, raise_worst, score_of
from mgrd.errors import EngineError, EngineStopError
from mgrd.models.serving_copy import read_record, servable
from mgrd.serving.connection import Address, Connection, Try
from mgrd.serving.failures import NoReplyError, NotACompletionError
from mgrd.serving.launch import LaunchedServer
from mgrd.serving.limits import Concurrency
from mgrd.serving.values import part_of
from mgrd.serving.waiting import Patience
from mgrd.settings.runtime import ServerRuntime

LOGGER = logging.getLogger("mgrd")
REVIVALS = 3
"""Times that one request may find the server gone; then the request itself is suspected."""

T = TypeVar("T")


class OpenAIEngine:
    """A model behind an OpenAI-compatible server."""

    name = "openai"

    def __init__(self, server: ServerRuntime, model_id: str, folder: Path, log: Path, *, trusted: bool = False) -> None:
        """The checkpoint in `folder` at the server of the settings; `log` takes the output of a server started here.

        `trusted`: the folder is the campaign's outside model, which a server may serve under any name and place.
        Raises EngineStopError when the server does not serve this checkpoint, or is not there in time.
        """
        url = urlsplit(server.base_url)
        names = {"folder": folder, "model_id": model_id, "host": url.hostname, "port": url.port or 80}
        if any("{servable}" in word for word in server.start):
            names["servable"] = servable(folder, model_id, log.parent / "cache" / "serving")
        self.model_id = model_id
        self._server = server
        self._asking = Asking(server, server.model.format(**names), chat_token_bias(folder), server.audio)
        address = Address(
            base_url=server.base_url,
            model=self._asking.model,
            api_key_env=server.api_key_env,
            timeout_seconds=server.timeout_seconds,
            attempts=server.attempts,
            role="the server",
            section="runtime.server",
            error=EngineStopError,
        )
        self._connection = Connection(address, Concurrency(server.concurrency))
        self._launched = LaunchedServer([word.format(**names) for word in server.start], log) if server.start else None
        self._patience = Patience(self._connection, server.patience_seconds, self._launched)
        self._clip = sent_clips(folder, server)
        self._after_end: int | None = None
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        try:
            self._run(self._check_model(folder, trusted=trusted))
        except BaseException:
            self.close()
            raise

    def sample(self, requests: Sequence[SampleRequest], sampling: Sampling) -> Iterator[list[Completion]]:
        """Completions in the order of the requests; the first failure is raised after all that could be had."""
        failures: list[BaseException] = []
        for results in self._run(_each([self._sampled(request, sampling) for request in requests])):
            each = [results] if isinstance(results, BaseException) else results
            failures += [result for result in each if isinstance(result, BaseException)]
            if written := [result for result in each if isinstance(result, Completion)]:
                yield written
        raise_worst(failures)

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        """Teacher-forced log-probabilities through the server's `prompt_logprobs`, in the order of the requests.

        Raises EngineStopError where the server has none: vLLM has, most vendors have not.
        """
        prompts: dict[tuple[object, ...], asyncio.Task[int]] = {}
        scores = self._run(_each([self._scored(request, prompts) for request in requests]))
        raise_worst(scores)
        return [score for score in scores if isinstance(score, Score)]

    def close(self) -> None:
        """Close the connections, and end the server if it was started here."""
        if not self._loop.is_closed():
            self._run(self._connection.close())
            self._loop.call_soon_threadsafe(self._loop.stop)
        if self._launched is not None:
            self._launched.stop()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the engine's own loop: the caller may be inside another one."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _sampled(self, request: SampleRequest, sampling: Sampling) -> list[Completion | BaseException]:
        """The question's chains, and the failures of those that could not be had."""
        clip = self._heard(request)
        pairs = list(zip(request.sample_indices, request.seeds, strict=True))

        async def single(index: int, seed: int) -> list[Completion]:
            answer = await self._answer(request, clip, sampling, seed, 1)
            return [completion_of(request, index, clip, answer, chain, self._server) for chain in answer.choices[:1]]

        done: list[Completion | BaseException] = []
        if self._server.samples == "n" and len(pairs) > 1 and "n" not in self._asking.dropped:
            answer = await self._answer(request, clip, sampling, pairs[0][1], len(pairs))
            for (index, _), chain in zip(pairs, answer.choices, strict=False):
                done.append(completion_of(request, index, clip, answer, chain, self._server))
            pairs = pairs[len(done) :]  # a server may give fewer than asked for
        for result in await _each([single(*pair) for pair in pairs]):
            done += [result] if isinstance(result, BaseException) else result
        return done

    async def _answer(
        self, request: SampleRequest, clip: SentClip | None, sampling: Sampling, seed: int, count: int
    ) -> Answer:
        def body(asking: Asking) -> Body:
            return asking.sampling(request.prompt, clip and clip.data, sampling, seed, count)

        return await self._ask(request.request_id, body, lambda data: read_answer(data, self._server.stop))

    async def _scored(self, request: ScoreRequest, prompts: dict[tuple[object, ...], asyncio.Task[int]]) -> Score:
        clip = self._heard(request)
        key = (request.clip_id, request.prompt)
        if key not in prompts:  # chains of one question share its prompt
            prompts[key] = asyncio.ensure_future(self._prompt_tokens(request, clip))
        start = await prompts[key]
        tokens = await self._forced(request, clip, ended=request.ended)
        if request.ended:
            tokens = tokens[: len(tokens) - await self._tokens_after_end(request, clip, len(tokens))]
        return score_of(request, tokens[start:])

    async def _prompt_tokens(self, request: ScoreRequest, clip: SentClip | None) -> int:
        def body(asking: Asking) -> Body:
            return asking.scoring(request.prompt, clip and clip.data, None)

        return await self._ask(request.request_id, body, read_prompt_tokens)

    async def _forced(self, request: ScoreRequest, clip: SentClip | None, *, ended: bool) -> tuple[Token, ...]:
        """All tokens of prompt and completion."""

        def body(asking: Asking) -> Body:
            return asking.scoring(request.prompt, clip and clip.data, request.completion, ended=ended)

        tokens = await self._ask(request.request_id, body, read_prompt_logprobs)
        if tokens is None:
            raise EngineStopError(
                f"the server at {self._server.base_url} gives no prompt_logprobs, so chains cannot be scored there; "
                "serve the checkpoint with vLLM, or set spec.counterfactual.share = 0"
            )
        return tokens

    async def _tokens_after_end(self, request: ScoreRequest, clip: SentClip | None, whole: int) -> int:
        """Tokens that the template writes behind the end of a turn: the same for every turn, so asked once."""
        if self._after_end is None:
            open_turn = await self._forced(request, clip, ended=False)
            self._after_end = whole - len(open_turn) - 1
        return self._after_end

    async def _ask(self, what: str, body: Callable[[Asking], Body], read: Callable[[object], T]) -> T:
        """One answer, however often the server dies meanwhile. Raises EngineError when this request is refused."""

        async def attempt(sent: Try) -> T:
            while True:
                asking = self._asking
                try:
                    return await self._connection.post("/chat/completions", body(asking), read, sent)
                except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                    simpler = asking.simpler(error.param)
                    if simpler is None:
                        raise
                    LOGGER.warning("the server does not take %s; going on without it", error.param)
                    self._asking = simpler

        reason = ""
        for _ in range(REVIVALS):
            try:
                return await self._connection.persist(attempt)
            except NoReplyError as error:
                if error.refused:
                    raise EngineError(f"{what}: {error}") from error
                reason = str(error)
                await self._patience.until_it_answers(reason)
        raise EngineError(f"{what}: the server answers others and not this request: {reason}")

    def _heard(self, request: SampleRequest | ScoreRequest) -> SentClip | None:
        audio = audio_of(request)
        return None if audio is None else self._clip(audio)

    async def _check_model(self, folder: Path, *, trusted: bool) -> None:
        served = await self._served()
        if served is None and self._launched is not None:
            LOGGER.info("starting a server for %s", folder)
            self._launched.start()
        while served is None:
            await self._patience.until_it_answers("nothing listens")
            served = await self._served()
        name = self._asking.model
        if name not in served:
            raise EngineStopError(
                f"the server at {self._server.base_url} serves {', '.join(sorted(served)) or 'nothing'}, not {name}; "
                "check runtime.server.model, or end that server if it is a left-over of another run"
            )
        _check_checkpoint(served[name], self.model_id, folder, self._server, trusted=trusted)

    async def _served(self) -> dict[str, str | None] | None:
        """What the server serves: name -> folder or None where it does not say; None when it does not answer."""
        try:
            data = await self._connection.models()
        except openai.APIStatusError as error:
            if error.status_code >= 500:
                return None
            if error.status_code in {404, 405}:  # some vendors list nothing
                return {self._asking.model: None}
            raise EngineStopError(
                f"the server at {self._server.base_url} refuses to list its models: {self._connection.told(error)}; "
                "check runtime.server.base_url and api_key_env"
            ) from error
        except openai.APIError:
            return None
        except NotACompletionError:  # a page, or half of one
            return {}
        listed = part_of(data, "data")
        rows = [row for row in listed if part_of(row, "id") is not None] if isinstance(listed, list) else []
        folders = [part_of(row, "root") for row in rows]
        return {
            str(row["id"]): folder if isinstance(folder, str) else None
            for row, folder in zip(rows, folders, strict=True)
        }


def _check_checkpoint(root: str | None, model_id: str, folder: Path, server: ServerRuntime, *, trusted: bool) -> None:
    """Raises EngineStopError unless what is served is the checkpoint that chains will be booked on."""
    from mgrd.models import model_sha

    here = Path(root) if root else None
    if here is not None and here.is_dir() and any(here.glob("*.safetensors")):
        record = read_record(here)
        if model_id not in {model_sha(here), record and record.source}:
            raise EngineStopError(
                f"the server at {server.base_url} serves {here}, and the checkpoint {model_id} in {folder} is to be "
                "sampled; serve that one, or set runtime.server.start so that each checkpoint is served in its turn"
            )
    elif not trusted and "{model_id}" not in server.model and not server.start:
        raise EngineStopError(
            f"nothing tells whether the server at {server.base_url} serves the checkpoint {model_id} in {folder}; "
            "serve it under its id (runtime.server.model = '{model_id}'), or set runtime.server.start"
        )


async def _each(work: Sequence[Coroutine[Any, Any, T]]) -> list[T | BaseException]:
    return await asyncio.gather(*work, return_exceptions=True)
