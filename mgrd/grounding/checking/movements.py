"""Movements of a line: its turns, the steps from sound to sound, and a pitch that keeps still within one."""

import re
from dataclasses import replace
from itertools import pairwise
from math import log2

from mgrd.audio.facts import Fact
from mgrd.grounding.checking.evidence import YES, Evidence, Move
from mgrd.grounding.checking.lookup import OF_ALL, OF_EACH, nth
from mgrd.grounding.checking.verdicts import UNKNOWN, Verdict, Verification, opposite, told
from mgrd.grounding.claim import Claim
from mgrd.grounding.tolerances import COUNTER_SHARE, FLAT_RANGE, MIN_RELIABILITY, TURN

STEP = 1.0  # semitones of a step that goes against what is said of each
ONLY = re.compile(r"\b(?:only|nothing but|solely)\b", re.IGNORECASE)
STEPWISE = re.compile(r"\b(?:higher|lower|deeper|above|below|steps?)\b", re.IGNORECASE)


def verify_movement(claim: Claim, evidence: Evidence) -> Verification | None:
    """A movement of a line that turns: "rises and then falls" by its turns, a bare "rises" as the half-truth it is.

    None where the line has one way only, so that its ends decide.
    """
    ups, downs = ("rising", "falling") if claim.attribute == "contour" else ("louder", "softer")
    if (stepped := steps_of_each(claim, evidence) or _to_and_fro(claim, evidence)) is not None:
        return stepped
    moves = evidence.movements(claim.attribute)
    if moves is None:  # the ends of a line say nothing of its turns
        return UNKNOWN if len(set(claim.sequence)) > 1 else None
    if claim.word not in (ups, downs):
        return None
    words = tuple(ups if size > 0 else downs for size, _, _ in moves)
    if claim.sequence:
        asked = tuple(word for word in claim.sequence if word in (ups, downs))
        return _verify_sequence(claim, asked, words, moves)
    return _of_a_line_that_turns(claim, words, moves)


def _of_a_line_that_turns(claim: Claim, words: tuple[str, ...], moves: list[Move]) -> Verification | None:
    """A bare "rises" where the way back is long."""
    if len(words) < 2 or claim.negated or claim.word not in words:
        return None
    if ONLY.search(claim.text):
        return _moved(claim, "contradicted", *moves[0])
    against = max(
        (abs(size) for (size, _, _), word in zip(moves, words, strict=True) if word != claim.word), default=0.0
    )
    if against > COUNTER_SHARE * abs(sum(size for size, _, _ in moves)):
        return _moved(claim, "unverifiable", *moves[0])
    return None


def _to_and_fro(claim: Claim, evidence: Evidence) -> Verification | None:
    """Notes that take turns rise and fall, and lead nowhere."""
    turns = evidence.sure("alternation")
    moves = claim.attribute == "contour" and claim.word in ("rising", "falling") and not claim.sequence
    if not moves or turns is None or turns.value < YES:
        return None
    verdict: Verdict = "supported" if claim.negated else "unverifiable"
    return Verification(verdict, 0.0, "semitones", None, turns.reliability, None)


def _verify_sequence(
    claim: Claim, asked: tuple[str, ...], words: tuple[str, ...], moves: list[Move]
) -> Verification | None:
    """One movement of several in a row, by where the row stands among the line's movements."""
    at = next((k for k in range(len(words)) if words[k : k + len(asked)] == asked), None)
    if at is not None:
        return _moved(claim, "supported", *moves[at + asked.index(claim.word or "")])
    whole = " then " in claim.claimed and not set(asked) <= set(words)
    if words and (claim.word not in words or len(words) == len(asked) or whole):
        return _moved(claim, "contradicted", *moves[0])
    return None if len(words) < 2 else _moved(claim, "unverifiable", *moves[0])


def _moved(claim: Claim, verdict: Verdict, size: float, start: float, end: float) -> Verification:
    verdict = opposite(verdict) if claim.negated else verdict
    unit = "semitones" if claim.attribute == "contour" else "dB"
    return Verification(verdict, size, unit, TURN[claim.attribute], 1.0, (start, end))


def flat_sound(claim: Claim, number: int, evidence: Evidence) -> Verification:
    """Whether the pitch of one sound of several keeps still, by its own part of the line."""
    sounds = evidence.all("event_f0")
    if len(sounds) < 2:
        return UNKNOWN
    sound = nth(sounds, number)
    line = [f for f in evidence.all("f0_line") if sound and sound.start <= f.start and f.end <= sound.end]
    if len(line) < 2 or min(step.reliability for step in line) < MIN_RELIABILITY:
        return UNKNOWN
    low, high = min(step.value for step in line), max(step.value for step in line)
    width = 12 * log2(high / low)
    spanned = Fact("f0_range", width, "semitones", line[0].start, line[-1].end, 1.0)
    return told(claim, keeps_still(width), spanned, FLAT_RANGE[0])


def keeps_still(width: float) -> Verdict:
    """Whether a line that spans so many semitones may be called flat."""
    return "supported" if width <= FLAT_RANGE[0] else "contradicted" if width >= FLAT_RANGE[1] else "unverifiable"


def steps_of_each(claim: Claim, evidence: Evidence) -> Verification | None:
    """ "Each tone is higher than the one before" as a movement of the line."""
    word = {"rising": "upwards", "falling": "downwards"}.get(claim.word or "")
    stepwise = word is not None and OF_EACH.search(claim.text) is not None and STEPWISE.search(claim.text) is not None
    return order_of_each(replace(claim, word=word), evidence) if stepwise else None


def order_of_each(claim: Claim, evidence: Evidence) -> Verification | None:
    """ "Each is higher than the one before": refuted by one step the other way."""
    notes = evidence.all_sure("event_f0")
    if claim.negated or len(notes) < 3 or not OF_ALL.search(claim.text):
        return None
    sign = 1 if claim.word == "upwards" else -1
    steps = [(12 * log2(later.value / earlier.value), earlier, later) for earlier, later in pairwise(notes)]
    worst, earlier, later = min(steps, key=lambda step: sign * step[0])
    if sign * worst > -STEP:
        return None
    sure = min(earlier.reliability, later.reliability)
    return Verification("contradicted", worst, "semitones", STEP, sure, (earlier.start, later.end))
