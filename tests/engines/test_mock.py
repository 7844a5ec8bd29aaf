"""The mock engine: chains of every kind, and faults that cost no chain its name."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import polars as pl
import pytest

from mgrd.engines.mock import CHAINS, WRITERS, MockEngine
from mgrd.engines.protocol import Completion, SampleRequest, Sampling, ScoreRequest
from mgrd.engines.sampling import SamplingRun, plan_traces, sample_traces
from mgrd.errors import ConfigError, EngineError, EngineStopError
from mgrd.models.render import parse_completion
from mgrd.settings import SamplingSpec, parse_settings
from mgrd.settings.runtime import MockRuntime
from prompts import load_prompt
from tests.tiny_model import tone

T = TypeVar("T")
SAMPLED = Sampling(1.0, 1.0, 64)
PROMPT = "How does the pitch move? Choices: falling, rising, steady. Reason from what you hear."


def engine(*faults: dict[str, object]) -> MockEngine:
    return MockEngine("m", MockRuntime.model_validate({"faults": faults}))


def request(number: int, samples: int = 4, audio: Path | None = None) -> SampleRequest:
    clip = None if audio is None else "c"
    seeds = tuple(1000 * number + k for k in range(samples))
    return SampleRequest(f"q{number}", clip, audio, f"{PROMPT} #{number}", tuple(range(samples)), seeds)


def chains(mock: MockEngine, requests: list[SampleRequest], sampling: Sampling = SAMPLED) -> list[Completion]:
    return [completion for batch in mock.sample(requests, sampling) for completion in batch]


def drain(source: Iterator[T], into: list[T]) -> None:
    for item in source:
        into.append(item)


def sampled(mock: MockEngine, questions: int = 4, batch: int = 2) -> tuple[pl.DataFrame, pl.DataFrame]:
    parts = list(batches(mock, questions, batch))
    return pl.concat([traces for traces, _ in parts]), pl.concat([failed for _, failed in parts])


def batches(mock: MockEngine, questions: int, batch: int) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    rows = [
        {"question_id": f"q{i}", "clip_id": None, "text": f"How? #{i}", "choices": ["up", "down"], "answer": "up",
         "split": "pool"}
        for i in range(questions)
    ]  # fmt: skip
    run = SamplingRun(1, "distill", "m", load_prompt("sample/perceive"), SamplingSpec(), 0)
    plan = plan_traces(pl.DataFrame(rows, schema_overrides={"clip_id": pl.String}), run, (0, 1, 2))
    return sample_traces(mock, plan, run, Path, batch)


def test_chains_are_of_every_kind_and_answer_with_a_choice() -> None:
    texts = [parse_completion(chain.text) for chain in chains(engine(), [request(i) for i in range(40)])]
    assert {parsed.reasoning for parsed in texts} == set(CHAINS)
    assert {parsed.answer for parsed in texts} == {"falling", "rising", "steady"}


def test_counts_are_of_what_was_written_and_heard(tmp_path: Path) -> None:
    (chain,) = chains(engine(), [request(1, 1, tone(tmp_path / "a.wav", 440.0, 2.0))])
    assert chain.audio_tokens == 50
    assert chain.prompt_tokens > 50
    assert chain.completion_tokens == len(chain.text.split()) + 1, "words and the end of turn"
    (cut,) = chains(engine(), [request(1, 1)], Sampling(1.0, 1.0, 3))
    assert (cut.finish_reason, cut.completion_tokens) == ("length", 2)


def test_scores_depend_on_the_sound_and_their_spans_write_the_chain() -> None:
    def asked(clip: str) -> ScoreRequest:
        return ScoreRequest("t", clip, Path("x.wav"), PROMPT, "it rises, so rising", ended=True)

    own, again, other = engine().score([asked("a"), asked("a"), asked("b")])
    assert own == again
    assert own.token_logprobs != other.token_logprobs
    assert "".join(asked("a").completion[start:end] for start, end in own.spans) == asked("a").completion
    assert own.spans[-1] == (19, 19)
    assert all(-1 < value <= 0 for value in own.token_logprobs)


PROBLEMS: dict[str, Callable[[str], bool]] = {
    "empty": lambda text: text == "",
    "no-think": lambda text: "no_think" in parse_completion(text).problems,
    "unclosed": lambda text: "unclosed_think" in parse_completion(text).problems,
    "doubled": lambda text: "doubled_think" in parse_completion(text).problems,
    "surrogate": lambda text: "The transcript says" in text,
    "denial": lambda text: "cannot hear" in text,
    "json": lambda text: '{"model"' in text,
    "echo": lambda text: PROMPT in text,
    "garbage": lambda text: "\x00" in text,
}


@pytest.mark.parametrize("fault", sorted(WRITERS))
def test_a_fault_of_a_chain_is_written_and_stored_as_it_is(fault: str) -> None:
    (chain,) = chains(engine({"fault": fault}), [request(1, 1)])
    assert PROBLEMS[fault](chain.text)
    traces, failed = sampled(engine({"fault": fault}))
    assert (traces.height, failed.height) == (12, 0)


def test_a_cut_chain_says_so() -> None:
    assert {c.finish_reason for c in chains(engine({"fault": "cut"}), [request(i) for i in range(3)])} == {"length"}


def test_a_question_lost_once_is_asked_again_and_its_neighbours_are_not() -> None:
    mock = engine({"fault": "error", "when": "#1", "times": 1})
    traces, failed = sampled(mock, questions=2)
    assert (traces.height, failed.height) == (6, 0)
    honest, _ = sampled(engine(), questions=2)
    assert traces.sort("trace_id").equals(honest.sort("trace_id"))
    assert mock._faults.asked == 3 + 1 + 3, "three of its neighbour, one that failed, three asked again"


def test_a_question_lost_for_good_goes_to_quarantine_with_its_reason() -> None:
    traces, failed = sampled(engine({"fault": "error", "when": "#2"}))
    assert (traces.height, failed.height) == (9, 3)
    assert failed["message"].unique().to_list() == ["mock fault: q2 is lost"]


def test_chains_that_an_engine_forgets_are_asked_again_then_quarantined() -> None:
    traces, failed = sampled(engine({"fault": "missing", "when": "#2", "times": 1}))
    assert (traces.height, failed.height) == (12, 0)
    traces, failed = sampled(engine({"fault": "missing", "every": 3, "when": "#0"}), questions=1)
    assert traces.height + failed.height == 3, "no row is lost"
    assert "returned no chain" in sampled(engine({"fault": "missing"}))[1]["message"][0]


def test_an_engine_that_stops_leaves_what_was_written_and_blames_no_row() -> None:
    parts: list[tuple[pl.DataFrame, pl.DataFrame]] = []
    with pytest.raises(EngineStopError, match="run again"):
        drain(batches(engine({"fault": "stop", "when": "#3"}), 4, 4), parts)
    assert [(traces.height, failed.height) for traces, failed in parts] == [(9, 0)]


def test_a_hang_waits_and_then_answers() -> None:
    assert len(chains(engine({"fault": "hang", "seconds": 0.01}), [request(1)])) == 4


def test_errors_of_a_call_come_after_all_that_could_be_had() -> None:
    found: list[list[Completion]] = []
    with pytest.raises(EngineError, match="q0 is lost"):
        drain(engine({"fault": "error", "when": "#0"}).sample([request(0), request(1)], SAMPLED), found)
    assert [chain.request_id for batch in found for chain in batch] == ["q1"] * 4


def test_faults_come_from_the_settings_and_a_wrong_name_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mgrd.toml"
    path.write_text('[runtime]\nengine = "mock"\n[[runtime.mock.faults]]\nfault = "unclosed"\nevery = 4\n')
    assert parse_settings(path).runtime.mock.faults[0].every == 4
    path.write_text('[[runtime.mock.faults]]\nfault = "nonsense"\n')
    with pytest.raises(ConfigError, match=r"runtime\.mock\.faults\.0\.fault"):
        parse_settings(path)
