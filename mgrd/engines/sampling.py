"""Sampling chains: which ones are wanted, which are still owed, and what came back as trace rows.

A chain's key is known before it is sampled, so a killed run resumes by key. A question that the
engine cannot process goes to quarantine with its reason; the other questions go on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mgrd.engines.protocol import Completion, Engine, SampleRequest, Sampling
from mgrd.errors import MgrdError
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
            yield _sample_batch(engine, groups[first : first + batch_requests], run, audio_of)


def _sample_batch(
    engine: Engine, groups: list[pl.DataFrame], run: SamplingRun, audio_of: Callable[[str], Path]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    requests = {group["question_id"][0]: _request(group, run, audio_of) for group in groups}
    planned = {
        (row["question_id"], row["sample_index"]): row for group in groups for row in group.iter_rows(named=True)
    }
    completions: list[Completion] = []
    failed: list[dict[str, object]] = []
    parameters = run.parameters(groups[0]["sample_index"][0])
    try:
        completions = [done for batch in engine.sample(list(requests.values()), parameters) for done in batch]
    except MgrdError:
        for request in requests.values():  # one by one: a bad clip must not take its neighbours with it
            try:
                completions += [done for batch in engine.sample([request], parameters) for done in batch]
            except MgrdError as error:
                failed += [_quarantine_row(planned[request.request_id, i], run, error) for i in request.sample_indices]
    traces = [_trace_row(planned[done.request_id, done.sample_index], done, run, engine.name) for done in completions]
    return frame_of(TRACES, traces), frame_of(QUARANTINE, failed)


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
    choice = None if parsed.answer is None else match_choice(parsed.answer, choices)
    truth = planned["answer"]
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
