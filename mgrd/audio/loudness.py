"""How loud a clip is, how its loudness moves, and where it is silent.

Levels are of the mono mix in dBFS; integrated loudness follows ITU-R BS.1770 through pyloudnorm.
"""

import warnings

import numpy as np

from mgrd.audio.events import Events, are_apart
from mgrd.audio.facts import Fact, fact
from mgrd.audio.frames import Floats, Frames, decibels, runs

LONG_ENOUGH = 0.4  # s, one gating block of BS.1770
PAUSE_SECONDS = 0.15  # shorter gaps inside the sound are no pauses
CLIP_RUN = 3  # samples at the ceiling in a row
CLIP_LEVEL = 0.5  # full scale; a lower ceiling is no clipping


def loudness_facts(frames: Frames, events: Events) -> list[Fact]:
    """Facts on level, its trend, silence and pauses."""
    duration = frames.duration
    samples = frames.samples
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    peak = float(np.max(np.abs(samples)))
    facts = [
        fact("duration", duration, end=duration),
        fact("rms", float(decibels(power)), end=duration),
        fact("peak", float(decibels(peak**2)), end=duration),
        fact("clipping", _clipping(frames), end=duration, reliability=0.9),
    ]
    if frames.silent:
        return [*facts, fact("silence_share", 1.0, end=duration), fact("pause_count", 0, end=duration)]
    facts += _integrated(frames)
    inside = frames.level[frames.sounding]
    spread = float(np.percentile(inside, 95) - np.percentile(inside, 10))
    facts.append(fact("dynamic_range", spread, end=duration, reliability=0.9))
    facts += _silences(frames)
    trend = _trend(frames, events)
    if trend:
        facts.append(trend)
    return facts


def _clipping(frames: Frames) -> float:
    """Share of samples that stand at the ceiling for CLIP_RUN samples or more."""
    size = np.abs(frames.samples)
    ceiling = float(size.max())
    if ceiling < CLIP_LEVEL:
        return 0.0
    stuck = runs(size >= 0.995 * ceiling)
    flat = [b - a for a, b in stuck if b - a >= CLIP_RUN and np.ptp(size[a:b]) < 1e-3 * ceiling]
    return float(sum(flat) / len(size))


def _integrated(frames: Frames) -> list[Fact]:
    if frames.duration < LONG_ENOUGH:
        return []
    import pyloudnorm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = float(pyloudnorm.Meter(frames.rate).integrated_loudness(frames.samples.astype(np.float64)))
    return [fact("loudness", value, end=frames.duration)] if np.isfinite(value) else []


def _silences(frames: Frames) -> list[Fact]:
    """Share of frames without sound, and the pauses between sounds."""
    duration, hop = frames.duration, frames.hop_seconds
    where = np.flatnonzero(frames.sounding)
    first, last = int(where[0]), int(where[-1]) + 1
    pauses = [(a + first, b + first) for a, b in runs(~frames.sounding[first:last]) if (b - a) * hop >= PAUSE_SECONDS]
    sure = 0.9 if frames.contrast > 15 or not pauses else 0.6
    facts = [
        fact("silence_share", float(np.mean(~frames.sounding)), end=duration, reliability=sure),
        fact("pause_count", len(pauses), end=duration, reliability=sure),
    ]
    facts += [fact("pause", (b - a) * hop, start=a * hop, end=b * hop, reliability=sure) for a, b in pauses]
    if pauses:
        a, b = max(pauses, key=lambda pause: pause[1] - pause[0])
        facts.append(fact("longest_pause", (b - a) * hop, start=a * hop, end=b * hop, reliability=sure))
    return facts


def _trend(frames: Frames, events: Events) -> Fact | None:
    """Last third minus first third of the sounding part, in dB.

    With three or more separate sounds their levels carry the trend (the slope of a line through them, over two
    thirds of the sounding part), so that the natural decay of each sound is not mistaken for a fade.
    """
    heard = frames.sounding
    if not frames.has_gaps:
        heard = np.ones_like(heard)  # without gaps the quiet frames are part of the sound
    where = np.flatnonzero(heard)
    first, last = int(where[0]), int(where[-1]) + 1
    if (last - first) * frames.hop_seconds < 0.2:
        return None
    start, end = first * frames.hop_seconds, min(frames.duration, last * frames.hop_seconds)
    separate = events.events
    if len(separate) >= 3 and events.reliability >= 0.5 and frames.contrast > 0.0 and are_apart(frames, separate):
        at = np.array([event.start for event in separate])
        levels = np.array([event.level for event in separate])
        slope, offset = np.polyfit(at, levels, 1)
        trend = float(slope * (end - start) * 2 / 3)
        rest = float(np.std(levels - slope * at - offset))
    else:
        power = 10 ** (frames.level[first:last] / 10)
        if frames.has_gaps:
            # Without gaps the background is not told from the sound well enough to be taken off.
            power = np.maximum(power - 10 ** (frames.noise_level / 10), 1e-12)
        kept = np.where(heard[first:last], power, np.nan)
        thirds = [_mean_level(part) for part in np.array_split(kept, 3)]
        trend, rest = thirds[2] - thirds[0], 0.0
        if min(thirds) < thirds[1] - 6 < max(thirds) - 6:
            rest = 3.0
    sure = 0.95 if abs(trend) > 2 * rest or rest < 2.5 else 0.55
    return fact("loudness_trend", trend, start=start, end=end, reliability=sure)


def _mean_level(power: Floats) -> float:
    known = power[~np.isnan(power)]
    return float(decibels(known.mean())) if len(known) else -120.0
