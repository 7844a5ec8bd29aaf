"""What is wrong with an engine before a campaign pays for it: a few requests, each with what to fix.

Looks only; nothing is written but sounds in a folder of its own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from mgrd.audio.decode import MODEL_RATE
from mgrd.engines.protocol import Completion, Engine, SampleRequest, Sampling, ScoreRequest
from mgrd.errors import EngineStopError, MgrdError

TONE_HERTZ = 1000.0
PROMPT = "What do you hear? Choices: a tone, silence. Reason from what you hear, then answer."
GREEDY = Sampling(temperature=0.0, top_p=1.0, max_new_tokens=32)
SAMPLED = Sampling(temperature=1.0, top_p=1.0, max_new_tokens=32)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: whether it is as it should be, what was found, and what to do where it is not."""

    check: str
    good: bool
    found: str
    fix: str = ""


def examine(open_engine: Callable[[], Engine], folder: Path, seconds: float, too_long: float) -> Iterator[Finding]:
    """Findings one by one. `seconds` is a clip's length, `too_long` one beyond the model's window; `folder` is
    scratch space. Stops after the first when the engine does not open.
    """
    try:
        engine = open_engine()
    except MgrdError as error:
        yield Finding("engine", good=False, found=str(error), fix="mend this first; nothing else can be checked")
        return
    try:
        yield Finding("engine", good=True, found=f"{engine.name} opens the model {engine.model_id}")
        for check in (_hears, _refuses, _repeats, _scores):
            try:
                yield from check(engine, folder, too_long if check is _refuses else seconds)
            except MgrdError as error:
                yield Finding(check.__name__.strip("_"), good=False, found=str(error), fix="see docs/engines.md")
    finally:
        engine.close()


def _hears(engine: Engine, folder: Path, seconds: float) -> Iterator[Finding]:
    """Audio tokens of a tone and of silence follow from their length."""
    for name, level in (("1 kHz tone", 0.5), ("silence", 0.0)):
        whole = _ask(engine, _request(_sound(folder, level, seconds)), GREEDY).audio_tokens
        half = _ask(engine, _request(_sound(folder, level, seconds / 2)), GREEDY).audio_tokens
        good = whole > half > 0 and abs(whole - 2 * half) <= 2
        found = f"{whole} audio tokens in {seconds:g} s, {half} in {seconds / 2:g} s"
        fix = "" if good else "the sound is padded, cut or not counted; check the server's audio settings"
        yield Finding(name, good, found, fix)


def _refuses(engine: Engine, folder: Path, seconds: float) -> Iterator[Finding]:
    """A clip beyond the window is refused, not cut."""
    try:
        heard = _ask(engine, _request(_sound(folder, 0.5, seconds)), GREEDY).audio_tokens
    except EngineStopError:
        raise
    except MgrdError as error:
        yield Finding("over-long clip", good=True, found=f"refused: {str(error)[:120]}")
        return
    fix = "lower max_audio_seconds of the engine's runtime settings to the model's window, or clips are cut silently"
    yield Finding("over-long clip", good=False, found=f"taken: {heard} audio tokens for {seconds:g} s", fix=fix)


def _repeats(engine: Engine, folder: Path, seconds: float) -> Iterator[Finding]:
    """The same seed writes the same chain."""
    request = _request(_sound(folder, 0.5, seconds))
    first, second = (_ask(engine, request, SAMPLED).text for _ in range(2))
    fix = "" if first == second else "the server ignores seeds or batches change its figures; chains cannot be replayed"
    yield Finding("seed", first == second, "the same seed gives the same chain" if not fix else "two chains", fix)


def _scores(engine: Engine, folder: Path, seconds: float) -> Iterator[Finding]:
    """The chat template renders a given answer as it was written: its tokens come back, and depend on the sound."""
    text = "<think>\nit is steady\n</think>\n\na tone"
    tone, silence = _sound(folder, 0.5, seconds), _sound(folder, 0.0, seconds)
    asked = [ScoreRequest("score", path.stem, path, PROMPT, text, ended=True) for path in (tone, silence)]
    own, other = engine.score(asked)
    whole = not own.spans or own.spans[-1][1] == len(text)
    fix = "" if whole else "serve the checkpoint with its own chat template"
    yield Finding("template round trip", whole, f"{len(own.token_logprobs)} tokens of a given answer", fix)
    moved = own.token_logprobs != other.token_logprobs
    fix = "" if moved else "the sound does not reach the model"
    yield Finding("sound", moved, "a tone and silence give different log-probabilities" if moved else "no effect", fix)


def _request(audio: Path) -> SampleRequest:
    return SampleRequest("doctor", audio.stem, audio, PROMPT, (0,), (17,))


def _ask(engine: Engine, request: SampleRequest, sampling: Sampling) -> Completion:
    return next(completion for batch in engine.sample([request], sampling) for completion in batch)


def _sound(folder: Path, level: float, seconds: float) -> Path:
    """A tone of 1 kHz at `level` of full scale; its name is its content's, as engines key their caches by it."""
    path = folder / f"doctor-{level:g}-{seconds:g}s.wav"
    if not path.exists():
        time = np.arange(round(seconds * MODEL_RATE)) / MODEL_RATE
        soundfile.write(path, level * np.sin(2 * np.pi * TONE_HERTZ * time), MODEL_RATE, subtype="PCM_16")
    return path
