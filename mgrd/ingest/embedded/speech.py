"""Speech: sentences spoken by espeak-ng (GPL-3, carried by espeakng-loader) with a pitch line that we impose.

The synthesizer speaks in a monotone, under which a known f0 line is laid afterwards (`pitch.repitch`), so the
register and the final movement are known. The number of syllables is the sentence's own.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import soxr

from mgrd.errors import DataError
from mgrd.ingest.embedded.timeline import RATE, Wave

VOICES: dict[str, dict[str, tuple[str, ...]]] = {
    "low": {
        "train": ("en-us+m1", "en-us+m3", "en-gb-scotland+m5", "en-us+john"),
        "dev": ("en-gb-x-rp+m2", "en-gb-x-rp+robert"),
        "test": ("en-us+m7", "en-gb-scotland+m4"),
    },
    "middle": {
        "train": ("en-us+f1", "en-us+belinda", "en-gb-scotland+Annie", "en-us+aunty"),
        "dev": ("en-gb-x-rp+f4", "en-gb-x-rp+grandma"),
        "test": ("en-us+Andrea", "en-gb-scotland+steph"),
    },
}
"""Voices by register; dev and test voices speak nowhere else.

Not among them: f2, f3, f5, Alicia and victor, whose sound depends on uninitialized memory in the library.
"""

SENTENCES: dict[str, dict[str, tuple[tuple[str, int], ...]]] = {
    "slow": {
        "train": (
            ("stop at two or three", 5),
            ("speak to me today", 5),
            ("she took the key home", 5),
            ("the dog can stay too", 5),
            ("sit by the blue sea", 5),
            ("cook it for today", 5),
            ("pick a card today", 5),
            ("the bus took me home", 5),
        ),
        "dev": (("take it to the zoo", 5), ("keep the cat by me", 5), ("the tap is too dry", 5)),
        "test": (
            ("the boat can go by", 5),
            ("put the tea down now", 5),
            ("it costs a dime too", 5),
            ("pass the big spoon now", 5),
        ),
    },
    "fast": {
        "train": (
            ("the baker put the butter away", 9),
            ("sixty people took a boat to the bay", 10),
            ("a taxi is waiting at the gate by now", 11),
            ("betty packed a dozen tickets for tuesday", 11),
            ("they decided to take a photo today", 11),
            ("peter took a picture of the city today", 12),
        ),
        "dev": (("the doctor put a paper cup on a tray", 11), ("a busy teacher takes a city bus today", 12)),
        "test": (
            ("a cup of coffee is ready to go", 10),
            ("the tiger got a piece of pizza to go", 11),
            ("bobby keeps a puppy in a basket by day", 12),
        ),
    },
}
"""Sentences by speech rate with their syllables.

Stops and fricatives part the syllables, and each sentence ends voiced, so that the final pitch can be heard.
"""

SLOW_RATE, FAST_RATE = (2.2, 2.8), (5.9, 7.0)
"""Syllables per second."""
FINAL_SECONDS = 0.5
"""Over which the pitch makes its final movement."""
QUIET_DB = -26.0
"""Of the ends of a sentence, against its loudest frame."""
ACCENT_HZ, ACCENT_SEMITONES = (1.8, 2.6), (0.8, 1.3)
DECLINATION = (1.0, 2.0)
"""Semitones that the pitch sinks from the start to the final movement, as in read sentences."""

PITCH, PITCH_RANGE, RATE_PARAMETER = 3, 4, 1
SYNCHRONOUS = 2
UTF8 = 1


class _Event(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("rest", ctypes.c_byte * 40)]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@contextmanager
def _library() -> Iterator[ctypes.CDLL]:
    """A freshly loaded espeak-ng, unloaded afterwards.

    Its generator keeps phases in global variables, so that a sentence would sound different after each other one;
    loading takes less than a millisecond and makes every sentence the same wherever it is said.
    """
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    try:
        yield library
    finally:
        library.espeak_Terminate()
        close = ctypes.CDLL(None).dlclose
        close.argtypes = [ctypes.c_void_p]
        close(library._handle)


def say(text: str, voice: str, words_per_minute: int, pitch: int) -> Wave:
    """The sentence in a monotone at RATE, silence trimmed. Raises DataError for an unknown voice."""
    import espeakng_loader

    chunks: list[np.ndarray] = []

    def collect(samples: "ctypes._Pointer[ctypes.c_short]", count: int, events: object) -> int:
        del events
        if samples and count > 0:
            chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    callback = _CALLBACK(collect)
    data = text.encode()
    with _library() as library:
        rate = int(library.espeak_Initialize(SYNCHRONOUS, 500, espeakng_loader.get_data_path().encode(), 0))
        if rate <= 0:
            raise DataError("espeak-ng found no data; reinstall mgrd[embedded]")
        library.espeak_SetSynthCallback(callback)
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise DataError(f"espeak-ng has no voice {voice!r}")
        library.espeak_SetParameter(RATE_PARAMETER, words_per_minute, 0)
        library.espeak_SetParameter(PITCH, pitch, 0)
        library.espeak_SetParameter(PITCH_RANGE, 0, 0)
        library.espeak_Synth(data, len(data) + 1, 0, 1, 0, UTF8, None, None)
        library.espeak_Synchronize()
    if not chunks:
        raise DataError(f"espeak-ng said nothing for {text!r}")
    return trim(soxr.resample(np.concatenate(chunks) / 32768.0, rate, RATE))


def trim(wave: Wave) -> Wave:
    """Without the quiet ends: frames of 10 ms more than QUIET_DB under the loudest one."""
    frame = RATE // 100
    power = np.mean(wave[: len(wave) // frame * frame].reshape(-1, frame) ** 2, axis=1)
    loud = np.flatnonzero(power > power.max() * 10.0 ** (QUIET_DB / 10.0))
    return wave[loud[0] * frame : (loud[-1] + 1) * frame]


def speak(text: str, syllables: int, voice: str, wanted_rate: float, register: str) -> tuple[Wave, float]:
    """A monotone sentence near `wanted_rate` syllables per second, and the rate that it has.

    The synthesizer's rate parameter is a request: the sentence is said once more, corrected by the
    ratio of the result.
    """
    pitch = 60 if register == "low" else 75
    words_per_minute = 170
    wave = say(text, voice, words_per_minute, pitch)
    for _ in range(2):
        rate = syllables * RATE / len(wave)
        if abs(rate / wanted_rate - 1.0) < 0.06:
            break
        words_per_minute = int(np.clip(words_per_minute * wanted_rate / rate, 80, 450))
        wave = say(text, voice, words_per_minute, pitch)
    return wave, syllables * RATE / len(wave)


def intonation(rng: np.random.Generator, samples: int, base: float, final: float) -> Wave:
    """An f0 line (Hz) around `base`: declination and accents, then `final` semitones over the last FINAL_SECONDS."""
    last = round(FINAL_SECONDS * RATE)
    times = np.minimum(np.arange(samples), samples - last) / RATE
    accents = rng.uniform(*ACCENT_SEMITONES) * np.sin(2.0 * np.pi * (rng.uniform(*ACCENT_HZ) * times + rng.random()))
    sinking = rng.uniform(*DECLINATION) * (0.5 - times / times[-1])
    move = final * np.clip((np.arange(samples) - (samples - last)) / last, 0.0, 1.0)
    return base * 2.0 ** ((sinking + accents + move) / 12.0)
