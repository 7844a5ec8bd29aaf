"""Verdicts: what they are, what they rest on, and their opposites."""

from dataclasses import dataclass
from typing import Literal

from mgrd.grounding.checking.lookup import Span

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
    flipped: dict[Verdict, Verdict] = {"supported": "contradicted", "contradicted": "supported"}
    return flipped.get(verdict, verdict)
