"""How loud a clip is, how its loudness moves, and where it is silent.

Levels are of the mono mix in dBFS; integrated loudness follows ITU-R BS.1770 through pyloudnorm.
"""

import warnings

import numpy as np

from mgrd.audio.events import Events, are_apart
from mgrd.audio.facts import Fact, fact
from mgrd.audio.frames import ABSOLUTE_GATE_DB, GATE_BELOW_PEAK_DB, Flags, Floats, Frames, decibels, runs

LONG_ENOUGH = 0.4  # s, one gating block of BS.1770
PAUSE_SECONDS = 0.15  # shorter gaps inside the sound are no pauses
GAP_SECONDS = 0.02  # shorter still, and nobody hears that the sound stops
BLOCK_SECONDS = 0.004  # blocks of samples by which the edges of a silence are found
CLEAR_CONTRAST = 15.0  # dB over the background from which silences are sure
LULL_DB, LULL_SECONDS = 14.0, 0.016  # under the peak, for so long: some call it a pause, though the sound rings on
DENIABLE = 0.4  # reliability of a count of pauses that a listener may deny
CLIP_RUN = 3  # samples at the ceiling in a row
CLIP_LEVEL = 0.5  # full scale; a lower ceiling is no clipping


EMPTY = {"silence_share": 1.0, "pause_count": 0.0, "gap_count": 0.0}
"""What is told of a clip without any sound."""


def loudness_facts(frames: Frames, events: Events, spoken: bool = False) -> list[Fact]:
    """Facts on level, its trend, silence and pauses; in `spoken` clips short silences are consonants."""
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
        return [*facts, *[fact(name, value, end=duration) for name, value in EMPTY.items()]]
    facts += _integrated(frames)
    inside = frames.level[frames.sounding]
    spread = float(np.percentile(inside, 95) - np.percentile(inside, 10))
    facts.append(fact("dynamic_range", spread, end=duration, reliability=0.9))
    facts += _silences(frames, spoken)
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


def _silences(frames: Frames, spoken: bool) -> list[Fact]:
    """Share of frames without sound, the silences between sounds, and which of them are long enough for pauses.

    A count of no pause is not reliable where there are shorter silences or lulls, which some call pauses.
    """
    duration = frames.duration
    gaps, sure = find_gaps(frames)
    pauses = [(start, end) for start, end in gaps if end - start >= PAUSE_SECONDS - 2 * BLOCK_SECONDS]
    doubtful = not pauses and not spoken and (bool(gaps) or _has_lull(frames))
    facts = [
        fact("silence_share", float(np.mean(~frames.sounding)), end=duration, reliability=sure),
        fact("pause_count", len(pauses), end=duration, reliability=DENIABLE if doubtful else sure),
        fact("gap_count", len(gaps), end=duration, reliability=min(sure, 0.4 if spoken else 0.8)),
    ]
    for name, spans in (("pause", pauses), ("gap", gaps)):
        facts += [fact(name, end - start, start=start, end=end, reliability=sure) for start, end in spans]
    if pauses:
        start, end = max(pauses, key=lambda pause: pause[1] - pause[0])
        facts.append(fact("longest_pause", end - start, start=start, end=end, reliability=sure))
    return facts


def find_gaps(frames: Frames) -> tuple[list[tuple[float, float]], float]:
    """Start and end (s) of the silences of GAP_SECONDS or more between the first and the last sound; how sure they are.

    They are looked for in short blocks of samples, because the frames' window blurs a silence by its own length.
    Where the background is not far under the sound, its blocks scatter: either silence is far deeper, or it is read
    from the frames.
    """
    clear = frames.contrast > CLEAR_CONTRAST
    blocks, seconds = _block_levels(frames)
    gate = frames.gate if clear else max(frames.peak_level - GATE_BELOW_PEAK_DB, ABSOLUTE_GATE_DB)
    gaps = _between(blocks > gate, seconds)
    if gaps or clear:
        return gaps, 0.9
    gaps = _between(frames.sounding, frames.hop_seconds)
    return gaps, 0.6 if gaps else 0.9


def _between(sounding: Flags, seconds: float) -> list[tuple[float, float]]:
    """Start and end (s) of the silences between the first and the last sound; `seconds` is the length of a flag."""
    where = np.flatnonzero(sounding)
    if not len(where):
        return []
    first, last = int(where[0]), int(where[-1]) + 1
    silences = [((first + a) * seconds, (first + b) * seconds) for a, b in runs(~sounding[first:last])]
    return [(start, end) for start, end in silences if end - start >= GAP_SECONDS - BLOCK_SECONDS]


def _has_lull(frames: Frames) -> bool:
    """Between loud blocks the level falls far under the peak."""
    blocks, seconds = _block_levels(frames)
    loud = blocks >= frames.peak_level - LULL_DB
    where = np.flatnonzero(loud)
    between = loud[int(where[0]) : int(where[-1]) + 1] if len(where) else loud
    return any((b - a) * seconds >= LULL_SECONDS for a, b in runs(~between))


def _block_levels(frames: Frames) -> tuple[Floats, float]:
    """Level (dBFS) of short blocks of samples, and their length in seconds."""
    step = max(1, round(BLOCK_SECONDS * frames.rate))
    blocks = frames.samples[: len(frames.samples) // step * step].reshape(-1, step)
    return decibels(np.square(blocks).mean(axis=1)), step / frames.rate


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
