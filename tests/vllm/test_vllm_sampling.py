"""One checkpoint in two engines: transformers in this process, and a vLLM server that hears the clip over HTTP.

The server has the checkpoint's copy in shapes that vLLM takes; transformers has the checkpoint itself.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from audio_checkpoint import write_audio_checkpoint
from conftest import serving

from mgrd.engines.openai import OpenAIEngine
from mgrd.engines.protocol import Completion, Engine, SampleRequest, Sampling, ScoreRequest
from mgrd.engines.transformers import TransformersEngine
from mgrd.models import model_sha
from mgrd.models.render import completion_text
from mgrd.models.serving_copy import servable
from mgrd.settings_runtime import ServerRuntime

RATE = 16_000
GREEDY = Sampling(0.0, 1.0, 32)
QUESTIONS = (
    "How does the pitch move? Choices: falling, rising, steady. Reason from what you hear.",
    "How many sounds are there? Choices: one, two, three.",
    "Is the sound bright or muffled?",
    "How loud is the end against the beginning? Choices: louder, softer.",
    "What makes this sound?",
)
CHAINS = (
    completion_text("The pitch climbs from 200 Hz to 400 Hz within two seconds.", "rising"),
    completion_text("I hear two onsets, then half a second of silence.", "two"),
    completion_text("", "muffled"),
    "The tempo is steady at 120 BPM — no, “slower”.",
)
CLIPS = 10
AGREEMENT = 0.95
LOGPROB_TOLERANCE = 1e-2


@dataclass(frozen=True, slots=True)
class Pair:
    """The same checkpoint behind both engines, and clips to hear."""

    here: Engine
    server: Engine
    clips: tuple[Path, ...]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("agreement")
    checkpoint = write_audio_checkpoint(folder / "checkpoint", [*QUESTIONS, *CHAINS])
    clips = tuple(_clip(folder / f"{number}.wav", number) for number in range(CLIPS))
    name = model_sha(checkpoint)
    options = ("--enable-prompt-tokens-details", "--max-logprobs", "1")
    with serving(servable(checkpoint, name, folder / "copies"), folder / "server.log", *options, name=name) as running:
        here = TransformersEngine(checkpoint, folder / "features", precision="float32")
        runtime = ServerRuntime(base_url=running.url, concurrency=8, extra={"return_token_ids": True})
        with closing(OpenAIEngine(runtime, name, checkpoint, folder / "unused.log")) as server:
            yield Pair(here, server, clips)


def _clip(path: Path, number: int) -> Path:
    """A gliding tone of its own pitch, length and noise."""
    seconds = 0.6 + 0.25 * number  # within the window, where the copy's log-mel is the original's
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(number).normal(0.0, 0.01, len(time))
    glide = np.sin(2 * np.pi * (150.0 * (number + 1) * time + 60.0 * number * time**2))
    soundfile.write(path, (0.3 * glide + noise).astype(np.float32), RATE)
    return path


def _requests(pair: Pair) -> list[SampleRequest]:
    return [
        SampleRequest(f"{clip.stem}-{at}", clip.stem, clip, question, (0,), (0,))
        for clip in pair.clips
        for at, question in enumerate(QUESTIONS)
    ]


def _sampled(engine: Engine, requests: list[SampleRequest], sampling: Sampling) -> dict[str, Completion]:
    return {chain.request_id: chain for batch in engine.sample(requests, sampling) for chain in batch}


def test_greedy_chains_are_the_same_token_by_token(pair: Pair) -> None:
    requests = _requests(pair)
    here, there = (_sampled(engine, requests, GREEDY) for engine in (pair.here, pair.server))
    assert len(requests) == len(here) == len(there) == 50
    pairs = [(here[request.request_id], there[request.request_id]) for request in requests]
    assert all(one.token_ids and other.token_ids for one, other in pairs)
    same = [one.token_ids == other.token_ids for one, other in pairs]
    print(f"\ngreedy chains: {sum(same)} of {len(same)} the same")
    assert np.mean(same) >= AGREEMENT
    assert len({chain.text for chain in here.values()}) > 25, "the chains depend on question and sound"
    assert all(one.text == other.text for (one, other), equal in zip(pairs, same, strict=True) if equal)
    assert {chain.finish_reason for chain in here.values()} == {"stop", "length"}


def test_both_engines_count_the_same_prompt_and_the_same_audio_tokens(pair: Pair) -> None:
    requests = _requests(pair)[:: len(QUESTIONS)]
    here, there = (_sampled(engine, requests, Sampling(0.0, 1.0, 1)) for engine in (pair.here, pair.server))
    for request in requests:
        one, other = here[request.request_id], there[request.request_id]
        assert (one.prompt_tokens, one.audio_tokens) == (other.prompt_tokens, other.audio_tokens)


@pytest.mark.parametrize("ended", [False, True], ids=["open", "ended"])
def test_teacher_forced_log_probabilities_agree(pair: Pair, ended: bool) -> None:
    requests = [
        ScoreRequest(f"{clip.stem}-{at}", clip.stem, clip, QUESTIONS[at], chain, ended)
        for clip in pair.clips
        for at, chain in enumerate(CHAINS)
    ]
    here, there = pair.here.score(requests), pair.server.score(requests)
    apart = []
    for one, other in zip(here, there, strict=True):
        assert one.spans == other.spans, "the same tokens"
        apart.append(np.abs(np.array(one.token_logprobs) - np.array(other.token_logprobs)).max())
    print(f"\nlog-probabilities: {max(apart):.1e} apart at most")
    assert max(apart) < LOGPROB_TOLERANCE
    assert len({score.token_logprobs for score in here}) == len(requests), "the sound changes them"
