"""What every engine keeps, whatever is behind it. A new engine is one more line of ENGINES."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, get_args

import pytest

from mgrd.engines.mock import MockEngine
from mgrd.engines.openai import OpenAIEngine
from mgrd.engines.protocol import Completion, Engine, SampleRequest, Sampling, ScoreRequest
from mgrd.engines.transformers import TransformersEngine
from mgrd.settings.runtime import Runtime, ServerRuntime
from tests.engines.fake_server import FakeServer, Reply, chain, completion, scored
from tests.tiny_model import PROMPTS, tiny_model, tone

LIMIT = 16
SAMPLED = Sampling(temperature=1.0, top_p=1.0, max_new_tokens=LIMIT)
GREEDY = dataclasses.replace(SAMPLED, temperature=0.0)
CHAIN = "<think>\nthe pitch rises\n</think>\n\nrising"
NOT_HERE = {"vllm": "tests/vllm, in the environment that vLLM needs"}


def _answer(body: dict[str, Any], number: int) -> Reply:
    """A server whose chains follow from the seed."""
    if "seed" not in body:
        return scored(body, number)
    drawn = body["seed"] if body["temperature"] else "greedy"
    return completion(chain(f"<think>\n{drawn}\n</think>\n\nrising"))


@contextmanager
def _behind_a_server(folder: Path) -> Iterator[Engine]:
    with FakeServer(_answer) as server:
        runtime = ServerRuntime.model_validate({"base_url": server.url, "model": "m"})
        with closing(OpenAIEngine(runtime, "abc", folder, folder / "server.log", trusted=True)) as engine:
            yield engine


def _in_this_process(folder: Path) -> AbstractContextManager[Engine]:
    return closing(TransformersEngine(tiny_model(folder / "model"), folder / "features", precision="float32"))


ENGINES: dict[str, Callable[[Path], AbstractContextManager[Engine]]] = {
    "transformers": _in_this_process,
    "openai": _behind_a_server,
    "mock": lambda _: closing(MockEngine("abc")),
}


@pytest.fixture(scope="module", params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with ENGINES[request.param](tmp_path_factory.mktemp(request.param)) as opened:
        assert opened.name == request.param
        yield opened


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tone(tmp_path_factory.mktemp("clips") / "tone.wav", 440.0)


def asked(clip: Path, samples: int = 3) -> list[SampleRequest]:
    """A question on a sound and one on a text, `samples` chains each."""
    return [
        SampleRequest(
            f"q{number}", audio and "tone", audio, PROMPTS[number],
            tuple(range(samples)), tuple(10 * number + k for k in range(samples)),
        )
        for number, audio in enumerate((clip, None))
    ]  # fmt: skip


def sampled(engine: Engine, requests: list[SampleRequest], sampling: Sampling = SAMPLED) -> dict[str, Completion]:
    found = [chain for batch in engine.sample(requests, sampling) for chain in batch]
    named = {f"{chain.request_id}/{chain.sample_index}": chain for chain in found}
    assert len(named) == len(found), "no chain comes twice"
    return named


def texts(chains: dict[str, Completion]) -> dict[str, str]:
    return {name: chain.text for name, chain in chains.items()}


def test_every_engine_that_can_be_named_is_held_to_this() -> None:
    named = set(get_args(Runtime.model_fields["engine"].annotation))
    assert named == set(ENGINES) | set(NOT_HERE)


def test_every_chain_that_is_asked_for_comes_and_no_other(engine: Engine, clip: Path) -> None:
    wanted = asked(clip)
    wanted[1] = dataclasses.replace(wanted[1], sample_indices=(2,), seeds=(12,))
    assert set(sampled(engine, wanted)) == {"q0/0", "q0/1", "q0/2", "q1/2"}
    assert not sampled(engine, [])


def test_the_same_seeds_give_the_same_chains_whatever_is_asked_beside_them(engine: Engine, clip: Path) -> None:
    together = texts(sampled(engine, asked(clip)))
    one = dataclasses.replace(asked(clip)[0], sample_indices=(2,), seeds=(2,))
    assert texts(sampled(engine, [one])) == {"q0/2": together["q0/2"]}
    assert len(set(together.values())) > 1, "other seeds give other chains"


def test_greedy_chains_do_not_depend_on_the_seed(engine: Engine, clip: Path) -> None:
    by_question = [
        {chain.text for chain in sampled(engine, [request], GREEDY).values()} for request in asked(clip, samples=2)
    ]
    assert [len(written) for written in by_question] == [1, 1]


def test_what_was_heard_and_written_is_counted(engine: Engine, clip: Path) -> None:
    for name, written in sampled(engine, asked(clip)).items():
        assert (written.audio_tokens > 0) == name.startswith("q0/"), "sound is counted where there is some"
        assert written.prompt_tokens > written.audio_tokens
        assert 0 <= written.reasoning_tokens <= written.completion_tokens <= LIMIT
        assert written.finish_reason in {"stop", "length"}
        assert written.logprob is None or written.logprob <= 0
        assert len(written.token_ids) in {0, written.completion_tokens}


def test_scores_come_in_order_with_a_logprob_for_each_token_and_spans_that_write_the_chain(
    engine: Engine, clip: Path
) -> None:
    wanted = [ScoreRequest(f"s{at}", "tone", clip, PROMPTS[0], CHAIN, ended=bool(at)) for at in range(2)]
    plain, ended = engine.score(wanted)
    assert [plain.request_id, ended.request_id] == ["s0", "s1"]
    assert all(logprob <= 0 for logprob in ended.token_logprobs)
    assert len(ended.token_logprobs) == len(plain.token_logprobs) + 1, "the end of the turn is one token more"
    assert len(plain.spans) == len(plain.token_logprobs)
    assert "".join(CHAIN[start:end] for start, end in plain.spans) == CHAIN
    assert engine.score([]) == []


def test_a_score_depends_on_the_sound(engine: Engine, clip: Path) -> None:
    heard, unheard = engine.score(
        [ScoreRequest("s", "tone", clip, PROMPTS[0], CHAIN), ScoreRequest("t", None, None, PROMPTS[0], CHAIN)]
    )
    assert sum(heard.token_logprobs) != sum(unheard.token_logprobs)
