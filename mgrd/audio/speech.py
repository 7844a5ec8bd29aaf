"""Speech facts: how far a clip is speech, how fast it is spoken, how its intonation ends.

Syllables are counted as intensity peaks on voiced frames (De Jong and Wempe 2009). The facts on speech are
only as reliable as the clip is speech.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, minimum_filter1d

from mgrd.audio.facts import Fact, fact
from mgrd.audio.frames import Floats, Frames, runs
from mgrd.audio.pitch import PitchLine, pitch_trust

DIP_DB = 2.0  # between two syllables
BELOW_PEAK_DB = 25.0  # quieter peaks are no syllables
SMOOTH_SECONDS = 0.02
SINGLE_SYLLABLE = 0.5  # a drum stroke looks like a syllable; a single one decides nothing
LONG_PAUSE = 0.35  # s; such pauses are not speaking time
FINAL_SECONDS = 0.3  # of voice in which an intonation ends

COLOUR_HZ = 1_500.0  # the balance of energy above and below moves from one speech sound to the next
# From the first to the second value a feature grows into that of whispering.
WHISPER_UNVOICED = (0.35, 0.6)  # share of the loud frames
WHISPER_COLOUR = (0.9, 1.3)  # standard deviation of the logarithm of that balance
WHISPER_LEVEL = (5.0, 7.0)  # dB, standard deviation
WHISPER_SYLLABLES = (0.1, 0.3)  # share of the level's modulation at 2.5 to 8 Hz
SHORTEST_WHISPER = 0.4  # s

HELD_FRAMES, HELD_WITHIN = 13, 0.2  # 0.1 s; semitones
# From the first to the second share of held frames speech becomes doubtful: in 144 clips of recorded speech 95 % have
# under 0.07 and none over 0.36; of rendered melodies that the weights alone take for speech half have over 0.48.
HELD_SHARE = (0.15, 0.4)
OPEN = 0.35  # the factor that remains

# Weights of a logistic regression on the features below, standardised by _MEANS and _SCALES; fitted on recorded
# and synthesised speech against music, effects and synthetic signals.
FEATURES = ("voiced", "in_range", "moving", "runs", "unvoiced_high", "level_std", "modulation", "tilt_std")
_MEANS = np.array([0.713, 0.625, 0.341, 2.614, 0.105, 8.259, 0.283, 0.691])
_SCALES = np.array([0.347, 0.455, 0.326, 2.132, 0.245, 4.119, 0.196, 0.645])
_WEIGHTS = np.array([-0.429, 1.443, 1.322, -0.341, 0.678, 0.863, -0.271, 2.395])
_BIAS = -2.12


def speech_features(frames: Frames, line: PitchLine) -> Floats:
    """The features [8] that tell speech from other sound, in the order of FEATURES."""
    sounding = frames.sounding
    count = max(1, int(sounding.sum()))
    hop = frames.hop_seconds
    voiced = line.voiced
    in_range = float(((line.f0[voiced] > 65) & (line.f0[voiced] < 420)).mean()) if voiced.any() else 0.0
    jumps = np.abs(np.diff(line.semitones()))
    jumps = jumps[~np.isnan(jumps)]
    moving = float(((jumps > 0.03) & (jumps < 1.2)).mean()) if len(jumps) else 0.0
    per_second = len(runs(voiced)) / (count * hop)
    high = frames.power[frames.frequencies > 2500].sum(axis=0) / np.maximum(frames.power.sum(axis=0), 1e-14)
    loud = sounding & (frames.level > frames.peak_level - 35)
    unvoiced_high = float((loud & ~voiced & (high > 0.5)).sum() / count)
    level = frames.level[sounding]
    envelope = np.maximum(frames.level, frames.peak_level - 40)
    spectrum = np.abs(np.fft.rfft((envelope - envelope.mean()) * np.hanning(len(envelope)), 2048)) ** 2
    rates = np.fft.rfftfreq(2048, hop)
    band = spectrum[(rates >= 2.5) & (rates <= 8)].sum() / max(1e-9, spectrum[rates >= 0.5].sum())
    tilt = np.log(high[loud] + 1e-3)
    return np.array(
        [
            float((voiced & sounding).sum() / count),
            in_range,
            moving,
            min(per_second, 8.0),
            unvoiced_high,
            float(level.std()) if len(level) else 0.0,
            float(band),
            float(tilt.std()) if len(tilt) else 0.0,
        ]
    )


def speech_share(frames: Frames, line: PitchLine, features: Floats) -> float:
    """How far the clip is speech, 0 to 1, by its `speech_features`.

    A pitch that is held tells notes from speech; it leaves the answer open, for there are voices without melody.
    """
    if frames.silent or frames.duration < 0.25:
        return 0.0
    z = (features - _MEANS) / _SCALES
    likely = float(1 / (1 + np.exp(-(z @ _WEIGHTS + _BIAS))))
    return likely * float(np.interp(held_share(line), HELD_SHARE, (1.0, OPEN)))


def held_share(line: PitchLine) -> float:
    """Share of the voiced frames about which the pitch stays within HELD_WITHIN for HELD_FRAMES."""
    semitones, voiced = line.semitones(), line.voiced
    if not voiced.any():
        return 0.0
    highest = maximum_filter1d(np.where(voiced, semitones, np.inf), HELD_FRAMES)
    lowest = minimum_filter1d(np.where(voiced, semitones, -np.inf), HELD_FRAMES)
    return float((highest[voiced] - lowest[voiced] < HELD_WITHIN).mean())


def whisper_share(frames: Frames, line: PitchLine, features: Floats) -> float:
    """How far the clip is speech without voicing, 0 to 1: noise in syllables whose colour moves as that of speech."""
    loud = frames.sounding & (frames.level > frames.peak_level - BELOW_PEAK_DB)
    noisy = loud & ~line.voiced
    if frames.duration < SHORTEST_WHISPER or noisy.sum() < 5:
        return 0.0
    high = frames.frequencies > COLOUR_HZ
    above, below = frames.clean[high].sum(axis=0), frames.clean[~high].sum(axis=0)
    balance = gaussian_filter1d(np.log((above + 1e-14) / (below + 1e-14)), 2)
    shares = (
        (float(noisy.sum() / loud.sum()), WHISPER_UNVOICED),
        (float(balance[noisy].std()), WHISPER_COLOUR),
        (float(features[FEATURES.index("level_std")]), WHISPER_LEVEL),
        (float(features[FEATURES.index("modulation")]), WHISPER_SYLLABLES),
    )
    return float(np.prod([np.interp(value, ramp, (0.0, 1.0)) for value, ramp in shares]))


def syllables(frames: Frames, line: PitchLine) -> list[int]:
    """Frames of the syllable nuclei."""
    smooth = gaussian_filter1d(frames.level, SMOOTH_SECONDS / frames.hop_seconds)
    threshold = max(frames.peak_level - BELOW_PEAK_DB, frames.noise_level + 3.0)
    peaks = np.flatnonzero((smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:])) + 1
    chosen: list[int] = []
    for peak in peaks[smooth[peaks] > threshold]:
        if chosen:
            dip = float(smooth[chosen[-1] : peak].min())
            if smooth[peak] - dip < DIP_DB or smooth[chosen[-1]] - dip < DIP_DB:
                if smooth[peak] > smooth[chosen[-1]]:
                    chosen[-1] = int(peak)
                continue
        chosen.append(int(peak))
    near = max(1, round(0.03 / frames.hop_seconds))
    return [peak for peak in chosen if line.voiced[max(0, peak - near) : peak + near + 1].any()]


def speech_facts(frames: Frames, line: PitchLine, features: Floats) -> list[Fact]:
    """Facts on speech from its `speech_features`; for anything else only `speech`, near 0."""
    duration = frames.duration
    nuclei = syllables(frames, line)
    share = speech_share(frames, line, features) * (1.0 if len(nuclei) > 1 else SINGLE_SYLLABLE)
    sure = 0.7 if duration >= 0.4 else 0.4
    facts = [fact("speech", share, end=duration, reliability=sure)]
    if not frames.silent:
        facts.append(fact("whisper", whisper_share(frames, line, features), end=duration, reliability=sure))
    if share < 0.2:
        return facts
    speaking, quiet = _speaking_seconds(frames)
    pauses = quiet / (speaking + quiet) if speaking + quiet > 0 else 0.0
    facts.append(fact("speech_pause_share", pauses, end=duration, reliability=sure * min(1.0, share + 0.3)))
    facts.append(fact("syllable_count", len(nuclei), end=duration, reliability=0.75 * share))
    if len(nuclei) >= 2 and speaking > 0.4:
        sure = share * float(np.clip(len(nuclei) / 5, 0.4, 0.9))
        facts.append(fact("syllable_rate", len(nuclei) / speaking, end=duration, reliability=sure))
    return facts


def _speaking_seconds(frames: Frames) -> tuple[float, float]:
    """(seconds from the first sound to the last without long pauses, seconds of these pauses)."""
    where = np.flatnonzero(frames.sounding)
    first, last = int(where[0]), int(where[-1]) + 1
    silences = [(b - a) * frames.hop_seconds for a, b in runs(~frames.sounding[first:last])]
    quiet = sum(silence for silence in silences if silence > LONG_PAUSE)
    return (last - first) * frames.hop_seconds - quiet, quiet


def final_rise(frames: Frames, line: PitchLine) -> list[Fact]:
    """Pitch movement over the last voiced FINAL_SECONDS: a robust line's end minus its start, in semitones."""
    where = np.flatnonzero(line.voiced)
    if not len(where):
        return []
    trust = pitch_trust(frames, line)
    window = where[where > where[-1] - round(FINAL_SECONDS / frames.hop_seconds)]
    if len(window) < 8:
        return []
    values = line.semitones()[window]
    x = window * frames.hop_seconds
    slopes = (values[None, :] - values[:, None])[np.triu_indices(len(x), 4)]
    runs_ = (x[None, :] - x[:, None])[np.triu_indices(len(x), 4)]
    slope = float(np.median(slopes / runs_))
    movement = slope * float(x[-1] - x[0])
    rest = float(np.median(np.abs(values - np.median(values) - slope * (x - np.median(x)))))
    sure = trust * float(np.clip(1.15 - rest / 2.5, 0.2, 1.0))
    end = min(frames.duration, float(x[-1]) + frames.hop_seconds)
    return [fact("final_rise", movement, start=float(x[0]), end=end, reliability=sure)]
