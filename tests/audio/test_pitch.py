"""Pitch: within 50 cents where there is one, and no claim to one where there is none."""

import numpy as np
import pytest

from mgrd.audio.evidence import measure
from mgrd.audio.facts import Fact
from mgrd.audio.frames import analyse
from mgrd.audio.pitch import PitchLine, without_subharmonics
from tests.audio.sounds import RATE, click, glide, midi, placed, pluck, seconds, shaped, tone, white, with_noise


def facts_of(samples: np.ndarray, rate: int = RATE) -> dict[str, Fact]:
    return {fact.name: fact for fact in reversed(measure(samples, rate))}


def cents(measured: float, true: float) -> float:
    return abs(1200 * np.log2(measured / true))


@pytest.mark.parametrize("f0", [65.4, 98, 146.8, 220, 349.2, 523.3, 880, 1318.5, 2093, 3520])
@pytest.mark.parametrize("partials", [1, 6])
def test_f0_of_tones_is_within_50_cents(f0: float, partials: int) -> None:
    fact = facts_of(tone(f0, 1.0, partials))["f0_median"]
    assert cents(fact.value, f0) < 50
    assert fact.reliability >= 0.9


def test_f0_of_synthetic_notes_under_noise_is_within_50_cents() -> None:
    generator = np.random.default_rng(5)
    right = 0
    for index in range(40):
        f0 = 110 * 2 ** generator.uniform(0, 3.5)
        samples = with_noise(placed([(0.2, pluck(f0, 1.2))], 1.6), generator.uniform(10, 30), index)
        right += cents(facts_of(samples)["f0_median"].value, f0) < 50
    assert right >= 39


@pytest.mark.parametrize("program", [0, 20, 24, 40, 56, 73])
def test_f0_of_rendered_notes_is_within_50_cents(program: int) -> None:
    pitches = [55, 60, 64, 67, 71, 76]
    events = [(pitch, 0.2 + 0.45 * k, 0.2 + 0.45 * k + 0.3, 100) for k, pitch in enumerate(pitches)]
    found = [fact for fact in measure(midi(events, program, 3.2), RATE) if fact.name == "event_f0"]
    right = 0
    for pitch, start, _, _ in events:
        near = [fact for fact in found if abs(fact.start - start) < 0.12]
        right += any(cents(fact.value, 440 * 2 ** ((pitch - 69) / 12)) < 50 for fact in near)
    assert right >= len(pitches) - 1


@pytest.mark.parametrize(
    "samples",
    [
        white(2.0),
        white(0.3, seed=2),
        np.zeros(RATE),
        placed([(0.1 + 0.2 * k, click(seed=k)) for k in range(8)], 2.0),
        tone(440, 0.1),
        np.ones(RATE) * 0.3,
    ],
    ids=["noise", "short noise", "silence", "clicks", "0.1 s", "constant"],
)
def test_no_pitch_is_claimed_where_there_is_none(samples: np.ndarray) -> None:
    named = [fact for fact in measure(samples, RATE) if fact.name.startswith(("f0", "event_f0", "final", "vibrato"))]
    assert not [fact for fact in named if fact.reliability >= 0.5]


@pytest.mark.parametrize("semitones", [-19, -7, -3, 3, 7, 19])
def test_the_trend_of_a_glide_is_its_interval(semitones: int) -> None:
    fact = facts_of(glide(300, 300 * 2 ** (semitones / 12), 2.0))["f0_trend"]
    assert fact.value == pytest.approx(semitones, abs=0.12 * abs(semitones) + 0.3)


def test_the_trend_of_notes_is_from_the_first_to_the_last() -> None:
    scale = placed([(0.2 + 0.4 * k, tone(262 * 2 ** (k * 2 / 12), 0.25)) for k in range(6)], 3.0)
    facts = facts_of(scale)
    assert facts["f0_trend"].value == pytest.approx(10, abs=0.5)
    assert facts["order_pitch"].value == pytest.approx(10, abs=0.3)


@pytest.mark.parametrize(("tracked", "multiple"), [(1.0, 1), (0.5, 2), (1 / 3, 3)])
def test_a_subharmonic_of_the_tracker_is_moved_up_to_the_tone(tracked: float, multiple: int) -> None:
    frames = analyse(tone(900, 0.6), RATE)
    voiced = frames.sounding
    strength = np.where(voiced, 0.9, 0.0)
    line = PitchLine(np.where(voiced, 900 * tracked, 0.0), strength, voiced, strength)
    mended = without_subharmonics(frames, line)[voiced]
    assert mended == pytest.approx(900 * tracked * multiple)


def test_vibrato_has_its_rate_and_depth() -> None:
    t = seconds(2.0)
    phase = 2 * np.pi * 440 * t - (440 * (2 ** (60 / 1200) - 1) / 5.5) * np.cos(2 * np.pi * 5.5 * t)
    facts = facts_of(shaped(0.3 * np.sin(phase) + 0.1 * np.sin(2 * phase)))
    assert facts["vibrato_rate"].value == pytest.approx(5.5, rel=0.1)
    assert facts["vibrato_depth"].value == pytest.approx(60, rel=0.35)
    assert facts_of(tone(440, 2.0))["vibrato_depth"].value < 5
