"""The grammar: what a chain claims, where it says so, and what is no claim at all."""

import sys
from dataclasses import replace
from math import isfinite
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgrd.audio.facts import FACT_UNITS
from mgrd.audio.words import ATTRIBUTES
from mgrd.grounding import claims as grammar
from mgrd.grounding.claim import Claim
from mgrd.grounding.claims import extract_claims
from mgrd.grounding.reading.kinds import KIND, KIND_ORDER, RANK
from mgrd.grounding.scorer import score_text
from mgrd.grounding.tolerances import ALL_ATTRIBUTES
from mgrd.ingest.embedded.phrases import CLAUSES
from tests.grounding.labelled import ROWS
from tests.grounding.said import said


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
        ("Three beats every two seconds.", ["tempo 90 BPM"]),
        ("It clicks four times every two seconds.", ["tempo 120 BPM"]),
        ("One click every two seconds.", ["tempo 30 BPM"]),
        ("There is a click every quarter second.", ["tempo 240 BPM"]),
        ("A click comes every third second.", []),
        ("What I hear rises.", ["contour rising"]),
        ("No note is higher than the one before.", []),
        ("No single note stands out.", []),
        ("No note is audible.", ["harmonicity noisy"]),
        ("There is no pitch in it.", ["harmonicity noisy"]),
        ("Here each note fades.", []),  # of every note by itself, and not of the whole
        ("It begins. A beep is mixed with white noise.", ["noise noisy"]),
        ("Three clicks occur every two seconds.", ["event_count three"]),
        ("The tempo lies between 80 and 90 bpm.", ["tempo 85 BPM"]),
        ("It goes up by seven semitones.", ["contour rising", "f0_trend 7 semitones"]),
        ("The pitch rises from 200 Hz to 400 Hz.", ["contour rising", "f0_trend 12 semitones"]),
        ("The decay time is 0.8 s.", ["decay_time 0.8 s"]),
        ("The pitch does not rise.", ["not contour rising"]),
        ("The tempo isn't slow but fast.", ["not tempo slow", "tempo fast"]),
        ("The sound is dark, low and noisy.", ["timbre dark", "register low", "noise noisy"]),
        ("so the answer is rising because the pitch climbs.", ["contour rising"]),
        ("- **Loudness**: constant", ["loudness steady"]),
        ("They're high-pitched.", ["register high"]),
        ("The tone slides smoothly back down.", ["contour falling"]),
        (
            "The second tone is quieter, but higher, than the first.",
            ["loudness_order first louder", "pitch_order upwards"],
        ),
        ("The second half is louder than the first half.", ["loudness louder"]),
        ("It is quieter at the end than at the start.", ["loudness softer"]),
        ("Each beep is lower than the one before.", ["pitch_order downwards"]),
        ("None of the beeps is louder than the others.", ["loudness steady"]),
        ("The pitch is neither rising nor falling.", ["contour flat"]),
        ("There is no change in pitch.", ["contour flat"]),
        ("The loudness does not really change.", ["loudness steady"]),
        ("The pitch and the loudness both go up.", ["contour rising", "loudness louder"]),
        ("The pitch falls and so does the loudness.", ["contour falling", "loudness softer"]),
        ("Quiet start, loud finish.", ["loudness louder"]),
        ("It is loudest at the beginning.", ["loudness softer"]),
        ("I hear beeps, five of them.", ["event_count five"]),
        ("The gaps between the clicks shrink.", ["tempo_trend speeding up"]),
        ("The pitch is around two hundred and twenty hertz.", ["f0_median 220 Hz"]),
        ("The clicks are half a second apart.", ["tempo 120 BPM"]),
        ("The second tone is a fifth above the first.", ["pitch_order upwards"]),
        ("The sound comes from the left.", ["stereo left"]),
        ("He whispers, and the voice is muffled.", ["muffling muffled"]),
        ("The pitch can't be flat.", ["not contour flat"]),
        ("Rises and then falls.", ["contour rising then falling"]),
        ("It plays without gaps.", ["pauses absent"]),
        ("The notes race by.", ["tempo fast"]),
        ("The hits are packed closely together.", ["tempo fast"]),
        ("The syllables are packed tightly together.", ["speech_rate fast"]),
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
        "A rising pitch is usually heard as a question, while a falling pitch sounds final.",
        "If it were falling, I would hear it get lower.",
        'He says "the pitch of the tone rises steadily".',
        "There's one beep and then another.",
        "I assume a rising tone.",
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


def test_a_sentence_before_that_says_nothing_changes_next_to_nothing_of_what_is_read() -> None:
    """But for what hangs on the first word: of "nothing changes" it is said what, of "the ending" whose."""
    before = "Let me listen to it. "
    apart = [row["id"] for row in ROWS if _moved(row["chain"], len(before)) != extract_claims(before + row["chain"])]
    assert len(apart) <= len(ROWS) // 100, apart


def _moved(chain: str, by: int) -> list[Claim]:
    return [replace(claim, start=claim.start + by, end=claim.end + by) for claim in extract_claims(chain)]


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
    words, values = {*ALL_ATTRIBUTES, KIND, KIND_ORDER, RANK}, {*FACT_UNITS, "event_length", "cycle_count"}
    known = claim.attribute in (words if claim.word else values)
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
    claims = extract_claims(text)
    assert all(well_formed(claim, text) for claim in claims)
    assert len({(c.start, c.end, c.claimed, c.subject) for c in claims}) == len(claims)


def test_words_that_can_be_read_both_ways_claim_nothing() -> None:
    assert [c.attribute for c in extract_claims("zero background is quiet, this means two.")] == []


def test_attributes_are_those_of_the_bands() -> None:
    assert set(ATTRIBUTES) <= set(ALL_ATTRIBUTES)


HOSTILE = (
    *("a", "than ", "or ", "higher than ", "the pitch rises and ", '"', "one hundred and ", "in the first "),
    *("high and ", "rise in ", "from low to ", "no ", "such clips like this ", "the caption ", "unable to hear "),
    *("because it is ", "as an ai i cannot ", "- ", "\n", "<think>", '{"', "9" * 30 + " ", "each ", "'s ", "-up "),
    *("people who ", "440 Hz "),
)


def steps_to_read(text: str) -> int:
    """Lines of the grounding room that run while a chain is scored: a measure of work that no clock disturbs."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        del argument
        nonlocal count
        if "grounding" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    grammar._extract.cache_clear()
    sys.settrace(trace)
    try:
        score_text(text, [])
    finally:
        sys.settrace(None)
    return count


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_text_takes_more_than_linear_work(piece: str) -> None:
    small, large = (piece * (size // len(piece)) for size in (4_000, 16_000))
    assert steps_to_read(large) < 6 * steps_to_read(small) + 1_000


def test_a_chain_of_a_megabyte_is_read() -> None:
    text = "The pitch rises, and the tone is bright. " * 25_000
    assert len(extract_claims(text)) == 50_000
