"""The vocabulary of facts: what can be measured of a clip, in which unit.

Measurement (`mgrd.audio.evidence`), construction (`mgrd.ingest.embedded`), question derivation and
verification all speak of these names, so a claim meets the same fact whoever stated it.
"""

from dataclasses import dataclass

from schemas.base import FactRow

FACT_UNITS: dict[str, str] = {
    "duration": "s",
    "rms": "dBFS",
    "peak": "dBFS",
    "loudness": "LUFS",
    "loudness_trend": "dB",  # last third minus first third of the sounding part
    "dynamic_range": "dB",
    "clipping": "share",
    "silence_share": "share",
    "pause_count": "count",
    "longest_pause": "s",
    "event_count": "count",  # separate sounds: notes, beeps, clicks, bursts
    "event": "dBFS",  # one per separate sound, in order; value is its level, start and end its place
    "onset": "s",  # one per onset, in order
    "onset_count": "count",
    "tempo": "BPM",  # pulse rate of the events
    "pulse_regularity": "share",  # 1 - coefficient of variation of inter-onset intervals, floored at 0
    "f0_median": "Hz",
    "f0_low": "Hz",
    "f0_high": "Hz",
    "f0_range": "semitones",
    "f0_trend": "semitones",  # end minus start of the pitch line over the voiced part
    "event_f0": "Hz",  # one per pitched event, in order
    "voiced_share": "share",
    "vibrato_rate": "Hz",
    "vibrato_depth": "cents",
    "spectral_centroid": "Hz",
    "spectral_rolloff": "Hz",
    "spectral_bandwidth": "Hz",
    "spectral_flatness": "share",
    "brightness_trend": "octaves",  # log2 of centroid, end minus start
    "harmonic_ratio": "dB",  # harmonic-to-noise ratio
    "percussive_share": "share",
    "decay_time": "s",  # reverberation time, T60
    "snr": "dB",  # signal over background noise
    "speech": "share",  # how far the clip is speech
    "syllable_rate": "1/s",
    "final_rise": "semitones",  # pitch movement over the last voiced 0.3 s
    "order_pitch": "semitones",  # last event minus first event
    "order_loudness": "dB",  # last event minus first event
    "level_line": "dBFS",  # one per quarter of a second, in order
    "f0_line": "Hz",  # the same for the pitch, where there is one
    "centroid_line": "Hz",  # the same for the brightness
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact of a clip; see `schemas.base.FactRow` for the fields."""

    name: str
    value: float
    unit: str
    start: float
    end: float
    reliability: float

    def row(self) -> dict[str, str | float]:
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "start": self.start,
            "end": self.end,
            "reliability": self.reliability,
        }


def fact(name: str, value: float, *, start: float = 0.0, end: float, reliability: float = 1.0) -> Fact:
    """A fact with the unit of its name; an unknown name is a programming error (KeyError)."""
    return Fact(name, float(value), FACT_UNITS[name], float(start), float(end), float(reliability))


def from_row(row: FactRow | dict[str, object]) -> Fact:
    data = row.model_dump() if isinstance(row, FactRow) else row
    return Fact(**data)  # type: ignore[arg-type]
