"""Slow attacks: notes of strings, voices and pads, whose sound is new only over a tenth of a second.

The novelty of `mgrd.audio.events` looks back over some 40 ms; here the frames are longer, so that neighbouring notes
fall into different bins, and what is new is held against the last sixth of a second, so that beating partials are
not. An attack is told where what is new sets in, not where it is newest.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.fft import rfft
from scipy.ndimage import maximum_filter1d

from mgrd.audio.decode import resample
from mgrd.audio.frames import HOP_SECONDS, Frames

RATE = 8_000  # Hz
WINDOW = 512  # samples: 64 ms, bins of 16 Hz
BLOCK = 4_096  # frames transformed at once
LOWEST_BIN, WIDTH = 2, 0.03  # bands of a bin, or of half a semitone where that is more
FLOOR_SHARE = 1e-3  # of the loud frames' magnitude; less is silence
PEAK_SHARE = 0.3  # of the loudest frame's magnitude, that loud frames have at least: there may be only a click
SOUNDING_SHARE = 0.03  # of the same; frames under it hold no attack
BEFORE, AFTER = (8, 20), (2, 10)  # frames back and ahead that are compared
MARGIN = 1.1  # by which a band must be louder than before
NEW_SHARE = 0.22  # of the magnitude, that is new at an attack
SETTING_IN = 0.03  # of its rise, under which an attack has not set in
CUT = 14  # frames at the end, where a clip that is cut off splashes over all bands
RADIUS = 12  # frames between attacks

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Attack:
    """`start` in seconds, where it sets in; `share` [0, 1] of the magnitude that is new."""

    start: float
    share: float


def slow_attacks(frames: Frames, least: float) -> list[Attack]:
    """Attacks at which at least the share `least` of the magnitude is new, in order."""
    bands = _bands_over_time(frames)
    count = bands.shape[1]
    whole = bands.sum(axis=0)
    loud = max(float(np.percentile(whole, 95)), PEAK_SHARE * float(whole.max()))
    if loud <= 0 or count <= BEFORE[1]:
        return []
    bands = np.maximum(bands, np.float32(FLOOR_SHARE * loud / len(bands) ** 0.5))
    before, after = _surroundings(bands)
    new = np.maximum(after - MARGIN * before, 0.0)
    total = after.sum(axis=0)
    share = np.where(total < SOUNDING_SHARE * loud, 0.0, new.sum(axis=0) / total)
    share[-CUT:] = 0.0
    top = maximum_filter1d(share, 2 * RADIUS + 1, mode="nearest")
    found: list[Attack] = []
    last = -RADIUS - 1
    for peak in np.flatnonzero((share >= least) & (share >= top - 1e-12)):
        if peak - last > RADIUS:
            last = int(peak)
            found.append(Attack(_sets_in(bands, new[:, peak], last) * HOP_SECONDS, float(share[peak])))
    return found


def _bands_over_time(frames: Frames) -> Array:
    """Magnitude [bands, frames] of the clip at RATE, in frames of HOP_SECONDS."""
    signal = np.pad(resample(frames.samples, frames.rate, RATE), WINDOW // 2)
    window = np.hanning(WINDOW).astype(np.float32)
    view = np.lib.stride_tricks.sliding_window_view(signal, WINDOW)[:: round(HOP_SECONDS * RATE)]
    edges = [LOWEST_BIN]
    while edges[-1] < WINDOW // 2:
        edges.append(edges[-1] + max(1, round(WIDTH * edges[-1])))
    bands = np.empty((len(edges) - 1, len(view)), dtype=np.float32)
    for first in range(0, len(view), BLOCK):
        part = view[first : first + BLOCK] * window
        spectrum: npt.NDArray[np.complex64] = np.asarray(rfft(part, axis=1), dtype=np.complex64)
        power = (spectrum.real**2 + spectrum.imag**2).T
        for band, (low, high) in enumerate(pairwise(edges)):
            bands[band, first : first + BLOCK] = np.sqrt(power[low:high].sum(axis=0))
    return bands


def _surroundings(bands: Array) -> tuple[Array, Array]:
    """(loudest magnitude in BEFORE, widened over neighbouring bands; mean of AFTER), both [bands, frames]."""
    count = bands.shape[1]
    (near, far), (soon, late) = BEFORE, AFTER
    padded = np.pad(bands, ((0, 0), (far, late)), mode="edge")
    padded[:, :far] = bands.min()
    before = padded[:, far - near : far - near + count].copy()
    for back in range(near + 1, far + 1):
        np.maximum(before, padded[:, far - back : far - back + count], out=before)
    after = np.zeros_like(bands)
    for ahead in range(soon, late):
        after += padded[:, far + ahead : far + ahead + count]
    return np.asarray(maximum_filter1d(before, 3, axis=0), dtype=np.float32), after / np.float32(late - soon)


def _sets_in(bands: Array, new: Array, peak: int) -> int:
    """Frame from which what is `new` [bands] at `peak` only grows."""
    first = max(0, peak - BEFORE[1])
    course = new @ bands[:, first : peak + AFTER[1]]
    crest = int(np.argmax(course))
    lowest = float(course[: crest + 1].min())
    under = np.flatnonzero(course[: crest + 1] < lowest + SETTING_IN * (float(course[crest]) - lowest))
    return first + (int(under[-1]) + 1 if len(under) else crest)
