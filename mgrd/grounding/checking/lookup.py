"""Which fact decides a claim: of the whole clip, of a part of it, of one event or of two.

A claim about a time range is decided by what was measured in that range wherever there is a line or an event to
read it from.
"""

import re
from itertools import pairwise
from math import inf, log2

from mgrd.audio.facts import Fact
from mgrd.audio.words import Attribute
from mgrd.grounding.checking.evidence import EVENTS, LEAST_LINE, ROW, Evidence, is_speech, is_tonal, within_a_sound
from mgrd.grounding.checking.inferred import SAME_START, UNSURE
from mgrd.grounding.claim import Claim
from mgrd.grounding.tolerances import LOCAL_TREND, MIN_RELIABILITY

Span = tuple[float, float]

FALLBACK = {"f0_trend": "order_pitch", "order_pitch": "f0_trend", "order_loudness": "loudness_trend"}
"""What a missing fact may be read from: a line of notes moves as its first and last note say."""
LINES = {"f0_trend": "f0_line", "loudness_trend": "level_line", "brightness_trend": "centroid_line"}
MEANS = {"f0_median": ("f0_line", "event_f0"), "spectral_centroid": ("centroid_line",), "rms": ("level_line",)}
REACHES_END, SETS_IN = 0.95, 0.8  # shares of the clip from which a range goes to its end, and from which it is its end
EARLIER = 0.05  # s before a range at which an event may begin that is in it
ORDERS = frozenset({"order_pitch", "order_loudness"})
"""What can be told of one sound against another."""
SPOKEN_SURE = 0.7  # reliability of the pitch of a stretch of speech
OF_ALL = re.compile(r"\b(?:each|every|all|both|they|whole|entire|throughout)\b", re.IGNORECASE)
"""Words by which a claim is about every sound, and not about any."""
OF_EACH = re.compile(r"\b(?:each|every|neither|either|both|within)\b", re.IGNORECASE)
"""Words by which it is about every sound by itself."""


def fact_for(claim: Claim, attribute: Attribute, evidence: Evidence, span: Span | None, duration: float) -> Fact | None:
    """The fact that decides a word claim, local to its time range or its event."""
    name = attribute.fact
    if claim.subject is not None and claim.reference is not None:
        return _between_events(claim, name, evidence) if name in ORDERS else None
    if claim.subject is not None and name == "f0_median":
        return of_sound("event_f0", claim.subject, evidence)
    if span is not None:
        return _local(name, evidence, span, duration)
    if name == "order_pitch" and (spoken := utterances(evidence)):
        gap = 12 * log2(spoken[-1].value / spoken[0].value)
        return Fact(name, gap, "semitones", spoken[0].start, spoken[-1].start, SPOKEN_SURE)
    return known(name, evidence)


def known(name: str, evidence: Evidence) -> Fact | None:
    """A fact by name, or what may stand for it when it is missing or unreliable."""
    fact = evidence.first(name)
    if (fact is None or fact.reliability < MIN_RELIABILITY) and name in FALLBACK:
        return evidence.sure(FALLBACK[name]) or fact
    return fact


def nth(facts: list[Fact], number: int) -> Fact | None:
    """Event `number` (1 is the first, -1 the last)."""
    index = number - 1 if number > 0 else len(facts) + number
    return facts[index] if 0 <= index < len(facts) else None


def of_sound(name: str, number: int, evidence: Evidence) -> Fact | None:
    """The fact of that name of sound `number`: only some sounds have a pitch."""
    if name == "event_f0" and (spoken := utterances(evidence)):
        return nth(spoken, number)
    sound = nth(evidence.all("event"), number)
    if sound is None:
        return nth(evidence.all(name), number) if not evidence.all("event") else None
    return next((fact for fact in evidence.all(name) if abs(fact.start - sound.start) <= SAME_START), None)


def utterances(evidence: Evidence) -> list[Fact]:
    """The pitch of each stretch of speech between pauses; [] of a clip of one stretch, or of none."""
    pauses = evidence.all_sure("pause")
    if not pauses or not is_speech(evidence):
        return []
    found = []
    for start, end in pairwise([0.0, *(mark for pause in pauses for mark in (pause.start, pause.end)), inf]):
        heard = sorted(f.value for f in evidence.all("f0_line") if start <= f.start and f.end <= end)
        if heard:
            found.append(Fact("event_f0", heard[len(heard) // 2], "Hz", start, end, SPOKEN_SURE))
    return found if len(found) == len(pauses) + 1 else []


def _pitches(evidence: Evidence) -> list[Fact]:
    """The pitch of each sound; of a chord, which has none, its lowest note; of speech, of each stretch of it."""
    if spoken := utterances(evidence):
        return spoken
    roots = evidence.all_sure("event_root")
    pitches = evidence.all("event_f0")
    if not roots or all(fact.reliability >= MIN_RELIABILITY for fact in pitches):
        return pitches or roots
    return roots if len(roots) == len(evidence.all("event")) else pitches


def _between_events(claim: Claim, name: str, evidence: Evidence) -> Fact | None:
    """The later event minus the earlier: the clip's order fact for first and last, else from single events."""
    assert claim.subject is not None
    assert claim.reference is not None
    if (claim.reference, claim.subject) == (1, -1) and not (name == "order_pitch" and utterances(evidence)):
        fact = known(name, evidence)
        if fact is not None and (fact.reliability >= MIN_RELIABILITY or name != "order_pitch"):
            return fact
    events = _pitches(evidence) if name == "order_pitch" else evidence.all("event")
    later, earlier = nth(events, claim.subject), nth(events, claim.reference)
    if later is None or earlier is None or later is earlier:
        return None
    gap = 12 * log2(later.value / earlier.value) if name == "order_pitch" else later.value - earlier.value
    unit = "semitones" if name == "order_pitch" else "dB"
    return Fact(name, gap, unit, earlier.start, later.end, min(later.reliability, earlier.reliability))


def _local(name: str, evidence: Evidence, span: Span, duration: float) -> Fact | None:
    """A fact within a time range: movements and means from the lines or events; anything else from the whole clip.

    "Fades towards the end" names where the movement leads, so a movement of the whole clip also holds in its last
    part when that part by itself decides nothing.
    """
    whole = known(name, evidence)
    if name in LINES:
        return _local_movement(name, evidence, span, duration, whole)
    if name == "pause_count":
        return _inside(evidence, span, whole)
    for line in MEANS.get(name, ()):
        steps = [fact for fact in evidence.all(line) if overlaps(fact, span)]
        if steps:
            values = sorted(step.value for step in steps)
            sure = min(step.reliability for step in steps)
            return Fact(name, values[len(values) // 2], steps[0].unit, steps[0].start, steps[-1].end, sure)
    return whole


def _local_movement(name: str, evidence: Evidence, span: Span, duration: float, whole: Fact | None) -> Fact | None:
    late = span[1] >= REACHES_END * duration
    part = _change(name, evidence, span)
    if part is not None and abs(part.value) >= 2 * LOCAL_TREND[LINES[name]]:
        return part
    if late and whole is not None and whole.reliability >= MIN_RELIABILITY and span[0] < SETS_IN * duration:
        return whole
    return part if part is not None else whole if late else None


def _inside(evidence: Evidence, span: Span, whole: Fact | None) -> Fact | None:
    """The pauses within a range, where single pauses are known."""
    pauses = evidence.all("pause")
    if whole is None or (whole.value and not pauses):
        return whole
    count = sum(overlaps(pause, span) for pause in pauses)
    return Fact("pause_count", float(count), "count", span[0], span[1], whole.reliability)


def _change(name: str, evidence: Evidence, span: Span) -> Fact | None:
    """The change within a range, scaled so that the word bands of the whole clip apply: from the events of a row of
    separate sounds, else from the line's steps."""
    events = evidence.all(EVENTS[name]) if name in EVENTS else []
    line = LINES[name]
    steps = [fact for fact in events if span[0] - EARLIER <= fact.start < span[1]] if len(events) >= ROW else []
    if len(steps) < 2:
        steps = [fact for fact in evidence.all(line) if overlaps(fact, span) and within_a_sound(fact, evidence)]
    if len(steps) < 2 or (len(events) >= ROW and name == "loudness_trend" and steps[0].name == line):
        return None
    first, last = steps[0], steps[-1]
    if name == "loudness_trend":
        change, unit = last.value - first.value, "dB"
    else:
        change = log2(last.value / first.value) * (12 if name == "f0_trend" else 1)
        unit = "semitones" if name == "f0_trend" else "octaves"
    sure = min(first.reliability, last.reliability)
    sure = max(sure, MIN_RELIABILITY) if sure >= LEAST_LINE and name == "f0_trend" and is_tonal(evidence) else sure
    if abs(change) < LOCAL_TREND[line] and len(steps) < 3:
        sure = min(sure, UNSURE)
    return Fact(steps[0].name, change, unit, first.start, last.end, sure)


def overlaps(fact: Fact, span: Span) -> bool:
    """The fact speaks of a moment within the span."""
    return fact.start < span[1] - 1e-6 and fact.end > span[0] + 1e-6
