"""Sampling and scoring in vLLM without a server: a process of our own loads the checkpoint and answers in batches.

Chains of one question share their prompt's keys and values (vLLM's prefix cache), and each has its own seed. A
checkpoint in shapes that vLLM does not take is loaded as its serving copy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mgrd.engines.answers import Token, read_answer, read_prompt_logprobs, read_prompt_tokens
from mgrd.engines.asking import Asking, Body, SentClip, sent_clips
from mgrd.engines.protocol import Completion, SampleRequest, Sampling, Score, ScoreRequest, audio_of
from mgrd.engines.results import chat_token_bias, completion_of, raise_worst, score_of
from mgrd.errors import EngineError, MgrdError
from mgrd.models.serving_copy import servable
from mgrd.serving.vllm_process import VllmProcess
from mgrd.settings.runtime import VllmRuntime

SCORE_ROWS = 64
"""Completions that go to vLLM together."""


@dataclass(slots=True)
class _Batch:
    """Requests that go to vLLM together, and the sounds that they speak of."""

    bodies: list[Body] = field(default_factory=list)
    clips: dict[str, str] = field(default_factory=dict)

    def add(self, body: Body, name: str | None, clip: SentClip | None) -> int:
        """The place of its reply."""
        self.bodies.append(body)
        if name is not None and clip is not None:
            self.clips[name] = clip.data
        return len(self.bodies) - 1


class VllmEngine:
    """A checkpoint in a vLLM of our own."""

    name = "vllm"

    def __init__(
        self,
        runtime: VllmRuntime,
        model_id: str,
        folder: Path,
        place: Path,
        batch_requests: int,
        log: str = "vllm.log",
    ) -> None:
        """The checkpoint in `folder`; below `place` lie the log and the serving copy.

        Raises EngineStopError when vLLM cannot load it.
        """
        self.model_id = model_id
        self._runtime = runtime
        self._batch_requests = batch_requests
        self._asking = Asking(runtime, model_id, chat_token_bias(folder))
        self._clip = sent_clips(folder, runtime)
        options = {
            "model": str(servable(folder, model_id, place / "cache" / "serving")),
            "limit_mm_per_prompt": {"audio": 1},
            "mm_processor_cache_gb": runtime.mm_cache_gb,
        }
        self._process = VllmProcess(runtime, options, place / log)
        self._process.start()

    def sample(self, requests: Sequence[SampleRequest], sampling: Sampling) -> Iterator[list[Completion]]:
        """Completions of `batch_requests` questions at a time; the first failure is raised after all of them."""
        failures: list[BaseException] = []
        for start in range(0, len(requests), self._batch_requests):
            written, failed = self._sampled(requests[start : start + self._batch_requests], sampling)
            failures += failed
            if written:
                yield written
        raise_worst(failures)

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        """Teacher-forced log-probabilities of the completions' tokens, in the order of the requests."""
        parts = [requests[start : start + SCORE_ROWS] for start in range(0, len(requests), SCORE_ROWS)]
        return [score for part in parts for score in self._scored(part)]

    def close(self) -> None:
        """End the process."""
        self._process.close()

    def _sampled(
        self, requests: Sequence[SampleRequest], sampling: Sampling
    ) -> tuple[list[Completion], list[BaseException]]:
        batch, failed = _Batch(), list[BaseException]()
        asked: list[tuple[SampleRequest, tuple[int, ...], SentClip | None]] = []
        for request in requests:
            try:
                clip = self._heard(request)
            except MgrdError as error:
                failed.append(error)
                continue
            together = self._runtime.samples == "n"
            step = len(request.seeds) if together else 1
            for at in range(0, len(request.seeds), step):
                indices = request.sample_indices[at : at + step]
                seed = request.seeds[at]
                body = self._asking.sampling(request.prompt, request.clip_id, sampling, seed, len(indices))
                batch.add(body, request.clip_id, clip)
                asked.append((request, indices, clip))
        written = []
        replies = self._process.answer(batch.bodies, batch.clips)
        for (request, indices, clip), reply in zip(asked, replies, strict=True):
            try:
                answer = read_answer(_good(reply, request.request_id), self._runtime.stop)
                for index, chain in zip(indices, answer.choices, strict=True):
                    written.append(completion_of(request, index, clip, answer, chain, self._runtime))
            except MgrdError as error:
                failed.append(error)
        return written, failed

    def _scored(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        batch = _Batch()
        prompts: dict[tuple[str | None, str], int] = {}

        def ask(request: ScoreRequest, completion: str | None, *, ended: bool = False) -> int:
            body = self._asking.scoring(request.prompt, request.clip_id, completion, ended=ended)
            return batch.add(body, request.clip_id, self._heard(request))

        forced = [ask(request, request.completion, ended=request.ended) for request in requests]
        for request in requests:  # chains of one question share its prompt
            key = (request.clip_id, request.prompt)
            if key not in prompts:
                prompts[key] = ask(request, None)
        one = next((place for place, request in enumerate(requests) if request.ended), None)
        opened = None if one is None else ask(requests[one], requests[one].completion)
        replies = self._process.answer(batch.bodies, batch.clips)
        lengths = {key: read_prompt_tokens(_good(replies[place], key[1][:40])) for key, place in prompts.items()}

        def tokens(place: int, request: ScoreRequest) -> tuple[Token, ...]:
            found = read_prompt_logprobs(_good(replies[place], request.request_id))
            if found is None:
                raise EngineError(f"{request.request_id}: vLLM gave no prompt_logprobs; check runtime.vllm.extra")
            return found

        # What the template writes behind the end of a turn is the same for every turn.
        behind = 0
        if one is not None and opened is not None:
            behind = len(tokens(forced[one], requests[one])) - len(tokens(opened, requests[one])) - 1
        scores = []
        for place, request in zip(forced, requests, strict=True):
            known = tokens(place, request)
            end = len(known) - behind if request.ended else len(known)
            scores.append(score_of(request, known[lengths[request.clip_id, request.prompt] : end]))
        return scores

    def _heard(self, request: SampleRequest | ScoreRequest) -> SentClip | None:
        audio = audio_of(request)
        return None if audio is None else self._clip(audio)


def _good(reply: Body, what: str) -> Body:
    """The reply. Raises EngineError when it is a refusal."""
    if "error" in reply:
        raise EngineError(f"{what}: vLLM refuses it: {reply['error']}")
    return reply
