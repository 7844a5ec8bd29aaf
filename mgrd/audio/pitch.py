"""The pitch line of a clip and how far it may be trusted.

The line is Praat's autocorrelation method (Boersma 1993) through parselmouth; high whistles get a second
pass with short windows. Noise, clicks and very short clips must not yield a reliable pitch.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.ndimage import median_filter

from mgrd.audio.decode import resample
from mgrd.audio.frames import HOP_SECONDS, Flags, Floats, Frames, runs

PITCH_RATE = 8_000  # Hz of the first pass
FLOOR, CEILING = 55.0, 1_500.0  # Hz
HIGH_RATE = 16_000  # Hz of the second pass
HIGH_STRENGTH = 0.8  # autocorrelation of what may be a whistle
HIGH_FLOOR, HIGH_CEILING = 200.0, 6_000.0  # Hz
STRAY_OCTAVES, STRAY_STRENGTH, STRAY_SECONDS = 1.1, 0.85, 0.25
MIN_RUN = 0.04  # s; shorter voiced stretches are accidents
MIN_VOICED = 0.1  # s of voiced frames before pitch is believed
MIN_CLIP = 0.15  # s; no reliable pitch in shorter clips
VOICED_STRENGTH = 0.5  # autocorrelation
PARTIALS = 12
LOWEST_SPLIT = 3.0  # bins between partials that can be told apart
FOREIGN_SHARE = 0.015  # energy of partials that a higher tone would not have, under which it is the tone
STEP_WINDOW = (3, 8)  # frames on either side of a step that must lie on a plateau
SMALLEST_STEP = 0.7  # semitones
JITTER = (0.2, 0.3)  # semitones of bend from frame to frame: voices and instruments stay under, noise is above
VIBRATO_HZ = (3.5, 9.0)
WIDEST_WOBBLE = 2.2  # semitones from peak to peak


@dataclass(frozen=True, slots=True)
class PitchLine:
    """f0 in Hz [frames], 0 where unvoiced, with the periodicity (autocorrelation, 0-1) of each frame.

    `strength` is 0 where unvoiced; `periodicity` is that of the best period in any frame.
    """

    f0: Floats
    strength: Floats
    voiced: Flags
    periodicity: Floats

    def semitones(self) -> Floats:
        """Semitones above 1 Hz; NaN where unvoiced."""
        line = np.full(len(self.f0), np.nan)
        line[self.voiced] = 12.0 * np.log2(self.f0[self.voiced])
        return line


def pitch_line(frames: Frames) -> PitchLine:
    """The pitch line at the frames' times."""
    count = len(frames.level)
    nothing = PitchLine(np.zeros(count), np.zeros(count), np.zeros(count, dtype=bool), np.zeros(count))
    if frames.silent:
        return nothing
    f0, strength, periodicity = _autocorrelation(frames, PITCH_RATE, FLOOR, CEILING)
    high = _lowest_partial(frames) > 0.85 * CEILING
    if (high & frames.sounding).sum() * frames.hop_seconds >= MIN_RUN:
        f0_high, strength_high, periodicity_high = _autocorrelation(
            frames, min(frames.rate, HIGH_RATE), HIGH_FLOOR, HIGH_CEILING
        )
        # Fricatives and other bands of noise are no whistles.
        f0_high = np.where(strength_high >= HIGH_STRENGTH, f0_high, 0.0)
        f0, strength = np.where(high, f0_high, f0), np.where(high, strength_high, strength)
        periodicity = np.where(high, periodicity_high, periodicity)
    voiced = (f0 > 0) & (strength >= VOICED_STRENGTH) & frames.sounding
    shortest = max(2, round(MIN_RUN / frames.hop_seconds))
    for start, end in runs(voiced):
        if end - start < shortest:
            voiced[start:end] = False
    voiced = _without_strays(f0, strength, voiced)
    f0 = _without_octave_slips(np.where(voiced, f0, 0.0), voiced)
    line = PitchLine(f0, np.where(voiced, strength, 0.0), voiced, periodicity)
    return replace(line, f0=without_subharmonics(frames, line))


def _autocorrelation(frames: Frames, rate: int, floor: float, ceiling: float) -> tuple[Floats, Floats, Floats]:
    """f0, strength and periodicity [frames] by Praat; zeros where it is shorter than three periods of the floor."""
    import parselmouth

    count = len(frames.level)
    f0, strength, periodicity = np.zeros(count), np.zeros(count), np.zeros(count)
    if frames.duration < 3.2 / floor:
        return f0, strength, periodicity
    samples = resample(frames.samples, frames.rate, rate) if frames.rate > rate else frames.samples
    sound = parselmouth.Sound(samples.astype(np.float64), min(rate, frames.rate))
    pitch = sound.to_pitch_ac(
        time_step=frames.hop_seconds,
        pitch_floor=floor,
        max_number_of_candidates=12,
        silence_threshold=0.01,
        voicing_threshold=0.4,
        octave_cost=0.015,
        octave_jump_cost=0.35,
        voiced_unvoiced_cost=0.1,
        pitch_ceiling=min(ceiling, 0.45 * sound.sampling_frequency),
    )
    array = pitch.selected_array
    nearest = np.round((frames.times - pitch.x1) / pitch.dx).astype(int)
    inside = (nearest >= 0) & (nearest < len(array))
    f0[inside] = array["frequency"][nearest[inside]]
    strength[inside] = np.clip(array["strength"][nearest[inside]], 0.0, 1.0)
    strength[f0 <= 0] = 0.0
    candidates = pitch.to_array()
    best = np.nan_to_num(np.where(candidates["frequency"] > 0, candidates["strength"], 0.0)).max(axis=0)
    periodicity[inside] = np.clip(best[nearest[inside]], 0.0, 1.0)
    return f0, strength, periodicity


def _lowest_partial(frames: Frames) -> Floats:
    """Frequency [frames] below which lies only a hundredth of the power."""
    power = frames.clean
    rising = np.cumsum(power, axis=0)
    return frames.frequencies[np.argmax(rising >= 0.01 * rising[-1:], axis=0)]


def _without_strays(f0: Floats, strength: Floats, voiced: Flags) -> Flags:
    """Short, weak stretches far from the clip's pitch are fricatives and other noise."""
    if not voiced.any():
        return voiced
    kept = voiced.copy()
    centre = float(np.median(np.log2(f0[voiced])))
    for start, end in runs(voiced):
        far = abs(float(np.median(np.log2(f0[start:end]))) - centre) > STRAY_OCTAVES
        weak = float(strength[start:end].mean()) < STRAY_STRENGTH
        if far and weak and (end - start) * HOP_SECONDS < STRAY_SECONDS:
            kept[start:end] = False
    return kept


def _without_octave_slips(f0: Floats, voiced: Flags) -> Floats:
    """Short stretches that sit an octave off both neighbours are moved to them."""
    cleaned = f0.copy()
    for start, end in runs(voiced):
        line = np.log2(cleaned[start:end])
        local = median_filter(line, min(31, (end - start) | 1), mode="nearest")
        slip = np.round(line - local)
        off = np.abs(line - local - slip) < 0.08
        cleaned[start:end] = 2.0 ** np.where(off, line - slip, line)
    return cleaned


def without_subharmonics(frames: Frames, line: PitchLine) -> Floats:
    """Notes whose overtones are all multiples of a higher tone are moved up to it.

    The autocorrelation of a tone is as high at two or three of its periods; the spectrum tells them apart.
    """
    f0 = line.f0.copy()
    clean = frames.clean
    spacing = float(frames.frequencies[1])
    for start, end in stretches(line):
        pitch = f0[start:end]
        if np.median(pitch) < LOWEST_SPLIT * spacing:
            continue
        energy = _partials(clean[:, start:end], pitch / spacing)
        for multiple in (2, 3):
            at = energy[multiple - 1 :: multiple].sum()
            if energy.sum() - at < FOREIGN_SHARE * at:
                f0[start:end] *= multiple
                break
    return f0


def _partials(power: Floats, bins: Floats) -> Floats:
    """Energy [PARTIALS] at the multiples of a pitch given in bins, summed over the frames."""
    size, count = power.shape
    columns = np.arange(count)
    energy = np.zeros(PARTIALS)
    for partial in range(1, PARTIALS + 1):
        centre = np.round(partial * bins).astype(int)
        inside = centre < size - 1
        if inside.any():
            rows, held = centre[inside], columns[inside]
            energy[partial - 1] = np.maximum(
                power[rows, held], np.maximum(power[rows - 1, held], power[rows + 1, held])
            ).sum()
    return energy


def stretches(line: PitchLine) -> list[tuple[int, int]]:
    """Start and end (exclusive) frames of the voiced stretches within which the pitch takes no step, in order."""
    steps = [frame for frame, _ in pitch_steps(line)]
    return [
        stretch
        for start, end in runs(line.voiced)
        for stretch in pairwise([start, *[step for step in steps if start < step < end], end])
    ]


def pitch_steps(line: PitchLine) -> list[tuple[int, float]]:
    """Frames at which the pitch jumps from one plateau to another, with the jump in semitones.

    Plateaus on both sides of a short passage tell a step from a glide and from vibrato.
    """
    semitones = line.semitones()
    count, (near, far) = len(semitones), STEP_WINDOW
    if count < 2 * far + 1:
        return []
    view = np.lib.stride_tricks.sliding_window_view(semitones, far - near + 1)
    low, high = view.min(axis=1), view.max(axis=1)
    middle = np.median(view, axis=1)
    centres = np.arange(far, count - far)
    before, after = centres - far, centres + near
    jump = middle[after] - middle[before]
    allowed = np.maximum(0.15 * np.abs(jump), 0.15)
    level = (high[before] - low[before] <= allowed) & (high[after] - low[after] <= allowed)
    passage = np.abs(semitones[centres + 2] - semitones[centres - 2])
    sudden = np.isnan(passage) | (passage >= 0.65 * np.abs(jump))
    flags = level & sudden & (np.abs(jump) >= SMALLEST_STEP)
    steps: list[tuple[int, float]] = []
    for start, end in runs(np.nan_to_num(flags).astype(bool)):
        best = (start + end - 1) // 2
        steps.append((int(centres[best]), float(jump[best])))
    return [step for step in steps if not any(_swings(step, other) for other in steps)]


def _swings(step: tuple[int, float], other: tuple[int, float]) -> bool:
    """Up and back within half a period of a slow vibrato: a wobble, not two notes."""
    apart = abs(step[0] - other[0]) * HOP_SECONDS
    small = max(abs(step[1]), abs(other[1])) < WIDEST_WOBBLE
    return 0 < apart < 0.5 / VIBRATO_HZ[0] + 0.02 and step[1] * other[1] < 0 and small


def pitch_trust(frames: Frames, line: PitchLine) -> float:
    """Reliability of the line: long enough, periodic enough, and enough of the sound."""
    if frames.duration < MIN_CLIP:
        return 0.2
    seconds = float(line.voiced.sum()) * frames.hop_seconds
    loud = frames.sounding & (frames.level > frames.peak_level - 25)
    share = float((line.voiced & loud).sum() / max(1, loud.sum()))
    strength = float(line.strength[line.voiced].mean())
    length = np.clip(seconds / MIN_VOICED, 0.0, 1.0) ** 2
    periodic = np.clip((strength - 0.55) / 0.3, 0.0, 1.0)
    covered = np.clip(share / 0.2, 0.3, 1.0)
    # A band of noise has a period that is new in every frame.
    bends = np.abs(np.diff(line.semitones(), 2))
    bends = bends[~np.isnan(bends)]
    steady = np.clip((JITTER[1] - np.median(bends)) / (JITTER[1] - JITTER[0]), 0.3, 1.0) if len(bends) else 1.0
    return float(np.round(0.97 * length * covered * periodic * steady, 3))
