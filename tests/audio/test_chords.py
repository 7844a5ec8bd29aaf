"""Notes at once, triads, single sounds and movement between the channels, on signals whose truth is known."""

import numpy as np
import pytest

from mgrd.audio.facts import Fact
from mgrd.audio.measuring import measure

RATE = 16_000
T = np.arange(round(1.5 * RATE)) / RATE
SHAPES = {"major": (0, 4, 7), "minor": (0, 3, 7), "major, first inversion": (0, 3, 8), "minor, second": (0, 5, 8)}


def faded(samples: np.ndarray) -> np.ndarray:
    edge = np.minimum(1.0, np.minimum(np.arange(len(samples)), np.arange(len(samples))[::-1]) / 200)
    return samples / np.abs(samples).max() * 0.5 * edge


def note(hertz: float, partials: tuple[float, ...] = (1.0, 0.5, 0.3)) -> np.ndarray:
    return sum(
        (a * np.sin(2 * np.pi * (k + 1) * hertz * T + k) for k, a in enumerate(partials)), start=np.zeros(len(T))
    )


def all_of(name: str, samples: np.ndarray) -> list[Fact]:
    return [fact for fact in measure(samples, RATE) if fact.name == name]


@pytest.mark.parametrize("root", [98.0, 261.63])
@pytest.mark.parametrize("shape", SHAPES)
def test_triads_are_told_apart_in_any_position(shape: str, root: float) -> None:
    chord = faded(sum((note(root * 2 ** (step / 12)) for step in SHAPES[shape]), start=np.zeros(len(T))))
    (third,), (count,) = all_of("chord_quality", chord), all_of("event_notes", chord)
    assert (third.value, count.value) == (4.0 if shape.startswith("major") else 3.0, 3.0)
    assert min(third.reliability, count.reliability) >= 0.5


def test_one_rich_note_is_one_note_and_a_pure_one_is_pure() -> None:
    rich, pure = faded(note(220, tuple(1 / k for k in range(1, 9)))), faded(note(220, (1.0,)))
    assert [fact.value for fact in all_of("event_notes", rich)] == [1.0]
    assert all_of("chord_quality", rich) == []
    assert all_of("fundamental_share", rich)[0].value < 0.9
    assert all_of("fundamental_share", pure)[0].value > 0.99


@pytest.mark.parametrize(
    "samples",
    [
        note(220, (0.0, 1.0, 1.0, 0.8, 0.6)),  # without its fundamental
        sum((a * np.sin(2 * np.pi * 523 * r * T) for r, a in ((1, 1), (2.76, 0.7), (5.4, 0.4))), start=0 * T),
        np.random.default_rng(3).standard_normal(len(T)),
    ],
    ids=["missing fundamental", "bell", "noise"],
)
def test_what_is_no_chord_is_no_sure_chord(samples: np.ndarray) -> None:
    assert not [f for f in all_of("event_notes", faded(samples)) if f.value > 1 and f.reliability >= 0.5]


def test_each_sound_has_its_own_colour_voicing_and_side() -> None:
    tone, noise = faded(note(250)), faded(np.random.default_rng(5).standard_normal(len(T)))
    gap = np.zeros(RATE // 3)
    left, right = np.concatenate([tone, gap, 0 * noise]), np.concatenate([0 * tone, gap, noise])
    samples = np.stack([left, right], axis=1)
    for name, first, second in (("event_voiced", 1.0, 0.0), ("event_balance", -60.0, 60.0)):
        values = [fact.value for fact in all_of(name, samples)]
        assert values == pytest.approx([first, second], abs=0.1)
    colours = [fact.value for fact in all_of("event_centroid", samples)]
    assert colours[0] < 700
    assert colours[1] > 2500
    assert all_of("balance_trend", samples)[0].value > 6
