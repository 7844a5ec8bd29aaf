"""Sampling over workers, here in this process: the rows of one process, whoever sampled them."""

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from mgrd.engines.cluster import CLIP_FILE, SampleQuestions, frames_of, sample_on_cluster
from mgrd.engines.mock import MockEngine
from mgrd.engines.sampling import GREEDY, SamplingRun, plan_traces, sample_traces
from mgrd.errors import EngineStopError
from mgrd.executors import Frames, LocalExecutor, Work
from mgrd.settings import SamplingSpec, Settings
from mgrd.store import frame_of
from prompts import load_prompt
from schemas import QUESTIONS

RUN = SamplingRun(1, "distill", "mock", load_prompt("sample/perceive"), SamplingSpec(), 0)


@dataclass
class Workers(LocalExecutor):
    """Workers as a cluster has them: the work arrives pickled, once, and the last frame is done first."""

    workers: int = 2

    def map_unordered(self, work: Work, parts: Sequence[pl.DataFrame], at_most: int | None = None) -> Iterator[Frames]:
        there = [pickle.loads(pickle.dumps(work)) for _ in range(at_most or self.workers)]
        for number, part in enumerate(reversed(parts)):
            yield there[number % len(there)](pickle.loads(pickle.dumps(part)))


def plan(count: int, indices: tuple[int, ...] = (GREEDY, 0, 1)) -> pl.DataFrame:
    row = {"choices": ["a", "b"], "answer": "a", "skill": "s", "split": "pool", "origin": "embedded"}
    asked = [
        {**row, "question_id": f"q{at:03d}", "text": f"Question {at}?", "clip_id": None, "collection": "x"}
        for at in range(count)
    ]
    return plan_traces(frame_of(QUESTIONS, asked), RUN, indices)


def work(folder: Path, *faults: dict[str, str]) -> SampleQuestions:
    runtime = {"engine": "mock", "batch_requests": 2, "mock": {"faults": list(faults)}}
    settings = Settings.model_validate({"runtime": runtime})
    return SampleQuestions(settings, folder, "mock", folder, RUN)


def on_workers(owed: pl.DataFrame, sampling: SampleQuestions) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    located = owed.with_columns(pl.lit(None, pl.String).alias(CLIP_FILE))
    return sample_on_cluster(Workers(), sampling, located)


def together(parts: list[tuple[pl.DataFrame, pl.DataFrame]]) -> list[pl.DataFrame]:
    traces, failed = (pl.concat(frames) for frames in zip(*parts, strict=True))
    return [traces.sort("trace_id"), failed.sort("row_id")]


@given(st.integers(1, 9), st.sampled_from([(0,), (GREEDY,), (GREEDY, 0), (0, 1, 2)]), st.integers(1, 4), st.randoms())
def test_frames_hold_whole_questions_of_one_batch_and_lose_no_chain(
    count: int, indices: tuple[int, ...], batch: int, random: object
) -> None:
    wanted = plan(count, indices)
    owed = wanted.sample(fraction=0.7, seed=getattr(random, "randrange")(2**16))  # noqa: B009
    frames = frames_of(owed, batch)
    if not frames:
        assert owed.is_empty()
        return
    assert sorted(pl.concat(frames)["trace_id"]) == sorted(owed["trace_id"])
    for frame in frames:
        assert frame["question_id"].n_unique() <= batch
        assert (frame["sample_index"] == GREEDY).n_unique() == 1
    homes = [(key, greedy) for frame in frames for (key, greedy) in set(
        zip(frame["question_id"], frame["sample_index"] == GREEDY, strict=True))]  # fmt: skip
    assert len(homes) == len(set(homes))


def test_chains_and_quarantine_are_those_of_one_process(tmp_path: Path) -> None:
    faults = [{"fault": "error", "when": "Question 3"}, {"fault": "garbage", "when": "Question 4"}]
    sampling = work(tmp_path, *faults)
    here = list(sample_traces(MockEngine("mock", sampling.settings.runtime.mock), plan(7), RUN, Path, 2))
    there = list(on_workers(plan(7), sampling))
    for one, other in zip(together(here), together(there), strict=True):
        assert_frame_equal(one, other)
    assert [frame.height for frame in together(there)] == [18, 3]


def test_an_engine_is_opened_once_in_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_counted(settings: Settings, _folder: Path, model_id: str, _features: Path, *, worker: str) -> MockEngine:
        opened.append(worker)
        return MockEngine(model_id, settings.runtime.mock)

    monkeypatch.setattr("mgrd.engines.cluster.open_engine", open_counted)
    assert len(list(on_workers(plan(20), work(tmp_path)))) == 20
    assert len(opened) == 2
    assert all(opened), "each has a name for its log"


def until_it_stops(batches: Iterator[tuple[pl.DataFrame, pl.DataFrame]]) -> tuple[list[str], str]:
    """Questions whose chains came before the engine stopped, and what it said."""
    came: list[str] = []
    try:
        for traces, _ in batches:
            came += traces["question_id"].to_list()
    except EngineStopError as error:
        return sorted(came), str(error)
    raise AssertionError("the engine did not stop")


def test_what_was_written_before_an_engine_stopped_is_handed_over_before_its_error(tmp_path: Path) -> None:
    """The last frame is done first; of the frame in which the engine stops, the first question was done."""
    came, said = until_it_stops(on_workers(plan(8, (0,)), work(tmp_path, {"fault": "stop", "when": "Question 5"})))
    assert came == ["q004", "q006", "q007"]
    assert "the engine stops at q005; run again" in said


def test_the_work_travels_without_its_engine(tmp_path: Path) -> None:
    sampling = work(tmp_path)
    assert pickle.loads(pickle.dumps(sampling)) == replace(sampling)
