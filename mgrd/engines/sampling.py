"""Sampling chains: which ones are wanted, which are still owed, and what came back as trace rows.

A chain's key is known before it is sampled, so a killed run resumes by key. A question that the
engine cannot process goes to quarantine with its reason; the other questions go on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from mgrd.engines.protocol import Completion, Engine, SampleRequest, Sampling
from mgrd.errors import DataError, EngineError, EngineStopError, MgrdError
from mgrd.ids import canonical, content_key, seed_from, trace_key
from mgrd.models.render import match_choice, parse_completion
from mgrd.settings import SamplingSpec
from mgrd.store import frame_of
from prompts import Prompt
from schemas import QUARANTINE, TRACES

GREEDY = -1
"""The sample index of the greedy chain."""


@dataclass(frozen=True, slots=True)
class SamplingRun:
    """What all traces of one stage share."""

    round: int
    purpose: str
    model_id: str
    prompt: Prompt
    sampling: SamplingSpec
    seed: int

    def parameters(self, sample_index: int) -> Sampling:
        temperature = 0.0 if sample_index == GREEDY else self.sampling.temperature
        return Sampling(temperature, self.sampling.top_p, self.sampling.max_new_tokens)

    def key(self, question_id: str, sample_index: int) -> str:
        """`trace_id`. The round and the purpose are part of it: a model that samples twice draws anew."""
        parameters = self.parameters(sample_index)
        sampling: dict[str, object] = {
            "round": self.round,
            "purpose": self.purpose,
            "temperature": parameters.temperature,
            "top_p": parameters.top_p,
            "max_new_tokens": parameters.max_new_tokens,
            "seed": self.seed,
        }
        return trace_key(question_id, self.model_id, self.prompt.sha, sampling, sample_index)


def plan_traces(questions: pl.DataFrame, run: SamplingRun, sample_indices: tuple[int, ...]) -> pl.DataFrame:
    """The wanted traces: the questions' columns with `sample_index`, `trace_id` and `seed`, one row per chain."""
    keys = [
        (question_id, index, run.key(question_id, index))
        for question_id in questions["question_id"]
        for index in sample_indices
    ]
    plan = pl.DataFrame(
        {
            "question_id": [key[0] for key in keys],
            "sample_index": [key[1] for key in keys],
            "trace_id": [key[2] for key in keys],
            "seed": [seed_from(key[2]) for key in keys],
        },
        schema={"question_id": pl.String, "sample_index": pl.Int64, "trace_id": pl.String, "seed": pl.Int64},
    )
    return plan.join(questions, on="question_id", how="left", maintain_order="left")


def sample_traces(
    engine: Engine, owed: pl.DataFrame, run: SamplingRun, audio_of: Callable[[str], Path], batch_requests: int
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Sample the owed rows of a plan; yields (traces, quarantine) frames batch by batch as they finish."""
    for greedy in (True, False):
        rows = owed.filter((pl.col("sample_index") == GREEDY) == greedy)
        groups = rows.partition_by("question_id", maintain_order=True)
        for first in range(0, len(groups), batch_requests):
            batch = _Batch(engine, groups[first : first + batch_requests], run, audio_of)
            try:
                batch.sample()
            finally:
                yield batch.frames()  # also when the engine stops: what was written is kept


class _Batch:
    """Some questions' chains: what came, and what failed with its reason."""

    def __init__(
        self, engine: Engine, groups: list[pl.DataFrame], run: SamplingRun, audio_of: Callable[[str], Path]
    ) -> None:
        self.engine = engine
        self.run = run
        self.parameters = run.parameters(groups[0]["sample_index"][0])
        self.requests = [_request(group, run, audio_of) for group in groups]
        self.planned = {
            (row["question_id"], row["sample_index"]): row for group in groups for row in group.iter_rows(named=True)
        }
        self.done: dict[tuple[str, int], Completion] = {}
        self.failed: list[dict[str, object]] = []

    def sample(self) -> None:
        """Raises EngineStopError when the engine cannot go on; any other failure is of single chains."""
        try:
            self._ask(self.requests)
        except EngineStopError:
            raise
        except MgrdError:  # what is missing is asked again below
            pass
        for request in self.requests:  # one by one: a bad clip must not take its neighbours with it
            if (owed := self._owed(request)) is None:
                continue
            error: MgrdError = EngineError(f"the engine {self.engine.name} returned no chain")
            try:
                self._ask([owed])
            except EngineStopError:
                raise
            except MgrdError as reason:
                error = reason
            if (lost := self._owed(owed)) is not None:
                rows = [self.planned[lost.request_id, index] for index in lost.sample_indices]
                self.failed += [_quarantine_row(row, self.run, error) for row in rows]

    def _ask(self, requests: list[SampleRequest]) -> None:
        for batch in self.engine.sample(requests, self.parameters):
            for completion in batch:
                self.done[completion.request_id, completion.sample_index] = completion

    def _owed(self, request: SampleRequest) -> SampleRequest | None:
        """The part of a request that has not come back; None when all has."""
        pairs = zip(request.sample_indices, request.seeds, strict=True)
        left = [(index, seed) for index, seed in pairs if (request.request_id, index) not in self.done]
        if not left:
            return None
        return replace(request, sample_indices=tuple(i for i, _ in left), seeds=tuple(seed for _, seed in left))

    def frames(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        name = self.engine.name
        traces = []
        for key, done in self.done.items():
            if is_text(done.text):
                traces.append(_trace_row(self.planned[key], done, self.run, name))
            else:
                trace = self.planned[key]["trace_id"]
                error = DataError(
                    f"table traces, trace_id {trace}: the chain is no UTF-8 text (an engine's half of a character); "
                    "`mgrd requeue` and `mgrd run` have it sampled again"
                )
                self.failed.append(_quarantine_row(self.planned[key], self.run, error))
        return frame_of(TRACES, traces), frame_of(QUARANTINE, self.failed)


def is_text(text: str) -> bool:
    """Whether UTF-8 can carry the text; a JSON reply may hold half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _request(group: pl.DataFrame, run: SamplingRun, audio_of: Callable[[str], Path]) -> SampleRequest:
    first = group.row(0, named=True)
    clip_id = first["clip_id"]
    return SampleRequest(
        request_id=first["question_id"],
        clip_id=clip_id,
        audio=None if clip_id is None else audio_of(clip_id),
        prompt=run.prompt.render(question=first["text"], choices=first["choices"]),
        sample_indices=tuple(group["sample_index"]),
        seeds=tuple(group["seed"]),
    )


def _trace_row(planned: dict[str, object], done: Completion, run: SamplingRun, engine: str) -> dict[str, object]:
    parsed = parse_completion(done.text)
    choices = planned["choices"]
    assert isinstance(choices, list)
    truth = planned["answer"]
    named = choices or ([str(truth)] if truth is not None else [])  # a free answer is right when it names the truth
    choice = None if parsed.answer is None else match_choice(parsed.answer, named)
    parameters = run.parameters(done.sample_index)
    return {
        "trace_id": planned["trace_id"],
        "round": run.round,
        "purpose": run.purpose,
        "split": planned["split"],
        "question_id": planned["question_id"],
        "clip_id": planned["clip_id"],
        "sample_index": done.sample_index,
        "prompt_id": run.prompt.id,
        "prompt_sha": run.prompt.sha,
        "raw_text": done.text,
        "reasoning": parsed.reasoning,
        "answer": parsed.answer,
        "choice": choice,
        "correct": None if truth is None else choice == truth,
        "problems": list(parsed.problems),
        "finish_reason": done.finish_reason,
        "prompt_tokens": done.prompt_tokens,
        "completion_tokens": done.completion_tokens,
        "reasoning_tokens": done.reasoning_tokens,
        "audio_tokens": done.audio_tokens,
        "logprob": done.logprob,
        "engine": engine,
        "model_id": run.model_id,
        "temperature": parameters.temperature,
        "top_p": parameters.top_p,
        "max_new_tokens": parameters.max_new_tokens,
        "seed": planned["seed"],
    }


def _quarantine_row(planned: dict[str, object], run: SamplingRun, error: MgrdError) -> dict[str, object]:
    payload = {key: planned[key] for key in ("trace_id", "question_id", "clip_id", "sample_index")}
    return {
        "row_id": content_key("quarantine", "sample", planned["trace_id"]),
        "stage": f"sample-{run.purpose}",
        "round": run.round,
        "boundary": "sampling a chain",
        "message": str(error),
        "attempts": 2,
        "payload": canonical(payload),
    }
