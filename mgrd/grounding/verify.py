"""A claim against facts: supported, contradicted or unverifiable.

The facts are measured or constructed; the rules are the same. An unreliable fact supports and refutes
nothing, and a claim that no fact speaks of is unverifiable, never wrong.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2
from typing import Literal

from mgrd.audio.facts import Fact
from mgrd.audio.words import Attribute
from mgrd.grounding.claims import Claim
from mgrd.grounding.tolerances import ALL_ATTRIBUTES, FLAT_RANGE, LOCAL_TREND, MIN_RELIABILITY, tolerance_of

Verdict = Literal["supported", "contradicted", "unverifiable"]
Span = tuple[float, float]

FALLBACK = {"f0_trend": "order_pitch", "order_pitch": "f0_trend", "order_loudness": "loudness_trend"}
"""What a missing fact may be read from: a line of notes moves as its first and last note say."""
LINES = {"f0_trend": "f0_line", "loudness_trend": "level_line", "brightness_trend": "centroid_line"}
MEANS = {"f0_median": ("f0_line", "event_f0"), "spectral_centroid": ("centroid_line",)}
STILL = 1.0  # semitones
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


UNKNOWN = Verification("unverifiable")


class Evidence:
    """Facts by name, in their order. Build it once per clip and verify many claims."""

    __slots__ = ("by_name",)

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.by_name: dict[str, list[Fact]] = {}
        for fact in facts:
            self.by_name.setdefault(fact.name, []).append(fact)

    def first(self, name: str) -> Fact | None:
        found = self.by_name.get(name)
        return found[0] if found else None

    def all(self, name: str) -> list[Fact]:
        return self.by_name.get(name, [])


def verify_claim(claim: Claim, facts: Sequence[Fact] | Evidence, duration: float) -> Verification:
    """The verdict on one claim; `duration` (s) resolves shares of the clip."""
    evidence = facts if isinstance(facts, Evidence) else Evidence(facts)
    span = resolve_time(claim, duration)
    if claim.word is None:
        return _verify_value(claim, evidence, span)
    attribute = ALL_ATTRIBUTES[claim.attribute]
    fact = _fact_for(claim, attribute, evidence, span, duration)
    if fact is None:
        return UNKNOWN
    verdict, edge = _judge_word(attribute, claim.word, fact.value)
    if claim.attribute == "contour" and claim.word == "flat":
        verdict = _flat(verdict, evidence, fact)
    if fact.reliability < MIN_RELIABILITY:
        verdict = "unverifiable"
    elif claim.negated:
        verdict = _opposite(verdict)
    return Verification(verdict, fact.value, fact.unit, edge, fact.reliability, (fact.start, fact.end))


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


def _opposite(verdict: Verdict) -> Verdict:
    flipped: dict[Verdict, Verdict] = {"supported": "contradicted", "contradicted": "supported"}
    return flipped.get(verdict, verdict)


def _judge_word(attribute: Attribute, word: str, value: float) -> tuple[Verdict, float | None]:
    """Supported in the word's band, unverifiable in a neutral zone that touches it, else contradicted.

    A word without a band ("moderate" of a rate that has only slow and fast) holds between the bands.
    """
    held = attribute.word(value)
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


def _fact_for(
    claim: Claim, attribute: Attribute, evidence: Evidence, span: Span | None, duration: float
) -> Fact | None:
    """The fact that decides a word claim, local to its time range or its event."""
    name = attribute.fact
    if name == "tempo_trend":
        return _tempo_trend(evidence)
    if claim.subject is not None and claim.reference is not None:
        return _between_events(claim, name, evidence)
    if claim.subject is not None and name == "f0_median":
        return _nth(evidence.all("event_f0"), claim.subject)
    if span is not None:
        return _local(name, evidence, span, duration)
    return _known(name, evidence)


def _known(name: str, evidence: Evidence) -> Fact | None:
    """A fact by name, or what may stand for it when it is missing or unreliable."""
    fact = evidence.first(name)
    if (fact is None or fact.reliability < MIN_RELIABILITY) and name in FALLBACK:
        other = evidence.first(FALLBACK[name])
        if other is not None and other.reliability >= MIN_RELIABILITY:
            return other
    return fact


def _nth(facts: list[Fact], number: int) -> Fact | None:
    index = number - 1 if number > 0 else len(facts) + number
    return facts[index] if 0 <= index < len(facts) else None


def _between_events(claim: Claim, name: str, evidence: Evidence) -> Fact | None:
    """The later event minus the earlier: the clip's order fact for first and last, else from single events."""
    assert claim.subject is not None
    assert claim.reference is not None
    if (claim.reference, claim.subject) == (1, -1):
        known = _known(name, evidence)
        if known is not None:
            return known
    events = evidence.all("event_f0" if name == "order_pitch" else "event")
    later, earlier = _nth(events, claim.subject), _nth(events, claim.reference)
    if later is None or earlier is None or later is earlier:
        return None
    gap = 12 * log2(later.value / earlier.value) if name == "order_pitch" else later.value - earlier.value
    unit = "semitones" if name == "order_pitch" else "dB"
    return Fact(name, gap, unit, earlier.start, later.end, min(later.reliability, earlier.reliability))


def _tempo_trend(evidence: Evidence) -> Fact | None:
    """log2 of the rate of the last intervals over that of the first, from at least five onsets."""
    onsets = sorted(fact.value for fact in evidence.all("onset"))
    if len(onsets) < 5:
        return None
    intervals = [b - a for a, b in pairwise(onsets)]
    half = len(intervals) // 2
    first, last = sorted(intervals[:half])[half // 2], sorted(intervals[-half:])[half // 2]
    if first <= 0 or last <= 0:
        return None
    sure = min(fact.reliability for fact in evidence.all("onset"))
    return Fact("tempo_trend", log2(first / last), "octaves", onsets[0], onsets[-1], sure)


def _local(name: str, evidence: Evidence, span: Span, duration: float) -> Fact | None:
    """A fact within a time range: movements and means from the lines; anything else from the whole clip.

    "Fades towards the end" names where the movement leads, so a movement in the last part of the clip also holds
    when the whole clip moves that way; without a line the whole clip decides.
    """
    end = span[1]
    whole = _known(name, evidence)
    late = end >= 0.95 * duration
    if name == "final_rise":
        return whole
    if name in LINES:
        steps = [f for f in evidence.all(LINES[name]) if _overlaps(f, span)]
        if late and whole is not None and whole.reliability >= MIN_RELIABILITY:
            return whole
        if len(steps) >= 2:
            return _change(name, steps)
        return whole if late else None
    for line in MEANS.get(name, ()):
        steps = [f for f in evidence.all(line) if _overlaps(f, span)]
        if steps:
            values = sorted(step.value for step in steps)
            sure = min(step.reliability for step in steps)
            return Fact(name, values[len(values) // 2], steps[0].unit, steps[0].start, steps[-1].end, sure)
    return whole


def _change(name: str, steps: list[Fact]) -> Fact:
    """The change of a line over its steps, scaled so that the word bands of the whole clip apply."""
    first, last = steps[0], steps[-1]
    if LINES[name] == "f0_line":
        change, unit = 12 * log2(last.value / first.value), "semitones"
    elif LINES[name] == "centroid_line":
        change, unit = log2(last.value / first.value), "octaves"
    else:
        change, unit = last.value - first.value, "dB"
    sure = min(first.reliability, last.reliability)
    if abs(change) < LOCAL_TREND[LINES[name]] and len(steps) < 3:
        sure = min(sure, 0.4)
    return Fact(LINES[name], change, unit, first.start, last.end, sure)


def _verify_value(claim: Claim, evidence: Evidence, span: Span | None) -> Verification:
    """A number against a fact; for a pitch also against the pitch of any event."""
    assert claim.value is not None
    fact = evidence.first(claim.attribute)
    if fact is None and claim.attribute in FALLBACK:
        fact = evidence.first(FALLBACK[claim.attribute])
    if fact is None:
        return UNKNOWN
    candidates = [fact]
    if claim.attribute in MEANS and span is not None:
        candidates = [f for name in MEANS[claim.attribute] for f in evidence.all(name) if _overlaps(f, span)]
        if not candidates and _moves(evidence):
            return UNKNOWN
        candidates = candidates or [fact]
    elif claim.attribute == "f0_median" and claim.relation == "is":
        candidates += evidence.all("event_f0")
    tolerance = tolerance_of(fact.name if fact.name != "order_pitch" else "f0_trend", fact.value)
    best: tuple[float, Fact] | None = None
    for candidate in candidates:
        distance, _, _ = tolerance.distance(claim.value, candidate.value)
        if best is None or distance < best[0]:
            best = (distance, candidate)
    assert best is not None
    fact = best[1]
    distance, near, far = tolerance.distance(claim.value, fact.value)
    verdict = _judge_value(claim, fact.value, distance, near, far)
    if verdict == "contradicted" and claim.attribute == "f0_median" and _passes(claim.value, evidence):
        verdict = "unverifiable"
    if fact.reliability < MIN_RELIABILITY:
        verdict = "unverifiable"
    elif claim.negated:
        verdict = _opposite(verdict)
    return Verification(verdict, fact.value, fact.unit, near, fact.reliability, (fact.start, fact.end))


def _overlaps(fact: Fact, span: Span) -> bool:
    return fact.start < span[1] - 1e-6 and fact.end > span[0] + 1e-6


def _moves(evidence: Evidence) -> bool:
    """The pitch changes, so one value does not speak for every part."""
    trend, width = evidence.first("f0_trend"), evidence.first("f0_range")
    return any(fact is not None and abs(fact.value) > STILL for fact in (trend, width))


def _passes(hertz: float, evidence: Evidence) -> bool:
    """The pitch line goes through this value on its way."""
    low, high = evidence.first("f0_low"), evidence.first("f0_high")
    if low is not None and high is not None:
        return low.value <= hertz <= high.value
    middle, trend = evidence.first("f0_median"), evidence.first("f0_trend")
    if middle is None or trend is None or hertz <= 0:
        return False
    return abs(12 * log2(hertz / middle.value)) <= abs(trend.value) / 2 + 1.0


def _judge_value(claim: Claim, measured: float, distance: float, near: float, far: float) -> Verdict:
    assert claim.value is not None
    if claim.relation in ("above", "below"):
        beyond = measured > claim.value if claim.relation == "above" else measured < claim.value
        if beyond:
            return "supported"
        return "contradicted" if distance > near else "unverifiable"
    if distance <= near:
        return "supported"
    return "contradicted" if distance > far else "unverifiable"
