"""Speech: sentences spoken by espeak-ng (GPL-3, carried by espeakng-loader) with a pitch line that we impose.

The synthesizer speaks in a monotone; `repitch` then lays a known f0 line under it, so the register
and the final movement are known. The number of syllables is the sentence's own.
"""

import ctypes
from functools import cache
from pathlib import Path

import numpy as np
import soxr

from mgrd.errors import DataError
from mgrd.ingest.embedded.pitch import estimate_period, repitch
from mgrd.ingest.embedded.timeline import RATE, Wave

VOICES: dict[str, dict[str, tuple[str, ...]]] = {
    "low": {
        "train": ("en-us+m1", "en-us+m3", "en-gb-scotland+m5", "en-us+john"),
        "dev": ("en-gb-x-rp+m2",),
        "test": ("en-us+m7", "en-gb-scotland+m4"),
    },
    "middle": {
        "train": ("en-us+f1", "en-us+f3", "en-gb-scotland+f2", "en-us+belinda"),
        "dev": ("en-gb-x-rp+f4",),
        "test": ("en-us+f5", "en-gb-scotland+steph"),
    },
}
"""Voices by register; dev and test voices speak nowhere else."""

SENTENCES: dict[str, dict[str, tuple[tuple[str, int], ...]]] = {
    "slow": {
        "train": (
            ("we will go", 3),
            ("they are all gone", 4),
            ("the moon is low", 4),
            ("my room is warm now", 5),
            ("you may come in", 4),
            ("the rain fell on me", 5),
            ("a bell will ring", 4),
            ("we are on our way", 5),
        ),
        "dev": (("the wind is low", 4), ("you will be home", 4), ("we ran a long way", 5)),
        "test": (("the snow is blue", 4), ("all of them know", 4), ("her name is new", 4), ("go and see them all", 5)),
    },
    "fast": {
        "train": (
            ("we wandered along the river and over the narrow hill", 14),
            ("the yellow umbrella is lying under my window", 13),
            ("nobody ever remembers the name of the animal", 14),
            ("a lonely melody was rolling over the valley below", 14),
            ("my brother is living in an old mill by the meadow", 14),
            ("we are learning to read the letters of an older alphabet now", 16),
        ),
        "dev": (
            ("her uncle is an animal doctor in a village by the water", 16),
            ("every evening we are allowed to borrow a new bicycle", 15),
        ),
        "test": (
            ("many of the women were running over the long yellow bridge", 15),
            ("the minister will never agree to a longer interview", 15),
            ("a million little lemons were rolling in the alley below", 15),
        ),
    },
}
"""Sentences by speech rate with their syllables; voiced sounds to the end, so the final pitch can be heard."""

SLOW_RATE, FAST_RATE = (2.0, 2.7), (5.4, 6.6)
"""Syllables per second."""
SPEECH_SPAN = (1.3, 2.55)
"""Seconds that a sentence may take."""

PITCH, PITCH_RANGE, RATE_PARAMETER = 3, 4, 1
SYNCHRONOUS = 2
LIST_TERMINATED = 0
UTF8 = 1


class _Event(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("rest", ctypes.c_byte * 40)]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Speaker:
    """One espeak-ng instance; a process has one, because the library keeps global state."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = str(Path(espeakng_loader.get_data_path()))
        self.rate = int(self._library.espeak_Initialize(SYNCHRONOUS, 500, data.encode(), 0))
        if self.rate <= 0:
            raise DataError(f"espeak-ng found no data in {data}; reinstall mgrd[embedded]")
        self._chunks: list[np.ndarray] = []
        self._callback = _CALLBACK(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, events: object) -> int:
        del events
        if samples and count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def say(self, text: str, voice: str, words_per_minute: int, pitch: int) -> Wave:
        """The sentence in a monotone at RATE, silence trimmed. Raises DataError for an unknown voice."""
        library = self._library
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise DataError(f"espeak-ng has no voice {voice!r}")
        library.espeak_SetParameter(RATE_PARAMETER, words_per_minute, 0)
        library.espeak_SetParameter(PITCH, pitch, 0)
        library.espeak_SetParameter(PITCH_RANGE, 0, 0)
        self._chunks.clear()
        data = text.encode()
        library.espeak_Synth(data, len(data) + 1, 0, 1, 0, UTF8, None, None)
        library.espeak_Synchronize()
        if not self._chunks:
            raise DataError(f"espeak-ng said nothing for {text!r}")
        return trim(soxr.resample(np.concatenate(self._chunks) / 32768.0, self.rate, RATE))


@cache
def speaker() -> Speaker:
    return Speaker()


def trim(wave: Wave, floor_db: float = -32.0) -> Wave:
    """Without the quiet ends: frames of 10 ms more than `floor_db` under the loudest one."""
    frame = RATE // 100
    power = np.mean(wave[: len(wave) // frame * frame].reshape(-1, frame) ** 2, axis=1)
    loud = np.flatnonzero(power > power.max() * 10.0 ** (floor_db / 10.0))
    return wave[loud[0] * frame : (loud[-1] + 1) * frame]


def speak(text: str, syllables: int, voice: str, wanted_rate: float, register: str) -> tuple[Wave, float]:
    """A monotone sentence near `wanted_rate` syllables per second, and the rate that it has.

    The synthesizer's rate parameter is a request: the sentence is said once more, corrected by the
    ratio of the first result, and stretched lengths outside SPEECH_SPAN are avoided by the choice of sentences.
    """
    pitch = 60 if register == "low" else 75
    words_per_minute = 170
    wave = speaker().say(text, voice, words_per_minute, pitch)
    for _ in range(2):
        rate = syllables * RATE / len(wave)
        if abs(rate / wanted_rate - 1.0) < 0.06:
            break
        words_per_minute = int(np.clip(words_per_minute * wanted_rate / rate, 80, 450))
        wave = speaker().say(text, voice, words_per_minute, pitch)
    return wave, syllables * RATE / len(wave)


def intone(wave: Wave, base: float, final: float, move: float) -> Wave:
    """Lays a level f0 line (Hz) under the monotone, moving by `final` semitones over the last `move` seconds."""
    line = np.full(len(wave), base)
    last = round(move * RATE)
    line[-last:] = base * 2.0 ** (final / 12.0 * np.arange(last) / last)
    return repitch(wave, line, estimate_period(wave))
