"""The pulse of a clip: its rate, its regularity and how it speeds up or slows down, from the times between onsets."""

import numpy as np

from mgrd.audio.events import Events
from mgrd.audio.facts import Fact, fact
from mgrd.audio.frames import Floats

SLOWEST, FASTEST = 20.0, 1_200.0  # BPM
SAME = 0.12  # relative deviation within which intervals are one
TREND_ONSETS = 5  # fewer do not show whether a pulse speeds up
SCATTER = 0.35  # natural logarithm; intervals that scatter so much about a line have no trend


def rhythm_facts(events: Events) -> list[Fact]:
    """Tempo (needs two intervals to be believed), its octaves, its trend, and regularity (needs three onsets)."""
    onsets = events.onsets
    if len(onsets) < 2:
        return []
    period, fit = pulse(onsets)
    bpm = 60.0 / period
    if not SLOWEST <= bpm <= FASTEST:
        return []
    start, end = float(onsets[0]), float(onsets[-1])
    enough = {1: 0.45, 2: 0.75, 3: 0.88}.get(len(onsets) - 1, 0.95)
    sure = events.reliability * enough * fit
    facts = [fact("tempo", bpm, start=start, end=end, reliability=sure)]
    facts += [
        fact("tempo_alternative", bpm * octave, start=start, end=end, reliability=sure)
        for octave in (0.5, 2.0)
        if SLOWEST <= bpm * octave <= FASTEST
    ]
    if len(onsets) >= 3:
        intervals = np.diff(onsets)
        regular = max(0.0, 1.0 - float(intervals.std() / intervals.mean()))
        sure = events.reliability * enough
        facts.append(fact("pulse_regularity", regular, start=start, end=end, reliability=sure))
    return [*facts, *_tempo_trend(onsets, events.reliability)]


def pulse(onsets: Floats) -> tuple[float, float]:
    """(period in s, goodness 0-1) of the pulse: the commonest interval, refined by a line through the onsets.

    Intervals of twice or three times the period are beats left out; half of it are beats divided.
    """
    intervals = np.diff(onsets)
    support = [(np.abs(intervals / period - 1) < SAME).sum() for period in intervals]
    best = float(np.median(intervals[np.abs(intervals / intervals[int(np.argmax(support))] - 1) < SAME]))
    steps = np.round(intervals / best)
    off = np.abs(intervals / best - steps)
    if (steps >= 1).all() and (off < 0.15).all():
        positions = np.concatenate(([0.0], np.cumsum(steps)))
        period = float(np.polyfit(positions, onsets, 1)[0])
    else:
        period = best
    matching = float(np.mean((off < 0.2) & (steps >= 1)))
    return period, float(np.clip(matching * max(0.5, 1.0 - 1.5 * float(off.mean())), 0.0, 1.0))


def _tempo_trend(onsets: Floats, trust: float) -> list[Fact]:
    """Rate at the last interval over the rate at the first, minus 1.

    A line through the logarithms of the intervals by the median of pairwise slopes (Theil 1950), so that a beat
    left out does not look like a change.
    """
    if len(onsets) < TREND_ONSETS:
        return []
    intervals = np.log(np.diff(onsets))
    at = (onsets[:-1] + onsets[1:]) / 2
    low, high = np.triu_indices(len(at), 1)
    slope = float(np.median((intervals[high] - intervals[low]) / (at[high] - at[low])))
    rest = intervals - slope * at
    scatter = float(np.median(np.abs(rest - np.median(rest))))
    change = float(np.clip(-slope * (at[-1] - at[0]), -3.0, 3.0))
    clear = float(np.clip(1.0 - scatter / SCATTER, 0.0, 1.0)) * min(1.0, 0.7 + 0.05 * len(at))
    span = {"start": float(onsets[0]), "end": float(onsets[-1])}
    return [fact("tempo_trend", float(np.exp(change)) - 1.0, **span, reliability=trust * clear)]
