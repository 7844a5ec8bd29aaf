"""The one table of what counts as true of a value: the tolerances (the bands of words stand in mgrd.audio.words).

A value claim is supported within `near` of the measured value, contradicted beyond `far`, and neither in
between, as a word is neither supported nor contradicted between two bands.

| fact | near | far | why |
|---|---|---|---|
| f0 (any) | 0.75 semitones | 2 semitones | names and rounded Hz values of a heard note |
| f0_trend, order_pitch | 1.5 semitones | 4 semitones | an interval is heard coarser than a note |
| tempo | 5 % | 12 % | rounding to the nearest ten |
| syllable_rate | 15 % | 40 % | syllables are counted by intensity peaks |
| syllable_count | 15 %, exact up to 2 | 45 %, at least 2 | weak syllables are missed |
| cycle_count | 20 %, at least 0.6 | 45 %, at least 1.6 | the first and last may be cut |
| event_count, pause_count | exact | 1 | counts up to 8; one more is allowed per 8 above |
| decay_time | 30 % | 80 % | blind estimates of T60 |
| spectral values | 15 % | 40 % | depends on the averaging |
| levels, snr, trends in dB | 3 dB | 8 dB | |
| durations, pauses, onsets | 0.15 s or 10 % | 0.5 s or 30 % | |
| vibrato_rate | 15 % | 40 % | |
| brightness_trend | 0.2 octaves | 0.6 octaves | |
| event_note | 0.6 | 1.5 | the nearest note, or its neighbour |
| event_interval, f0_segment | 1 semitone | 2.5 semitones | between notes that are both heard |
| spectral_tilt | 2 dB/octave | 5 dB/octave | depends on the range of the fit |
| event_rank | exact | 1 | |
| tempo_alternative | 5 % | 12 % | as tempo |
"""

from dataclasses import dataclass
from math import inf, log2

from mgrd.audio.facts import FACT_UNITS
from mgrd.audio.words import ATTRIBUTES, MORE_ATTRIBUTES, Attribute, Band

MIN_RELIABILITY = 0.5  # less reliable facts support and refute nothing
FLAT_RANGE = (2.5, 5.0)  # semitones of f0_range up to which a line may be called flat, and from which it may not
STILL = {"pitch_order": 0.6, "loudness_order": 1.5, "intonation": 0.4, "tempo_trend": 0.05, "brightness_trend": 0.1}
"""Where no word says that nothing moves: up to this size neither movement is true, in the fact's unit."""
TURN = {"contour": 2.0, "loudness": 4.0}  # semitones, dB: a smaller way back is no turn of a line
COUNTER_SHARE = 0.4  # of the net movement: a larger way back makes "rises" a half-truth
LOCAL_TREND = {"f0_line": 1.0, "level_line": 2.5, "centroid_line": 0.25}  # least change of a line that is a movement

INFERRED_ATTRIBUTES: dict[str, Attribute] = {
    attribute.name: attribute
    for attribute in (
        Attribute("entry", "entry", (Band("at once", 0, 0.05), Band("late", 0.12, inf))),
        Attribute("sound_length", "sound_length", (Band("short", 0, 0.4), Band("long", 0.7, inf))),
        Attribute("noise_order", "noise_order", (Band("tone first", -inf, 0.0), Band("noise first", 0.0, inf))),
        Attribute("chord", "chord", (Band("absent", 0, 0.5), Band("present", 0.5, inf))),
        Attribute("alternation", "alternation", (Band("absent", 0, 0.5), Band("present", 0.5, inf))),
        Attribute("throb", "throb", (Band("absent", 0, 0.5), Band("present", 0.5, inf))),
    )
}
"""Words for what single events imply (mgrd.grounding.checking.inferred)."""
ALL_ATTRIBUTES: dict[str, Attribute] = ATTRIBUTES | MORE_ATTRIBUTES | INFERRED_ATTRIBUTES


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Distances within which a value is right (near) and beyond which it is wrong (far)."""

    near: float
    far: float
    kind: str
    """`semitones`: distance on a log scale; `share`: of the measured value; `absolute`: in the fact's unit."""
    floor_near: float = 0.0
    floor_far: float = 0.0
    """Least distances of a `share`, in the fact's unit."""

    def distance(self, claimed: float, measured: float) -> tuple[float, float, float]:
        """(distance, near, far) in one unit."""
        if self.kind == "semitones":
            if claimed <= 0 or measured <= 0:
                return inf, self.near, self.far
            return abs(12 * log2(claimed / measured)), self.near, self.far
        gap = abs(claimed - measured)
        if self.kind == "share":
            size = abs(measured)
            return gap, max(self.near * size, self.floor_near), max(self.far * size, self.floor_far)
        return gap, self.near, self.far


_PITCH = Tolerance(0.75, 2.0, "semitones")
_INTERVAL = Tolerance(1.5, 4.0, "absolute")
_DECIBELS = Tolerance(3.0, 8.0, "absolute")
_SECONDS = Tolerance(0.1, 0.3, "share", 0.15, 0.5)
_SPECTRAL = Tolerance(0.15, 0.4, "share")
_SHARE = Tolerance(0.1, 0.3, "absolute")
_BY_UNIT = {
    "dB": _DECIBELS,
    "dBFS": _DECIBELS,
    "LUFS": _DECIBELS,
    "s": _SECONDS,
    "Hz": _SPECTRAL,
    "share": _SHARE,
    "rank": _SHARE,
}
_BY_NAME = {
    "tempo": Tolerance(0.05, 0.12, "share"),
    "syllable_rate": Tolerance(0.15, 0.4, "share"),
    "decay_time": Tolerance(0.3, 0.8, "share", 0.05, 0.15),
    "vibrato_rate": Tolerance(0.15, 0.4, "share"),
    "brightness_trend": Tolerance(0.2, 0.6, "absolute"),
    "vibrato_depth": Tolerance(20.0, 60.0, "absolute"),
    "tempo_alternative": Tolerance(0.05, 0.12, "share"),
    "event_length": _SECONDS,
    "syllable_count": Tolerance(0.15, 0.45, "share", 0.4, 1.4),
    "cycle_count": Tolerance(0.2, 0.45, "share", 0.6, 1.6),
    "event_note": Tolerance(0.6, 1.5, "absolute"),
    "event_rank": Tolerance(0.4, 0.5, "absolute"),
    "event_interval": Tolerance(1.0, 2.5, "absolute"),
    "f0_segment": Tolerance(1.0, 2.5, "absolute"),
    "spectral_tilt": Tolerance(2.0, 5.0, "absolute"),
}
_COUNT_STEP = 8


def tolerance_of(name: str, measured: float) -> Tolerance:
    """The tolerance for values of a fact."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    unit = FACT_UNITS[name]
    if unit == "count":
        slack = measured // (_COUNT_STEP + 1)
        return Tolerance(slack + 0.4, 2 * slack + 0.5, "absolute")
    if unit == "Hz" and (name.startswith("f0") or name == "event_f0"):
        return _PITCH
    return _INTERVAL if unit == "semitones" else _BY_UNIT[unit]
