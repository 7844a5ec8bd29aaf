"""Speech: sentences spoken by espeak-ng (GPL-3, carried by espeakng-loader) with a pitch line that we impose.

The synthesizer speaks in a monotone, under which a known f0 line is laid afterwards (`pitch.repitch`), so the
register and the final movement are known. The number of syllables is the sentence's own.
"""

import ctypes
from functools import cache
from pathlib import Path

import numpy as np
import soxr

from mgrd.errors import DataError
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
            ("we are on the way", 5),
        ),
        "dev": (("the wind is low", 4), ("you will be home", 4), ("we ran a long way", 5)),
        "test": (("the snow is blue", 4), ("all of them know", 4), ("her name is new", 4), ("go and see them all", 5)),
    },
    "fast": {
        "train": (
            ("the yellow moon will follow the river", 10),
            ("nobody will remember my number", 10),
            ("a lonely animal is running away", 11),
            ("my brother is learning a melody now", 11),
            ("we wandered over the narrow valley", 10),
            ("her uncle is living alone by the river", 12),
        ),
        "dev": (("a yellow umbrella is lying below", 11), ("an older woman will arrive tomorrow", 11)),
        "test": (
            ("the women will never allow a delay", 11),
            ("a million lemons are rolling away", 10),
            ("the minister is never in a hurry", 11),
        ),
    },
}
"""Sentences by speech rate with their syllables; voiced sounds to the end, so the final pitch can be heard."""

SLOW_RATE, FAST_RATE = (2.2, 2.8), (5.4, 6.6)
"""Syllables per second."""
FINAL_SECONDS = 0.5
"""Over which the pitch makes its final movement."""
ACCENT_HZ, ACCENT_SEMITONES = (1.8, 2.6), (0.8, 1.3)
DECLINATION = (1.0, 2.0)
"""Semitones that the pitch sinks from the start to the final movement, as in read sentences."""

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


def trim(wave: Wave, floor_db: float = -26.0) -> Wave:
    """Without the quiet ends: frames of 10 ms more than `floor_db` under the loudest one."""
    frame = RATE // 100
    power = np.mean(wave[: len(wave) // frame * frame].reshape(-1, frame) ** 2, axis=1)
    loud = np.flatnonzero(power > power.max() * 10.0 ** (floor_db / 10.0))
    return wave[loud[0] * frame : (loud[-1] + 1) * frame]


def speak(text: str, syllables: int, voice: str, wanted_rate: float, register: str) -> tuple[Wave, float]:
    """A monotone sentence near `wanted_rate` syllables per second, and the rate that it has.

    The synthesizer's rate parameter is a request: the sentence is said once more, corrected by the
    ratio of the result.
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


def intonation(rng: np.random.Generator, samples: int, base: float, final: float) -> Wave:
    """An f0 line (Hz) around `base`: declination and accents, then `final` semitones over the last FINAL_SECONDS."""
    last = round(FINAL_SECONDS * RATE)
    times = np.minimum(np.arange(samples), samples - last) / RATE
    accents = rng.uniform(*ACCENT_SEMITONES) * np.sin(2.0 * np.pi * (rng.uniform(*ACCENT_HZ) * times + rng.random()))
    sinking = rng.uniform(*DECLINATION) * (0.5 - times / times[-1])
    move = final * np.clip((np.arange(samples) - (samples - last)) / last, 0.0, 1.0)
    return base * 2.0 ** ((sinking + accents + move) / 12.0)
