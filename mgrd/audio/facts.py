"""The vocabulary of facts: what can be measured of a clip, in which unit, how, and when it may be trusted.

Measurement (`mgrd.audio.evidence`), construction (`mgrd.ingest.embedded`), question derivation and
verification all speak of these names, so a claim meets the same fact whoever stated it. docs/evidence.md is
written from this table.
"""

from dataclasses import dataclass

from schemas.base import FactRow


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fact: its unit, how it is measured, and what its reliability rests on."""

    unit: str
    how: str
    trust: str


_CERTAIN = "1: read from the samples"
_LINE = "length, periodicity and coverage of the pitch line; under 0.5 for noise, clicks and clips under 0.15 s"
_EVENTS = "agreement of a strict and a lax onset threshold on the count, less where some may overlap or be missed"
_SPEECH = "how far the clip is speech"
_TIMBRE = "0.95 from 50 ms of sound on, else 0.6"

FACTS: dict[str, Kind] = {
    "duration": Kind("s", "length of the decoded samples", _CERTAIN),
    "rms": Kind("dBFS", "root mean square of the mono mix", _CERTAIN),
    "peak": Kind("dBFS", "largest sample", _CERTAIN),
    "loudness": Kind("LUFS", "integrated loudness, ITU-R BS.1770 (pyloudnorm); from 0.4 s on", _CERTAIN),
    "loudness_trend": Kind(
        "dB",
        "level of the last third minus that of the first third of the sounding part; with three or more separate "
        "sounds the slope of their levels, over the same distance",
        "0.95; 0.55 when the levels scatter about the trend",
    ),
    "dynamic_range": Kind("dB", "95th minus 10th percentile of the level of the sounding frames", "0.9"),
    "clipping": Kind("share", "samples that stand at the ceiling for three samples or more", "0.9"),
    "silence_share": Kind(
        "share",
        "frames under the gate (45 dB under the peak, 6 dB over the background)",
        "contrast with the background",
    ),
    "pause_count": Kind(
        "count",
        "silences of 0.15 s or more between the first and the last sound",
        "as silence_share; 0.4 for none where there are shorter silences or lulls (14 dB under the peak)",
    ),
    "longest_pause": Kind("s", "the longest of these silences, at its place", "as silence_share"),
    "pause": Kind("s", "one per pause, at its place", "as silence_share"),
    "gap_count": Kind(
        "count",
        "silences of 0.02 s or more between the first and the last sound, pauses among them",
        "as silence_share, at most 0.8; 0.4 in speech, where they are consonants",
    ),
    "gap": Kind("s", "one per such silence, at its place", "as silence_share"),
    "event_count": Kind("count", "separate sounds: notes, beeps, clicks, bursts", _EVENTS),
    "event": Kind("dBFS", "one per separate sound, in order: its level, at its place", _EVENTS),
    "event_rank": Kind("rank", "one per separate sound, in order: 1 is the loudest", _EVENTS),
    "onset": Kind("s", "one per onset, in order: new energy in the spectrum, or a step of the pitch line", _EVENTS),
    "onset_count": Kind("count", "number of onsets", _EVENTS),
    "tempo": Kind(
        "BPM",
        "pulse rate of the events: the commonest interval, refined by a line through the onsets",
        "number of intervals, share that fits the pulse, trust in the events",
    ),
    "tempo_alternative": Kind("BPM", "the same pulse counted at half and at double the rate", "as tempo"),
    "tempo_trend": Kind(
        "share",
        "rate of the pulse at its end over that at its start, minus 1, from a robust line through the logarithms of "
        "the intervals; positive is speeding up; needs five onsets",
        "scatter of the intervals about the line, trust in the events",
    ),
    "pulse_regularity": Kind(
        "share", "1 minus the coefficient of variation of the intervals, floored at 0; needs three onsets", "as tempo"
    ),
    "f0_median": Kind("Hz", "median pitch (Praat's autocorrelation), over separate sounds where there are some", _LINE),
    "f0_low": Kind("Hz", "5th percentile of the pitch line, weighted by level", _LINE),
    "f0_high": Kind("Hz", "95th percentile of the pitch line, weighted by level", _LINE),
    "f0_range": Kind("semitones", "f0_high over f0_low", _LINE),
    "f0_trend": Kind("semitones", "end minus start of the pitch line, vibrato taken out", _LINE),
    "f0_segment": Kind("semitones", "one per voiced segment of 0.1 s or more: end minus start of its pitch", _LINE),
    "event_f0": Kind(
        "Hz",
        "one per pitched event, in order: its median pitch",
        _LINE + "; voiced share; 0.45 where nothing is heard at it",
    ),
    "event_note": Kind("midi", "one per pitched event: the nearest MIDI note number", "as event_f0; less off a note"),
    "event_interval": Kind("semitones", "one per pair of successive pitched events", "the less reliable of the two"),
    "event_centroid": Kind("Hz", "one per separate sound: the centroid of its loud frames", _EVENTS + "; at most 0.8"),
    "event_notes": Kind(
        "count",
        "one per separate sound of 0.3 s or more that is made of partials: notes that sound at once",
        "0.8; 0.4 for notes out of tune with each other and for what may be one note without its fundamental",
    ),
    "event_root": Kind("Hz", "one per such sound: the lowest of its notes", "as event_notes"),
    "chord_quality": Kind(
        "semitones",
        "one per sound of three notes that make a triad: its third, 4 is major and 3 minor",
        "as event_notes",
    ),
    "event_voiced": Kind(
        "share", "one per separate sound: voiced frames among its loud ones", _EVENTS + "; less for sounds under 0.1 s"
    ),
    "event_trend": Kind("dB", "one per separate sound: level of its last third minus the first", _EVENTS),
    "event_balance": Kind("dB", "one per separate sound: stereo balance; two channels only", _EVENTS),
    "voiced_share": Kind("share", "voiced frames among the sounding ones", "0.9; 0.3 under 0.15 s"),
    "vibrato_rate": Kind("Hz", "rate of the strongest wobble of the pitch in 0.45 s or more", "its purity"),
    "vibrato_depth": Kind("cents", "half the extent of that wobble from peak to peak", "its purity"),
    "spectral_centroid": Kind("Hz", "magnitude-weighted mean frequency of the loud frames, background off", _TIMBRE),
    "spectral_rolloff": Kind("Hz", "frequency under which 85 % of the magnitude lies", _TIMBRE),
    "spectral_bandwidth": Kind("Hz", "magnitude-weighted spread about the centroid", _TIMBRE),
    "spectral_flatness": Kind("share", "geometric over arithmetic mean of the power spectrum", _TIMBRE),
    "spectral_tilt": Kind(
        "dB/octave",
        "slope of the power density over third-octave bands that hold energy; white noise 0, pink noise -3",
        "scatter about the line; low for single tones",
    ),
    "band_low": Kind("Hz", "lowest frequency within 40 dB of the strongest part of the spectrum", _TIMBRE),
    "band_high": Kind("Hz", "highest frequency within 40 dB of the strongest part of the spectrum", _TIMBRE),
    "bass_share": Kind("share", "energy under 200 Hz", _TIMBRE),
    "telephone_band": Kind(
        "share", "how far a broad spectrum is confined to 300-3400 Hz (ITU-T G.712)", "0.8; 0.4 for narrow spectra"
    ),
    "brightness_trend": Kind("octaves", "log2 of the centroid, last minus first third of the loud frames", "0.8"),
    "harmonic_ratio": Kind(
        "dB", "harmonic-to-noise ratio from the autocorrelation (Boersma 1993)", _LINE + "; 0.8 where nothing is voiced"
    ),
    "percussive_share": Kind("share", "energy in vertical ridges of the spectrogram (Fitzgerald 2010)", "0.7"),
    "decay_time": Kind(
        "s",
        "T60 of the free decays after the events, by backward integration (Schroeder 1965)",
        "depth, straightness and agreement of the decays; at most 0.4 for long decays of pitched sounds that may "
        "ring by themselves",
    ),
    "snr": Kind(
        "dB",
        "mean power over that of the background",
        "contrast; where no gap shows the background under 0.5 from 20 to 28 dB, and for low voices",
    ),
    "stereo_balance": Kind("dB", "level of the right channel minus the left; two channels only", _CERTAIN),
    "stereo_width": Kind("share", "side energy of mid and side; two channels only", _CERTAIN),
    "balance_trend": Kind(
        "dB", "stereo balance of the last third of what sounds minus that of the first; two channels only", "0.9"
    ),
    "speech": Kind("share", "how far the clip is speech, by a logistic model of features", "0.7; 0.4 under 0.4 s"),
    "syllable_rate": Kind("1/s", "intensity peaks on voiced frames (De Jong and Wempe 2009), without pauses", _SPEECH),
    "syllable_count": Kind("count", "number of these peaks", "three quarters of how far the clip is speech"),
    "fundamental_share": Kind(
        "share", "energy of the lowest partial among all, over the sounds that are one note", "0.8; as event_notes"
    ),
    "chord_note": Kind("Hz", "one per note of each sound of several notes at once", "as event_notes"),
    "speech_pause_share": Kind("share", "pauses between the first and the last sound of speech", _SPEECH),
    "whisper": Kind(
        "share",
        "how far the clip is speech without voicing: syllables of noise whose colour moves",
        "0.7; 0.4 under 0.4 s",
    ),
    "final_rise": Kind("semitones", "pitch movement over the last voiced 0.3 s", _LINE + "; scatter about the line"),
    "order_pitch": Kind("semitones", "last pitched event minus first", "the less reliable of the two"),
    "order_loudness": Kind("dB", "level of the last event minus the first", _EVENTS),
    "level_line": Kind("dBFS", "level per quarter of a second, in order", "0.95"),
    "f0_line": Kind("Hz", "pitch per quarter of a second, where there is one", _LINE),
    "centroid_line": Kind("Hz", "centroid per quarter of a second", "0.8"),
}

FACT_UNITS: dict[str, str] = {name: kind.unit for name, kind in FACTS.items()}


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
        """The fact as a row of the evidence table."""
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
    """The fact of a row of the evidence table."""
    data = row.model_dump() if isinstance(row, FactRow) else row
    return Fact(**data)  # type: ignore[arg-type]
