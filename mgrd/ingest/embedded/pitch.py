"""Pitch changes of a monotone voice: time-domain pitch-synchronous overlap-add (Moulines and Charpentier, 1990).

Works only for a voice whose period is nearly constant, which is what the synthesizer is asked for.
"""

import numpy as np

from mgrd.ingest.embedded.timeline import RATE, Wave

LOWEST, HIGHEST = 70.0, 330.0
"""Hz, where the period of the monotone is looked for."""
VOICED = 0.4
"""Normalized correlation at one period from which a sample counts as voiced."""


def estimate_period(wave: Wave) -> int:
    """Samples per period of a monotone: the highest peak of the autocorrelation (FFT, bias removed)."""
    size = 1 << (2 * len(wave) - 1).bit_length()
    correlation = np.fft.irfft(np.abs(np.fft.rfft(wave, size)) ** 2)[: len(wave)]
    lags = np.arange(int(RATE / HIGHEST), int(RATE / LOWEST))
    values = correlation[lags] / (1.0 - lags / len(wave))
    best = int(np.argmax(values))
    for divisor in (3, 2):
        shorter = lags[best] / divisor
        near = np.flatnonzero(np.abs(lags - shorter) <= max(1.0, 0.03 * shorter))
        if len(near) and values[near].max() > 0.85 * values[best]:
            best = int(near[np.argmax(values[near])])
            break
    return int(lags[best])


def _moving_sum(values: Wave, width: int) -> Wave:
    """Sum over `width` samples around each sample, zeros outside."""
    total = np.cumsum(np.pad(values, (width // 2 + 1, width - width // 2 - 1)))
    return total[width:] - total[:-width]


def voiced_samples(wave: Wave, period: int) -> np.ndarray:
    """Boolean per sample: the wave repeats after one period, give or take three percent."""
    energy = _moving_sum(wave**2, 2 * period)
    best = np.zeros(len(wave))
    for lag in {round(period * factor) for factor in (0.97, 1.0, 1.03)}:
        product = np.zeros(len(wave))
        product[: len(wave) - lag] = wave[: len(wave) - lag] * wave[lag:]
        best = np.maximum(best, _moving_sum(product, 2 * period))
    return best > VOICED * np.maximum(energy, 1e-4 * energy.max())


def pitch_marks(wave: Wave, period: int) -> np.ndarray:
    """Sample indices one period apart, each moved to the highest sample nearby."""
    marks = [int(np.argmax(wave[: 2 * period]))]
    reach = max(2, period // 8)
    while (centre := marks[-1] + period) + reach < len(wave):
        low = centre - reach
        marks.append(low + int(np.argmax(wave[low : centre + reach])))
    return np.array(marks)


def repitch(wave: Wave, f0: Wave, period: int) -> Wave:
    """The wave with f0 (Hz per sample) where it is voiced, unchanged in length and elsewhere."""
    voiced = voiced_samples(wave, period)
    marks = pitch_marks(wave, period)
    targets: list[int] = []
    steps: list[float] = []
    now = float(marks[0])
    while now < len(wave) - 1:
        index = int(now)
        step = RATE / f0[index] if voiced[index] else float(period)
        targets.append(index)
        steps.append(step)
        now += step
    places = np.array(targets)
    nearest = marks[np.clip(np.searchsorted(marks, places - period // 2), 0, len(marks) - 1)]
    sources = np.where(voiced[places], nearest, places)
    window = np.hanning(2 * period + 1)
    offsets = np.arange(-period, period + 1)
    padded = np.pad(wave, period)
    grains = padded[sources[:, None] + offsets + period] * window * (np.array(steps) / period)[:, None]
    where = (places[:, None] + offsets + period).ravel()
    laid = np.bincount(where, weights=grains.ravel(), minlength=len(padded)).astype(np.float64)
    return laid[period : period + len(wave)]
