"""Sampling: keys known beforehand, owed work by key, a bad clip loses its own chains and no others."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pytest

from mgrd.engines.protocol import Completion, SampleRequest, Sampling, Score, ScoreRequest
from mgrd.engines.sampling import GREEDY, SamplingRun, plan_traces, sample_traces
from mgrd.errors import EngineError
from mgrd.settings import SamplingSpec
from mgrd.store import frame_of
from prompts import load_prompt
from schemas import QUESTIONS


class ScriptedEngine:
    """Answers "a" to every question and refuses the clips it is told to refuse."""

    name = "scripted"
    model_id = "model"

    def __init__(self, refused: Sequence[str] = ()) -> None:
        self.refused = set(refused)
        self.calls: list[tuple[int, float]] = []

    def sample(self, requests: Sequence[SampleRequest], sampling: Sampling) -> Iterator[list[Completion]]:
        self.calls.append((len(requests), sampling.temperature))
        bad = [request.request_id for request in requests if request.clip_id in self.refused]
        if bad:
            raise EngineError(f"request {bad[0]}: the clip is longer than the window")
        text = "<think>\ni hear it\n</think>\n\na"
        yield [
            Completion(request.request_id, index, text, "stop", 5, 4, 3, 75, -1.0)
            for request in requests
            for index in request.sample_indices
        ]

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        return [Score(request.request_id, ()) for request in requests]

    def close(self) -> None:
        return None


def questions(count: int) -> pl.DataFrame:
    row = {"text": "?", "choices": ["a", "b"], "answer": "a", "skill": "s", "split": "pool", "origin": "embedded"}
    return frame_of(
        QUESTIONS, [{**row, "question_id": f"q{i}", "clip_id": f"c{i}", "collection": "x"} for i in range(count)]
    )


def run(**changes: object) -> SamplingRun:
    fields = {"round": 1, "purpose": "distill", "model_id": "m", "prompt": load_prompt("sample/perceive")}
    return SamplingRun(**{**fields, "sampling": SamplingSpec(), "seed": 0, **changes})


def sampled(engine: ScriptedEngine, owed: pl.DataFrame, batch: int = 2) -> tuple[pl.DataFrame, pl.DataFrame]:
    parts = list(sample_traces(engine, owed, run(), lambda clip: Path(f"{clip}.wav"), batch))
    return pl.concat([traces for traces, _ in parts]), pl.concat([failed for _, failed in parts])


def test_every_question_is_planned_k_times_with_keys_of_its_own() -> None:
    plan = plan_traces(questions(3), run(), (GREEDY, 0, 1))
    assert plan.height == 9
    assert plan["trace_id"].is_unique().all()
    assert plan["seed"].n_unique() == 9


@pytest.mark.parametrize("change", [{"round": 2}, {"purpose": "evaluate"}, {"model_id": "n"}, {"seed": 1}])
def test_keys_depend_on_all_that_makes_a_chain(change: dict[str, object]) -> None:
    plans = [plan_traces(questions(2), which, (0,))["trace_id"] for which in (run(), run(**change))]
    assert not set(plans[0]) & set(plans[1])


def test_keys_do_not_depend_on_the_other_questions() -> None:
    few, many = (plan_traces(questions(n), run(), (0, 1))["trace_id"] for n in (1, 5))
    assert set(few) < set(many)


def test_greedy_and_sampled_chains_use_their_own_temperatures() -> None:
    engine = ScriptedEngine()
    traces, failed = sampled(engine, plan_traces(questions(3), run(), (GREEDY, 0, 1)))
    assert failed.is_empty()
    assert engine.calls == [(2, 0.0), (1, 0.0), (2, 1.0), (1, 1.0)]
    assert traces.filter(pl.col("sample_index") == GREEDY)["temperature"].to_list() == [0.0] * 3
    assert traces["correct"].all()
    assert traces["reasoning"].unique().to_list() == ["i hear it"]


def test_a_refused_clip_goes_to_quarantine_and_its_neighbours_go_on() -> None:
    plan = plan_traces(questions(4), run(), (0, 1))
    traces, failed = sampled(ScriptedEngine(refused=["c1"]), plan, batch=4)
    assert set(traces["question_id"]) == {"q0", "q2", "q3"}
    assert failed.height == 2
    assert "longer than the window" in failed["message"][0]
    assert traces.height + failed.height == plan.height
