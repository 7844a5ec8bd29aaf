"""The facts of a clip by name, with those that follow from its single events, and how its pitch and its level go."""

from collections.abc import Iterable
from itertools import pairwise
from math import log2

from mgrd.audio.facts import Fact
from mgrd.grounding.checking.inferred import inferred_facts
from mgrd.grounding.tolerances import MIN_RELIABILITY, TURN

Move = tuple[float, float, float]
"""A movement's size (semitones or dB), start and end (s)."""

EVENTS = {"f0_trend": "event_f0", "loudness_trend": "event"}
"""What a line of separate sounds is read from."""
REPEATED = frozenset({"event_length"})
"""Inferred facts of which there is one per event."""
YES = 0.5  # from which a fact of yes (1) or no (0) says yes
HARMONIC = 15.0  # dB of harmonic-to-noise ratio from which a doubtful pitch line still shows its turns
LEAST_LINE = 0.4  # least reliability of such a line
QUIET = 0.1  # share of silence up to which a sound never stops
ROW = 3  # separate sounds that make a line of their own
SPOKEN = 0.5  # share of speech from which accents are no turns of the pitch, and a register is that of a voice
BESIDE = 0.02  # s that a step of a line may lie outside of its sound


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
        """The fact of that name, the first where there are several."""
        found = self.by_name.get(name)
        return found[0] if found else None

    def all(self, name: str) -> list[Fact]:
        """The facts of that name."""
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


def _movements(attribute: str, evidence: Evidence) -> list[Move] | None:
    name, line = ("f0_trend", "f0_line") if attribute == "contour" else ("loudness_trend", "level_line")
    events = evidence.all_sure(EVENTS[name])
    if len(events) < ROW or (attribute == "contour" and is_speech(evidence)):
        if len(evidence.all(EVENTS[name])) >= ROW or is_speech(evidence):
            return None
        least = LEAST_LINE if attribute == "contour" and is_tonal(evidence) else MIN_RELIABILITY
        events = [f for f in evidence.all(line) if f.reliability >= least and within_a_sound(f, evidence)]
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


def is_tonal(evidence: Evidence) -> bool:
    """One sound of clear partials throughout."""
    ratio, count = evidence.first("harmonic_ratio"), evidence.first("event_count")
    return ratio is not None and ratio.value >= HARMONIC and count is not None and count.value == 1


def within_a_sound(step: Fact, evidence: Evidence) -> bool:
    """The step lies within a sound: at its edges the level rises and falls by itself."""
    events = evidence.all("event")
    silence, count = evidence.first("silence_share"), evidence.first("event_count")
    if silence is not None and silence.value == 0 and count is not None and count.value == 1:
        return True
    return not events or any(event.start - BESIDE <= step.start and step.end <= event.end + BESIDE for event in events)


def is_speech(evidence: Evidence) -> bool:
    """Somebody speaks, as far as that can be told."""
    spoken = evidence.first("speech")
    return spoken is not None and spoken.value >= SPOKEN
