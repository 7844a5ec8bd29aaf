"""Constructions of usual prose, each on a clip where it is true and on one where it is false, by construction."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from mgrd.audio.evidence import measure
from mgrd.grounding.scorer import score_text
from mgrd.grounding.verify import Evidence
from tests.audio.sounds import RATE, click, glide, placed, seconds, shaped, tone, white, with_noise

SPEEDING = 0.2 + np.concatenate([[0.0], np.cumsum(0.5 * 0.8 ** np.arange(9))])
UNEVEN = (0.2, 0.5, 1.7, 2.0, 3.6, 4.4)


def clicks(times: np.ndarray | tuple[float, ...]) -> np.ndarray:
    return placed([(float(t), click(seed=k)) for k, t in enumerate(times)], 5.0)


def beeps(f0: float, times: tuple[float, ...], length: float = 0.12) -> np.ndarray:
    return placed([(t, tone(f0, length)) for t in times], 5.0)


def throbbing(depth: float) -> np.ndarray:
    t = seconds(3.0)
    return 0.4 * shaped(np.sin(2 * np.pi * 440 * t)) * (1 - depth / 2 + depth / 2 * np.sin(2 * np.pi * 5 * t))


def arch(low: float, high: float) -> np.ndarray:
    t = seconds(3.0)
    phase = 2 * np.pi * np.cumsum(low * (high / low) ** (1 - np.abs(t / 1.5 - 1))) / RATE
    return 0.3 * shaped(np.asarray(sum(np.sin(k * phase) / k for k in range(1, 5))))


def burst(length: float, seed: int = 0) -> np.ndarray:
    return shaped(white(length, 0.2, seed))


CLIPS: dict[str, Callable[[], np.ndarray]] = {
    "speeding": lambda: clicks(SPEEDING),
    "slowing": lambda: clicks(4.6 - SPEEDING[::-1]),
    "uneven": lambda: beeps(900, UNEVEN),
    "even": lambda: beeps(900, (0.2, 1.0, 1.8, 2.6, 3.4, 4.2)),
    "seconds": lambda: beeps(700, (0.2, 1.2, 2.2, 3.2, 4.2), 0.2),
    "throbbing": lambda: throbbing(0.95),
    "still": lambda: throbbing(0.0),
    "late": lambda: placed([(3.0, tone(1200, 0.8))], 4.0),
    "noise_tone": lambda: placed([(0.0, burst(1.0)), (1.2, tone(880, 1.3))], 2.6),
    "tone_noise": lambda: placed([(0.0, tone(880, 1.3)), (1.5, burst(1.0))], 2.6),
    "arch": lambda: arch(250, 1000),
    "rising": lambda: glide(300, 1200, 2.0),
    "chord": lambda: np.sum([tone(f, 2.5) for f in (261.6, 329.6, 392.0)], axis=0) / 3,
    "gap": lambda: placed([(0.0, tone(600, 1.0)), (2.5, tone(600, 1.1))], 3.6),
    "hissing": lambda: with_noise(tone(500, 3.0), 3.0),
    "three": lambda: placed([(0.3 + k, burst(0.3, k)) for k in range(3)], 3.2),
    "zigzag": lambda: placed([(0.1 + 0.6 * k, tone(f, 0.5)) for k, f in enumerate((300, 400, 350, 500))], 2.6),
    "ladder": lambda: placed([(0.1 + 0.6 * k, tone(f, 0.5)) for k, f in enumerate((300, 350, 400, 500))], 2.6),
}


@cache
def evidence(clip: str) -> Evidence:
    return Evidence(measure(CLIPS[clip](), RATE))


@pytest.mark.parametrize(
    ("text", "true", "false"),
    [
        ("Each wait is a bit shorter than the last.", "speeding", "slowing"),
        ("The gaps between the clicks keep widening.", "slowing", "speeding"),
        ("The clicks crowd closer together.", "speeding", "slowing"),
        ("The gaps keep changing length.", "uneven", "even"),
        ("Some of the gaps are short, others long.", "uneven", "even"),
        ("Every gap is the same.", "even", "uneven"),
        ("The time between onsets is always exactly one second.", "seconds", "even"),
        ("One beep every second.", "seconds", "even"),
        ("The volume pulsates about five times a second.", "throbbing", "still"),
        ("For three whole seconds nothing happens.", "late", "noise_tone"),
        ("The opening is silent.", "late", "noise_tone"),
        ("A beep turns up only near the end.", "late", "noise_tone"),
        ("Hiss first, beep after.", "noise_tone", "tone_noise"),
        ("It starts with noise and ends with a tone.", "noise_tone", "tone_noise"),
        ("The pitch goes up to a peak and then comes back down.", "arch", "rising"),
        ("It climbs, then turns round and heads back down.", "arch", "rising"),
        ("The pitch only rises.", "rising", "arch"),
        ("Three notes sound at once.", "chord", "still"),
        ("There's a hole in the middle.", "gap", "hissing"),
        ("The tone cuts out after one second and then resumes.", "gap", "hissing"),
        ("It is drowned in static.", "hissing", "gap"),
        ("Noise, silence, noise, silence, noise: three.", "three", "noise_tone"),
        ("Three bursts with dead air in between.", "three", "hissing"),
        ("Each note is higher than the one before.", "ladder", "zigzag"),
        ("The onsets are at 0.2, 1.2 and 2.2 s.", "seconds", "late"),
        ("They are short beeps.", "even", "hissing"),
    ],
)
def test_a_construction_is_supported_where_it_is_true_and_refuted_where_it_is_false(
    text: str, true: str, false: str
) -> None:
    right, wrong = score_text(text, evidence(true)), score_text(text, evidence(false))
    assert right.supported, right.claims
    assert not right.contradicted, right.claims
    assert wrong.contradicted, wrong.claims


@pytest.mark.parametrize(
    ("text", "clip"),
    [
        ("Sometimes two beeps come close to each other.", "uneven"),
        ("The pitch rises for two notes and falls once.", "zigzag"),
        ("It ends about four times as high as it begins.", "rising"),
        ("The first second is noise; then there's a steady A5.", "noise_tone"),
        ("The volume goes up and down regularly.", "throbbing"),
        ("The note is an octave below A440, or rather above it.", "still"),
        ("The hiss doesn't come and go.", "hissing"),
        ("Each one decays a little before the next.", "ladder"),
        ("In the first second there are two beeps.", "uneven"),
        ("Beep, beep, beep, always alike.", "even"),
    ],
)
def test_what_only_looks_like_a_claim_refutes_nothing(text: str, clip: str) -> None:
    assert not score_text(text, evidence(clip)).contradicted, score_text(text, evidence(clip)).claims
