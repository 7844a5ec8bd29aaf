"""What follows from a clip's single events, beside the facts that were measured: when the first sound sets in, how long
the sounds last, whether noise or a tone comes first, two pitches in turn, a level that throbs, several notes at once,
and a pulse whose speeding up or unevenness no missed event could explain.

The names are those of facts where there is one; `entry`, `sound_length`, `event_length`, `noise_order`, `alternation`,
`chord` and `throb` are spoken of in this room only.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import exp, inf, log
from statistics import fmean, median, pstdev

from mgrd.audio.facts import Fact
from mgrd.grounding.tolerances import MIN_RELIABILITY

SAME_START = 0.02  # s between the facts of one sound
PADDING = 0.03  # s that an event's bounds lie outside of its sound
TRUSTED, LIKELY, UNSURE = 0.7, 0.6, 0.4  # reliabilities of what follows surely, by a rule with exceptions, hardly
NOISE_LENGTH = 0.15  # s: a shorter sound without a pitch is a click
TREND_INTERVALS = 5  # intervals that a trend needs
TREND_FIT = 0.85  # least correlation of the intervals' logarithms with their number
TREND_RATIO = 1.4  # of the longest to the shortest interval of the line
UNEVEN = 0.6  # regularity under which a pulse is uneven, whatever interval is left out
VOWEL = 0.6  # share of voiced frames from which a sound may be a syllable
SPLIT_NOTE = 0.5  # semitones under which two notes in a row may be one that was heard as two
MOST_SPLIT = 0.8  # of the notes at least are no such
ALTERNATING = 4  # notes that show whether they alternate
CUT = 4  # notes more, from which the first and the last are left out
APART, AGAIN = 0.8, 0.5  # semitones between two notes in turn, and between a note and the same note once more
MISSED = 0.3  # s before the first sound in which another one may have been missed
UNBROKEN = 0.05  # share of silence under which one sound fills the clip
RINGING = 0.4  # s of decay after which a sound's own length cannot be told
DOUBTED = 0.4  # least reliability of a period that may be that of no tone
SUBHARMONIC = 3.0  # a common period this far under the lowest partial is that of a chord
THROBS = 4  # rises of the level without any silence between them
STILL_LEVEL = 3.0  # dB of dynamic range without any throb
THROB_SILENCE, THROB_REGULARITY = 0.02, 0.8  # most silence of a sound that throbs, least regularity of its rises
ONE_PITCH = 1.0  # semitones of range of a pitch that stays
PARTIALS = 10.0  # dB of harmonic-to-noise ratio of a sound of clear partials
LOWEST_PARTIAL = 1.1  # ratio to the pitch up to which the lowest partial is the fundamental
NARROW = 0.2  # share of a telephone's band from which low partials may be missing
GRID = 0.12  # of the shortest interval, by which one may miss a whole multiple of it

Facts = Mapping[str, Sequence[Fact]]


def inferred_facts(facts: Facts) -> list[Fact]:
    """The facts that the single events imply; [] without any events."""
    events = facts.get("event", ())
    if not events:
        return _mono(facts)
    return [
        *_mono(facts),
        *_doubted_count(facts, events),
        *_entry(facts, events),
        *_length(facts, events),
        *_noise_order(facts, events),
        *_throb(facts, events),
        *_chord(facts),
        *_alternation(facts),
        *_syllables(facts, events),
        *_rhythm(facts, events),
    ]


def _mono(facts: Facts) -> list[Fact]:
    """The balance of a clip of one channel: whatever was measured of it, nothing was of its sides."""
    measured = all(facts.get(name) for name in ("rms", "spectral_centroid", "spectral_flatness", "clipping"))
    if not measured or facts.get("stereo_balance"):
        return []
    return [Fact("stereo_balance", 0.0, "dB", 0.0, _value(facts, "duration", 0.0), TRUSTED)]


def _doubted_count(facts: Facts, events: Sequence[Fact]) -> list[Fact]:
    """The count of sounds where it is not silent before the first of them, which may have been missed."""
    count = facts.get("event_count")
    if (
        not count
        or not _sure(facts, "silence_share")
        or events[0].start < MISSED
        or _value(facts, "speech", 0.0) >= MIN_RELIABILITY
    ):
        return []
    silent = _value(facts, "silence_share", 0.0) * _value(facts, "duration", 0.0)
    if silent >= 0.5 * events[0].start:
        return []
    return [Fact("event_count", count[0].value, count[0].unit, count[0].start, count[0].end, UNSURE)]


def _alternation(facts: Facts) -> list[Fact]:
    """1 where the pitch goes to and fro between two notes, 0 where the sounds have pitches and do not.

    Of many notes the first and the last may have been cut, or be two that were heard as one.
    """
    notes = [fact for fact in facts.get("event_f0", ()) if fact.reliability >= MIN_RELIABILITY]
    if len(notes) < ALTERNATING or len(notes) != len(facts.get("event", ())):
        return []
    heard = [12 * log(note.value) / log(2) for note in notes]
    pitches = [pitch for k, pitch in enumerate(heard) if not k or abs(pitch - heard[k - 1]) >= SPLIT_NOTE]
    if len(pitches) < max(ALTERNATING, MOST_SPLIT * len(heard)):
        pitches = heard  # notes that are said again, and no note that was heard as two
    if len(pitches) >= ALTERNATING + CUT:
        pitches = pitches[1:-1]
    apart = all(abs(b - a) >= APART for a, b in pairwise(pitches))
    again = all(abs(b - a) <= AGAIN for a, b in zip(pitches, pitches[2:], strict=False))
    return [Fact("alternation", float(apart and again), "share", notes[0].start, notes[-1].end, TRUSTED)]


def _syllables(facts: Facts, events: Sequence[Fact]) -> list[Fact]:
    """Vowels that stand apart are syllables, though they do not make speech."""
    voiced = [fact for fact in facts.get("event_voiced", ()) if fact.value >= VOWEL]
    if _sure(facts, "syllable_count") or not _sure(facts, "event_count") or len(voiced) != len(events):
        return []
    return [Fact("syllable_count", float(len(events)), "count", events[0].start, events[-1].end, LIKELY)]


def _value(facts: Facts, name: str, default: float) -> float:
    return facts[name][0].value if facts.get(name) else default


def _sure(facts: Facts, name: str) -> bool:
    return bool(facts.get(name)) and facts[name][0].reliability >= MIN_RELIABILITY


def _entry(facts: Facts, events: Sequence[Fact]) -> list[Fact]:
    """The time (share of the clip) before the first sound."""
    duration = _value(facts, "duration", 0.0)
    if duration <= 0:
        return []
    first = events[0]
    start = first.start + PADDING if first.start > PADDING else 0.0
    silent = _sure(facts, "silence_share") and _value(facts, "silence_share", 0.0) * duration >= 0.5 * start
    sure = TRUSTED if silent or start == 0.0 else UNSURE
    return [Fact("entry", start / duration, "share", 0.0, start, sure)]


def _length(facts: Facts, events: Sequence[Fact]) -> list[Fact]:
    """The median length (s) of the sounds, and the length of each."""
    unbroken = _value(facts, "event_count", 0.0) == 1 and _value(facts, "silence_share", 1.0) < UNBROKEN
    if unbroken:
        lengths = [_value(facts, "duration", events[0].end)]
    else:
        lengths = [max(event.end - event.start - 2 * PADDING, 0.01) for event in events]
    ringing = _sure(facts, "decay_time") and _value(facts, "decay_time", 0.0) > RINGING
    sure = min(UNSURE if ringing else TRUSTED, *(event.reliability for event in events), TRUSTED)
    sure = max(sure, MIN_RELIABILITY) if len(events) >= TREND_INTERVALS and not ringing else sure
    whole = Fact("sound_length", median(lengths), "s", events[0].start, events[-1].end, sure)
    if unbroken:
        return [whole]
    each = [
        Fact("event_length", length, "s", event.start, event.end, min(event.reliability, TRUSTED))
        for length, event in zip(lengths, events, strict=True)
    ]
    return [whole, *each]


def _noise_order(facts: Facts, events: Sequence[Fact]) -> list[Fact]:
    """1 where noise comes before a tone, -1 where the tone comes first."""
    if len(events) < 2 or not all(event.reliability >= MIN_RELIABILITY for event in (events[0], events[-1])):
        return []
    pitched = [any(abs(f0.start - event.start) < SAME_START for f0 in facts.get("event_f0", ())) for event in events]
    first, last = events[0], events[-1]
    if pitched[0] == pitched[-1] or (first if not pitched[0] else last).end - first.start < NOISE_LENGTH:
        return []
    return [Fact("noise_order", 1.0 if pitched[-1] else -1.0, "rank", first.start, last.end, TRUSTED)]


def _throb(facts: Facts, events: Sequence[Fact]) -> list[Fact]:
    """How far the level throbs: 1 for many regular rises of one unbroken sound, 0 for a level that stays."""
    first, last = events[0], events[-1]
    many = len(events) >= THROBS and _value(facts, "silence_share", 1.0) < THROB_SILENCE
    regular = _sure(facts, "pulse_regularity") and _value(facts, "pulse_regularity", 0.0) >= THROB_REGULARITY
    if many and regular and _value(facts, "f0_range", 0.0) < ONE_PITCH:
        return [Fact("throb", 1.0, "share", first.start, last.end, TRUSTED)]
    if len(events) == 1 and _value(facts, "dynamic_range", STILL_LEVEL) < STILL_LEVEL:
        return [Fact("throb", 0.0, "share", first.start, last.end, TRUSTED)]
    return []


def _chord(facts: Facts) -> list[Fact]:
    """Several notes at once: their common period lies far under the lowest partial; one note has its own there."""
    counts = [fact for fact in facts.get("event_notes", ()) if fact.reliability >= MIN_RELIABILITY]
    if counts:
        most = max(counts, key=lambda fact: fact.value)
        return [Fact("chord", float(most.value > 1), "share", most.start, most.end, TRUSTED)]
    known = facts.get("f0_median") and facts["f0_median"][0].reliability >= DOUBTED and _sure(facts, "harmonic_ratio")
    if not (known and _sure(facts, "band_low") and _value(facts, "event_count", 0.0) == 1):
        return []
    f0, low = facts["f0_median"][0], _value(facts, "band_low", 0.0)
    steady = _value(facts, "f0_range", inf) < ONE_PITCH and _value(facts, "harmonic_ratio", 0.0) >= PARTIALS
    telephone = _value(facts, "telephone_band", 0.0) > NARROW
    if not steady or telephone:
        return []
    many = low >= SUBHARMONIC * f0.value
    if many or low <= LOWEST_PARTIAL * f0.value:
        return [Fact("chord", float(many), "share", f0.start, f0.end, LIKELY)]
    return []


def _rhythm(facts: Facts, events: Sequence[Fact]) -> list[Fact]:
    """Trend and unevenness of a pulse of which single events may have been missed or joined."""
    starts = [event.start for event in events]
    gaps = [b - a for a, b in pairwise(starts) if b > a]
    if len(gaps) < TREND_INTERVALS:
        return []
    found: list[Fact] = []
    # The first or the last sound may be several that run into each other.
    lines = [_line([log(gap) for gap in some]) for some in (gaps, gaps[1:], gaps[:-1]) if len(some) >= TREND_INTERVALS]
    slope, fit = max(lines, key=lambda line: abs(line[1]))
    ratio = exp(abs(slope) * (len(gaps) - 1))
    trend = facts.get("tempo_trend", ())
    if not _sure(facts, "tempo_trend") and abs(fit) >= TREND_FIT and ratio >= TREND_RATIO:
        value = (ratio if slope < 0 else 1 / ratio) - 1
        agreed = not trend or trend[0].value * value > 0
        found += [Fact("tempo_trend", value, "share", starts[0], starts[-1], LIKELY)] if agreed else []
    elif not _sure(facts, "pulse_regularity"):
        # The longest interval may hide a missed event, the shortest may be of a sound that was heard as two.
        kept = sorted(gaps)[1:-1]
        uneven = max(1 - pstdev(some) / fmean(some) for some in (gaps, sorted(gaps)[:-1], kept))
        if uneven < UNEVEN and not _of_one_grid(gaps):
            value = 1 - pstdev(gaps) / fmean(gaps)
            found.append(Fact("pulse_regularity", max(0.0, value), "share", starts[0], starts[-1], LIKELY))
    return found


def _of_one_grid(gaps: Sequence[float]) -> bool:
    """All intervals are whole multiples of the shortest: a regular pulse of which beats are left out."""
    step = min(gaps)
    return all(abs(gap / step - round(gap / step)) <= GRID for gap in gaps)


def _line(values: Sequence[float]) -> tuple[float, float]:
    """Slope of a straight line through the values, and their correlation with their number."""
    count = len(values)
    middle, mean = (count - 1) / 2, fmean(values)
    across = sum((k - middle) * (value - mean) for k, value in enumerate(values))
    width, height = sum((k - middle) ** 2 for k in range(count)), sum((value - mean) ** 2 for value in values)
    return across / width, across / (width * height) ** 0.5 if height > 0 else 0.0
