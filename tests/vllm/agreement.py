"""Questions, chains and clips on which two engines are held side by side, and the bounds that they must keep."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from mgrd.engines.protocol import Completion, Engine, SampleRequest, Sampling, ScoreRequest
from mgrd.models.render import completion_text

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


def glides(folder: Path) -> tuple[Path, ...]:
    """Gliding tones, each of its own pitch, length and noise."""
    paths = []
    for number in range(CLIPS):
        seconds = 0.6 + 0.25 * number  # within the window, where the copy's log-mel is the original's
        time = np.arange(round(seconds * RATE)) / RATE
        noise = np.random.default_rng(number).normal(0.0, 0.01, len(time))
        glide = np.sin(2 * np.pi * (150.0 * (number + 1) * time + 60.0 * number * time**2))
        paths.append(folder / f"{number}.wav")
        soundfile.write(paths[-1], (0.3 * glide + noise).astype(np.float32), RATE)
    return tuple(paths)


def greedy_requests(clips: Sequence[Path]) -> list[SampleRequest]:
    """Fifty of ten clips."""
    return [
        SampleRequest(f"{clip.stem}-{at}", clip.stem, clip, question, (0,), (0,))
        for clip in clips
        for at, question in enumerate(QUESTIONS)
    ]


def score_requests(clips: Sequence[Path], *, ended: bool) -> list[ScoreRequest]:
    return [
        ScoreRequest(f"{clip.stem}-{at}", clip.stem, clip, QUESTIONS[at], chain, ended)
        for clip in clips
        for at, chain in enumerate(CHAINS)
    ]


def sampled(engine: Engine, requests: Sequence[SampleRequest], sampling: Sampling) -> dict[tuple[str, int], Completion]:
    return {
        (chain.request_id, chain.sample_index): chain for batch in engine.sample(requests, sampling) for chain in batch
    }
