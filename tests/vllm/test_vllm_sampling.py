"""One checkpoint in two engines: transformers in this process, and a vLLM server that hears the clip over HTTP.

The server has the checkpoint's copy in shapes that vLLM takes; transformers has the checkpoint itself.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
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
from conftest import serving

from mgrd.engines.openai import OpenAIEngine
from mgrd.engines.protocol import Engine, Sampling
from mgrd.engines.transformers import TransformersEngine
from mgrd.models import model_sha
from mgrd.models.serving_copy import servable
from mgrd.settings.runtime import ServerRuntime


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
    name = model_sha(checkpoint)
    options = ("--enable-prompt-tokens-details", "--max-logprobs", "1")
    with serving(servable(checkpoint, name, folder / "copies"), folder / "server.log", *options, name=name) as running:
        here = TransformersEngine(checkpoint, folder / "features", precision="float32")
        runtime = ServerRuntime(base_url=running.url, concurrency=8, extra={"return_token_ids": True})
        with closing(OpenAIEngine(runtime, name, checkpoint, folder / "unused.log")) as server:
            yield Pair(here, server, glides(folder))


def test_greedy_chains_are_the_same_token_by_token(pair: Pair) -> None:
    requests = greedy_requests(pair.clips)
    here, there = (sampled(engine, requests, GREEDY) for engine in (pair.here, pair.server))
    assert len(requests) == len(here) == len(there) == 50
    pairs = [(here[key], there[key]) for key in here]
    assert all(one.token_ids and other.token_ids for one, other in pairs)
    same = [one.token_ids == other.token_ids for one, other in pairs]
    print(f"\ngreedy chains: {sum(same)} of {len(same)} the same")
    assert np.mean(same) >= AGREEMENT
    assert len({chain.text for chain in here.values()}) > 25, "the chains depend on question and sound"
    assert all(one.text == other.text for (one, other), equal in zip(pairs, same, strict=True) if equal)
    assert {chain.finish_reason for chain in here.values()} == {"stop", "length"}


def test_both_engines_count_the_same_prompt_and_the_same_audio_tokens(pair: Pair) -> None:
    requests = greedy_requests(pair.clips)[:: len(QUESTIONS)]
    here, there = (sampled(engine, requests, Sampling(0.0, 1.0, 1)) for engine in (pair.here, pair.server))
    for key, one in here.items():
        assert (one.prompt_tokens, one.audio_tokens) == (there[key].prompt_tokens, there[key].audio_tokens)


@pytest.mark.parametrize("ended", [False, True], ids=["open", "ended"])
def test_teacher_forced_log_probabilities_agree(pair: Pair, ended: bool) -> None:
    requests = score_requests(pair.clips, ended=ended)
    here, there = pair.here.score(requests), pair.server.score(requests)
    apart = []
    for one, other in zip(here, there, strict=True):
        assert one.spans == other.spans, "the same tokens"
        apart.append(np.abs(np.array(one.token_logprobs) - np.array(other.token_logprobs)).max())
    print(f"\nlog-probabilities: {max(apart):.1e} apart at most")
    assert max(apart) < LOGPROB_TOLERANCE
    assert len({score.token_logprobs for score in here}) == len(requests), "the sound changes them"
