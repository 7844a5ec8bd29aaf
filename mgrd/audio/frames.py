"""The shared time-frequency picture of a clip, computed once and read by every measurement.

All themes read the same frames, gate and noise estimate, so that no fact is computed twice and no two
facts disagree about where the clip sounds. It must never look at the file the clip came from.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.fft import rfft
from scipy.ndimage import percentile_filter, uniform_filter1d
from scipy.signal import get_window

from mgrd.audio.decode import mono, resample

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MAX_ANALYSIS_RATE = 48_000  # Hz; nothing above 24 kHz is heard
LONG_SECONDS, LONG_RATE = 150.0, 16_000  # a longer clip is analysed at this rate, so that it fits into a gigabyte
HOP_SECONDS = 0.008
WINDOW_SECONDS = 0.032
BLOCK = 4_096  # frames transformed at once
FLOOR_DB = -120.0  # stands for digital silence
GATE_BELOW_PEAK_DB = 45.0  # quieter frames are not part of the sound
GATE_ABOVE_NOISE_DB = 6.0
ABSOLUTE_GATE_DB = -75.0  # dBFS; below lies dither
SLIGHT_CONTRAST_DB = 4.0  # from here on a slide of the level is looked for
CLEAR_CONTRAST_DB = 12.0  # from here on the quietest frames are gaps, or the sound fades in or out
RAMP_DB = 4.0  # the lowest part of the level in which a slide is looked for
RAMP_SHARE = 0.15  # of the clip that this part must fill
RAMP_SLIDE = (0.5, 3.0)  # its slope, over the whole clip, against the clip's range; a dying tail is far steeper
CRACK_DB = 6.0
ALIKE = 0.7  # cosine of magnitude spectra
SAME_SOUND = 0.9  # the same; from here on the quiet frames are the sound itself
THROB_SHARE = 0.5  # of the quiet frames' power that must lie between partials for them to be noise
SLIDING = 0.9  # rank correlation of level and time
JUMP_SHARE = 0.4  # of the contrast that a slide may cover at once; a gap ends with a jump
SMOOTH_FRAMES = 9
GAP_SECONDS = 0.15
SURE_IN_GAPS, SURE_WITHOUT_GAPS, UNSURE = 0.9, 0.75, 0.4
SILENT_SPREAD = 0.03  # standard deviation of silence, against that of the clip
QUIET_SHARE = 0.1  # the quietest tenth of the frames shows the background


@dataclass(frozen=True, slots=True)
class Frames:
    """A clip as frames of HOP_SECONDS.

    `power` is [bins, frames] with the frame's mean square as the sum over bins; `clean` the same with the
    background subtracted, never negative; `level` [frames] in dBFS; `noise` [bins] the background's power;
    `sounding` [frames] marks what belongs to the sound: what is louder than `gate` (dBFS).
    """

    samples: npt.NDArray[np.float32]
    rate: int
    hop: int
    power: Floats
    clean: Floats
    frequencies: Floats
    times: Floats
    level: Floats
    peak_level: float
    noise: Floats
    noise_level: float
    contrast: float
    noise_trust: float
    sounding: Flags
    gate: float

    @property
    def duration(self) -> float:
        return len(self.samples) / self.rate

    @property
    def hop_seconds(self) -> float:
        return self.hop / self.rate

    @property
    def has_gaps(self) -> bool:
        """The background is heard by itself, between the sounds."""
        return self.contrast > CLEAR_CONTRAST_DB and self.noise_trust >= SURE_IN_GAPS

    @property
    def silent(self) -> bool:
        return not bool(self.sounding.any())


def decibels(power: npt.ArrayLike) -> Floats:
    """10 log10 of a power, floored at FLOOR_DB."""
    return 10.0 * np.log10(np.maximum(np.asarray(power, dtype=np.float64), 10.0 ** (FLOOR_DB / 10)))


def analyse(samples: npt.NDArray[np.floating], rate: int) -> Frames:
    """Frames of a clip, [frames] or [frames, channels] at `rate` Hz; mono, no DC, at most 48 kHz, long ones 16 kHz."""
    signal = mono(samples)
    most = LONG_RATE if len(signal) > LONG_SECONDS * rate else MAX_ANALYSIS_RATE
    if rate > most:
        signal, rate = resample(signal, rate, most), most
    signal = signal - np.float32(_offset(signal, rate))
    hop = max(1, round(HOP_SECONDS * rate))
    size = 2 ** int(np.ceil(np.log2(WINDOW_SECONDS * rate)))
    power = _power(signal, size, hop)
    frequencies = np.fft.rfftfreq(size, 1 / rate).astype(np.float64)
    level = decibels(power.sum(axis=0))
    times = np.arange(power.shape[1]) * hop / rate
    peak = _peak(level)
    noise, contrast, noise_trust = _background(power, level, peak)
    noise_level = float(decibels(noise.sum()))
    gate = max(peak - GATE_BELOW_PEAK_DB, ABSOLUTE_GATE_DB)
    if contrast > GATE_ABOVE_NOISE_DB:
        gate = max(gate, min(noise_level + GATE_ABOVE_NOISE_DB, peak - 3.0))
    sounding = level > gate
    clean = np.maximum(power - 1.5 * noise[:, None], 0.0)
    return Frames(
        samples=signal, rate=rate, hop=hop, power=power, clean=clean, frequencies=frequencies, times=times,
        level=level, peak_level=peak, noise=noise, noise_level=noise_level, contrast=contrast,
        noise_trust=noise_trust, sounding=_steadied(sounding), gate=gate,
    )  # fmt: skip


def _offset(signal: npt.NDArray[np.float32], rate: int) -> float:
    """The mean of the quietest frames where they are silence, else of all: some sounds bring an offset of their own."""
    size = max(1, round(WINDOW_SECONDS * rate))
    whole = float(signal.mean(dtype=np.float64))
    blocks = signal[: len(signal) // size * size].reshape(-1, size)
    if len(blocks) < 1 / QUIET_SHARE:
        return whole
    means, spread = blocks.mean(axis=1, dtype=np.float64), blocks.std(axis=1)
    quiet = spread <= np.percentile(spread, 100 * QUIET_SHARE)
    return float(means[quiet].mean()) if spread[quiet].max() < SILENT_SPREAD * signal.std() else whole


def _power(signal: npt.NDArray[np.float32], size: int, hop: int) -> Floats:
    """Centred Hann frames; scaled so that the sum over bins is the frame's mean square."""
    padded = np.pad(signal, size // 2)
    count = max(1, 1 + (len(padded) - size) // hop)
    window = np.asarray(get_window("hann", size), dtype=np.float32)
    view = np.lib.stride_tricks.sliding_window_view(padded, size)[: count * hop : hop]
    power = np.empty((size // 2 + 1, count))
    for first in range(0, count, BLOCK):
        # Single precision, which numpy.fft would leave; in blocks, so that long clips do not fill the memory.
        part = view[first : first + BLOCK] * window
        spectrum: npt.NDArray[np.complex64] = np.asarray(rfft(part, axis=1), dtype=np.complex64)
        power[:, first : first + BLOCK] = (spectrum.real**2 + spectrum.imag**2).T
    power[1:-1] *= 2.0
    power /= size * float(np.sum(window**2))
    return power


def _peak(level: Floats) -> float:
    """The level that loud frames reach: a single crack does not set it, but a click in a long silence is the sound."""
    if len(level) <= 50:
        return float(level.max())
    return max(float(np.percentile(level, 99)), float(np.sort(level)[-3]) - CRACK_DB)


def _background(power: Floats, level: Floats, peak: float) -> tuple[Floats, float, float]:
    """Background power [bins], the distance (dB) from the quietest frames to the peak, and its reliability.

    With gaps the background is what remains in them. Without gaps it is the low percentile over time of each
    bin (minimum statistics, Martin 2001), of which partials that stand still are removed. Quiet frames that sound
    like the loud ones are the sound itself, growing, fading or throbbing: then only what is left between its
    partials is background.
    """
    frames = power.shape[1]
    inner = level[2:-2] if frames > 8 else level
    quiet_level = float(np.percentile(inner, 100 * QUIET_SHARE))
    contrast = peak - quiet_level
    quiet = level <= quiet_level + 1.0
    if contrast > SLIGHT_CONTRAST_DB and frames > 8:
        alike = _likeness(power, level, quiet)
        ramp = alike > ALIKE and _is_ramp(level, quiet_level, contrast)
        if contrast > CLEAR_CONTRAST_DB and not ramp:
            rest = power[:, quiet].mean(axis=1)
            if alike < SAME_SOUND:
                return rest, contrast, SURE_IN_GAPS
            between = _between_partials(rest)
            if between.sum() > THROB_SHARE * rest.sum():
                # Noise over noise: only a long steady stretch tells a gap from a lull.
                longest = max((b - a for a, b in runs(smooth_level(level) <= quiet_level + RAMP_DB)), default=0)
                return rest, contrast, SURE_IN_GAPS if longest * HOP_SECONDS >= GAP_SECONDS else UNSURE
            return between, min(contrast, GATE_ABOVE_NOISE_DB), SURE_WITHOUT_GAPS
        if ramp:
            loudness = np.maximum(power.sum(axis=0), 1e-14)
            power, contrast = power / loudness * 10 ** (peak / 10), 0.0
    smooth = uniform_filter1d(power, 5, axis=1, mode="nearest") if frames >= 5 else power
    lowest = np.percentile(smooth, 20, axis=1) * 1.6  # the bias of the 20th percentile of five-frame means of noise
    return _between_partials(lowest), contrast, SURE_WITHOUT_GAPS


def _between_partials(power: Floats) -> Floats:
    """Power [bins] without what stands out of its surroundings in frequency."""
    width = max(3, round(0.06 * len(power)) | 1)
    level = percentile_filter(power, 30, width, mode="nearest")
    # Once more for a background that falls with frequency, as most do.
    bins = np.arange(1, len(power) + 1)
    falling = percentile_filter(power * bins, 30, width, mode="nearest") / bins
    return np.minimum(power, np.maximum(level, falling) * 1.5)


def _likeness(power: Floats, level: Floats, quiet: Flags) -> float:
    """Cosine of the magnitude spectra of the quiet and the loud frames."""
    soft = np.sqrt(power[:, quiet].mean(axis=1))
    loud = np.sqrt(power[:, level >= np.percentile(level, 80)].mean(axis=1))
    return float(soft @ loud / max(1e-14, float(np.linalg.norm(soft) * np.linalg.norm(loud))))


def smooth_level(level: Floats) -> Floats:
    """Level [frames] over about 70 ms, so that noise does not ripple."""
    return uniform_filter1d(level, SMOOTH_FRAMES, mode="nearest")


def _is_ramp(level: Floats, quiet_level: float, contrast: float) -> bool:
    """The level slides from end to end, or up to a crest or down to a trough: a fade or a swell without any gap."""
    smooth = smooth_level(level)
    inner = smooth[SMOOTH_FRAMES:-SMOOTH_FRAMES] if len(smooth) > 6 * SMOOTH_FRAMES else smooth
    turns = {int(np.argmax(inner)), int(np.argmin(inner)), len(inner)}
    sides = [[part for part in (inner[:turn], inner[turn:]) if len(part) > 0.1 * len(inner)] for turn in turns]
    jump = float(np.abs(inner[SMOOTH_FRAMES:] - inner[:-SMOOTH_FRAMES]).max()) if len(inner) > SMOOTH_FRAMES else 0.0
    if jump < JUMP_SHARE * contrast and any(all(_slides(part) for part in parts) for parts in sides):
        return True
    lowest = runs(smooth <= quiet_level + RAMP_DB)
    longest = max(lowest, key=lambda run: run[1] - run[0], default=(0, 0))
    inside = np.arange(*longest)
    at_edge = longest[0] < 0.05 * len(level) or longest[1] > 0.95 * len(level)
    if len(inside) < max(12, RAMP_SHARE * len(level)) or not at_edge:
        return False
    slide = abs(float(np.polyfit(inside, level[inside], 1)[0])) * len(level)
    return RAMP_SLIDE[0] * contrast < slide < RAMP_SLIDE[1] * contrast


def _slides(level: Floats) -> bool:
    """The level keeps rising, or keeps falling (rank correlation with time)."""
    ranks = np.argsort(np.argsort(level))
    return abs(float(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1])) > SLIDING


def _steadied(flags: Flags) -> Flags:
    """Flags without single-frame holes."""
    if len(flags) < 3:
        return flags
    holes = ~flags[1:-1] & flags[:-2] & flags[2:]
    steadied = flags.copy()
    steadied[1:-1] |= holes
    return steadied


def runs(flags: Flags) -> list[tuple[int, int]]:
    """Start and end (exclusive) of each run of true flags."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
