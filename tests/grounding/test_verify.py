"""Verification: bands with a neutral zone, tolerances, reliability and time."""

import pytest

from mgrd.audio.facts import FACT_UNITS, Fact, fact
from mgrd.audio.words import ATTRIBUTES, Attribute
from mgrd.grounding.claims import extract_claims
from mgrd.grounding.tolerances import tolerance_of
from mgrd.grounding.verify import Verification, verify_claim
from mgrd.ingest.embedded.phrases import CLAUSES


def verdict(text: str, *facts: Fact, duration: float = 3.0) -> Verification:
    (claim,) = extract_claims(text)
    return verify_claim(claim, facts, duration)


def one(name: str, value: float, reliability: float = 1.0, start: float = 0.0, end: float = 3.0) -> Fact:
    return fact(name, value, start=start, end=end, reliability=reliability)


@pytest.mark.parametrize(
    ("tempo", "slow", "moderate", "fast"),
    [
        (60, "supported", "contradicted", "contradicted"),
        (98, "unverifiable", "unverifiable", "contradicted"),
        (120, "contradicted", "supported", "contradicted"),
        (160, "contradicted", "unverifiable", "unverifiable"),
        (200, "contradicted", "contradicted", "supported"),
    ],
)
def test_words_hold_in_their_band_and_are_open_only_beside_it(
    tempo: float, slow: str, moderate: str, fast: str
) -> None:
    for word, expected in (("slow", slow), ("moderate", moderate), ("fast", fast)):
        assert verdict(f"The tempo is {word}.", one("tempo", tempo)).verdict == expected


@pytest.mark.parametrize("attribute", [a for a in ATTRIBUTES.values() if a.name not in ("contour", "pitch_order")])
def test_every_band_supports_its_word(attribute: Attribute) -> None:
    for band in attribute.bands:
        low = band.low if band.low > -1e9 else band.high - 1
        value = (low + band.high) / 2 if band.high < 1e9 else low * 1.2 + 0.1
        for clause in CLAUSES[attribute.name, band.word]:
            assert verdict(f"{clause}.", one(attribute.fact, value)).verdict == "supported", clause


def test_an_unreliable_fact_supports_and_refutes_nothing() -> None:
    for text in ("The pitch is high.", "The pitch is low.", "The pitch is not low."):
        found = verdict(text, one("f0_median", 700, reliability=0.49))
        assert (found.verdict, found.measured) == ("unverifiable", 700)


def test_without_a_fact_nothing_is_known() -> None:
    assert verdict("The pitch is high.").verdict == "unverifiable"
    assert verdict("The pitch is about 440 Hz.", one("tempo", 120)).verdict == "unverifiable"


def test_negation_turns_a_verdict_round_but_not_an_open_one() -> None:
    assert verdict("The pitch is not low.", one("f0_median", 700)).verdict == "supported"
    assert verdict("The pitch is not high.", one("f0_median", 700)).verdict == "contradicted"
    assert verdict("The pitch is not high.", one("f0_median", 470)).verdict == "unverifiable"


@pytest.mark.parametrize(
    ("text", "name", "true", "near", "far"),
    [
        ("The pitch is about 220 Hz.", "f0_median", 220, 228, 262),
        ("The tempo is 120 bpm.", "tempo", 120, 124, 160),
        ("I hear four beeps.", "event_count", 4, 4, 5),
        ("The signal-to-noise ratio is about 20 dB.", "snr", 20, 22, 32),
    ],
)
def test_values_have_a_tolerance_and_an_open_zone(text: str, name: str, true: float, near: float, far: float) -> None:
    assert verdict(text, one(name, true)).verdict == "supported"
    assert verdict(text, one(name, near)).verdict == "supported"
    assert verdict(text, one(name, far)).verdict == "contradicted"


def test_every_fact_has_a_tolerance() -> None:
    assert all(0 < tolerance_of(name, 10.0).near <= tolerance_of(name, 10.0).far for name in FACT_UNITS)


def test_bounds_are_bounds() -> None:
    assert verdict("There are more than three beeps.", one("event_count", 5)).verdict == "supported"
    assert verdict("There are more than three beeps.", one("event_count", 2)).verdict == "contradicted"
    assert verdict("The tempo is below 100 bpm.", one("tempo", 80)).verdict == "supported"
    assert verdict("There are at least three beeps.", one("event_count", 3)).verdict == "supported"


@pytest.mark.parametrize(
    ("text", "name", "held", "beyond"),
    [
        ("There are more than three syllables.", "syllable_count", 8, 1),
        ("There are at least five syllables.", "syllable_count", 5, 2),
        ("There are fewer than six syllables.", "syllable_count", 4, 12),
        ("There are at most 4 syllables.", "syllable_count", 4, 12),
        ("There are no more than six syllables.", "syllable_count", 2, 9),
        ("They speak more than 3 syllables per second.", "syllable_rate", 7, 1),
        ("They speak four or more syllables a second.", "syllable_rate", 7, 1),
    ],
)
def test_a_bound_of_a_count_or_a_rate_is_no_count(text: str, name: str, held: float, beyond: float) -> None:
    for value, expected in ((held, "supported"), (beyond, "contradicted")):
        claims = [claim for claim in extract_claims(text) if claim.attribute == name]
        assert [verify_claim(claim, [one(name, value)], 3.0).verdict for claim in claims] == [expected]


def test_a_line_that_comes_back_is_not_flat() -> None:
    arch = (one("f0_trend", 0.1), one("f0_range", 9.0))
    assert verdict("The pitch stays flat.", *arch).verdict == "contradicted"
    assert verdict("The pitch stays flat.", one("f0_trend", 0.1), one("f0_range", 0.4)).verdict == "supported"


def test_a_claim_about_a_part_is_checked_in_that_part() -> None:
    pitches = [200, 230, 260, 300, 300, 260, 230, 200, 180, 170, 160, 150]
    line = [one("f0_line", f0, 0.95, 0.25 * k, 0.25 * k + 0.25) for k, f0 in enumerate(pitches)]
    facts = (one("f0_trend", -5.0), *line)
    assert verdict("The pitch rises in the first second.", *facts).verdict == "supported"
    assert verdict("The pitch falls in the first second.", *facts).verdict == "contradicted"
    assert verdict("The pitch falls after 1.5 s.", *facts).verdict == "supported"


def test_a_fade_towards_the_end_is_a_fade_of_the_whole() -> None:
    assert verdict("The sound fades towards the end.", one("loudness_trend", -10)).verdict == "supported"
    assert verdict("The sound fades towards the end.", one("loudness_trend", 10)).verdict == "contradicted"


def test_single_events_are_compared_by_their_own_facts() -> None:
    notes = [one("event_f0", f0, 0.9, k, k + 0.5) for k, f0 in enumerate((220, 440, 330))]
    assert verdict("The second note is higher than the first.", *notes).verdict == "supported"
    assert verdict("The third note is higher than the second.", *notes).verdict == "contradicted"
    assert verdict("The last note is higher than the first.", *notes).verdict == "supported"
    assert verdict("The fifth note is higher than the first.", *notes).verdict == "unverifiable"


def test_a_row_of_notes_moves_as_its_ends_say() -> None:
    assert verdict("The melody descends.", one("order_pitch", -5)).verdict == "supported"
    assert verdict("The melody descends.", one("f0_trend", 5, 0.2), one("order_pitch", -5)).verdict == "supported"


def test_a_value_on_the_way_of_a_glide_is_not_refuted() -> None:
    glide = (one("f0_median", 300), one("f0_trend", 14))
    assert verdict("The pitch is around 220 Hz.", *glide).verdict == "unverifiable"
    assert verdict("The pitch is around 900 Hz.", *glide).verdict == "contradicted"


def test_the_pulse_changes_as_its_trend_says() -> None:
    assert verdict("The tempo speeds up.", one("tempo_trend", 0.6)).verdict == "supported"
    assert verdict("The tempo slows down.", one("tempo_trend", 0.6)).verdict == "contradicted"
    assert verdict("The tempo slows down.", one("tempo_trend", 0.01)).verdict == "contradicted"


def test_a_verdict_shows_what_it_rests_on() -> None:
    found = verdict("The pitch is about 440 Hz.", one("f0_median", 452.0, 0.9, 0.3, 2.0))
    assert (found.measured, found.unit, found.reliability, found.time) == (452.0, "Hz", 0.9, (0.3, 2.0))
    assert found.tolerance == pytest.approx(0.75)


def test_a_silence_too_short_for_a_pause_is_a_gap_to_whoever_says_so() -> None:
    facts = [one("pause_count", 0, 0.4), one("gap_count", 2, 0.8), one("event_count", 3, 0.9)]
    facts += [one("gap", 0.1, 0.9, 0.5, 0.6), one("gap", 0.1, 0.9, 1.1, 1.2)]
    assert verdict("There are short gaps of silence between the tones.", *facts).verdict == "supported"
    assert verdict("There are no pauses.", *facts).verdict == "unverifiable"
    assert verdict("There are long pauses.", *facts).verdict == "unverifiable"
    counted = [verify_claim(claim, facts, 3.0).verdict for claim in extract_claims("There are two gaps.")]
    assert counted == ["supported", "supported"]


@pytest.mark.parametrize(
    "text", ["There are no short gaps.", "It plays without a break.", "There are no gaps between the tones."]
)
def test_silences_too_short_for_a_pause_leave_a_denial_of_gaps_open(text: str) -> None:
    unbroken, gapped = (one("pause_count", 0), one("gap_count", 0)), (one("pause_count", 0), one("gap_count", 2))
    assert verdict(text, *unbroken).verdict == "supported"
    assert verdict(text, *gapped).verdict == "unverifiable"
    assert verdict("There are no pauses.", *gapped).verdict == "supported"
