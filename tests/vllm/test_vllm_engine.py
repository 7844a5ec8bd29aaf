"""The engine that loads vLLM itself: the same chains and scores as transformers, its own seeds, its own endings."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from agreement import (
    AGREEMENT,
    CHAINS,
    GREEDY,
    LOGPROB_TOLERANCE,
    QUESTIONS,
    glides,
    greedy_requests,
    sampled,
    score_requests,
)
from audio_checkpoint import write_audio_checkpoint
from conftest import PYTHON

from mgrd.engines.doctor import examine
from mgrd.engines.protocol import SampleRequest, Sampling, ScoreRequest
from mgrd.engines.transformers import TransformersEngine
from mgrd.engines.vllm import VllmEngine
from mgrd.errors import AudioError, EngineError
from mgrd.models import model_sha
from mgrd.settings.runtime import VllmRuntime

SAMPLED = Sampling(2.0, 1.0, 12)
"""Hot, so that chains of other seeds are others: the checkpoint knows what it wants."""


def runtime_of(**settings: object) -> VllmRuntime:
    return VllmRuntime.model_validate(
        {
            "python": PYTHON,
            "options": {"dtype": "float32", "enforce_eager": True, "max_num_seqs": 32, "max_logprobs": 1},
            "environment": {"VLLM_CPU_KVCACHE_SPACE": "1"},
            **settings,
        }
    )


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_audio_checkpoint(tmp_path_factory.mktemp("engine") / "checkpoint", [*QUESTIONS, *CHAINS])


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    return glides(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def engine(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmEngine]:
    place = tmp_path_factory.mktemp("place")
    with closing(VllmEngine(runtime_of(), model_sha(checkpoint), checkpoint, place, batch_requests=32)) as opened:
        yield opened


@pytest.fixture(scope="module")
def here(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> TransformersEngine:
    return TransformersEngine(checkpoint, tmp_path_factory.mktemp("features"), precision="float32")


def test_greedy_chains_and_scores_are_those_of_transformers(
    engine: VllmEngine, here: TransformersEngine, clips: tuple[Path, ...]
) -> None:
    requests = greedy_requests(clips)
    own, other = (sampled(which, requests, GREEDY) for which in (here, engine))
    pairs = [(own[request.request_id, 0], other[request.request_id, 0]) for request in requests]
    same = [one.token_ids == two.token_ids for one, two in pairs]
    print(f"\ngreedy chains: {sum(same)} of {len(same)} the same")
    assert np.mean(same) >= AGREEMENT
    for one, two in pairs:
        assert (one.prompt_tokens, one.audio_tokens) == (two.prompt_tokens, two.audio_tokens)
    for ended in (False, True):
        asked = score_requests(clips, ended=ended)
        apart = []
        for one, two in zip(here.score(asked), engine.score(asked), strict=True):
            assert one.spans == two.spans
            apart.append(np.abs(np.array(one.token_logprobs) - np.array(two.token_logprobs)).max())
        print(f"log-probabilities: {max(apart):.1e} apart at most")
        assert max(apart) < LOGPROB_TOLERANCE


def test_a_chain_follows_its_seed_alone(engine: VllmEngine, clips: tuple[Path, ...]) -> None:
    both = SampleRequest("q", "0", clips[0], QUESTIONS[0], (0, 1, 2, 3), (5, 6, 7, 8))
    last = SampleRequest("q", "0", clips[0], QUESTIONS[0], (3,), (8,))
    first, again = sampled(engine, [both], SAMPLED), sampled(engine, [both], SAMPLED)
    assert {key: chain.token_ids for key, chain in first.items()} == {key: c.token_ids for key, c in again.items()}
    assert len({chain.token_ids for chain in first.values()}) > 1
    assert sampled(engine, [last], SAMPLED)["q", 3].token_ids == first["q", 3].token_ids
    assert all(chain.logprob is not None and chain.logprob < 0 for chain in first.values())


def test_n_chains_of_one_request_are_those_of_successive_seeds(
    engine: VllmEngine, clips: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """vLLM gives chain k of a request the seed s + k."""
    request = SampleRequest("q", "1", clips[1], QUESTIONS[1], (0, 1, 2), (40, 41, 42))
    apart = sampled(engine, [request], SAMPLED)
    monkeypatch.setattr(engine, "_runtime", runtime_of(samples="n"))
    together = sampled(engine, [request], SAMPLED)
    assert {key: chain.token_ids for key, chain in together.items()} == {k: c.token_ids for k, c in apart.items()}


def test_chains_of_a_question_share_its_prompt(engine: VllmEngine) -> None:
    body = engine._asking.sampling(QUESTIONS[2] * 36, None, SAMPLED, 0, 1)  # blocks of vLLM on a CPU have 128 tokens
    first, second = (engine._process.answer([body], {})[0]["usage"] for _ in range(2))
    assert first["prompt_tokens_details"]["cached_tokens"] == 0
    assert second["prompt_tokens_details"]["cached_tokens"] > 0.5 * second["prompt_tokens"]


def test_what_cannot_be_sampled_is_named_after_what_can(engine: VllmEngine, clips: tuple[Path, ...]) -> None:
    good = SampleRequest("good", "0", clips[0], QUESTIONS[0], (0,), (1,))
    endless = SampleRequest("endless", "0", clips[0], "What moves? " * 2000, (0,), (1,))
    broken = SampleRequest("broken", "x", clips[0].with_name("missing.wav"), QUESTIONS[0], (0,), (1,))
    batches = engine.sample([endless, good, broken], SAMPLED)
    came = next(batches)
    with pytest.raises((EngineError, AudioError)):
        next(batches)
    assert [chain.request_id for chain in came] == ["good"]


def test_a_text_question_needs_no_sound(engine: VllmEngine, here: TransformersEngine) -> None:
    request = SampleRequest("text", None, None, QUESTIONS[4], (0,), (1,))
    own, other = (sampled(which, [request], GREEDY)["text", 0] for which in (here, engine))
    assert (own.token_ids, own.audio_tokens) == (other.token_ids, other.audio_tokens)
    score = ScoreRequest("text", None, None, QUESTIONS[4], CHAINS[0], ended=True)
    assert engine.score([score])[0].token_logprobs == pytest.approx(here.score([score])[0].token_logprobs, abs=1e-2)


def test_the_doctor_finds_nothing_to_fix(engine: VllmEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "close", lambda: None)
    findings = list(examine(lambda: engine, tmp_path, 2.0, 5.0))
    assert [finding.check for finding in findings if not finding.good] == []
    assert len(findings) > 5


def test_a_killed_process_is_started_again_and_the_batch_asked_again(
    engine: VllmEngine, clips: tuple[Path, ...], caplog: pytest.LogCaptureFixture
) -> None:
    requests = greedy_requests(clips)[:4]
    before = sampled(engine, requests, GREEDY)
    launched = engine._process._launched
    assert launched is not None
    os.killpg(launched.pid, signal.SIGKILL)
    after = sampled(engine, requests, GREEDY)
    assert {key: chain.token_ids for key, chain in after.items()} == {k: c.token_ids for k, c in before.items()}
    assert "vLLM died; starting it again" in caplog.text
