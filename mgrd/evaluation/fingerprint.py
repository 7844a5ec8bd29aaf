"""Audio fingerprints: which clips hold the same recording, whatever the codec, the gain, or what was cut off.

Two views of one clip. Landmarks, pairs of neighbouring peaks of the spectrogram (after Wang 2003), are hashes that an
index finds among many clips; they say who may be alike, and at which shift. The wave below 3.5 kHz then decides: copies
correlate sample by sample at one shift, two takes of the same word or drum do not.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mgrd.audio.decode import decode, mono, resample

RATE = 8_000  # Hz; every codec keeps what lies below 4 kHz
LOWEST, HIGHEST = 150.0, 3_500.0  # Hz
FRAME, HOP = 1024, 128  # samples
PEAK_FRAMES, PEAK_BINS = 3, 4  # a peak is the loudest within so many frames and bins on either side
BLOCK = 16  # frames; the loudest peaks of each block are kept, so that a quiet tail has its own
PEAKS_PER_BLOCK = 16
QUIETEST = 1e-4  # of the loudest bin, in amplitude; below lies rounding
PAIRS = 8  # later peaks that each is paired with
LONGEST_PAIR = 40  # frames
COARSE_BINS, COARSE_FRAMES = 2, 2  # steps of a hash in frequency and time

LEAST_SECONDS = 0.35
LEAST_SHARE = 0.45  # of the shorter clip, in time, and of either clip, in energy
LEAST_CORRELATION = 0.65
"""Copies through any common codec lie above 0.8, other recordings of the same thing below 0.6."""
DEEPEST = 8.0  # s of the shorter clip that are compared

Wave = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`wave` [samples] at RATE Hz, of bounded band; `hashes` and `frames` [landmarks]: what each is, and when."""

    wave: Wave
    hashes: npt.NDArray[np.int32]
    frames: npt.NDArray[np.int32]


def fingerprint(samples: npt.NDArray[np.floating], rate: int) -> Fingerprint:
    """Of samples [frames] or [frames, channels] at `rate` Hz."""
    wave = _bounded(resample(mono(samples), rate, RATE))
    hashes, frames = _landmarks(wave)
    return Fingerprint(wave, hashes, frames)


def fingerprint_file(path: Path) -> Fingerprint:
    """Raises AudioError when the file cannot be decoded."""
    audio = decode(path)
    return fingerprint(audio.samples, audio.rate)


def correlation(one: Wave, other: Wave) -> float:
    """The largest normalised correlation over all shifts, 0 to 1; of either sign, since a copy may be inverted.

    A shift counts when the clips share LEAST_SECONDS and LEAST_SHARE of the shorter, and LEAST_SHARE of the energy of
    one of them; silence is like nothing. Of long clips, the loudest DEEPEST seconds of the shorter are sought.
    """
    short, long = sorted((one, other), key=len)
    if len(short) < LEAST_SECONDS * RATE:
        return 0.0
    short = _loudest(short, round(DEEPEST * RATE))
    size = _power_of_two(len(short) + len(long))
    product = np.fft.rfft(long, size) * np.conj(np.fft.rfft(short, size))
    shifts = np.arange(-len(short) + 1, len(long))
    first, last = np.maximum(0, shifts), np.minimum(len(long), len(short) + shifts)
    power_long, power_short = (np.concatenate(([0.0], np.cumsum(w.astype(np.float64) ** 2))) for w in (long, short))
    shared_long = power_long[last] - power_long[first]
    shared_short = power_short[last - shifts] - power_short[first - shifts]
    enough = last - first >= max(LEAST_SECONDS * RATE, LEAST_SHARE * len(short))
    share = np.maximum(shared_long / max(power_long[-1], _TINY), shared_short / max(power_short[-1], _TINY))
    energy = np.sqrt(shared_long * shared_short)
    told = enough & (share >= LEAST_SHARE) & (energy > _TINY)
    found = np.where(told, np.abs(np.fft.irfft(product, size)[shifts]) / np.maximum(energy, _TINY), 0.0)
    best = int(found.argmax())
    if not told[best]:
        return 0.0
    # A cut seldom falls on a sample of RATE Hz: the shift between two samples is tried as well.
    turns = 2j * np.pi / size * np.arange(len(product))
    between = [abs(_at(product, turns, shifts[best] + part, size)) / energy[best] for part in (-0.5, -0.25, 0.25, 0.5)]
    return min(1.0, max(float(found[best]), *between))


def same_recording(one: Wave, other: Wave) -> bool:
    return correlation(one, other) >= LEAST_CORRELATION


_TINY = 1e-9


def _power_of_two(length: int) -> int:
    return 1 << (length - 1).bit_length()


def _bounded(wave: npt.NDArray[np.floating]) -> Wave:
    if not len(wave):
        return np.zeros(0, np.float32)
    size = _power_of_two(len(wave) + FRAME)
    spectrum = np.fft.rfft(wave.astype(np.float32), size)
    hertz = np.arange(len(spectrum)) * RATE / size
    spectrum[(hertz < LOWEST) | (hertz > HIGHEST)] = 0
    return np.fft.irfft(spectrum, size)[: len(wave)].astype(np.float32)


def _at(product: npt.NDArray[np.complexfloating], turns: npt.NDArray, shift: float, size: int) -> float:
    """The correlation at a shift of part of a sample, from its spectrum [size // 2 + 1]."""
    terms = (product * np.exp(turns * shift)).real
    return float(2 * terms.sum() - terms[0]) / size


def _loudest(wave: Wave, samples: int) -> Wave:
    if len(wave) <= samples:
        return wave
    power = np.concatenate(([0.0], np.cumsum(wave.astype(np.float64) ** 2)))
    start = int(np.argmax(power[samples:] - power[:-samples]))
    return wave[start : start + samples]


def _landmarks(wave: Wave) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    times, bins = _peaks(wave)
    hashes, frames = [], []
    for step in range(1, PAIRS + 1):
        apart = times[step:] - times[:-step]
        near = apart <= LONGEST_PAIR
        own, next_ = bins[:-step][near] // COARSE_BINS, bins[step:][near] // COARSE_BINS
        hashes.append((own << 15) | (next_ << 6) | (apart[near] // COARSE_FRAMES))
        frames.append(times[:-step][near])
    return np.concatenate(hashes).astype(np.int32), np.concatenate(frames).astype(np.int32)


def _peaks(wave: Wave) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Frames and bins of the spectrogram's peaks, in the order of time."""
    from scipy.ndimage import maximum_filter

    padded = np.pad(wave, FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    low, high = (round(hertz * FRAME / RATE) for hertz in (LOWEST, HIGHEST))
    amplitude = np.abs(np.fft.rfft(frames * np.hanning(FRAME).astype(np.float32), axis=1))[:, low:high]
    around = maximum_filter(amplitude, size=(2 * PEAK_FRAMES + 1, 2 * PEAK_BINS + 1))
    floor = max(QUIETEST * float(amplitude.max(initial=0.0)), _TINY)
    times, bins = np.nonzero((amplitude == around) & (amplitude > floor))
    blocks = times // BLOCK
    order = np.lexsort((-amplitude[times, bins], blocks))
    starts = np.searchsorted(blocks[order], np.arange(blocks.max(initial=-1) + 1))
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    kept = np.sort(order[rank < PEAKS_PER_BLOCK])
    return times[kept], bins[kept]
