"""Verdicts: what they are, what they rest on, and how one on what is claimed becomes one on the claim."""

from dataclasses import dataclass
from typing import Literal

from mgrd.audio.facts import Fact
from mgrd.grounding.checking.lookup import Span
from mgrd.grounding.claim import Claim
from mgrd.grounding.tolerances import MIN_RELIABILITY

UNREAD = "next to an unread word"
"""The note of a claim that may be qualified by what could not be read (mgrd.grounding.reading.coverage)."""
AMBIGUOUS = "may mean what the clip bears out"
"""The note of a claim whose words may mean something else (mgrd.grounding.checking.doubts)."""

Verdict = Literal["supported", "contradicted", "unverifiable"]


@dataclass(frozen=True, slots=True)
class Verification:
    """The verdict with what it rests on: the measured value and its unit, the tolerance in force (for words: the
    band's nearest edge to the value), the fact's reliability and the time (s) it speaks of."""

    verdict: Verdict
    measured: float | None = None
    unit: str | None = None
    tolerance: float | None = None
    reliability: float | None = None
    time: Span | None = None
    note: str | None = None
    """Why a claim is open that the measurement speaks against: UNREAD or AMBIGUOUS."""


UNKNOWN = Verification("unverifiable")


def opposite(verdict: Verdict) -> Verdict:
    """The verdict on a denial of what has this one."""
    flipped: dict[Verdict, Verdict] = {"supported": "contradicted", "contradicted": "supported"}
    return flipped.get(verdict, verdict)


def held_as(held: str | None, word: str | None) -> Verdict:
    """The verdict on a word where this one holds; open where none does."""
    return "unverifiable" if held is None else "supported" if held == word else "contradicted"


def told(claim: Claim, verdict: Verdict, fact: Fact, edge: float | None = None) -> Verification:
    """The verification of a claim by a fact, from the verdict on what it says or denies.

    A denial turns the verdict; an unreliable fact leaves it open. `edge` is the tolerance, in the fact's unit.
    """
    if fact.reliability < MIN_RELIABILITY:
        verdict = "unverifiable"
    verdict = opposite(verdict) if claim.negated else verdict
    return Verification(verdict, fact.value, fact.unit, edge, fact.reliability, (fact.start, fact.end))
