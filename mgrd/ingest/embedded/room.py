"""The room and the microphone: reverberation of known T60, background noise at known SNR, a safe peak level."""

import numpy as np
from scipy.signal import fftconvolve

from mgrd.audio.facts import Fact, fact
from mgrd.ingest.embedded.timeline import RATE, RELEASE_T60, Timeline, Wave

T60 = (0.95, 1.3)
"""Seconds, of a reverberant room."""
WET_POWER = (0.25, 0.5)
"""Power of the reverberation relative to the direct sound."""
NOISY_SNR, CLEAN_SNR = (7.5, 10.0), (46.0, 56.0)
"""dB: mean power of the sounding part over the power of the background."""
PEAK = (0.35, 0.8)
"""Full scale is 1."""


def add_room(signal: Wave, room: str | None, rng: np.random.Generator, seconds: float) -> tuple[Wave, list[Fact]]:
    """Convolves with an exponentially decaying noise response; a dry clip keeps the release of its sounds.

    `room` is a word of the reverberation attribute, or None for a dry room that nothing is said of.
    """
    if room is None:
        return signal, []
    if room == "dry":
        return signal, [fact("decay_time", RELEASE_T60, end=seconds)]
    decay = rng.uniform(*T60)
    times = np.arange(round(decay * RATE)) / RATE
    response = rng.standard_normal(len(times)) * 10.0 ** (-3.0 * times / decay)
    response *= np.sqrt(rng.uniform(*WET_POWER) / np.sum(response**2))
    response[0] += 1.0
    return fftconvolve(signal, response)[: len(signal)], [fact("decay_time", decay, end=seconds)]


def add_noise(
    signal: Wave, noisy: bool, timeline: Timeline, rng: np.random.Generator, seconds: float
) -> tuple[Wave, list[Fact]]:
    """Adds white noise over the whole clip, scaled exactly to the SNR over the samples that sound."""
    snr = rng.uniform(*(NOISY_SNR if noisy else CLEAN_SNR))
    noise = rng.standard_normal(len(signal))
    power = float(np.mean(np.concatenate([signal[span] for span in timeline.spans]) ** 2))
    noise *= np.sqrt(power / 10.0 ** (snr / 10.0) / np.mean(noise**2))
    return signal + noise, [fact("snr", snr, end=seconds)]


def to_pcm16(signal: Wave, rng: np.random.Generator) -> np.ndarray:
    """16-bit samples with the peak at a random safe level."""
    peak = rng.uniform(*PEAK)
    return np.round(signal * (peak / np.max(np.abs(signal))) * 32767.0).astype(np.int16)
