"""Chains scored with another sound: silence is silence, another clip is another, and a bad chain stops nobody."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from mgrd.engines.contrast import Sounds, contrast_chains
from mgrd.engines.protocol import Score, ScoreRequest
from mgrd.engines.transformers import TransformersEngine
from mgrd.errors import EngineError
from mgrd.models.render import completion_text
from mgrd.store import frame_of
from prompts import load_prompt
from schemas import COUNTERFACTUALS, TRACES
from tests.tiny_model import tiny_model, tone, tones

PROMPT = load_prompt("sample/perceive")
SECONDS = {"clip0": 1.0, "clip1": 1.0, "clip2": 1.0, "short": 0.5}
SWAPS = {"q-clip0": "clip1", "q-clip1": "clip2"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> TransformersEngine:
    folder = tiny_model(tmp_path_factory.mktemp("models") / "tiny")
    return TransformersEngine(folder, tmp_path_factory.mktemp("features"), precision="float32")


@pytest.fixture
def sounds(tmp_path: Path) -> Sounds:
    files = {**tones(tmp_path / "audio", 3), "short": tone(tmp_path / "audio" / "short.wav", 500, 0.5)}
    return Sounds(files, SECONDS, tmp_path / "silence")


def chain(key: str, clip: str, raw_text: str | None = None, choices: Sequence[str] = ("rising", "falling")) -> dict:
    row = {**dict.fromkeys(TRACES.arrow.names), "trace_id": key, "round": 1, "purpose": "distill", "model_id": "m"}
    text = completion_text("the pitch rises", "rising") if raw_text is None else raw_text
    asked = {"question_id": f"q-{clip}", "text": "How does the pitch move?", "choices": list(choices)}
    return {**row, **asked, "clip_id": clip, "raw_text": text, "reasoning": "the pitch rises", "answer": "rising"}


def contrasted(
    engine: TransformersEngine, sounds: Sounds, *rows: dict, batch: int = 96
) -> tuple[dict[str, dict], pl.DataFrame]:
    parts = list(contrast_chains(engine, pl.DataFrame(rows), SWAPS, sounds, PROMPT, batch))
    scored = pl.concat([part[0] for part in parts])
    return {row["trace_id"]: row for row in scored.iter_rows(named=True)}, pl.concat([part[1] for part in parts])


def test_silence_is_zeros_of_the_clips_length(sounds: Sounds) -> None:
    for clip, seconds in SECONDS.items():
        name, path = sounds.silent(clip)
        samples, rate = soundfile.read(path)
        assert len(samples) == seconds * rate
        assert not samples.any()
        assert name == f"silence-{len(samples)}"
    assert len(list(sounds.silence.iterdir())) == 2, "one file per length"
    assert np.abs(soundfile.read(sounds.files["clip0"])[0]).max() > 0.1


def test_the_gains_are_differences_of_the_engines_own_scores(engine: TransformersEngine, sounds: Sounds) -> None:
    rows, failed = contrasted(engine, sounds, chain("a", "clip0"))
    row, text = rows["a"], PROMPT.render(question="How does the pitch move?", choices=["rising", "falling"])
    heard = {"own": sounds.own("clip0"), "silence": sounds.silent("clip0"), "swap": sounds.own("clip1")}
    raw = chain("a", "clip0")["raw_text"]
    own, silence, swap = engine.score([ScoreRequest(k, *v, prompt=text, completion=raw) for k, v in heard.items()])
    assert failed.is_empty()
    for name, other in (("silence_gains", silence), ("swap_gains", swap)):
        expected = [a - b for a, b in zip(own.token_logprobs, other.token_logprobs, strict=True)]
        assert row[name] == pytest.approx(expected, abs=1e-4)
        assert any(abs(gain) > 1e-3 for gain in row[name]), "another sound changes the figures"
    assert row["silence_margin"] == pytest.approx(np.mean(row["silence_gains"]), abs=1e-6)
    assert row["swap_margin"] == pytest.approx(np.mean(row["swap_gains"]), abs=1e-6)
    assert (row["swap_clip_id"], row["tokens"]) == ("clip1", len(own.token_logprobs))
    assert list(zip(row["token_starts"], row["token_ends"], strict=True)) == list(own.spans)


def test_a_clip_that_is_silence_gains_nothing_over_it(engine: TransformersEngine, sounds: Sounds) -> None:
    soundfile.write(sounds.files["clip0"], np.zeros(16_000, dtype=np.float32), 16_000)
    silent = Sounds({**sounds.files, "mute": sounds.files["clip0"]}, {**SECONDS, "mute": 1.0}, sounds.silence)
    rows, _ = contrasted(engine, silent, chain("a", "mute"))
    assert rows["a"]["silence_gains"] == pytest.approx([0.0] * rows["a"]["tokens"], abs=1e-4)
    assert rows["a"]["silence_flips"] is False


def test_the_likeliest_choice_is_the_one_with_the_greatest_probability(
    engine: TransformersEngine, sounds: Sounds
) -> None:
    choices = ["rising", "falling", "rising then falling", "one"]
    rows, _ = contrasted(engine, sounds, *[chain(clip, clip, choices=choices) for clip in SECONDS])
    for clip, row in rows.items():
        text = PROMPT.render(question="How does the pitch move?", choices=choices)
        heard = {"choice": sounds.own(clip), "silence_choice": sounds.silent(clip)}
        for name, sound in heard.items():
            ask = [ScoreRequest(c, *sound, prompt=text, completion=completion_text("", c), ended=True) for c in choices]
            totals = {score.request_id: sum(score.token_logprobs) for score in engine.score(ask)}
            assert row[name] == max(totals, key=lambda choice: totals[choice])
        assert row["silence_flips"] == (row["choice"] != row["silence_choice"])
    assert rows["clip2"]["swap_choice"] is rows["clip2"]["swap_flips"] is None, "it has no other clip"


def test_without_choices_nothing_flips(engine: TransformersEngine, sounds: Sounds) -> None:
    rows, _ = contrasted(engine, sounds, chain("a", "clip0", choices=[]))
    assert rows["a"]["choice"] is rows["a"]["silence_flips"] is rows["a"]["swap_flips"] is None
    assert rows["a"]["silence_margin"] != 0


def test_figures_do_not_depend_on_the_batch(engine: TransformersEngine, sounds: Sounds) -> None:
    chains = [
        chain(f"{clip}-{k}", clip, completion_text("the pitch rises" * k, "x")) for clip in SECONDS for k in (1, 3)
    ]
    together, _ = contrasted(engine, sounds, *chains)
    apart, _ = contrasted(engine, sounds, *chains, batch=1)
    assert together.keys() == apart.keys()
    for key, row in together.items():
        assert row["silence_gains"] == pytest.approx(apart[key]["silence_gains"], abs=1e-4)
        assert row["choice"] == apart[key]["choice"]


def test_a_chain_that_cannot_be_scored_goes_to_quarantine_and_the_others_are_scored(
    engine: TransformersEngine, sounds: Sounds
) -> None:
    rows, failed = contrasted(
        engine,
        sounds,
        chain("a", "clip0"),
        chain("bad", "clip0", "<|im_end|>"),
        chain("lost", "gone"),
        chain("b", "clip1"),
    )
    assert set(rows) == {"a", "b"}
    told = dict(failed.select("row_id", "message").rows())
    assert len(told) == 2
    assert any("chat token" in message for message in told.values())
    assert any("clip gone is not in the workspace" in message for message in told.values())
    assert failed["stage"].unique().to_list() == ["counterfactual-distill"]


class Broken:
    """An engine that fails, and counts how often it is asked."""

    name = model_id = "broken"

    def __init__(self) -> None:
        self.asked = 0

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        self.asked += 1
        raise EngineError(f"no memory left for {len(requests)} requests")


def test_an_engine_that_always_fails_is_asked_once_per_chain_more(sounds: Sounds) -> None:
    broken = Broken()
    frame = pl.DataFrame([chain(f"t{k}", "clip0") for k in range(4)])
    ((rows, failed),) = contrast_chains(broken, frame, SWAPS, sounds, PROMPT)  # pyright: ignore[reportArgumentType]
    assert (rows.height, failed.height, broken.asked) == (0, 4, 5)
    assert rows.equals(frame_of(COUNTERFACTUALS, []))


def test_the_end_of_the_turn_is_one_token_more(engine: TransformersEngine, sounds: Sounds) -> None:
    clip_id, path = sounds.own("clip0")
    open_, ended = (ScoreRequest("a", clip_id, path, "?", "rising", ended=ended) for ended in (False, True))
    first, second = engine.score([open_, ended])
    assert len(second.token_logprobs) == len(first.token_logprobs) + 1
    assert second.token_logprobs[:-1] == pytest.approx(first.token_logprobs, abs=1e-5)
    assert second.spans == (*first.spans, (6, 6))
