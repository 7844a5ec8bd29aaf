"""Numbers against facts: within a tolerance, beyond a bound, on the way of a glide, or of what is not there."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from math import log2

from mgrd.audio.facts import Fact
from mgrd.grounding.checking.evidence import YES, Evidence, level_turns
from mgrd.grounding.checking.lookup import FALLBACK, MEANS, Span, nth, of_sound, overlaps
from mgrd.grounding.checking.parts import kinds_of
from mgrd.grounding.checking.verdicts import UNKNOWN, Verdict, Verification, told
from mgrd.grounding.claim import Claim
from mgrd.grounding.tolerances import Tolerance, tolerance_of

ENDS_OF_THIRDS = 1.5  # of an even fade: its ends are half as far again apart as the means of its first and last third
EDGE = 2.0  # semitones beyond the measured range that a moving pitch may have begun or ended at
SILENT_SHARE = 0.05  # of the clip: silence that may be spoken of
MOVING = 1.0  # semitones of a pitch that no single value names
UNPITCHED = -2.0  # dB of harmonic-to-noise ratio up to which a sound without any pitch line has no pitch
LEAST_PAUSE = 0.3  # s
NO_ROOM = 0.3  # of a claimed pause: a shorter gap cannot be meant
LEAST_TURNS = 4  # ways of a line that goes up and down over and over
CYCLES_SURE = 0.6
CUT = 1.0  # cycles at the ends of a line that may have been cut
LATE = 0.6  # share of the clip after which a count is of all that was heard by then
CHANGES = frozenset({"f0_trend", "event_interval", "loudness_trend"})
UNDERCOUNTED = frozenset({"syllable_rate", "syllable_count"})
OF_LINES = 1.6  # times the tolerance of a pitch that stays
COUNTED = 0.6  # reliability of a count within a time range


PITCHES = re.compile(r"\b(?:notes?|tones?|pitch(?:es)?|voices?|frequenc\w+|strands?|values?|sounds?)\b", re.IGNORECASE)


def verify_value(claim: Claim, evidence: Evidence, span: Span | None) -> Verification:
    """A number against a fact; for a pitch also against the pitch of any event, for a pause against any pause."""
    assert claim.value is not None
    candidates = _candidates(claim, evidence, span)
    if not candidates:
        return _without_fact(claim, evidence)
    name = candidates[0].name
    tolerance = tolerance_of("f0_trend" if name in ("order_pitch", "event_interval") else name, candidates[0].value)
    fact = min(candidates, key=lambda candidate: _apart(claim, candidate, tolerance))
    distance, near, far = tolerance.distance(claim.value, fact.value)
    if (
        name in ("f0_median", "f0_line", "event_f0", "f0_high", "f0_low")
        and claim.relation == "is"
        and _moves(evidence)
    ):
        near = min(far, OF_LINES * near)  # the ends and turns of a line lie between its steps
    verdict = _judge_value(claim, fact.value, distance, near, far)
    if verdict == "contradicted" and _may_be(claim, evidence):
        verdict = "unverifiable"
    return told(claim, verdict, fact, near)


def _apart(claim: Claim, fact: Fact, tolerance: Tolerance) -> float:
    """How far a fact is from what is claimed, in the unit of its tolerance; a change beyond a bound not at all."""
    assert claim.value is not None
    return (
        0.0
        if claim.attribute in CHANGES and _is_beyond(claim, fact.value)
        else tolerance.distance(claim.value, fact.value)[0]
    )


def _is_beyond(claim: Claim, measured: float) -> bool:
    """The value lies beyond the bound that is claimed."""
    assert claim.value is not None
    if claim.relation not in ("above", "below"):
        return False
    return measured > claim.value if claim.relation == "above" else measured < claim.value


def _no_room(claim: Claim, evidence: Evidence) -> Fact | None:
    """The count of sounds that follow each other so closely that there is no room for such a pause."""
    count, events = evidence.sure("event_count"), evidence.all("event")
    gaps = [later.start - earlier.end for earlier, later in pairwise(events)]
    return count if gaps and max(gaps) < NO_ROOM * (claim.value or 0.0) else None


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
    return told(claim, "contradicted", refuting) if refuting is not None else UNKNOWN


def _candidates(claim: Claim, evidence: Evidence, span: Span | None) -> list[Fact]:
    """The facts that a number may be about; any of them that matches supports it."""
    name = claim.attribute
    special = _ELSEWHERE.get(name)
    found = special(claim, evidence, span) if special is not None else None
    if found is not None:
        return found
    if name in MEANS and span is not None:
        local = [f for line in MEANS[name] for f in evidence.all(line) if overlaps(f, span)]
        if name == "f0_median" and local:
            return local + _edge_of_line(span, evidence)
        if local or (name == "f0_median" and _moves(evidence)):
            return local
    fact = evidence.first(name)
    if fact is None and name in FALLBACK:
        fact = evidence.first(FALLBACK[name])
    return ([fact] if fact is not None else []) + _more(claim, evidence)


def _more(claim: Claim, evidence: Evidence) -> list[Fact]:
    """Facts beside the one of the claim's name that its number may be about."""
    name = claim.attribute
    if name == "loudness_trend":
        scaled = [replace(f, value=f.value * ENDS_OF_THIRDS) for f in evidence.all(name)]
        return scaled + evidence.all("order_loudness")
    if name == "f0_median" and claim.relation == "is":
        return (
            evidence.all("event_f0")
            + evidence.all("chord_note")
            + (_ends_of_line(evidence) if _moves(evidence) else [])
        )
    if name == "f0_trend":
        moves = evidence.movements("contour") or []
        sized = [Fact("f0_trend", size, "semitones", start, end, 1.0) for size, start, end in moves if len(moves) > 1]
        return [*sized, *evidence.all("event_interval")]
    if name == "tempo":
        return _wobbles(evidence) if claim.relation == "is" else []
    also = _ALSO.get((name, claim.relation)) or _ALSO.get((name, None))
    return evidence.all(also) if also is not None else []


_ALSO: dict[tuple[str, str | None], str] = {
    ("longest_pause", "is"): "gap",
    ("pause_count", "count"): "gap_count",
    ("f0_trend", "is"): "event_interval",
    ("duration", None): "event_length",
}


def _counts(claim: Claim, evidence: Evidence, span: Span | None) -> list[Fact] | None:
    """The sounds that set in within a time range; in a late share of the clip also all that were heard by then."""
    if span is None:
        return None
    count, events = evidence.first("event_count"), evidence.all("event")
    if count is None:
        return []
    late = claim.time_unit == "share" and claim.time_start is not None and claim.time_start >= LATE
    by_then = [count] if late else []
    if not events:
        return by_then
    within = [event for event in events if span[0] - 0.1 <= event.start + 0.03 < span[1]]
    sure = min(count.reliability, COUNTED)
    return [Fact("event_count", float(len(within)), "count", span[0], span[1], sure), *by_then]


def _onsets(claim: Claim, evidence: Evidence, _: Span | None) -> list[Fact]:
    if claim.subject is None:
        return evidence.all("onset")
    onset = nth(evidence.all("onset"), claim.subject)
    return [onset] if onset is not None else []


def _intervals(_: Claim, evidence: Evidence, __: Span | None) -> list[Fact]:
    """The size of the steps and of the whole movement, for an interval whose direction is not told."""
    found = [*evidence.all("event_interval"), *evidence.all("f0_trend"), *evidence.all("order_pitch")]
    notes = evidence.all("chord_note")
    found += [
        replace(b, name="event_interval", value=12 * log2(b.value / a.value), unit="semitones")
        for a, b in pairwise(notes)
        if a.start == b.start
    ]
    return [replace(fact, value=abs(fact.value)) for fact in found]


def _pitches(claim: Claim, evidence: Evidence, _: Span | None) -> list[Fact] | None:
    if claim.subject is None:
        return None
    if len(evidence.all("event")) == 1:
        return None
    event = of_sound("event_f0", claim.subject, evidence)
    return [event] if event is not None else []


def _lengths(claim: Claim, evidence: Evidence, _: Span | None) -> list[Fact]:
    if claim.subject is None or len(evidence.all("event")) == 1:
        return [*evidence.all("event_length"), *evidence.all("sound_length")]
    length = of_sound("event_length", claim.subject, evidence)
    return [replace(length, name="event_length")] if length is not None else []


def _silences(_: Claim, evidence: Evidence, __: Span | None) -> list[Fact]:
    """Every silence: between sounds, before the first and after the last."""
    found = [fact for kind in ("gap", "pause") for fact in evidence.all(kind)]
    entry, duration = evidence.sure("entry"), evidence.first("duration")
    if entry is None or duration is None:  # without a single sound there is no entry
        return found
    outside = [(0.0, entry.end), (evidence.all("event")[-1].end, duration.value)]
    sure = entry.reliability
    return found + [Fact("gap", end - start, "s", start, end, sure) for start, end in outside if end - start > 0.1]


def cycles(evidence: Evidence, attributes: tuple[str, ...] = ("contour", "loudness")) -> Fact | None:
    """How often the pitch, or the level, goes up and down: the count of its cycles, over the time that they take."""
    for attribute in attributes:
        moves = evidence.movements(attribute) or []
        if attribute == "loudness" and len(moves) < LEAST_TURNS:
            moves = level_turns(evidence)
        if len(moves) >= LEAST_TURNS:
            return Fact("cycle_count", round(len(moves) / 2), "count", moves[0][1], moves[-1][2], CYCLES_SURE)
    return None


def _wobbles(evidence: Evidence) -> list[Fact]:
    """What goes up and down as often per minute as a pulse beats: a vibrato, a siren, a swelling."""
    found = [replace(fact, name="tempo", value=60 * fact.value) for fact in evidence.all("vibrato_rate")]
    turning = cycles(evidence)
    if turning is not None and turning.end > turning.start:
        rate = 60 * turning.value / (turning.end - turning.start)
        found.append(replace(turning, name="tempo", value=rate, unit="BPM"))
    return found


def _cycle_counts(_: Claim, evidence: Evidence, __: Span | None) -> list[Fact]:
    found = cycles(evidence)
    return [found] if found is not None else []


_ELSEWHERE: dict[str, Callable[[Claim, Evidence, Span | None], list[Fact] | None]] = {
    "event_count": _counts,
    "onset": _onsets,
    "event_interval": _intervals,
    "f0_median": _pitches,
    "event_length": _lengths,
    "cycle_count": _cycle_counts,
    "gap": _silences,
}
"""Facts that are not read from the one of their name, or None where they are after all."""


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
    if claim.attribute == "event_count":
        return _of_one_moment(claim, evidence)
    if claim.attribute in ("f0_trend", "event_interval") and _spans(abs(claim.value), evidence):
        return True
    if claim.attribute == "f0_trend":
        return bool(evidence.movements("contour")) and len(evidence.movements("contour") or ()) > 1
    if claim.attribute == "f0_median":
        return claim.subject is None and claim.time_start is None and _passes(claim.value, evidence)
    return False


def _spans(semitones: float, evidence: Evidence) -> bool:
    """The pitch goes so far from its lowest to its highest point."""
    width = evidence.sure("f0_range")
    return width is not None and abs(semitones - width.value) <= tolerance_of("event_interval", width.value).near


def _of_one_moment(claim: Claim, evidence: Evidence) -> bool:
    """Notes that sound together, or that take turns, are as many as are heard apart, and swellings of one sound as many
    as its level has: no count of all sounds."""
    sounds, swellings = evidence.sure("event_count"), cycles(evidence)
    one = sounds is not None and sounds.value == 1
    if one and swellings is not None and abs(swellings.value - (claim.value or 0.0)) <= CUT:
        return True
    if claim.value == 1 and len({kind for kind, _ in kinds_of(evidence)}) > 1:
        return True  # "no second tick" besides a hum
    several = evidence.at_least("chord", YES) or evidence.at_least("alternation", YES)
    return several and PITCHES.search(claim.text) is not None


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
        if _is_beyond(claim, measured) or (claim.attribute in ("band_low", "band_high") and distance <= near):
            return "supported"
        exact = claim.attribute.endswith("_count") and near < 1
        bound = far if claim.attribute in UNDERCOUNTED else near
        return "contradicted" if distance > bound or exact else "unverifiable"
    if distance <= near:
        return "supported"
    return "contradicted" if distance > far else "unverifiable"
