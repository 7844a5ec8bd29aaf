"""Events, onsets and the pulse they make."""

import numpy as np
import pytest

from mgrd.audio.evidence import measure
from mgrd.audio.facts import Fact
from tests.audio.sounds import RATE, click, glide, midi, placed, pluck, tone, white, with_noise, with_room

MAKERS = {
    "beeps": lambda f0: tone(f0, 0.15),
    "notes": lambda f0: pluck(f0, 1.0),
    "clicks": lambda _: click(),
}


def facts_of(samples: np.ndarray) -> dict[str, Fact]:
    return {fact.name: fact for fact in reversed(measure(samples, RATE))}


def onsets_of(samples: np.ndarray) -> list[float]:
    return [fact.value for fact in measure(samples, RATE) if fact.name == "onset"]


def f_measure(pairs: list[tuple[list[float], list[float]]], tolerance: float = 0.05) -> float:
    """F over (true, found) onset times, each found onset used once."""
    hits = true_count = found_count = 0
    for true, found in pairs:
        rest = list(found)
        for time in true:
            near = [other for other in rest if abs(other - time) <= tolerance]
            if near:
                rest.remove(min(near, key=lambda other: abs(other - time)))
                hits += 1
        true_count, found_count = true_count + len(true), found_count + len(found)
    return 2 * hits / (true_count + found_count)


def row(maker: str, count: int, gap: float, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    parts = [(0.2 + gap * k, MAKERS[maker](220 * 2 ** (generator.integers(0, 24) / 12))) for k in range(count)]
    return placed(parts, 3.2)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("count", [1, 2, 3, 5, 7])
def test_separate_sounds_are_counted(maker: str, count: int) -> None:
    fact = facts_of(row(maker, count, 0.38, count))["event_count"]
    assert fact.value == count
    assert fact.reliability >= 0.8


def test_repeated_notes_of_one_pitch_are_counted() -> None:
    assert facts_of(placed([(0.2 + 0.4 * k, pluck(330, 1.0)) for k in range(5)], 3.0))["event_count"].value == 5


def test_legato_notes_are_counted_by_their_pitch() -> None:
    pitches = [262, 294, 330, 392, 349, 262]
    legato = placed([(0.2 + 0.4 * k, tone(f0, 0.405)) for k, f0 in enumerate(pitches)], 3.0)
    assert facts_of(legato)["event_count"].value == 6


@pytest.mark.parametrize(
    "samples",
    [tone(440, 3.0), glide(150, 900, 3.0), glide(900, 150, 3.0), white(3.0), with_noise(tone(220, 3.0), 10)],
    ids=["tone", "rising glide", "falling glide", "noise", "tone in noise"],
)
def test_one_long_sound_is_one_event(samples: np.ndarray) -> None:
    assert facts_of(samples)["event_count"].value == 1


def test_silence_holds_no_event() -> None:
    fact = facts_of(np.zeros(RATE))["event_count"]
    assert (fact.value, fact.reliability) == (0, pytest.approx(0.95))


def test_onsets_of_synthetic_notes_reach_f_092() -> None:
    generator = np.random.default_rng(3)
    pairs = []
    for index in range(20):
        times = 0.1 + np.cumsum(generator.uniform(0.15, 0.45, 6))
        parts = [(t, pluck(220 * 2 ** (generator.integers(0, 24) / 12), 0.8)) for t in times]
        samples = with_room(with_noise(placed(parts, 3.2), 25, index), 0.3, 0.2, index)
        pairs.append(([float(t) for t in times], onsets_of(samples)))
    assert f_measure(pairs) >= 0.92


def test_onsets_of_rendered_piano_reach_f_092() -> None:
    generator = np.random.default_rng(4)
    pairs = []
    for _ in range(12):
        times = [float(t) for t in 0.2 + np.cumsum(generator.uniform(0.2, 0.45, 6))]
        notes = [(int(generator.integers(50, 80)), t, t + 0.25, 100) for t in times]
        pairs.append((times, onsets_of(midi(notes, 0, 3.2))))
    assert f_measure(pairs) >= 0.92


@pytest.mark.parametrize("bpm", [55, 72, 96, 120, 145, 180, 240])
@pytest.mark.parametrize("maker", MAKERS)
def test_tempo_is_within_4_percent_octave_named(maker: str, bpm: float) -> None:
    gap = 60 / bpm
    count = min(10, int(2.8 / gap) + 1)
    facts = facts_of(row(maker, max(3, count), gap, 1)[: round(max(3.2, 3 * gap) * RATE)])
    assert facts["tempo"].value == pytest.approx(bpm, rel=0.04)
    if count >= 4:
        assert facts["tempo"].reliability >= 0.5
        assert facts["pulse_regularity"].value > 0.9


def test_a_beat_left_out_does_not_halve_the_tempo() -> None:
    times = [0.2 + 0.3 * k for k in (0, 1, 2, 4, 5, 7)]
    assert facts_of(placed([(t, click()) for t in times], 3.0))["tempo"].value == pytest.approx(200, rel=0.04)


def test_an_irregular_row_is_not_regular() -> None:
    times = [0.2, 0.35, 0.9, 1.05, 1.8, 2.6]
    assert facts_of(placed([(t, click()) for t in times], 3.0))["pulse_regularity"].value < 0.7


def test_the_order_of_loudness_is_last_minus_first() -> None:
    pair = placed([(0.2, 0.25 * tone(330, 0.3)), (1.0, tone(330, 0.3))], 1.6)
    assert facts_of(pair)["order_loudness"].value == pytest.approx(12, abs=1)


def test_a_hum_under_the_sounds_is_none_of_them() -> None:
    hum = tone(60, 4.0) * 0.1
    clicks = placed([(0.6 + 0.8 * k, click(seed=k)) for k in range(4)], 4.0)
    assert facts_of(hum + clicks)["event_count"].value == 4


def test_a_soft_first_sound_counts_when_it_ends() -> None:
    soft = placed(
        [(0.0, tone(200, 0.4) * 0.2), (1.0, tone(400, 0.4)), (2.0, tone(500, 0.4)), (3.0, tone(300, 0.4))], 4.0
    )
    assert facts_of(soft)["event_count"].value == 4
