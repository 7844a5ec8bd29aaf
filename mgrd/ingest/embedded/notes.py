"""Instrument notes: single General-MIDI notes rendered from the TimGM6mb soundfont (GPL-2, carried by pretty_midi).

All notes of a batch of clips are rendered in one call, because each call reads the soundfont anew.
The synthesizer's own reverberation and chorus are off: rooms are added with known decay.
"""

import importlib.util
import io
from functools import cache
from pathlib import Path

import midirenderer
import numpy as np
import soundfile
import soxr

from mgrd.errors import DataError
from mgrd.ingest.embedded.timeline import RATE, RELEASE_T60, Wave

PATCHES: dict[str, dict[str, tuple[int, ...]]] = {
    "piano": {"train": (0, 2, 4), "dev": (1,), "test": (3, 5)},
    "guitar": {"train": (24, 26, 29), "dev": (27,), "test": (25,)},
    "accordion": {"train": (20, 21), "dev": (22,), "test": (23,)},
    "strings": {"train": (40, 42), "dev": (43,), "test": (41,)},
    "brass": {"train": (57, 58, 62), "dev": (56,), "test": (60,)},
    "flute": {"train": (73, 79), "dev": (72,), "test": (75,)},
    "mallets": {"train": (11, 12), "dev": (13,), "test": (10,)},
}
"""General-MIDI programs (from 0) of each instrument family; dev and test patches are heard nowhere else.

Only patches that sound at the pitch they are asked for: many organs and bells sound an octave or more off.
"""

ALL_REGISTERS = ("low", "middle", "high")
REGISTERS = dict.fromkeys(PATCHES, ALL_REGISTERS) | dict.fromkeys(("flute", "mallets"), ("middle", "high"))
"""Registers in which each family plays."""

DECAYING = frozenset({"piano", "guitar", "mallets"})
"""Families whose notes ring and fade by themselves: one note has no known loudness trend, and no room is stated."""

GAP_MS = 60
VELOCITY = 100
TICKS_PER_QUARTER = 480
"""With a quarter note of 480 ms a tick is one millisecond."""

Note = tuple[int, int, int]
"""Program, MIDI pitch, length in milliseconds."""


@cache
def soundfont() -> bytes:
    """The soundfont's bytes. Raises DataError when the package is missing."""
    package = importlib.util.find_spec("pretty_midi")
    places = list(package.submodule_search_locations or []) if package else []
    for place in places:
        path = Path(place) / "TimGM6mb.sf2"
        if path.is_file():
            return path.read_bytes()
    raise DataError("soundfont TimGM6mb.sf2 not found; install mgrd[embedded]")


def _quantity(number: int) -> bytes:
    """A MIDI variable-length quantity (Standard MIDI File 1.0)."""
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(0x80 | (number & 0x7F))
    return bytes(reversed(digits))


def write_midi(notes: list[Note]) -> tuple[bytes, list[tuple[int, int]]]:
    """A type-0 MIDI file that plays the notes one after another, and (start, end) of each in milliseconds."""
    tempo = (TICKS_PER_QUARTER * 1000).to_bytes(3, "big")
    body = b"\x00\xff\x51\x03" + tempo + b"\x00\xb0\x5b\x00" + b"\x00\xb0\x5d\x00" + b"\x00\xb0\x0a\x40"
    places: list[tuple[int, int]] = []
    now = 0
    for program, pitch, length in notes:
        start, end = now + GAP_MS, now + GAP_MS + length
        body += _quantity(GAP_MS) + bytes([0xC0, program, 0, 0x90, pitch, VELOCITY])
        body += _quantity(length) + bytes([0x80, pitch, 0, 0, 0xB0, 0x78, 0])
        places.append((start, end))
        now = end
    body += b"\x00\xff\x2f\x00"
    header = b"MThd" + (6).to_bytes(4, "big") + bytes([0, 0, 0, 1]) + TICKS_PER_QUARTER.to_bytes(2, "big")
    return header + b"MTrk" + len(body).to_bytes(4, "big") + body, places


def render_notes(notes: list[Note]) -> dict[Note, Wave]:
    """Mono waveforms at RATE, one per note, each of the note's length plus the release."""
    wanted = sorted(set(notes))
    if not wanted:
        return {}
    extra = int(RELEASE_T60 * 1000)
    midi, places = write_midi([(program, pitch, length + extra) for program, pitch, length in wanted])
    samples, rate = soundfile.read(io.BytesIO(midirenderer.render_wave_from(soundfont(), midi)), dtype="float64")
    mono = soxr.resample(samples.mean(axis=1), rate, RATE)
    per_ms = RATE // 1000
    needed = places[-1][1] * per_ms
    mono = np.pad(mono, (0, max(0, needed - len(mono))))
    return {note: mono[start * per_ms : end * per_ms] for note, (start, end) in zip(wanted, places, strict=True)}
