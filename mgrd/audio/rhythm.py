"""The pulse of a clip: its rate and its regularity, from the times between onsets."""

import numpy as np

from mgrd.audio.events import Events
from mgrd.audio.facts import Fact, fact
from mgrd.audio.frames import Floats

SLOWEST, FASTEST = 20.0, 1_200.0  # BPM
SAME = 0.12  # relative deviation within which intervals are one


def rhythm_facts(events: Events) -> list[Fact]:
    """Tempo (needs two intervals to be believed) and regularity (needs three onsets)."""
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
    if len(onsets) >= 3:
        intervals = np.diff(onsets)
        regular = max(0.0, 1.0 - float(intervals.std() / intervals.mean()))
        sure = events.reliability * enough
        facts.append(fact("pulse_regularity", regular, start=start, end=end, reliability=sure))
    return facts


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
