"""Where a clip's energy lies in frequency, and how that moves.

Means over the sounding frames, weighted by magnitude spectra with the background subtracted, so that noise
behind a dark sound does not make it bright.
"""

import numpy as np
from scipy.ndimage import median_filter

from mgrd.audio.facts import Fact, fact
from mgrd.audio.frames import Flags, Floats, Frames

ROLLOFF = 0.85
LOUD_DB = 30.0  # frames this far under the peak do not speak for the timbre
MIN_FRAMES = 3


def spectrum_facts(frames: Frames) -> list[Fact]:
    """Facts on timbre; nothing for silence."""
    if frames.silent:
        return []
    loud = frames.sounding & (frames.level > frames.peak_level - LOUD_DB)
    if loud.sum() < MIN_FRAMES:
        loud = frames.sounding
    power = _without_background(frames)[:, loud]
    magnitude = np.sqrt(power)
    total = magnitude.sum(axis=0)
    held = total > 0
    if not held.any():
        return []
    magnitude, total, power = magnitude[:, held], total[held], power[:, held]
    frequency = frames.frequencies[:, None]
    centroid = (frequency * magnitude).sum(axis=0) / total
    spread = np.sqrt((((frequency - centroid) ** 2) * magnitude).sum(axis=0) / total)
    rising = np.cumsum(magnitude, axis=0)
    rolloff = frames.frequencies[np.argmax(rising >= ROLLOFF * rising[-1], axis=0)]
    whole = np.maximum(frames.power[:, loud][:, held], 1e-14)
    flatness = np.exp(np.log(whole).mean(axis=0)) / whole.mean(axis=0)
    weights = total / total.sum()
    duration = frames.duration
    sure = 0.95 if loud.sum() * frames.hop_seconds >= 0.05 else 0.6
    return [
        fact("spectral_centroid", float(centroid @ weights), end=duration, reliability=sure),
        fact("spectral_rolloff", float(rolloff @ weights), end=duration, reliability=sure),
        fact("spectral_bandwidth", float(spread @ weights), end=duration, reliability=sure),
        fact("spectral_flatness", float(flatness @ weights), end=duration, reliability=sure),
        *_brightness_trend(frames, loud, held, centroid, total),
        fact("percussive_share", _percussive_share(frames), end=duration, reliability=0.7),
    ]


def _without_background(frames: Frames) -> Floats:
    """The clean power, unless nearly all of the clip is what was taken for background (steady noise)."""
    signal = float(frames.power[:, frames.sounding].sum())
    noise = float(frames.noise.sum()) * int(frames.sounding.sum())
    return frames.power if noise > 0.4 * signal else frames.clean_power()


def _brightness_trend(frames: Frames, loud: Flags, held: Flags, centroid: Floats, total: Floats) -> list[Fact]:
    """log2 of the centroid, last third minus first third of the loud frames."""
    if len(centroid) * frames.hop_seconds < 0.2:
        return []
    where = np.flatnonzero(loud)[held]
    ends = np.array_split(np.arange(len(centroid)), 3)
    first, last = (float(np.average(np.log2(centroid[part]), weights=total[part])) for part in (ends[0], ends[2]))
    end = min(frames.duration, float(frames.times[where[-1]]) + frames.hop_seconds)
    return [fact("brightness_trend", last - first, start=float(frames.times[where[0]]), end=end, reliability=0.8)]


def _percussive_share(frames: Frames) -> float:
    """Share of the energy in vertical ridges (median filtering, Fitzgerald 2010), on 32 bands and pairs of frames."""
    edges = np.unique(np.round(np.geomspace(1, len(frames.frequencies) - 1, 33)).astype(int))
    banded = np.add.reduceat(frames.power, edges[:-1], axis=0)
    pairs = banded.shape[1] // 2
    if not pairs:
        return 1.0
    pooled = np.sqrt(banded[:, : 2 * pairs].reshape(len(banded), pairs, 2).sum(axis=2))
    along = median_filter(pooled, (1, 11), mode="nearest")
    across = median_filter(pooled, (9, 1), mode="nearest")
    mask = across**2 / np.maximum(across**2 + along**2, 1e-20)
    return float((mask * pooled**2).sum() / np.maximum((pooled**2).sum(), 1e-20))
