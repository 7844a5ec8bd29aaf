"""Quantities that stand in no plain value clause: written numbers of any size, and what none of them counts."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mgrd.grounding.claims import extract_claims
from mgrd.grounding.reading.quantities import RULES, seconds_of
from tests.grounding.said import said


@pytest.mark.parametrize(
    "text",
    [
        "I hear it zero times.",
        "It beeps zero times.",
        "There is a drop in level of zero dB.",
        "The second is zero decibels quieter.",
        "Zero of them in all.",
    ],
)
def test_a_written_zero_is_a_number(text: str) -> None:
    assert [claim.value for claim in extract_claims(text) if claim.value is not None] in ([], [0.0])


def test_sounds_are_counted_aloud_however_many() -> None:
    assert said(f"I count: {', '.join(map(str, range(1, 21)))}.") == ["event_count twenty"]
    assert said(f"I count: {', '.join(map(str, range(1, 23)))}.") == ["event_count 21"]  # the pattern reads no more
    assert said("What I hear is beep, beep, beep –three of them.") == ["event_count three"]


def test_a_step_of_level_goes_the_way_that_its_word_says() -> None:
    assert said("There is a drop of twenty dB.")[-1] == "loudness_trend -20 dB"
    assert said("There is a boost of zero dB.")[-1] == "loudness_trend 0 dB"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("three whole seconds", 3.0),
        ("500 ms", 0.5),
        ("half a second", 0.5),
        ("a second and a half", 1.5),
        ("a couple of seconds", 2.0),
        ("two tenths of a second", 0.2),
        ("0:03", 3.0),
    ],
)
def test_a_length_of_time_is_read_in_seconds(text: str, seconds: float) -> None:
    assert seconds_of(text) == pytest.approx(seconds)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.one_of([st.from_regex(pattern, alphabet=st.characters(codec="ascii")) for pattern, _, _ in RULES]))
def test_whatever_a_rule_matches_is_read(text: str) -> None:
    extract_claims(text)
