"""Sounds from formulas: tones with a chosen spectrum, glides, noise bursts, clicks and steady noise.

A tone's spectral centroid is the amplitude-weighted mean of its partials' frequencies, so it is
known exactly; that of a noise follows from the band it is cut to.
"""

import numpy as np
import numpy.typing as npt

from mgrd.ingest.embedded.timeline import RATE, RELEASE_SAMPLES, Timeline, Wave

TOP = 7200.0
"""Hz; no partial lies above."""


def partials(law: str, timbre: str, f0: float, rng: np.random.Generator) -> tuple[Wave, Wave]:
    """Multiples of f0 and their amplitudes under a spectral law; `timbre` is "dark" or "bright".

    Laws: `sine` one partial, `power` a power of the partial's number, `band` a flat band, `odd`
    odd partials only, `hump` a bell curve over log-frequency. The fundamental is always present.
    """
    top = max(1, int(TOP / f0))
    multiples = np.arange(1, top + 1, dtype=float)
    bright = timbre == "bright"
    if law == "sine" and not bright:
        return multiples[:1], np.ones(1)
    if law == "odd":
        multiples = multiples[::2]
    frequencies = multiples * f0
    if law == "band":
        edge = rng.uniform(6000.0, TOP) if bright else rng.uniform(500.0, 900.0)
        weights = (frequencies <= max(edge, f0)).astype(float)
    elif law == "hump":
        centre = rng.uniform(3200.0, 4600.0) if bright else max(f0, rng.uniform(250.0, 450.0))
        weights = np.exp(-0.5 * (np.log2(frequencies / centre) / 0.5) ** 2)
        weights[:2] = np.maximum(weights[:2], 1.0)
    else:
        weights = multiples ** (rng.uniform(-0.1, 0.15) if bright else -rng.uniform(2.6, 3.2))
    return multiples, weights


def centroid(multiples: Wave, weights: Wave, f0: float) -> float:
    """Amplitude-weighted mean frequency of the partials, Hz."""
    return float(f0 * np.sum(multiples * weights) / np.sum(weights))


def tone(f0: Wave, multiples: Wave, weights: Wave, rng: np.random.Generator) -> Wave:
    """A harmonic tone along an f0 line (Hz per sample); partials that would pass half the rate are left out.

    The partials are successive powers of one complex carrier, which costs a product each, not a sine.
    """
    carrier: npt.NDArray[np.complex128] = np.exp(2j * np.pi * np.cumsum(f0) / RATE)
    kept = multiples * float(f0.max()) < 0.48 * RATE
    factors = weights * np.exp(1j * rng.uniform(0.0, 2.0 * np.pi, len(multiples))) * kept
    stride = int(multiples[1] - multiples[0]) if len(multiples) > 1 else 1
    step = carrier**stride
    power: npt.NDArray[np.complex128] = carrier.copy()
    wave = np.zeros(len(f0))
    for factor in factors[: np.count_nonzero(kept)]:
        wave += power.real * factor.real - power.imag * factor.imag
        power *= step
    return wave


def beeps(pitches: Wave, timeline: Timeline, multiples: Wave, weights: Wave, rng: np.random.Generator) -> list[Wave]:
    """One steady tone per pitch (Hz), long enough for its release."""
    return [
        tone(np.full(round(length * RATE) + RELEASE_SAMPLES, pitch), multiples, weights, rng)
        for pitch, length in zip(pitches, timeline.lengths, strict=True)
    ]


def glide(start: float, semitones: float, length: float) -> Wave:
    """An f0 line in Hz, linear in semitones over `length` seconds, then held for the release."""
    body = round(length * RATE)
    line = start * 2.0 ** (semitones / 12.0 * np.arange(body) / body)
    return np.concatenate([line, np.full(RELEASE_SAMPLES, line[-1])])


def noise_band(timbre: str, rng: np.random.Generator) -> tuple[float, float]:
    """Lower and upper edge in Hz of a dark or bright noise."""
    if timbre == "bright":
        return rng.uniform(2600.0, 3400.0), rng.uniform(6200.0, 7400.0)
    return rng.uniform(90.0, 160.0), rng.uniform(480.0, 720.0)


def noise(samples: int, band: tuple[float, float], shape: str, rng: np.random.Generator) -> Wave:
    """Noise in a band: `flat`, `slope` (falls by half), `bell` (half a sine) or `ripple` (four waves)."""
    size = 1 << (samples - 1).bit_length()
    frequencies = np.fft.rfftfreq(size, 1.0 / RATE)
    place = np.clip((frequencies - band[0]) / (band[1] - band[0]), 0.0, 1.0)
    inside = (place > 0.0) & (place < 1.0)
    spectrum = np.exp(2j * np.pi * rng.random(len(frequencies))) * inside
    if shape == "bell":
        spectrum *= np.sin(np.pi * place)
    elif shape == "slope":
        spectrum *= 1.0 - 0.5 * place
    elif shape == "ripple":
        spectrum *= 0.6 + 0.4 * np.cos(8.0 * np.pi * place)
    return np.fft.irfft(spectrum, size)[:samples]


def noise_centroid(band: tuple[float, float], shape: str) -> float:
    """Amplitude-weighted mean frequency of `noise`, Hz."""
    share = 0.5 if shape != "slope" else (1 / 2 - 1 / 6) / (1 - 1 / 4)
    return band[0] + share * (band[1] - band[0])


def bursts(timeline: Timeline, band: tuple[float, float], shape: str, rng: np.random.Generator) -> list[Wave]:
    return [noise(round(length * RATE) + RELEASE_SAMPLES, band, shape, rng) for length in timeline.lengths]
