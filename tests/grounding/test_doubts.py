"""What the measurement is against and does not refute, since the words may mean something else."""

import pytest

from mgrd.audio.facts import Fact, fact
from mgrd.grounding.scorer import score_text
from tests.grounding.scenes import known, several


def verdicts(text: str, facts: list[Fact]) -> set[str]:
    return {checked.verification.verdict for checked in score_text(text, facts).claims}


RISING_PITCH = known(f0_trend=12.0, f0_range=12.0, loudness_trend=0.0, brightness_trend=0.0, event_count=1)
STILL = known(f0_trend=0.0, f0_range=0.0, loudness_trend=0.0, brightness_trend=0.0, tempo_trend=0.0, event_count=1)
FALLING = known(f0_trend=-12.0, f0_range=12.0, loudness_trend=-9.0, event_count=1)


def test_a_movement_without_its_aspect_is_not_refuted_where_something_moves_that_way() -> None:
    said = "I concentrate on the loudness first. It goes up."
    assert verdicts(said, RISING_PITCH) == {"unverifiable"}
    assert verdicts(said, STILL) == {"contradicted"}
    assert verdicts(said, FALLING) == {"contradicted"}


def test_a_movement_that_names_its_aspect_is_refuted_by_that_aspect() -> None:
    assert verdicts("The volume goes up.", RISING_PITCH) == {"contradicted"}
    assert verdicts("It fades out.", known(f0_trend=-12.0, loudness_trend=0.0, event_count=1)) == {"contradicted"}


def chimes(*pitches: float) -> list[Fact]:
    starts = [0.2 + 0.6 * k for k in range(len(pitches))]
    sounds = several("event", [0.0] * len(pitches), starts, 0.3)
    return [*known(event_count=len(pitches)), *sounds, *several("event_f0", list(pitches), starts, 0.3)]


@pytest.mark.parametrize("text", ["I hear two chimes.", "The chime sounds two times."])
def test_a_figure_of_unlike_sounds_may_be_counted_as_one(text: str) -> None:
    assert verdicts(text, chimes(660, 520, 660, 520)) == {"unverifiable"}
    assert verdicts(text, chimes(660, 660, 660, 660)) == {"contradicted"}
    assert verdicts(text, chimes(660, 520, 660)) == {"contradicted"}


def test_a_phrase_that_nobody_speaks_has_no_intonation() -> None:
    said = "The final phrase has a falling inflection."
    assert verdicts(said, [*known(speech=1.0), fact("final_rise", 5.0, end=3.0)]) == {"contradicted"}
    assert verdicts(said, [*known(speech=0.0), fact("final_rise", 5.0, end=3.0)]) == {"unverifiable"}


def test_a_low_drum_among_bright_hits_is_not_refuted_by_the_colour_of_all() -> None:
    drums = [
        *known(spectral_centroid=3100.0, event_count=2, harmonic_ratio=-5.0),
        *several("event", [0.0, 0.0], [0.2, 1.2], 0.2),
    ]
    unlike = [*drums, *several("event_centroid", [200.0, 5000.0], [0.2, 1.2], 0.2)]
    alike = [*drums, *several("event_centroid", [3000.0, 3200.0], [0.2, 1.2], 0.2)]
    f0 = fact("f0_median", 300.0, end=3.0, reliability=0.1)
    assert "contradicted" not in verdicts("There is a low sound.", [*unlike, f0])
    assert verdicts("There is a low sound.", [*alike, f0]) == {"contradicted"}
