"""One sound among several, what sounds follow each other, and words that speak for themselves."""

import pytest

from mgrd.audio.facts import Fact, fact
from mgrd.grounding.claims import extract_claims
from mgrd.grounding.scorer import score_text
from mgrd.grounding.surrogate import find_surrogates


def sound(start: float, end: float, *, voiced: float, level: float, centroid: float, hertz: float | None) -> list[Fact]:
    place = {"start": start, "end": end, "reliability": 0.9}
    facts = [fact("event", level, **place), fact("event_voiced", voiced, **place)]
    facts.append(fact("event_centroid", centroid, **place))
    return [*facts, fact("event_f0", hertz, **place)] if hertz else facts


CLICK_TONE_NOISE = [
    fact("duration", 4.0, end=4.0),
    fact("event_count", 3, end=4.0),
    fact("silence_share", 0.3, end=4.0),
    *sound(0.2, 0.3, voiced=0.0, level=-25, centroid=4000, hertz=None),
    *sound(1.0, 2.0, voiced=1.0, level=-10, centroid=600, hertz=500),
    *sound(2.8, 3.8, voiced=0.0, level=-20, centroid=4200, hertz=None),
]
TWO_TONES = [
    fact("duration", 3.0, end=3.0),
    fact("event_count", 2, end=3.0),
    *sound(0.1, 1.0, voiced=1.0, level=-30, centroid=500, hertz=300),
    *sound(1.5, 2.9, voiced=1.0, level=-10, centroid=2500, hertz=600),
]


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        ("First a click, then a tone.", ["supported", "supported"]),
        ("It opens with a tone.", ["contradicted"]),
        ("It ends with a burst of noise.", ["supported"]),
        ("It ends with a click.", ["contradicted"]),
        ("The tone comes before the noise.", ["supported"]),
        ("The noise precedes the tone.", ["contradicted"]),
        ("The last one is pitched.", ["contradicted"]),
    ],
)
def test_kinds_of_sounds_are_checked_where_they_stand(text: str, verdicts: list[str]) -> None:
    found = [c.verification.verdict for c in score_text(text, CLICK_TONE_NOISE).claims]
    assert set(found) - {"unverifiable"} == set(verdicts), score_text(text, CLICK_TONE_NOISE).claims


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("The first is quiet.", "supported"),
        ("The second one is quiet.", "contradicted"),
        ("The second is the longest.", "supported"),
        ("The first lasts longer than the second.", "contradicted"),
        ("The second sound is brighter than the first.", "supported"),
    ],
)
def test_one_sound_is_compared_with_the_others(text: str, verdict: str) -> None:
    claims = score_text(text, TWO_TONES).claims
    assert verdict in {c.verification.verdict for c in claims}, claims


@pytest.mark.parametrize(
    "text",
    [
        "First a tone of 300 Hz, then one of 600 Hz.",
        "It starts with a tone of 300 Hz, followed by one of 600 Hz.",
        "The first tone is at 300 Hz, the next at 600 Hz.",
        "The first tone is at 300 Hz and the other at 600 Hz.",
        "The first tone sits at 300 Hz and the second at 600 Hz.",
        "The second tone comes in after quite a while, and a pitch of about 300 Hz is there.",
    ],
)
def test_a_pitch_is_that_of_the_sound_that_is_named_last_before_it(text: str) -> None:
    found = [c.verification.verdict for c in score_text(text, TWO_TONES).claims if c.claim.attribute == "f0_median"]
    assert set(found) == {"supported"}


@pytest.mark.parametrize(
    ("text", "claimed"),
    [
        ("Something here keeps perfect time.", "regularity regular"),
        ("So you get an upsweep in the middle of it.", "contour rising"),
        ("What remains is bone-dry with nothing after it.", "reverberation dry"),
        ("The gaps between the knocks keep shrinking.", "tempo_trend speeding up"),
        ("It pans from left to right.", "stereo_trend rightwards"),
        ("You hear a C minor sonority.", "chord_quality minor"),
        ("It is almost nothing but the fundamental.", "purity pure"),
        ("It flips back and forth between two notes.", "alternation present"),
        ("I hear four slow syllables.", "syllable_count 4 count"),
    ],
)
def test_words_that_speak_for_themselves_are_read(text: str, claimed: str) -> None:
    claims = extract_claims(text)
    assert claimed in {c.claimed for c in claims}, claims
    assert all(text[c.start : c.end] == c.text for c in claims)


def test_a_denied_word_and_a_list_of_keywords_claim_nothing_positive() -> None:
    (claim,) = [c for c in extract_claims("There is no sharp attack in it.") if c.word == "percussive"]
    assert claim.negated
    assert extract_claims("Timbre, envelope, percussive, roll-off, reverberant.") == []


def test_a_movement_over_and_over_leads_nowhere() -> None:
    (claim,) = [c for c in extract_claims("The hiss swells and recedes once every second.") if c.attribute == "throb"]
    assert (claim.word, claim.negated) == ("present", False)


@pytest.mark.parametrize(
    "text",
    [
        "Opera singers are trained to do that.",
        "Questions like this usually have the longest option as their answer.",
        "I can picture a forest in spring.",
        "There is no way for me to hear the clip.",
        "I am only able to process text.",
    ],
)
def test_what_argues_from_no_sound_is_found(text: str) -> None:
    assert find_surrogates(text).codes


@pytest.mark.parametrize(
    "text",
    [
        "Short clicks are heard at even gaps.",
        "Her intonation falls at the end, like a statement.",
        "The notes have no decay.",
    ],
)
def test_descriptions_of_what_is_heard_are_no_surrogates(text: str) -> None:
    assert not find_surrogates(text).codes
