"""Which fact decides a claim: of the whole clip, of a part of it, of one event or of two.

A claim about a time range is decided by what was measured in that range wherever there is a line or an event to
read it from.
"""

import re
from collections.abc import Iterable
from itertools import pairwise
from math import inf, log2

from mgrd.audio.facts import Fact
from mgrd.audio.words import Attribute
from mgrd.grounding.checking.inferred import inferred_facts
from mgrd.grounding.claim import Claim
from mgrd.grounding.tolerances import LOCAL_TREND, MIN_RELIABILITY, TURN

Span = tuple[float, float]
Move = tuple[float, float, float]
"""A movement's size (semitones or dB), start and end (s)."""

FALLBACK = {"f0_trend": "order_pitch", "order_pitch": "f0_trend", "order_loudness": "loudness_trend"}
"""What a missing fact may be read from: a line of notes moves as its first and last note say."""
LINES = {"f0_trend": "f0_line", "loudness_trend": "level_line", "brightness_trend": "centroid_line"}
EVENTS = {"f0_trend": "event_f0", "loudness_trend": "event"}
"""What a line of separate sounds is read from."""
MEANS = {"f0_median": ("f0_line", "event_f0"), "spectral_centroid": ("centroid_line",), "rms": ("level_line",)}
REPEATED = frozenset({"event_length"})
"""Inferred facts of which there is one per event."""
YES = 0.5  # from which a fact of yes (1) or no (0) says yes
HARMONIC = 15.0  # dB of harmonic-to-noise ratio from which a doubtful pitch line still shows its turns
SAME_START = 0.02  # s between the facts of one sound
LEAST_LINE = 0.4  # least reliability of such a line
QUIET = 0.1  # share of silence up to which a sound never stops
ROW = 3  # separate sounds that make a line of their own
SPOKEN_SURE = 0.7  # reliability of the pitch of a stretch of speech
SPOKEN = 0.5  # share of speech from which accents are no turns of the pitch, and a register is that of a voice
OF_ALL = re.compile(r"\b(?:each|every|all|they|whole|entire|throughout)\b", re.IGNORECASE)
"""Words by which a claim is about every sound, and not about any."""
OF_EACH = re.compile(r"\b(?:each|every|neither|either|both|within)\b", re.IGNORECASE)
"""Words by which it is about every sound by itself."""


class Evidence:
    """Facts by name, in their order. Build it once per clip and verify many claims."""

    __slots__ = ("_moves", "by_name")

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.by_name: dict[str, list[Fact]] = {}
        self._moves: dict[str, list[Move] | None] = {}
        for fact in facts:
            self.by_name.setdefault(fact.name, []).append(fact)
        for fact in inferred_facts(self.by_name):
            self.by_name[fact.name] = [*self.all(fact.name), fact] if fact.name in REPEATED else [fact]

    def first(self, name: str) -> Fact | None:
        found = self.by_name.get(name)
        return found[0] if found else None

    def all(self, name: str) -> list[Fact]:
        return self.by_name.get(name, [])

    def sure(self, name: str) -> Fact | None:
        """The fact if it is reliable."""
        fact = self.first(name)
        return fact if fact is not None and fact.reliability >= MIN_RELIABILITY else None

    def at_least(self, name: str, value: float) -> bool:
        """Whether a reliable fact of that name is at least so large."""
        fact = self.sure(name)
        return fact is not None and fact.value >= value

    def under(self, name: str, value: float) -> bool:
        """Whether a reliable fact of that name is smaller."""
        fact = self.sure(name)
        return fact is not None and fact.value < value

    def all_sure(self, name: str) -> list[Fact]:
        """The facts of that name that are reliable."""
        return [fact for fact in self.all(name) if fact.reliability >= MIN_RELIABILITY]

    def movements(self, attribute: str) -> list[Move] | None:
        """The ways that the pitch ("contour") or the level ("loudness") goes, in order; None where no line is sure."""
        if attribute not in self._moves:
            self._moves[attribute] = _movements(attribute, self)
        return self._moves[attribute]


def fact_for(claim: Claim, attribute: Attribute, evidence: Evidence, span: Span | None, duration: float) -> Fact | None:
    """The fact that decides a word claim, local to its time range or its event."""
    name = attribute.fact
    if claim.subject is not None and claim.reference is not None:
        return _between_events(claim, name, evidence)
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
    if not pauses or not _is_speech(evidence):
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
    late = span[1] >= 0.95 * duration
    part = _change(name, evidence, span)
    if part is not None and abs(part.value) >= 2 * LOCAL_TREND[LINES[name]]:
        return part
    if late and whole is not None and whole.reliability >= MIN_RELIABILITY and span[0] < 0.8 * duration:
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
    steps = [fact for fact in events if span[0] - 0.05 <= fact.start < span[1]] if len(events) >= ROW else []
    if len(steps) < 2:
        steps = [fact for fact in evidence.all(line) if overlaps(fact, span) and _sounds(fact, evidence)]
    if len(steps) < 2 or (len(events) >= ROW and name == "loudness_trend" and steps[0].name == line):
        return None
    first, last = steps[0], steps[-1]
    if name == "loudness_trend":
        change, unit = last.value - first.value, "dB"
    else:
        change = log2(last.value / first.value) * (12 if name == "f0_trend" else 1)
        unit = "semitones" if name == "f0_trend" else "octaves"
    sure = min(first.reliability, last.reliability)
    sure = max(sure, MIN_RELIABILITY) if sure >= LEAST_LINE and name == "f0_trend" and _is_tonal(evidence) else sure
    if abs(change) < LOCAL_TREND[line] and len(steps) < 3:
        sure = min(sure, 0.4)
    return Fact(steps[0].name, change, unit, first.start, last.end, sure)


def overlaps(fact: Fact, span: Span) -> bool:
    return fact.start < span[1] - 1e-6 and fact.end > span[0] + 1e-6


def _movements(attribute: str, evidence: Evidence) -> list[Move] | None:
    name, line = ("f0_trend", "f0_line") if attribute == "contour" else ("loudness_trend", "level_line")
    events = evidence.all_sure(EVENTS[name])
    if len(events) < ROW or (attribute == "contour" and _is_speech(evidence)):
        if len(evidence.all(EVENTS[name])) >= ROW or _is_speech(evidence):
            return None
        least = LEAST_LINE if attribute == "contour" and _is_tonal(evidence) else MIN_RELIABILITY
        events = [f for f in evidence.all(line) if f.reliability >= least and _sounds(f, evidence)]
    if len(events) < ROW:
        return None
    semitones = attribute == "contour"
    points = [(12 * log2(f.value) if semitones else f.value, f.start, f.end) for f in events]
    return _turns(points, TURN[attribute])


def level_turns(evidence: Evidence) -> list[Move]:
    """The ways of the level line of a sound that never stops, whatever counts as a sound in it."""
    silence = evidence.first("silence_share")
    if silence is None or silence.value > QUIET:
        return []
    points = [(fact.value, fact.start, fact.end) for fact in evidence.all("level_line")]
    return _turns(points, TURN["loudness"]) if len(points) >= ROW else []


def _is_tonal(evidence: Evidence) -> bool:
    """One sound of clear partials throughout."""
    ratio, count = evidence.first("harmonic_ratio"), evidence.first("event_count")
    return ratio is not None and ratio.value >= HARMONIC and count is not None and count.value == 1


def _sounds(step: Fact, evidence: Evidence) -> bool:
    """The step lies within a sound: at its edges the level rises and falls by itself."""
    events = evidence.all("event")
    silence, count = evidence.first("silence_share"), evidence.first("event_count")
    if silence is not None and silence.value == 0 and count is not None and count.value == 1:
        return True
    return not events or any(event.start - 0.02 <= step.start and step.end <= event.end + 0.02 for event in events)


def _is_speech(evidence: Evidence) -> bool:
    spoken = evidence.first("speech")
    return spoken is not None and spoken.value >= SPOKEN


def _turns(points: list[Move], least: float) -> list[Move]:
    """The movements of at least `least` between the turning points of a line of (value, start, end)."""
    corners = [points[0]]
    for point in points[1:]:
        way = corners[-1][0] - corners[-2][0] if len(corners) > 1 else 0.0
        step = point[0] - corners[-1][0]
        if way and step * way >= 0:
            corners[-1] = point
        elif abs(step) >= least:
            corners.append(point)
        elif len(corners) == 1 and abs(step) < least:
            continue
    return [(b[0] - a[0], a[1], b[2]) for a, b in pairwise(corners)]
