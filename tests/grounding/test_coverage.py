"""A refutation needs a reading that covers its clause; support does not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgrd.audio.facts import Fact, fact
from mgrd.grounding.checking.verdicts import UNREAD
from mgrd.grounding.claim import Claim
from mgrd.grounding.claims import extract_claims
from mgrd.grounding.reading.lexicon import LEXICON
from mgrd.grounding.verify import verify_claim

STEADY = [
    fact("duration", 3.0, end=3.0),
    fact("f0_trend", 0.0, end=3.0),
    fact("f0_range", 0.2, end=3.0),
    fact("f0_median", 300.0, end=3.0),
    fact("loudness_trend", 0.0, end=3.0),
    fact("vibrato_depth", 2.0, end=3.0),
]


def claim_of(text: str, attribute: str) -> Claim:
    """The last claim of a text on an attribute."""
    return [claim for claim in extract_claims(text) if claim.attribute == attribute][-1]


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        ("It builds a nervous tension.", "loudness"),
        ("The tone rises. The increase is gradual.", "contour"),
        ("The vibrato is not the main story.", "vibrato"),
    ],
)
def test_claim_next_to_an_unread_word_is_open_where_it_would_be_refuted(text: str, attribute: str) -> None:
    claim = claim_of(text, attribute)
    verification = verify_claim(claim, STEADY, 3.0)
    assert claim.unread is not None
    assert (verification.verdict, verification.note) == ("unverifiable", UNREAD)
    assert verification.measured is not None


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        ("The pitch rises.", "contour"),
        ("The pitch drops an octave.", "contour"),
        ("The vibrato is strong.", "vibrato"),
        ("The increase really is there, and the pitch climbs throughout.", "contour"),
        ("The pitch goes up past the ceiling.", "contour"),
        ("There is a wide vibrato like a crooner's.", "vibrato"),
    ],
)
def test_claim_whose_clause_is_read_is_refuted(text: str, attribute: str) -> None:
    assert verify_claim(claim_of(text, attribute), STEADY, 3.0).verdict == "contradicted"


def test_claim_next_to_an_unread_word_is_supported_all_the_same() -> None:
    moving: list[Fact] = [one if one.name != "f0_trend" else fact("f0_trend", 9.0, end=3.0) for one in STEADY]
    assert (
        verify_claim(claim_of("The tone rises. The increase is gradual.", "contour"), moving, 3.0).verdict
        == "supported"
    )


def test_number_next_to_an_unread_word_is_refuted() -> None:
    claim = claim_of("It hums at 440 Hz quixotically zorbed.", "f0_median")
    assert verify_claim(claim, STEADY, 3.0).verdict == "contradicted"


@given(st.from_regex(r"[bdfgkmpt][aeiou][bdfgkmpz][ou][bdgkpz]", fullmatch=True).filter(lambda w: w not in LEXICON))
def test_any_unread_word_opens_what_it_may_turn(word: str) -> None:
    (claim,) = (c for c in extract_claims(f"A wide vibrato {word} here.") if c.attribute == "vibrato")
    assert claim.unread == word
    assert verify_claim(claim, STEADY, 3.0).verdict == "unverifiable"


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("It's a tone, with some harmonics, that rises.", {("contour", "rising", False)}),
        ("There's no noise. It rises.", {("noise", "noisy", True), ("contour", "rising", False)}),
        ("There's no noise. It gets louder.", {("noise", "noisy", True), ("loudness", "louder", False)}),
    ],
)
def test_what_is_beside_the_sound_or_denied_is_not_spoken_of_further(
    text: str, claims: set[tuple[str, str, bool]]
) -> None:
    assert {(claim.attribute, claim.word, claim.negated) for claim in extract_claims(text)} == claims


def test_register_of_unlike_sounds_is_that_of_one_of_them() -> None:
    thud = [fact("event_centroid", 110.0, start=k, end=k + 0.2) for k in (0.0, 2.0)]
    hiss = [fact("event_centroid", 4700.0, start=k, end=k + 0.2) for k in (1.0, 3.0)]
    facts = [
        fact("duration", 4.0, end=4.0),
        fact("f0_median", 67.0, end=4.0, reliability=0.3),
        fact("spectral_centroid", 3100.0, end=4.0),
    ]
    low = Claim(0, 9, "Low thumps", "register", "is", "register low", word="low")
    assert verify_claim(low, [*facts, *thud, *hiss], 4.0).verdict == "supported"
    assert verify_claim(low, [*facts, *hiss], 4.0).verdict == "contradicted"


def test_first_and_last_of_many_notes_that_alternate_may_be_cut() -> None:
    pitches = [500.0, *[500.0, 561.0] * 6, 530.0]
    starts = [0.1 * k for k in range(len(pitches))]
    events = [fact("event", -20.0, start=start, end=start + 0.1) for start in starts]
    notes = [fact("event_f0", hertz, start=s, end=s + 0.1) for s, hertz in zip(starts, pitches, strict=True)]
    trill = Claim(0, 5, "trill", "alternation", "is", "alternation present", word="present")
    assert verify_claim(trill, events + notes, 1.5).verdict == "supported"
    scale = [replace(note, value=500.0 * 1.06**k) for k, note in enumerate(notes)]
    assert verify_claim(trill, events + scale, 1.5).verdict != "supported"


def test_change_may_be_that_of_the_span_or_of_the_whole_line() -> None:
    facts = [
        fact("duration", 3.0, end=3.0),
        fact("f0_range", 12.0, end=3.0),
        fact("f0_trend", -19.0, end=3.0),
        *[fact("event_interval", size, start=k, end=k + 1.0) for k, size in enumerate((-7.0, -7.0, -5.0))],
    ]
    octave = Claim(0, 9, "an octave", "event_interval", "is", "event_interval 12 semitones", 12.0, "semitones")
    more = Claim(0, 9, "over an octave", "f0_trend", "below", "f0_trend above -12 semitones", -12.0, "semitones")
    assert verify_claim(octave, facts, 3.0).verdict == "unverifiable"
    assert verify_claim(replace(octave, value=26.0), facts, 3.0).verdict == "contradicted"
    assert verify_claim(more, facts, 3.0).verdict == "supported"
