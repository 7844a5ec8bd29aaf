"""A refutation needs a reading that covers its clause; support does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgrd.audio.facts import Fact, fact
from mgrd.grounding.claims import Claim, extract_claims
from mgrd.grounding.lexicon import LEXICON
from mgrd.grounding.verdicts import UNREAD
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
