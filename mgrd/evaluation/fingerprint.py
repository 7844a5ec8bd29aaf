"""Audio fingerprints: which clips hold the same recording, whatever the codec, the gain, or half a second cut off.

A clip is described by the signs of how the energy differences between neighbouring bands change in time (after Haitsma
and Kalker 2002): a gain cancels out, and a codec changes few signs. Two clips are compared at every shift of up to
`MOST_SHIFT` seconds over the frames that they share.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mgrd.audio.decode import decode, mono, resample

RATE = 8_000  # Hz; every codec keeps what lies below 4 kHz
FRAME, HOP = 2048, 128  # samples: long frames that overlap much forgive a shift by part of a hop
BANDS = 17
LOWEST, HIGHEST = 200.0, 3_400.0  # Hz, spaced evenly in log frequency
MOST_SHIFT = 0.6  # s
LEAST_SHARED = 24  # frames; fewer agree by chance
FLOOR = 1e-3  # of the loudest band energy: quieter differences are noise and count for nothing
MOST_DISTANCE = 0.25
"""Share of differing signs up to which two clips are one recording; unrelated clips lie near 0.5."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Signs [frames, BANDS - 1] of -1, 0 or 1; 0 where the clip is too quiet there to tell."""

    signs: npt.NDArray[np.float32]


def fingerprint(samples: npt.NDArray[np.floating], rate: int) -> Fingerprint:
    """Of samples [frames] or [frames, channels] at `rate` Hz."""
    wave = resample(mono(samples), rate, RATE)
    wave = np.pad(wave, (0, max(0, FRAME - len(wave))))
    frames = np.lib.stride_tricks.sliding_window_view(wave, FRAME)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(FRAME).astype(np.float32), axis=1)) ** 2
    edges = np.geomspace(LOWEST, HIGHEST, BANDS + 1) * FRAME / RATE
    bins = np.round(edges).astype(int)
    bands = np.add.reduceat(power, bins, axis=1)[:, :BANDS]
    between = bands[:, 1:] - bands[:, :-1]
    change = between[4:] - between[:-4]  # over 64 ms
    floor = FLOOR * float(bands.max(initial=0.0))
    return Fingerprint(np.where(np.abs(change) > floor, np.sign(change), 0).astype(np.float32))


def fingerprint_file(path: Path) -> Fingerprint:
    """Raises AudioError when the file cannot be decoded."""
    audio = decode(path)
    return fingerprint(audio.samples, audio.rate)


def distance(one: Fingerprint, other: Fingerprint) -> float:
    """The least share of differing signs over all shifts; 1 where too little is shared to tell.

    Signs that only one of the clips has count as half a difference.
    """
    a, b = one.signs, other.signs
    steps = round(MOST_SHIFT * RATE / HOP)
    shared_least = max(LEAST_SHARED, min(len(a), len(b)) // 2)
    best = 1.0
    for shift in range(-steps, steps + 1):
        left, right = a[max(0, shift) :], b[max(0, -shift) :]
        frames = min(len(left), len(right))
        if frames < shared_least:
            continue
        left, right = left[:frames], right[:frames]
        told = float(np.count_nonzero(left) + np.count_nonzero(right)) / 2
        if told < LEAST_SHARED * 2:
            continue
        best = min(best, 0.5 * (1 - float(np.vdot(left, right)) / told))
    return best


def same_recording(one: Fingerprint, other: Fingerprint) -> bool:
    return distance(one, other) <= MOST_DISTANCE
