"""A claim against facts: supported, contradicted or unverifiable.

The facts are measured or constructed; the rules are the same. An unreliable fact supports and refutes
nothing, and a claim that no fact speaks of is unverifiable, never wrong.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from mgrd.audio.facts import Fact
from mgrd.audio.words import Attribute
from mgrd.grounding.checking.doubts import is_doubtful
from mgrd.grounding.checking.lookup import Evidence, Move, Span, fact_for
from mgrd.grounding.checking.parts import verify_kind, verify_part, verify_rank
from mgrd.grounding.checking.values import cycles, verify_value
from mgrd.grounding.checking.verdicts import AMBIGUOUS, UNKNOWN, UNREAD, Verdict, Verification, opposite
from mgrd.grounding.checking.voices import verify_speaker
from mgrd.grounding.checking.words import (
    WANDERING,
    amended,
    by_colour,
    flat_sound,
    is_wide,
    judge_word,
    order_of_each,
    quality_of_any,
    register_of_any,
    short_gaps,
    steps_of_each,
    unpitched_register,
    voice_register,
)
from mgrd.grounding.claim import Claim
from mgrd.grounding.reading.parts import KIND, KIND_ORDER, RANK, SCOPED
from mgrd.grounding.tolerances import ALL_ATTRIBUTES, COUNTER_SHARE, MIN_RELIABILITY, TURN

__all__ = ["Evidence", "Verdict", "Verification", "resolve_time", "verify_claim"]

WHOLE_SHARE = 0.9  # a time range of at least this share of the clip is the whole clip
EARLY = 0.6  # share of the clip at which an early part ends at the latest
CHANGING = 0.4  # a pulse that speeds up or slows down by so much is not regular
ONLY = re.compile(r"\b(?:only|nothing but|solely)\b", re.IGNORECASE)


def verify_claim(claim: Claim, facts: Sequence[Fact] | Evidence, duration: float) -> Verification:
    """The verdict on one claim; `duration` (s) resolves shares of the clip.

    To refute takes more than to support: a claim that depends on an unread word, or that may mean something else which
    the clip bears out, is open where it would be refuted.
    """
    evidence = facts if isinstance(facts, Evidence) else Evidence(facts)
    found = _judged(claim, evidence, duration)
    if found.verdict != "contradicted":
        return found
    if claim.unread is not None:
        return replace(found, verdict="unverifiable", note=UNREAD)
    return replace(found, verdict="unverifiable", note=AMBIGUOUS) if is_doubtful(claim, evidence) else found


def _judged(claim: Claim, evidence: Evidence, duration: float) -> Verification:
    span = resolve_time(claim, duration)
    if claim.word is None:
        return verify_value(claim, evidence, span)
    if claim.attribute in (KIND, KIND_ORDER):
        return verify_kind(claim, evidence)
    if claim.attribute == RANK:
        return verify_rank(claim, evidence)
    attribute = ALL_ATTRIBUTES.get(claim.attribute)
    if attribute is None:
        return UNKNOWN
    found = _by_single_sounds(claim, attribute, evidence, span)
    return found if found is not None else _verify_word(claim, claim.word, attribute, evidence, span, duration)


def _by_single_sounds(claim: Claim, attribute: Attribute, evidence: Evidence, span: Span | None) -> Verification | None:
    """The verdict where the turns of a line, the single sounds or the sides decide, or where none can; else None."""
    if claim.subject is not None and claim.reference is None and claim.attribute in SCOPED:
        found = _of_one_sound(claim, claim.subject, attribute, evidence)
        if found is not None:
            return found
        claim = replace(claim, subject=None)  # the clip is but that sound
    if claim.attribute == "throb" and evidence.first("throb") is None and span is None:
        return throbbing(claim, evidence)
    if claim.attribute in TURN and span is None and claim.subject is None:
        return _verify_movement(claim, evidence)
    if claim.attribute in _OF_SEVERAL:
        return _OF_SEVERAL[claim.attribute](claim, attribute, evidence, span)
    # Of one sound's or one part's side nothing is known.
    if claim.attribute == "stereo" and span is not None and (sided := _side_then(claim, span, evidence)) is not None:
        return sided
    placed = claim.attribute == "stereo" and (span is not None or claim.subject is not None or is_wide(evidence))
    return UNKNOWN if placed else None


_OF_SEVERAL: dict[str, Callable[[Claim, Attribute, Evidence, Span | None], Verification | None]] = {
    "chord_quality": lambda claim, attribute, evidence, _: quality_of_any(claim, attribute, evidence),
    "pitch_order": lambda claim, _, evidence, __: order_of_each(claim, evidence),
    "register": register_of_any,
    "speaker": verify_speaker,
}
"""Attributes on which single sounds may decide."""


def _of_one_sound(claim: Claim, number: int, attribute: Attribute, evidence: Evidence) -> Verification | None:
    if claim.attribute == "register" and (voice := voice_register(claim, number, evidence)) is not None:
        return voice
    still = claim.attribute == "contour" and claim.word == "flat"
    found = flat_sound(claim, number, evidence) if still else UNKNOWN
    return verify_part(claim, attribute, evidence) if found is UNKNOWN else found


def throbbing(claim: Claim, evidence: Evidence) -> Verification | None:
    """A level that goes up and down over and over throbs."""
    turning = cycles(evidence, ("loudness",))
    if turning is None:
        return None
    verdict: Verdict = "supported" if (claim.word == "present") != claim.negated else "contradicted"
    return Verification(verdict, turning.value, turning.unit, None, turning.reliability, (turning.start, turning.end))


def _side_then(claim: Claim, span: Span, evidence: Evidence) -> Verification | None:
    """The side of an early or late part of a clip whose sound goes from one side to the other."""
    trend, duration = evidence.sure("balance_trend"), evidence.first("duration")
    if trend is None or duration is None or abs(trend.value) < WANDERING or claim.word == "centred":
        return None
    early, late = span[1] <= EARLY * duration.value, span[0] >= (1 - EARLY) * duration.value
    if early == late:
        return None
    held = "left" if (trend.value > 0) == early else "right"
    verdict: Verdict = "supported" if (held == claim.word) != claim.negated else "contradicted"
    return Verification(verdict, trend.value, trend.unit, WANDERING, trend.reliability, span)


def _verify_word(
    claim: Claim, word: str, attribute: Attribute, evidence: Evidence, span: Span | None, duration: float
) -> Verification:
    fact = fact_for(claim, attribute, evidence, span, duration)
    if fact is None:
        return unpitched_register(claim, evidence) if claim.attribute == "register" and span is None else UNKNOWN
    if claim.attribute == "pauses" and not claim.negated and word == "present" and fact.value == 0:
        fact = short_gaps(claim, evidence) or fact
    verdict, edge = judge_word(attribute, word, fact.value)
    verdict = amended(claim, attribute, evidence, verdict, fact)
    if fact.reliability < MIN_RELIABILITY and claim.attribute == "register" and span is None:
        coloured = by_colour(claim, evidence)
        if coloured is not UNKNOWN:
            return coloured
    if fact.reliability < MIN_RELIABILITY:
        return _changing_pulse(claim, evidence) or Verification(
            "unverifiable", fact.value, fact.unit, edge, fact.reliability, (fact.start, fact.end)
        )
    verdict = opposite(verdict) if claim.negated else verdict
    return Verification(verdict, fact.value, fact.unit, edge, fact.reliability, (fact.start, fact.end))


def _changing_pulse(claim: Claim, evidence: Evidence) -> Verification | None:
    """A pulse that surely speeds up or slows down is not regular, however well its regularity is known."""
    trend = evidence.sure("tempo_trend")
    if claim.claimed != "regularity regular" or claim.negated or trend is None or abs(trend.value) < CHANGING:
        return None
    span = (trend.start, trend.end)
    return Verification("contradicted", trend.value, trend.unit, CHANGING, trend.reliability, span)


def _verify_movement(claim: Claim, evidence: Evidence) -> Verification | None:
    """A movement of a line that turns: "rises and then falls" by its turns, a bare "rises" as the half-truth it is.

    None where the line has one way only, so that its ends decide.
    """
    ups, downs = ("rising", "falling") if claim.attribute == "contour" else ("louder", "softer")
    if (stepped := steps_of_each(claim, evidence) or _to_and_fro(claim, evidence)) is not None:
        return stepped
    moves = evidence.movements(claim.attribute)
    if moves is None or claim.word not in (ups, downs):
        return None
    words = tuple(ups if size > 0 else downs for size, _, _ in moves)
    if claim.sequence:
        asked = tuple(word for word in claim.sequence if word in (ups, downs))
        return _verify_sequence(claim, asked, words, moves)
    against = max(
        (abs(size) for (size, _, _), word in zip(moves, words, strict=True) if word != claim.word), default=0.0
    )
    turns = len(words) > 1 and not claim.negated and claim.word in words
    if turns and ONLY.search(claim.text):
        return _moved(claim, "contradicted", *moves[0])
    if turns and against > COUNTER_SHARE * abs(sum(size for size, _, _ in moves)):
        return _moved(claim, "unverifiable", *moves[0])
    return None


def _to_and_fro(claim: Claim, evidence: Evidence) -> Verification | None:
    """Notes that take turns rise and fall, and lead nowhere."""
    turns = evidence.sure("alternation")
    moves = claim.attribute == "contour" and claim.word in ("rising", "falling") and not claim.sequence
    if not moves or turns is None or turns.value < 0.5:
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


def resolve_time(claim: Claim, duration: float) -> Span | None:
    """The claim's time range in seconds, or None when it speaks of the whole clip."""
    if claim.time_start is None or claim.time_end is None:
        return None
    start, end = claim.time_start, claim.time_end
    if claim.time_unit == "share":
        start, end = start * duration, end * duration
    elif start < 0:
        start += duration
    start, end = max(0.0, start), min(duration, end)
    if end <= start or end - start >= WHOLE_SHARE * duration:
        return None
    return start, end
