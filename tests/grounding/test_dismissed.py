"""Options that a chain rules out, and what such sounds are like, claim nothing of the clip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgrd.grounding.reading.dismissed import dismissed
from tests.grounding.said import said


@pytest.mark.parametrize(
    "text",
    [
        "A gradual fade-in isn't what's going on.",
        "A constant tempo is not compatible with that.",
        "A whisper is therefore excluded.",
        "This rules out a falling pitch.",
        "A rising tone doesn't fit.",
        "Constant pitch: no.",
        "2. Bright hiss: not what I hear.",
        "Could it be a rumble? Rumbles have energy at low frequencies.",
    ],
)
def test_what_is_dismissed_claims_nothing(text: str) -> None:
    assert said(text) == []


def test_the_reason_behind_a_dismissal_is_a_claim() -> None:
    assert said("A steady tone has no motion, but this one rises in pitch.") == ["contour rising"]
    assert said("A fade-in isn't what's going on, because the volume drops.") == ["loudness softer"]


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("A hiss is present.", "noise noisy"),
        ("A tone is rising.", "contour rising"),
        ("A voice is audible.", "voice present"),
        ("The pitch: rising.", "contour rising"),
    ],
)
def test_what_is_heard_is_said(text: str, claim: str) -> None:
    assert claim in said(text)


def test_a_bound_of_a_period_is_the_other_bound_of_its_rate() -> None:
    assert "tempo above 120 BPM" in said("The claps are a little under half a second apart.")
    assert "tempo below 120 BPM" in said("The claps are slightly more than half a second apart.")


@pytest.mark.parametrize(
    "text",
    [
        "There is a thump on beats one and three.",
        "There can be around seven or eight beeps.",
        "The movement stops and then goes on.",
        "The type of sound stays the same.",
    ],
)
def test_numbers_that_count_nothing_and_things_that_are_no_sound_claim_nothing(text: str) -> None:
    assert not [claim for claim in said(text) if claim.startswith(("event_count", "pauses", "loudness"))]


def test_even_for_a_man_is_not_even() -> None:
    assert said("The pitch is deep even for a man.") == ["register low"]


@given(st.text(alphabet="a, .:?!no'tisATnew\n-", max_size=200))
def test_spans_lie_within_any_text(text: str) -> None:
    assert all(0 <= start <= end <= len(text) for start, end in dismissed(text))
