"""A claim against facts: supported, contradicted or unverifiable.

The facts are measured or constructed; the rules are the same. An unreliable fact supports and refutes
nothing, and a claim that no fact speaks of is unverifiable, never wrong.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import log2
from typing import Literal

from mgrd.audio.facts import Fact
from mgrd.audio.words import Attribute
from mgrd.grounding.claims import Claim
from mgrd.grounding.lookup import FALLBACK, MEANS, Evidence, Move, Span, fact_for, nth, overlaps
from mgrd.grounding.tolerances import (
    ALL_ATTRIBUTES,
    COUNTER_SHARE,
    FLAT_RANGE,
    MIN_RELIABILITY,
    STILL,
    TURN,
    tolerance_of,
)

__all__ = ["Evidence", "Verdict", "Verification", "resolve_time", "verify_claim"]

Verdict = Literal["supported", "contradicted", "unverifiable"]

ENDS_OF_THIRDS = 1.5  # of an even fade: its ends are half as far again apart as the means of its first and last third
EDGE = 2.0  # semitones beyond the measured range that a moving pitch may have begun or ended at
SHORT_SILENCES = ("gap", "silen", "short", "brief", "tiny", "break")  # words for what is no pause yet
SILENT_SHARE = 0.05  # of the clip: silence that may be spoken of
MOVING = 1.0  # semitones of a pitch that no single value names
MASKING_SNR = 15.0  # dB under which speech is not always told from noise
WHOLE_SHARE = 0.9  # a time range of at least this share of the clip is the whole clip


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


UNPLACED = frozenset({"stereo"})
"""Attributes of the whole clip only: of one sound or one part nothing is known."""
UNKNOWN = Verification("unverifiable")


def verify_claim(claim: Claim, facts: Sequence[Fact] | Evidence, duration: float) -> Verification:
    """The verdict on one claim; `duration` (s) resolves shares of the clip."""
    evidence = facts if isinstance(facts, Evidence) else Evidence(facts)
    span = resolve_time(claim, duration)
    if claim.word is None:
        return verify_value(claim, evidence, span)
    attribute = ALL_ATTRIBUTES.get(claim.attribute)
    if attribute is None:
        return UNKNOWN
    if claim.attribute in TURN and span is None and claim.subject is None:
        found = _verify_movement(claim, evidence)
        if found is not None:
            return found
    if claim.attribute == "stereo" and _is_wide(evidence):
        return UNKNOWN
    if claim.attribute == "pitch_order" and (found := _order_of_each(claim, evidence)) is not None:
        return found
    if claim.attribute == "register" and (found := _register_of_any(claim, attribute, evidence, span)) is not None:
        return found
    if claim.attribute in UNPLACED and (span is not None or claim.subject is not None):
        return UNKNOWN
    fact = fact_for(claim, attribute, evidence, span, duration)
    if fact is None:
        return UNKNOWN
    if claim.attribute == "pauses" and not claim.negated and claim.word == "present" and fact.value == 0:
        fact = _gaps(claim, evidence) or fact
    verdict, edge = _judge_word(attribute, claim.word, fact.value)
    if claim.attribute == "contour" and claim.word == "flat":
        verdict = _flat(verdict, evidence, fact)
    if claim.claimed == "contour flat" and verdict == "supported" and _wavers(evidence):
        verdict = "contradicted" if not claim.negated and ENTIRELY.search(claim.text) else "unverifiable"
    if claim.claimed == "loudness steady" and verdict == "supported" and _throbs(evidence):
        verdict = "contradicted"
    if verdict == "contradicted" and claim.claimed == "timbre bright" and _is_clipped(evidence):
        verdict = "unverifiable"  # "harsh" is a word for distortion too
    if verdict == "contradicted" and claim.claimed == "register middle" and fact.value <= HIGHEST_MIDDLE:
        verdict = "unverifiable"
    if claim.attribute == "sound_length" and verdict == "contradicted" and _has_length(claim, attribute, evidence):
        verdict = "supported"
    if claim.attribute == "pauses" and verdict == "contradicted" and _is_silent_outside(evidence, claim):
        verdict = "unverifiable"
    if verdict == "contradicted" and not claim.negated and _is_masked(claim, evidence):
        verdict = "unverifiable"
    if fact.reliability < MIN_RELIABILITY:
        verdict = "unverifiable"
        trend = evidence.sure("tempo_trend") if claim.claimed == "regularity regular" else None
        if trend is not None and abs(trend.value) >= CHANGING and not claim.negated:
            return Verification("contradicted", trend.value, trend.unit, CHANGING, trend.reliability, (trend.start, trend.end))
    elif claim.negated:
        verdict = opposite(verdict)
    return Verification(verdict, fact.value, fact.unit, edge, fact.reliability, (fact.start, fact.end))


WAVERING = 50.0  # cents of vibrato from which a line is neither steady nor unsteady
ENTIRELY = re.compile(r"\b(?:perfectly|completely|entirely|absolutely|dead|totally|utterly|slightest)\b", re.IGNORECASE)


def _wavers(evidence: Evidence) -> bool:
    depth = evidence.sure("vibrato_depth")
    return depth is not None and depth.value >= WAVERING


CHANGING = 0.4  # a pulse that speeds up or slows down by so much is not regular
CLIPPED = 0.005  # share of clipped samples


def _throbs(evidence: Evidence) -> bool:
    throb = evidence.sure("throb")
    return throb is not None and throb.value > 0.5


def _is_clipped(evidence: Evidence) -> bool:
    clipping = evidence.sure("clipping")
    return clipping is not None and clipping.value >= CLIPPED


HIGHEST_MIDDLE = 800.0  # Hz up to which somebody may still speak of a middle range
ONLY = re.compile(r"\b(?:only|nothing but|solely)\b", re.IGNORECASE)
OF_ALL = re.compile(r"\b(?:each|every|all|they)\b", re.IGNORECASE)


def _has_length(claim: Claim, attribute: Attribute, evidence: Evidence) -> bool:
    """One sound of several has the length that is said of one of them."""
    lengths = [fact for fact in evidence.all("event_length") if fact.reliability >= MIN_RELIABILITY]
    return not OF_ALL.search(claim.text) and any(attribute.word(fact.value) == claim.word for fact in lengths)


WIDE = 0.3  # share of side energy from which a balance in the middle is of two sounds on two sides
MIDDLE = 3.0  # dB


def _is_wide(evidence: Evidence) -> bool:
    """The sides sound differently and equally loud, so that the balance of the whole says nothing of its sounds."""
    width, balance = evidence.first("stereo_width"), evidence.first("stereo_balance")
    return width is not None and balance is not None and width.value >= WIDE and abs(balance.value) < MIDDLE


def _order_of_each(claim: Claim, evidence: Evidence) -> Verification | None:
    """ "Each is higher than the one before": refuted by one step the other way."""
    notes = [fact for fact in evidence.all("event_f0") if fact.reliability >= MIN_RELIABILITY]
    if claim.negated or len(notes) < 3 or not OF_ALL.search(claim.text):
        return None
    sign = 1 if claim.word == "upwards" else -1
    steps = [(12 * log2(later.value / earlier.value), earlier, later) for earlier, later in pairwise(notes)]
    worst, earlier, later = min(steps, key=lambda step: sign * step[0])
    if sign * worst > -MOVING:
        return None
    sure = min(earlier.reliability, later.reliability)
    return Verification("contradicted", worst, "semitones", MOVING, sure, (earlier.start, later.end))


def _register_of_any(claim: Claim, attribute: Attribute, evidence: Evidence, span: Span | None) -> Verification | None:
    """A register where the sounds differ in pitch: true if one of them has it, false if none comes near."""
    notes = [fact for fact in evidence.all("event_f0") if fact.reliability >= MIN_RELIABILITY]
    if claim.subject is not None or span is not None or claim.negated or len(notes) < 2 or claim.word is None:
        return None
    if max(note.value for note in notes) < APART * min(note.value for note in notes):
        return None
    verdicts = [(_judge_word(attribute, claim.word, note.value)[0], note) for note in notes]
    order: tuple[Verdict, ...] = ("supported", "unverifiable", "contradicted")
    verdict, note = min(verdicts, key=lambda found: order.index(found[0]))
    return Verification(verdict, note.value, note.unit, None, note.reliability, (note.start, note.end))


APART = 1.5  # ratio of the highest to the lowest note from which a register is of single notes


def _is_masked(claim: Claim, evidence: Evidence) -> bool:
    """What a measurement may have missed: a voice under noise, and noise that is itself the sound."""
    if claim.attribute == "voice":
        snr = evidence.sure("snr")
        return snr is not None and snr.value < MASKING_SNR
    if claim.attribute == "noise" and claim.word == "noisy":
        pitched = evidence.first("harmonic_ratio")
        return pitched is not None and pitched.value < 1.0
    return False


def _gaps(claim: Claim, evidence: Evidence) -> Fact | None:
    """Silences too short for pauses are still gaps to whoever says so."""
    gaps = evidence.first("gap_count")
    named = any(word in claim.text.lower() for word in SHORT_SILENCES)
    return gaps if named and gaps is not None and gaps.value and gaps.reliability >= MIN_RELIABILITY else None


def _is_silent_outside(evidence: Evidence, claim: Claim) -> bool:
    """Silence before the first sound or after the last is no pause, but whoever names it is not wrong."""
    share = evidence.first("silence_share")
    named = "silence" in claim.text.lower() or "silent" in claim.text.lower()
    return claim.word == "present" and named and share is not None and share.value > SILENT_SHARE


def _verify_movement(claim: Claim, evidence: Evidence) -> Verification | None:
    """A movement of a line that turns: "rises and then falls" by its turns, a bare "rises" as the half-truth it is.

    None where the line has one way only, so that its ends decide.
    """
    ups, downs = ("rising", "falling") if claim.attribute == "contour" else ("louder", "softer")
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


def _verify_sequence(
    claim: Claim, asked: tuple[str, ...], words: tuple[str, ...], moves: list[Move]
) -> Verification | None:
    """One movement of several in a row, by where the row stands among the line's movements."""
    at = next((k for k in range(len(words)) if words[k : k + len(asked)] == asked), None)
    if at is not None:
        return _moved(claim, "supported", *moves[at + asked.index(claim.word or "")])
    if words and (claim.word not in words or len(words) == len(asked)):
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


def opposite(verdict: Verdict) -> Verdict:
    flipped: dict[Verdict, Verdict] = {"supported": "contradicted", "contradicted": "supported"}
    return flipped.get(verdict, verdict)


def _judge_word(attribute: Attribute, word: str, value: float) -> tuple[Verdict, float | None]:
    """Supported in the word's band, unverifiable in a neutral zone that touches it, else contradicted.

    A word without a band ("moderate" of a rate that has only slow and fast) holds between the bands.
    """
    held = attribute.word(value)
    still = STILL.get(attribute.name)
    if still is not None and abs(value) <= still and held is None:
        return ("supported" if word in ("steady", "flat") else "contradicted"), still
    edges = [edge for band in attribute.bands if band.word == word for edge in (band.low, band.high)]
    edge = min(edges, key=lambda e: abs(e - value)) if edges else None
    if edge is not None and edge in (float("inf"), float("-inf")):
        edge = next((e for e in edges if abs(e) != float("inf")), None)
    if not edges:
        return ("supported" if held is None else "contradicted"), None
    if held is None:
        return ("unverifiable" if _borders(attribute, word, value) else "contradicted"), edge
    return ("supported" if held == word else "contradicted"), edge


def _borders(attribute: Attribute, word: str, value: float) -> bool:
    """The neutral zone that holds the value touches the word's band."""
    below = [band.word for band in attribute.bands if band.high <= value]
    above = [band.word for band in attribute.bands if band.low > value]
    return word in (*below[-1:], *above[:1])


def _flat(verdict: Verdict, evidence: Evidence, fact: Fact) -> Verdict:
    """A line that comes back to where it began is not flat when it went far in between."""
    wide = evidence.first("f0_range")
    if verdict != "supported" or wide is None or wide.reliability < MIN_RELIABILITY or fact.name == "f0_line":
        return verdict
    if wide.value >= FLAT_RANGE[1]:
        return "contradicted"
    return verdict if wide.value <= FLAT_RANGE[0] else "unverifiable"


def verify_value(claim: Claim, evidence: Evidence, span: Span | None) -> Verification:
    """A number against a fact; for a pitch also against the pitch of any event, for a pause against any pause."""
    assert claim.value is not None
    candidates = _candidates(claim, evidence, span)
    if not candidates:
        return _without_fact(claim, evidence)
    name = candidates[0].name
    tolerance = tolerance_of("f0_trend" if name in ("order_pitch", "event_interval") else name, candidates[0].value)
    fact = min(candidates, key=lambda candidate: tolerance.distance(claim.value or 0.0, candidate.value)[0])
    distance, near, far = tolerance.distance(claim.value, fact.value)
    verdict = _judge_value(claim, fact.value, distance, near, far)
    if verdict == "contradicted" and _may_be(claim, evidence):
        verdict = "unverifiable"
    if fact.reliability < MIN_RELIABILITY:
        verdict = "unverifiable"
    elif claim.negated:
        verdict = opposite(verdict)
    return Verification(verdict, fact.value, fact.unit, near, fact.reliability, (fact.start, fact.end))


UNPITCHED = -2.0  # dB of harmonic-to-noise ratio up to which a sound without any pitch line has no pitch
LEAST_PAUSE = 0.3  # s


def _no_room(claim: Claim, evidence: Evidence) -> Fact | None:
    """The count of sounds that follow each other so closely that there is no room for such a pause."""
    count, events = evidence.sure("event_count"), evidence.all("event")
    gaps = [later.start - earlier.end for earlier, later in pairwise(events)]
    return count if gaps and max(gaps) < NO_ROOM * (claim.value or 0.0) else None


NO_ROOM = 0.3  # of a claimed pause: a shorter gap cannot be meant


def _without_fact(claim: Claim, evidence: Evidence) -> Verification:
    """A pause where there is none, and a pitch of noise, are false; else what was not measured is open."""
    refuting = None
    if claim.attribute == "longest_pause" and (claim.value or 0.0) >= LEAST_PAUSE and claim.relation != "below":
        pauses, gaps, silence = (evidence.sure(name) for name in ("pause_count", "gap_count", "silence_share"))
        still = gaps is not None and gaps.value == 0 and silence is not None and silence.value < SILENT_SHARE
        refuting = pauses if pauses is not None and pauses.value == 0 and still else _no_room(claim, evidence)
    elif claim.attribute == "f0_median" and evidence.first("f0_median") is None and not evidence.all("event_f0"):
        ratio = evidence.sure("harmonic_ratio")
        refuting = ratio if ratio is not None and ratio.value <= UNPITCHED else None
    if refuting is None:
        return UNKNOWN
    verdict: Verdict = "supported" if claim.negated else "contradicted"
    span = (refuting.start, refuting.end)
    return Verification(verdict, refuting.value, refuting.unit, None, refuting.reliability, span)


def _candidates(claim: Claim, evidence: Evidence, span: Span | None) -> list[Fact]:
    """The facts that a number may be about; any of them that matches supports it."""
    name = claim.attribute
    if name == "event_count" and span is not None:
        return _counted_within(evidence, span)
    if name == "onset" and claim.subject is not None:
        return [f for f in [nth(evidence.all("onset"), claim.subject)] if f is not None]
    if name in ("onset", "event_interval"):
        return [replace(f, value=abs(f.value)) for f in evidence.all(name)] + _size_of_trend(name, evidence)
    if name == "f0_median" and claim.subject is not None:
        event = nth(evidence.all("event_f0"), claim.subject)
        return [event] if event is not None else []
    if name in MEANS and span is not None:
        local = [f for line in MEANS[name] for f in evidence.all(line) if overlaps(f, span)]
        if name == "f0_median" and local:
            return local + _edge_of_line(span, evidence)
        if local or (name == "f0_median" and _moves(evidence)):
            return local
    fact = evidence.first(name)
    if fact is None and name in FALLBACK:
        fact = evidence.first(FALLBACK[name])
    more: list[Fact] = []
    if name == "f0_median" and claim.relation == "is":
        more = evidence.all("event_f0") + (_ends_of_line(evidence) if _moves(evidence) else [])
    elif name == "longest_pause" and claim.relation == "is":
        more = evidence.all("gap")
    elif name == "gap":
        return [fact for kind in ("gap", "pause") for fact in evidence.all(kind)] + _silence_outside(evidence)
    elif name == "pause_count" and claim.relation == "count":
        more = evidence.all("gap_count")
    elif name == "f0_trend" and claim.relation == "is":
        more = evidence.all("event_interval")
    elif name == "duration":
        more = evidence.all("event_length")
    elif name == "loudness_trend":
        more = [replace(f, value=f.value * ENDS_OF_THIRDS) for f in evidence.all(name)] + evidence.all("order_loudness")
    return ([fact] if fact is not None else []) + more


def _counted_within(evidence: Evidence, span: Span) -> list[Fact]:
    """The sounds that set in within a time range."""
    count, events = evidence.first("event_count"), evidence.all("event")
    if count is None or not events:
        return []
    within = [event for event in events if span[0] - 0.1 <= event.start + 0.03 < span[1]]
    return [Fact("event_count", float(len(within)), "count", span[0], span[1], min(count.reliability, 0.6))]


def _silence_outside(evidence: Evidence) -> list[Fact]:
    """The silence before the first sound and after the last."""
    entry, duration, events = evidence.sure("entry"), evidence.first("duration"), evidence.all("event")
    if entry is None or duration is None or not events:
        return []
    bounds = [(0.0, entry.end), (events[-1].end, duration.value)]
    return [Fact("gap", end - start, "s", start, end, entry.reliability) for start, end in bounds if end - start > 0.1]


def _size_of_trend(name: str, evidence: Evidence) -> list[Fact]:
    """The size of a line's movement, for an interval whose direction is not told."""
    trends = [*evidence.all("f0_trend"), *evidence.all("order_pitch")] if name == "event_interval" else []
    return [replace(fact, value=abs(fact.value)) for fact in trends]


def _edge_of_line(span: Span, evidence: Evidence) -> list[Fact]:
    """Where a gliding pitch sets out or arrives: its line goes on for half a step beyond the middle of the last one."""
    line = evidence.all("f0_line")
    if len(line) < 2:
        return []
    begins = overlaps(line[0], span)
    edge, beside = (line[0], line[1]) if begins else (line[-1], line[-2])
    if not begins and not overlaps(line[-1], span):
        return []
    return [replace(edge, value=edge.value * (edge.value / beside.value) ** 0.5)]


def _ends_of_line(evidence: Evidence) -> list[Fact]:
    """Where a moving pitch begins and ends, lowest and highest: values that a chain may name."""
    line = evidence.all("f0_line")
    ends = [*line[:1], *line[-1:]]
    return ends + [fact for name in ("f0_low", "f0_high") for fact in evidence.all(name)]


def _may_be(claim: Claim, evidence: Evidence) -> bool:
    """A number that is not refuted though nothing measured matches it: on the way of a glide, or a pulse counted at
    another octave."""
    assert claim.value is not None
    if claim.attribute == "f0_median":
        return claim.subject is None and claim.time_start is None and _passes(claim.value, evidence)
    return False


def _moves(evidence: Evidence) -> bool:
    """The pitch changes, so one value does not speak for every part."""
    trend, width = evidence.first("f0_trend"), evidence.first("f0_range")
    return any(fact is not None and abs(fact.value) > MOVING for fact in (trend, width))


def _passes(hertz: float, evidence: Evidence) -> bool:
    """The pitch line goes through this value on its way."""
    low, high = evidence.first("f0_low"), evidence.first("f0_high")
    if low is not None and high is not None:
        edge = 2 ** (EDGE / 12) if high.value > 1.06 * low.value else 1.0
        return low.value / edge <= hertz <= high.value * edge
    middle, trend = evidence.first("f0_median"), evidence.first("f0_trend")
    if middle is None or trend is None or hertz <= 0:
        return False
    return abs(12 * log2(hertz / middle.value)) <= abs(trend.value) / 2 + 1.0


def _judge_value(claim: Claim, measured: float, distance: float, near: float, far: float) -> Verdict:
    assert claim.value is not None
    if claim.relation in ("above", "below"):
        beyond = measured > claim.value if claim.relation == "above" else measured < claim.value
        if beyond or (claim.attribute in ("band_low", "band_high") and distance <= near):
            return "supported"
        exact = claim.attribute.endswith("_count") and near < 1
        return "contradicted" if distance > near or exact else "unverifiable"
    if distance <= near:
        return "supported"
    return "contradicted" if distance > far else "unverifiable"
