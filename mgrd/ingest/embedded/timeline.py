"""When sounds happen and how loud they are: onsets, pulse and loudness ramps, all known before synthesis.

Nothing here reads a waveform: every fact follows from the numbers that the synthesis is given.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mgrd.audio.facts import Fact, fact

RATE = 16_000
"""Hz, of every made clip."""

Wave = npt.NDArray[np.float64]

SPAN = 3.0
"""Seconds in which all sounds happen, however long the clip is."""
LEAD = (0.14, 0.24)
"""Seconds of background before the first sound."""
DRY_TAIL, WET_TAIL = 0.25, 0.85
"""Seconds kept free after the last sound, without and with reverberation."""
LONGEST = 0.24
"""Seconds, of one of several sounds."""
RELEASE_T60 = 0.08
"""Seconds in which a dry sound falls by 60 dB once it ends."""

INTERVALS = {"slow": (0.76, 0.94), "moderate": (0.42, 0.52), "fast": (0.235, 0.30)}
"""Seconds between onsets; 60 over them lies well inside the word's band of BPM."""
RAMPS = {"softer": (-21.0, -13.0), "steady": (0.0, 0.0), "louder": (13.0, 21.0)}
"""Level at the end minus level at the start of the sounding part, dB."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Sounds of a clip: `starts` and `lengths` in seconds, one entry per sound."""

    starts: Wave
    lengths: Wave
    regular: bool

    @property
    def count(self) -> int:
        return len(self.starts)

    @property
    def end(self) -> float:
        return float(self.starts[-1] + self.lengths[-1])

    @property
    def spans(self) -> list[slice]:
        """The samples of each sound, without its release."""
        return [
            slice(round(start * RATE), round((start + length) * RATE))
            for start, length in zip(self.starts, self.lengths, strict=True)
        ]

    def facts(self, seconds: float) -> list[Fact]:
        """Number, places, pulse and regularity of the sounds; the pulse only when it is regular."""
        known = [fact("event_count", self.count, end=seconds)]
        known += [
            fact("onset", start, start=start, end=start + length)
            for start, length in zip(self.starts, self.lengths, strict=True)
        ]
        if self.count >= 3:
            intervals = np.diff(self.starts)
            spread = float(np.std(intervals) / np.mean(intervals))
            known.append(fact("pulse_regularity", max(0.0, 1.0 - spread), end=seconds))
            if self.regular:
                known.append(fact("tempo", 60.0 / float(np.mean(intervals)), end=seconds))
        return known


def longest_count(tempo: str, wet: bool) -> int:
    """How many sounds fit into the span at the slow end of the tempo's intervals, at least one."""
    free = SPAN - LEAD[1] - (WET_TAIL if wet else DRY_TAIL) - 0.12
    return 1 + int(free / INTERVALS[tempo][0])


def lay_sounds(
    rng: np.random.Generator, count: int, tempo: str | None, *, wet: bool, irregular: bool = False
) -> Timeline:
    """Places `count` sounds; `tempo` is a word of the tempo attribute, needed from three sounds on."""
    lead = rng.uniform(*LEAD)
    tail = WET_TAIL if wet else DRY_TAIL
    if count == 1:
        length = rng.uniform(0.5, 0.9)
        start = rng.uniform(lead, SPAN - tail - length)
        return Timeline(np.array([start]), np.array([length]), regular=False)
    free = SPAN - lead - tail - 0.12
    if irregular:
        weights = rng.permutation(np.resize([1.0, 2.6, 1.0, 3.4], count - 1)) * rng.uniform(0.95, 1.05, count - 1)
        intervals = weights * min(0.27, free / weights.sum())
    else:
        low, high = INTERVALS[tempo] if tempo else (0.55, 0.9)
        intervals = np.full(count - 1, rng.uniform(low, max(low, min(high, free / (count - 1)))))
    starts = lead + np.concatenate([[0.0], np.cumsum(intervals)])
    shortest = float(intervals.min())
    length = min(rng.uniform(0.40, 0.52) * shortest, LONGEST)
    return Timeline(starts, np.full(count, length), regular=not irregular)


def release(wave: Wave, body: int) -> Wave:
    """Fades everything after sample `body` exponentially, 60 dB in RELEASE_T60; a short attack avoids a click."""
    shaped = wave.copy()
    rest = len(wave) - body
    shaped[body:] *= 10.0 ** (-3.0 * np.arange(rest) / (RELEASE_T60 * RATE))
    attack = min(int(0.006 * RATE), body)
    shaped[:attack] *= np.sin(0.5 * np.pi * np.arange(attack) / attack) ** 2
    return shaped


RELEASE_SAMPLES = int(RELEASE_T60 * RATE)


def place(waves: list[Wave], timeline: Timeline, samples: int) -> Wave:
    """One signal of `samples` with every sound at its start, each scaled to unit RMS over its length."""
    signal = np.zeros(samples)
    for wave, start, length in zip(waves, timeline.starts, timeline.lengths, strict=True):
        body = round(length * RATE)
        level = float(np.sqrt(np.mean(wave[:body] ** 2)))
        first = round(start * RATE)
        shaped = release(wave, body)[: samples - first] / max(level, 1e-9)
        signal[first : first + len(shaped)] += shaped
    return signal


def apply_ramp(
    signal: Wave, timeline: Timeline, word: str | None, rng: np.random.Generator, seconds: float
) -> tuple[Wave, list[Fact]]:
    """Applies a ramp that is linear in dB over the sounding part; facts follow from the ramp, not the signal.

    `loudness_trend` compares the mean power of the last and the first third of the sounding samples.
    `word` None leaves the level alone and states nothing.
    """
    if word is None:
        return signal, []
    total = rng.uniform(*RAMPS[word])
    first, last = float(timeline.starts[0]), timeline.end
    times = np.arange(len(signal)) / RATE
    gain_db = np.clip((times - first) / (last - first), 0.0, 1.0) * total
    power = 10.0 ** (gain_db / 10.0)
    sounds = [power[span] for span in timeline.spans]
    sounding = np.concatenate(sounds)
    third = len(sounding) // 3
    trend = 10.0 * np.log10(sounding[-third:].mean() / sounding[:third].mean())
    known = [fact("loudness_trend", trend, start=first, end=last)]
    if timeline.count >= 2:
        known.append(fact("order_loudness", 10.0 * np.log10(sounds[-1].mean() / sounds[0].mean()), end=seconds))
    return signal * np.sqrt(power), known
