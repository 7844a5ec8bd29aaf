"""The grammar: what a chain claims, where it says so, and what is no claim at all."""

import time
from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgrd.audio.facts import FACT_UNITS
from mgrd.audio.words import ATTRIBUTES
from mgrd.grounding.claims import Claim, extract_claims
from mgrd.grounding.tolerances import ALL_ATTRIBUTES
from mgrd.ingest.embedded.phrases import CLAUSES


def said(text: str) -> list[str]:
    """The claims in canonical words, negated ones with a "not"."""
    return [("not " if claim.negated else "") + claim.claimed for claim in extract_claims(text)]


@pytest.mark.parametrize(("sense", "clauses"), CLAUSES.items())
def test_every_clause_of_the_embedded_chains_is_read(sense: tuple[str, str], clauses: tuple[str, ...]) -> None:
    attribute, word = sense
    for clause in clauses:
        (claim,) = extract_claims(f"{clause}.")
        negated = (attribute, word) == ("noise", "clean") and claim.negated
        assert (claim.attribute, claim.word) == (attribute, "noisy" if negated else word), clause


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("The pitch glides upward.", ["contour rising"]),
        ("The tone is sliding down.", ["contour falling"]),
        ("There is a rise in pitch.", ["contour rising"]),
        ("The melody goes from high to low.", ["contour falling"]),
        ("The note starts low and ends high.", ["contour rising"]),
        ("The voice is deep.", ["register low"]),
        ("A shrill, high-pitched whistle is heard.", ["register high"]),
        ("A rapid pulse can be heard.", ["tempo fast"]),
        ("The notes come in quick succession.", ["tempo fast"]),
        ("The rhythm is unhurried.", ["tempo slow"]),
        ("The tempo speeds up.", ["tempo_trend speeding up"]),
        ("The music swells.", ["loudness louder"]),
        ("There is a steady crescendo.", ["loudness louder"]),
        ("The sound dies away.", ["loudness softer"]),
        ("It gets louder and louder.", ["loudness louder"]),
        ("The timbre is muffled.", ["timbre dark"]),
        ("The recording is full of hiss.", ["noise noisy"]),
        ("There is hardly any background noise.", ["not noise noisy"]),
        ("No echo can be heard.", ["not reverberation reverberant"]),
        ("The acoustics are anechoic.", ["reverberation dry"]),
        ("The beat is metronomic.", ["regularity regular"]),
        ("She speaks at a brisk pace.", ["speech_rate fast"]),
        ("The final word rises in pitch.", ["intonation rising"]),
        ("The last note is louder than the first.", ["loudness_order last louder"]),
        ("A low note is followed by a high note.", ["pitch_order upwards"]),
        ("The last sound is not higher than the first.", ["not pitch_order upwards"]),
        ("I hear 4 beeps.", ["event_count four"]),
        ("The number of clicks is seven.", ["event_count seven"]),
        ("The bell rings three times.", ["event_count three"]),
        ("There are two low notes and one high note.", ["event_count three"]),
        ("The pitch is about 220 Hz.", ["f0_median 220 Hz"]),
        ("The note is C#5.", ["f0_median 554 Hz"]),
        ("The pulse runs at 180 bpm.", ["tempo 180 BPM"]),
        ("Two beats per second.", ["tempo 120 BPM"]),
        ("The tempo lies between 80 and 90 bpm.", ["tempo 85 BPM"]),
        ("It goes up by seven semitones.", ["contour rising", "f0_trend 7 semitones"]),
        ("The pitch rises from 200 Hz to 400 Hz.", ["contour rising", "f0_trend 12 semitones"]),
        ("The decay time is 0.8 s.", ["decay_time 0.8 s"]),
        ("The pitch does not rise.", ["not contour rising"]),
        ("The tempo isn't slow but fast.", ["not tempo slow", "tempo fast"]),
        ("The sound is dark, low and noisy.", ["timbre dark", "register low", "noise noisy"]),
        ("so the answer is rising because the pitch climbs.", ["contour rising"]),
    ],
)
def test_a_claim_is_read(text: str, claims: list[str]) -> None:
    assert said(text) == claims


@pytest.mark.parametrize(
    "text",
    [
        "pitch, tempo, timbre, rhythm, loudness",
        "Pitch contour rising, tempo fast, timbre bright, loudness steady.",
        "Rising pitch, bright timbre, fast tempo, dry room.",
        "The audio has pitch, timbre and rhythm.",
        "She went to high school in a fast car with a rising star.",
        "Stock prices rise while the sun goes down.",
        "The recording is of high quality.",
        "Does the pitch rise or fall?",
        "Is the tone bright?",
        "The choices are rising, falling or flat.",
        "so the answer is rising.",
        "I choose low.",
        "The correct option is bright.",
        "If the pitch rises, it is rising.",
        "I check whether the tone is bright.",
        "The pitch is either rising or falling.",
        "The speaker says prices rise and fall.",
        "Tempo is the speed of the pulse.",
        "One note after another.",
        "The first two notes.",
        "The sample rate is 16 kHz.",
        "Such tones are usually bright.",
        "",
    ],
)
def test_what_is_no_claim(text: str) -> None:
    assert said(text) == []


def test_spans_cover_what_is_said() -> None:
    text = "I listen. The pitch climbs slowly, and there are three notes."
    claims = extract_claims(text)
    assert [claim.text for claim in claims] == ["pitch climbs", "three notes"]
    assert all(text[claim.start : claim.end] == claim.text for claim in claims)


@pytest.mark.parametrize(
    ("phrase", "start", "end", "unit"),
    [
        ("in the first second", 0.0, 1.0, "s"),
        ("in the last half", 0.5, 1.0, "share"),
        ("after 1.2 s", 1.2, float("inf"), "s"),
        ("before 2 seconds", 0.0, 2.0, "s"),
        ("between 1 and 2 seconds", 1.0, 2.0, "s"),
        ("towards the end", 2 / 3, 1.0, "share"),
        ("at the beginning", 0.0, 1 / 3, "share"),
    ],
)
def test_time_phrases_bound_a_claim(phrase: str, start: float, end: float, unit: str) -> None:
    (claim,) = extract_claims(f"The pitch rises {phrase}.")
    assert (claim.time_start, claim.time_end, claim.time_unit) == (pytest.approx(start), pytest.approx(end), unit)


def test_hedges_lower_the_weight() -> None:
    weights = [extract_claims(text)[0].weight for text in ("The pitch rises.", "Maybe the pitch rises.")]
    assert weights == [1.0, 0.5]
    assert extract_claims("Perhaps the pitch might rise.")[0].weight < 0.5


def well_formed(claim: Claim, text: str) -> bool:
    known = claim.attribute in ALL_ATTRIBUTES if claim.word else claim.attribute in FACT_UNITS
    return (
        known
        and 0 <= claim.start < claim.end <= len(text)
        and text[claim.start : claim.end] == claim.text
        and 0 < claim.weight <= 1
        and (claim.value is None or isfinite(claim.value))
    )


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_gives_well_formed_claims(text: str) -> None:
    assert all(well_formed(claim, text) for claim in extract_claims(text))


WORDS = sorted(
    {word for clauses in CLAUSES.values() for clause in clauses for word in clause.split()}
    | {
        "not",
        "than",
        "first",
        "last",
        "hz",
        "bpm",
        "220",
        "9" * 400,
        "²",
        "A4",
        "c#5",
        "from",
        "to",
        "and",
        "or",
        "?",
        ",",
    }
    | {".", "i", "hear", "three", "notes", "maybe", "the answer is", "in the first second", "after 1.2 s", "per second"}
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=25))
def test_any_jumble_of_acoustic_words_gives_well_formed_claims(words: list[str]) -> None:
    text = " ".join(words)
    assert all(well_formed(claim, text) for claim in extract_claims(text))


def test_attributes_are_those_of_the_bands() -> None:
    assert set(ATTRIBUTES) <= set(ALL_ATTRIBUTES)


def test_a_very_long_chain_is_read_in_linear_time() -> None:
    text = "The pitch rises, and the tone is bright. " * 2_000
    began = time.perf_counter()
    assert len(extract_claims(text)) == 4_000
    assert time.perf_counter() - began < 10
