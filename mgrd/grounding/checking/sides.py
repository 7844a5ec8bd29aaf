"""Sides of a clip of two channels: the whole by its balance, its early and its late part where the sound wanders."""

from dataclasses import replace

from mgrd.grounding.checking.evidence import Evidence
from mgrd.grounding.checking.lookup import Span
from mgrd.grounding.checking.verdicts import UNKNOWN, Verification, held_as, told
from mgrd.grounding.claim import Claim

EARLY = 0.6  # share of the clip at which an early part ends at the latest
WIDE = 0.3  # share of side energy from which a balance in the middle is of two sounds on two sides
MIDDLE = 3.0  # dB of balance
WANDERING = 6.0  # dB by which the balance changes, so that no side is that of the whole


def verify_side(claim: Claim, evidence: Evidence, span: Span | None) -> Verification | None:
    """Of one sound's or one part's side nothing is known, but where it wanders; None where the balance decides."""
    if span is not None:
        return _side_then(claim, span, evidence) or UNKNOWN
    return UNKNOWN if claim.subject is not None or _is_wide(evidence) else None


def _side_then(claim: Claim, span: Span, evidence: Evidence) -> Verification | None:
    """The side of an early or late part of a clip whose sound goes from one side to the other."""
    trend, duration = evidence.sure("balance_trend"), evidence.first("duration")
    if trend is None or duration is None or abs(trend.value) < WANDERING or claim.word == "centred":
        return None
    early, late = span[1] <= EARLY * duration.value, span[0] >= (1 - EARLY) * duration.value
    if early == late:
        return None
    held = "left" if (trend.value > 0) == early else "right"
    return replace(told(claim, held_as(held, claim.word), trend, WANDERING), time=span)


def _is_wide(evidence: Evidence) -> bool:
    """The sides sound differently and equally loud, so that the balance of the whole says nothing of its sounds."""
    width, balance = evidence.first("stereo_width"), evidence.first("stereo_balance")
    trend = evidence.sure("balance_trend")
    wide = width is not None and balance is not None and width.value >= WIDE and abs(balance.value) < MIDDLE
    return wide or (trend is not None and abs(trend.value) >= WANDERING)
