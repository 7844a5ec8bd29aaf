"""The measured facts of a clip: all themes over one shared picture of it.

`measure` is pure: the same samples give the same facts. Facts that cannot be measured are absent, and doubt
stands in a fact's reliability; nothing here knows what a chain claims. EVIDENCE_VERSION changes whenever a
fact's value may change, so stored evidence is never mistaken for current.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mgrd.audio.chords import chord_facts
from mgrd.audio.decode import check_samples, decode
from mgrd.audio.events import Events, event_facts, find_events
from mgrd.audio.facts import Fact
from mgrd.audio.frames import Frames, analyse
from mgrd.audio.lines import line_facts
from mgrd.audio.loudness import loudness_facts
from mgrd.audio.melody import pitch_facts
from mgrd.audio.notes import retuned
from mgrd.audio.pitch import PitchLine, pitch_line
from mgrd.audio.rhythm import rhythm_facts
from mgrd.audio.room import room_facts
from mgrd.audio.single import single_facts
from mgrd.audio.spectrum import spectrum_facts
from mgrd.audio.speech import final_rise, speech_facts, speech_features, speech_share
from mgrd.audio.stereo import stereo_facts
from mgrd.errors import AudioError

EVIDENCE_VERSION = "7"
SPOKEN = 0.5  # share of speech from which the separate sounds are syllables and not notes


@dataclass(frozen=True, slots=True)
class Heard:
    """A clip analysed once: what its facts are measured on and its pictures drawn from."""

    frames: Frames
    line: PitchLine
    events: Events
    features: npt.NDArray[np.float64]
    """What tells speech from other sound, see `mgrd.audio.speech`."""
    spoken: bool


def listen(samples: npt.NDArray[np.floating], rate: int) -> Heard:
    """Analyse samples [frames] or [frames, channels] at full scale 1, `rate` in Hz.

    Raises AudioError for samples that are empty or not finite.
    """
    if samples.size == 0:
        raise AudioError("the clip holds no samples")
    check_samples(samples, "the clip")
    frames = analyse(samples, rate)
    line = pitch_line(frames)
    events = find_events(frames, line)
    features = speech_features(frames, line)
    spoken = speech_share(frames, line, features) >= SPOKEN
    if not spoken:  # a vowel's partials are as uneven as its formants
        line = retuned(frames, line, events)
    return Heard(frames, line, events, features, spoken)


def measure(samples: npt.NDArray[np.floating], rate: int) -> list[Fact]:
    """Facts of a clip: samples as for `listen`, which also says what is raised."""
    return facts_of(listen(samples, rate), samples)


def facts_of(heard: Heard, samples: npt.NDArray[np.floating]) -> list[Fact]:
    """Facts of an analysed clip; its samples are needed for what lies between the channels."""
    frames, line, events = heard.frames, heard.line, heard.events
    return [
        *loudness_facts(frames, events, heard.spoken),
        *event_facts(frames, events),
        *single_facts(frames, line, events, samples),
        *chord_facts(frames, events, heard.spoken),
        *rhythm_facts(events),
        *pitch_facts(frames, line, events, heard.spoken),
        *final_rise(frames, line),
        *spectrum_facts(frames),
        *room_facts(frames, events, line),
        *speech_facts(frames, line, heard.features),
        *stereo_facts(samples, frames.duration),
        *line_facts(frames, line),
    ]


def warm_up() -> None:
    """Measure a made-up second, so that a worker's first clip does not pay for imports and caches."""
    measure(np.sin(np.arange(16_000) * 0.1) * 0.3, 16_000)


def measure_file(path: Path) -> list[Fact]:
    """Facts of an audio file. Raises AudioError with the reason when it cannot be decoded."""
    audio = decode(path)
    return measure(audio.samples, audio.rate)
