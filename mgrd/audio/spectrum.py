"""Where a clip's energy lies in frequency, and how that moves.

Means over the sounding frames, weighted by magnitude spectra with the background subtracted, so that noise
behind a dark sound does not make it bright.
"""

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d

from mgrd.audio.facts import Fact, fact
from mgrd.audio.frames import Flags, Floats, Frames, decibels

ROLLOFF = 0.85
LOUD_DB = 30.0  # frames this far under the peak do not speak for the timbre
MIN_FRAMES = 3
BASS_HZ = 200.0
LIMIT_DB = 40.0  # how far under its strongest part a spectrum still has energy
SKIRT_BINS = 2  # by which the window widens a steep limit
EDGE_FRAMES = 3  # of the clip that its cut ends reach into
LIMIT_PERCENTILE = 95  # over time: a consonant now and then is enough to show that high frequencies pass
TILT_LOW, TILT_HIGH = 100.0, 10_000.0  # Hz
TILT_DB = 60.0  # bands further under the strongest hold no energy
TILT_BANDS = 6  # fewer bands with energy show no slope
TELEPHONE_LOW = (120.0, 180.0, 550.0, 800.0)  # Hz: from the second to the third value the lower limit is a telephone's
TELEPHONE_HIGH = (2300.0, 2800.0, 4400.0, 5000.0)
BROAD = 5.0  # band_high over band_low from which a spectrum is broad enough to have been limited


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
    places = np.flatnonzero(loud)[held]
    inner = (places >= EDGE_FRAMES) & (places < len(frames.level) - EDGE_FRAMES)
    sure = 0.95 if loud.sum() * frames.hop_seconds >= 0.05 else 0.6
    return [
        fact("spectral_centroid", float(centroid @ weights), end=duration, reliability=sure),
        fact("spectral_rolloff", float(rolloff @ weights), end=duration, reliability=sure),
        fact("spectral_bandwidth", float(spread @ weights), end=duration, reliability=sure),
        fact("spectral_flatness", float(flatness @ weights), end=duration, reliability=sure),
        *_tilt(frames, power.mean(axis=1)),
        *_limits(frames, power, inner, sure),
        *_brightness_trend(frames, loud, held, centroid, total),
        fact("percussive_share", _percussive_share(frames), end=duration, reliability=0.7),
    ]


def _without_background(frames: Frames) -> Floats:
    """The clean power, unless nearly all of the clip is what was taken for background (steady noise)."""
    signal = float(frames.power[:, frames.sounding].sum())
    noise = float(frames.noise.sum()) * int(frames.sounding.sum())
    return frames.power if noise > 0.4 * signal else frames.clean


def _tilt(frames: Frames, mean: Floats) -> list[Fact]:
    """Slope of the mean power density [bins] in dB per octave, over third-octave bands."""
    top = min(TILT_HIGH, 0.9 * float(frames.frequencies[-1]))
    edges = TILT_LOW * 2.0 ** (np.arange(0, np.log2(top / TILT_LOW) * 3 + 1) / 3)
    bins = np.unique(np.searchsorted(frames.frequencies, edges))
    if len(bins) < TILT_BANDS + 1:
        return []
    density = np.add.reduceat(mean, bins[:-1])[: len(bins) - 1]
    density[-1] = mean[bins[-2] : bins[-1]].sum()
    level = decibels(density / np.diff(bins))
    octaves = np.log2(np.sqrt(frames.frequencies[bins[:-1]] * frames.frequencies[bins[1:] - 1]))
    held = level > level.max() - TILT_DB
    if held.sum() < TILT_BANDS:
        return []
    slope, offset = np.polyfit(octaves[held], level[held], 1)
    rest = float(np.std(level[held] - slope * octaves[held] - offset))
    sure = 0.95 * float(np.clip(1.25 - rest / 12.0, 0.1, 1.0)) * float(held.mean())
    return [fact("spectral_tilt", float(slope), end=frames.duration, reliability=sure)]


def _limits(frames: Frames, power: Floats, inner: Flags, sure: float) -> list[Fact]:
    """The limits within which the spectrum has energy, and what they say of the channel.

    `inner` [frames] marks what does not touch the clip's cut ends, which splash over all frequencies.
    """
    frequency, duration = frames.frequencies, frames.duration
    highest = np.percentile(power[:, inner] if inner.sum() >= MIN_FRAMES else power, LIMIT_PERCENTILE, axis=1)
    # Neighbouring bins too, so that a single loud bin does not set the reference of a broad spectrum.
    level = decibels(uniform_filter1d(highest, 3, mode="nearest"))
    within = np.flatnonzero(level >= level.max() - LIMIT_DB)
    first, last = int(within[0]), int(within[-1])
    if last - first > 2 * SKIRT_BINS:
        first += SKIRT_BINS if first > 0 else 0
        last -= SKIRT_BINS if last < len(frequency) - 1 else 0
    else:
        first = last = (first + last) // 2
    low, high = float(frequency[first]), float(frequency[last])
    mean = power.mean(axis=1)
    bass = float(mean[frequency < BASS_HZ].sum() / mean.sum())
    telephone = _plateau(low, TELEPHONE_LOW) * _plateau(high, TELEPHONE_HIGH)
    broad = high > BROAD * max(low, 1.0)
    return [
        fact("band_low", low, end=duration, reliability=sure),
        fact("band_high", high, end=duration, reliability=sure),
        fact("bass_share", bass, end=duration, reliability=sure),
        fact("telephone_band", telephone, end=duration, reliability=min(sure, 0.8) if broad else 0.4),
    ]


def _plateau(value: float, corners: tuple[float, float, float, float]) -> float:
    """1 between the inner corners, 0 beyond the outer ones."""
    return float(np.interp(value, corners, (0.0, 1.0, 1.0, 0.0)))


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
