"""A claim against facts: supported, contradicted or unverifiable.

The facts are measured or constructed; the rules are the same. An unreliable fact supports and refutes
nothing, and a claim that no fact speaks of is unverifiable, never wrong.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from mgrd.audio.facts import Fact
from mgrd.audio.words import Attribute
from mgrd.grounding.checking.bands import judge_word
from mgrd.grounding.checking.doubts import is_doubtful
from mgrd.grounding.checking.evidence import Evidence
from mgrd.grounding.checking.lookup import Span, fact_for
from mgrd.grounding.checking.movements import flat_sound, order_of_each, verify_movement
from mgrd.grounding.checking.parts import verify_kind, verify_part, verify_rank
from mgrd.grounding.checking.registers import by_colour, register_of_any, unpitched_register, voice_register
from mgrd.grounding.checking.sides import verify_side
from mgrd.grounding.checking.values import cycles, verify_value
from mgrd.grounding.checking.verdicts import AMBIGUOUS, UNKNOWN, UNREAD, Verdict, Verification, told
from mgrd.grounding.checking.voices import verify_speaker
from mgrd.grounding.checking.words import amended, quality_of_any, short_gaps
from mgrd.grounding.claim import Claim
from mgrd.grounding.reading.kinds import KIND, KIND_ORDER, RANK
from mgrd.grounding.reading.parts import SCOPED
from mgrd.grounding.tolerances import ALL_ATTRIBUTES, MIN_RELIABILITY, TURN

__all__ = ["Evidence", "Verdict", "Verification", "resolve_time", "verify_claim"]

WHOLE_SHARE = 0.9  # a time range of at least this share of the clip is the whole clip
CHANGING = 0.4  # a pulse that speeds up or slows down by so much is not regular


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
    span, word = resolve_time(claim, duration), claim.word
    if word is None:
        return verify_value(claim, evidence, span)
    if claim.attribute in (KIND, KIND_ORDER):
        return verify_kind(claim, evidence)
    if claim.attribute == RANK:
        return verify_rank(claim, evidence)
    attribute = ALL_ATTRIBUTES.get(claim.attribute)
    if attribute is None:
        return UNKNOWN
    if claim.subject is not None and claim.reference is None and claim.attribute in SCOPED:
        found = _of_one_sound(claim, claim.subject, attribute, evidence)
        if found is not None:
            return found
        claim = replace(claim, subject=None)  # the clip is but that sound
    found = _by_single_sounds(claim, attribute, evidence, span)
    return found if found is not None else _verify_word(claim, word, attribute, evidence, span, duration)


def _by_single_sounds(claim: Claim, attribute: Attribute, evidence: Evidence, span: Span | None) -> Verification | None:
    """The verdict where the turns of a line, the single sounds or the sides decide, or where none can; else None."""
    if claim.attribute == "throb" and evidence.first("throb") is None and span is None:
        return _throbbing(claim, evidence)
    if claim.attribute in TURN and span is None and claim.subject is None:
        return verify_movement(claim, evidence)
    of_several = _OF_SEVERAL.get(claim.attribute)
    return of_several(claim, attribute, evidence, span) if of_several is not None else None


_OF_SEVERAL: dict[str, Callable[[Claim, Attribute, Evidence, Span | None], Verification | None]] = {
    "chord_quality": lambda claim, attribute, evidence, _: quality_of_any(claim, attribute, evidence),
    "pitch_order": lambda claim, _, evidence, __: order_of_each(claim, evidence),
    "register": register_of_any,
    "speaker": verify_speaker,
    "stereo": lambda claim, _, evidence, span: verify_side(claim, evidence, span),
}
"""Attributes on which single sounds, or parts of the clip, may decide; None where they do not."""


def _of_one_sound(claim: Claim, number: int, attribute: Attribute, evidence: Evidence) -> Verification | None:
    if claim.attribute == "register" and (voice := voice_register(claim, number, evidence)) is not None:
        return voice
    still = claim.attribute == "contour" and claim.word == "flat"
    found = flat_sound(claim, number, evidence) if still else UNKNOWN
    return verify_part(claim, attribute, evidence) if found is UNKNOWN else found


def _throbbing(claim: Claim, evidence: Evidence) -> Verification | None:
    """A level that goes up and down over and over throbs."""
    turning = cycles(evidence, ("loudness",))
    if turning is None:
        return None
    return told(claim, "supported" if claim.word == "present" else "contradicted", turning)


def _verify_word(
    claim: Claim, word: str, attribute: Attribute, evidence: Evidence, span: Span | None, duration: float
) -> Verification:
    fact = fact_for(claim, attribute, evidence, span, duration)
    if fact is None:
        return unpitched_register(claim, evidence) if claim.attribute == "register" and span is None else UNKNOWN
    if claim.attribute == "pauses" and fact.value == 0 and (gaps := short_gaps(claim, evidence)) is not None:
        if (word == "present") == claim.negated:  # "without a break", where there is one too short for a pause
            return Verification("unverifiable", gaps.value, gaps.unit, None, gaps.reliability, (gaps.start, gaps.end))
        fact = gaps
    verdict, edge = judge_word(attribute, word, fact.value)
    verdict = amended(claim, attribute, evidence, verdict, fact)
    if fact.reliability < MIN_RELIABILITY and claim.attribute == "register" and span is None:
        coloured = by_colour(claim, evidence)
        if coloured is not UNKNOWN:
            return coloured
    if fact.reliability < MIN_RELIABILITY and (changing := _changing_pulse(claim, evidence)) is not None:
        return changing
    return told(claim, verdict, fact, edge)


def _changing_pulse(claim: Claim, evidence: Evidence) -> Verification | None:
    """A pulse that surely speeds up or slows down is not regular, however well its regularity is known."""
    trend = evidence.sure("tempo_trend")
    if claim.claimed != "regularity regular" or claim.negated or trend is None or abs(trend.value) < CHANGING:
        return None
    return told(claim, "contradicted", trend, CHANGING)


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
