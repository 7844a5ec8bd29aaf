"""What a chain only supposes, quotes or says in general asserts nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgrd.grounding.reading.moods import supposed
from tests.grounding.said import said


@pytest.mark.parametrize(
    "text",
    [
        "If the pitch were falling, the end would be lower.",
        "Were the clicks speeding up, the last gaps would be shorter.",
        "Had it been a glissando, the pitch would have risen.",
        "At 60 BPM there'd be four beeps.",
        "Say next that the pitch falls. Then the last note would be low.",
        "A falling tone would end lower.",
        "I can strike \"the pitch falls\" off the list.",
        "I waited for a fall in pitch, a slide, an upward bend.",
        "My first thought was that the pitch rises.",
        "Tuba pedals sit under 100 Hz.",
        "The pitch falls?",
    ],
)  # fmt: skip
def test_a_supposition_claims_nothing(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("If it were falling, it would end lower, but the pitch rises.", ["contour rising"]),
        ("I'd say the pitch rises.", ["contour rising"]),
        ("I'd estimate the tempo at 120 BPM.", ["tempo 120 BPM"]),
        ("A singer would call this vibrato: the pitch wobbles.", ["vibrato present"]),
        ("If anything, the pitch rises.", ["contour rising"]),
        ("A constant hiss can be heard in the background.", ["noise noisy"]),
    ],
)
def test_what_is_asserted_beside_a_supposition_is_read(text: str, claims: list[str]) -> None:
    assert sorted(set(said(text))) == sorted(claims)


@given(st.text(max_size=200))
def test_spans_lie_in_the_text_and_in_order(text: str) -> None:
    spans = supposed(text)
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert list(spans) == sorted(spans)


def test_a_supposition_ends_with_its_sentence_unless_the_next_one_goes_on_from_it() -> None:
    assert said("Imagine a rising pitch. The tone falls.") == ["contour falling"]
    assert said("Imagine a rising pitch. Then the tone falls.") == []
    assert said("I listen. Then the tone falls.") == ["contour falling"]
