"""What an engine was asked once is not asked again, whatever stopped the process between."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mgrd.engines.journal import JournaledEngine
from mgrd.engines.mock import MockEngine
from mgrd.engines.protocol import Completion, SampleRequest, Sampling, Score, ScoreRequest
from mgrd.errors import EngineError

SAMPLING = Sampling(1.0, 1.0, 20)


class Counting(MockEngine):
    """The mock engine, which tells how many chains and scores it was asked for, and fails after `most` chains."""

    def __init__(self, most: int | None = None) -> None:
        super().__init__()
        self.asked, self.scored, self._most = 0, 0, most

    def sample(self, requests: Sequence[SampleRequest], sampling: Sampling) -> Iterator[list[Completion]]:
        for request in requests:
            if self.asked == self._most:
                raise EngineError(f"{request.request_id}: out of luck")
            self.asked += len(request.sample_indices)
            yield from super().sample([request], sampling)

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        self.scored += len(requests)
        return super().score(requests)


def requests(count: int, samples: int = 1) -> list[SampleRequest]:
    indices = tuple(range(samples))
    return [
        SampleRequest(f"r{at}", None, None, f"Question {at}? Choices: a, b.", indices, indices) for at in range(count)
    ]


def sampled(engine: JournaledEngine, asked: Sequence[SampleRequest], sampling: Sampling = SAMPLING) -> set[Completion]:
    return {one for batch in engine.sample(asked, sampling) for one in batch}


def test_a_second_run_asks_for_nothing_and_gives_the_same(tmp_path: Path) -> None:
    first = sampled(JournaledEngine(MockEngine(), tmp_path / "j"), requests(4, 2))
    inner = Counting()
    again = JournaledEngine(inner, tmp_path / "j")
    assert sampled(again, requests(4, 2)) == first
    assert (inner.asked, len(again.replayed)) == (0, 8)


def test_a_run_that_failed_goes_on_with_what_is_owed(tmp_path: Path) -> None:
    with pytest.raises(EngineError):
        sampled(JournaledEngine(Counting(most=2), tmp_path / "j"), requests(5))
    with (tmp_path / "j").open("a") as file:
        file.write('{"key": "torn')
    inner = Counting()
    assert len(sampled(JournaledEngine(inner, tmp_path / "j"), requests(5))) == 5
    assert inner.asked == 3
    last = Counting()
    sampled(JournaledEngine(last, tmp_path / "j"), requests(5))
    assert last.asked == 0, "what came after the torn line was kept"


def test_more_samples_of_a_question_ask_for_the_new_ones_alone(tmp_path: Path) -> None:
    sampled(JournaledEngine(MockEngine(), tmp_path / "j"), requests(1, 2))
    inner = Counting()
    assert len(sampled(JournaledEngine(inner, tmp_path / "j"), requests(1, 4))) == 4
    assert inner.asked == 2


def test_another_checkpoint_clip_prompt_seed_or_sampling_asks_anew(tmp_path: Path) -> None:
    (own,) = requests(1)
    sampled(JournaledEngine(MockEngine(), tmp_path / "j"), [own])
    others = [replace(own, clip_id="x"), replace(own, prompt="Other?"), replace(own, seeds=(9,))]
    for asked, sampling, identity in (
        *((other, SAMPLING, "") for other in others),
        (own, replace(SAMPLING, temperature=0.0), ""),
        (own, SAMPLING, "trained further"),
    ):
        inner = Counting()
        sampled(JournaledEngine(inner, tmp_path / "j", identity), [asked], sampling)
        assert inner.asked == 1


def test_scores_are_kept_by_what_was_scored(tmp_path: Path) -> None:
    asked = [ScoreRequest("a", None, None, "Q?", "yes"), ScoreRequest("b", None, None, "Q?", "no", ended=True)]
    first = JournaledEngine(MockEngine(), tmp_path / "j").score(asked)
    inner = Counting()
    engine = JournaledEngine(inner, tmp_path / "j")
    assert engine.score([*asked, replace(asked[0], completion="maybe")])[:2] == first
    assert inner.scored == 1
