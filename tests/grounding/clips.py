"""Clips of the labelled chains: what is true of each is known by construction, and is never read from our measurements.

Every clip is real audio: a formula, a rendered instrument, a synthesised voice. `TRUTH` says in words what the
chains' labels were written from.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from tests.audio.sounds import RATE, click, glide, midi, placed, pluck, shaped, tone, white, with_noise, with_room

Wave = np.ndarray


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip and the question on it; `truth` is what was built, in words."""

    truth: str
    make: Callable[[], Wave]
    question: str
    choices: tuple[str, ...]
    answer: str


PITCH_Q = ("How does the pitch move?", ("rising", "falling", "flat"))
REGISTER_Q = ("In which register is the pitch?", ("low", "middle", "high"))
TEMPO_Q = ("How fast is the pulse?", ("slow", "moderate", "fast"))
LOUD_Q = ("How does the loudness change?", ("louder", "softer", "steady"))
TIMBRE_Q = ("How is the timbre?", ("dark", "bright"))
NOISE_Q = ("How clean is the recording?", ("clean", "noisy"))
ROOM_Q = ("How is the space?", ("dry", "reverberant"))
RATE_Q = ("How fast is the speech?", ("slow", "fast"))
INTONATION_Q = ("How does the intonation end?", ("rising", "falling"))
ORDER_Q = ("Where does the pitch go from the first sound to the last?", ("upwards", "downwards"))
COUNT_Q = "How many sounds are there?"


def fade(samples: Wave, start_db: float, end_db: float) -> Wave:
    return samples * 10 ** (np.linspace(start_db, end_db, len(samples)) / 20)


def notes(pitches: list[int], length: float, program: int, velocities: list[int] | None = None) -> Wave:
    """Notes of a General MIDI instrument one after another, each `length` seconds."""
    loud = velocities or [90] * len(pitches)
    score = [
        (p, 0.1 + k * length, 0.1 + (k + 0.9) * length, v) for k, (p, v) in enumerate(zip(pitches, loud, strict=True))
    ]
    return midi(score, program, 0.6 + len(pitches) * length)


def beeps(f0s: list[float], gap: float, length: float = 0.15, gains: list[float] | None = None) -> Wave:
    levels = gains or [1.0] * len(f0s)
    parts = [(0.2 + k * gap, g * tone(f, length)) for k, (f, g) in enumerate(zip(f0s, levels, strict=True))]
    return placed(parts, 0.5 + len(f0s) * gap)


def clicks(times: list[float]) -> Wave:
    return placed([(t, click(seed=k)) for k, t in enumerate(times)], times[-1] + 0.5)


def vibrato(f0: float, rate: float, cents: float, duration: float) -> Wave:
    t = np.arange(round(duration * RATE)) / RATE
    line = f0 * 2 ** (cents / 1200 * np.sin(2 * np.pi * rate * t))
    phase = 2 * np.pi * np.cumsum(line) / RATE
    return shaped(0.3 * np.sum([np.sin(k * phase) / k for k in range(1, 6)], axis=0))


def arch(low: float, high: float, duration: float) -> Wave:
    half = duration / 2
    return np.concatenate([glide(low, high, half), glide(high, low, half)])


def speech(text: str, syllables: int, rate: float, register: str, base: float, final: float, lead: float = 0.2) -> Wave:
    """A sentence with a level pitch line at `base` Hz that moves `final` semitones over its last half second."""
    from mgrd.ingest.embedded.pitch import estimate_period, repitch
    from mgrd.ingest.embedded.speech import intonation, speak

    voice = "en-us+m1" if register == "low" else "en-us+f1"
    wave, _ = speak(text, syllables, voice, rate, register)
    line = intonation(np.random.default_rng(1), len(wave), base, final)
    wave = repitch(wave, line, estimate_period(wave))
    wave = 0.08 * wave / np.sqrt(np.mean(wave**2))
    quiet = white(lead, 1e-5), white(0.3, 1e-5, seed=1)
    return np.concatenate([quiet[0], wave, quiet[1]])


FAST = ("peter took a picture of the city today", 12)
SLOW = ("the dog can stay too", 5)
CLIPS: dict[str, Clip] = {}


def _add(name: str, truth: str, make: Callable[[], Wave], asked: tuple[str, tuple[str, ...]], answer: str) -> None:
    CLIPS[name] = Clip(truth, make, *asked, answer)


def _count(*choices: str) -> tuple[str, tuple[str, ...]]:
    return (COUNT_Q, choices)


def _lines() -> None:
    add = _add
    add(
        "glide_up",
        "one tone, 200 to 450 Hz (+14 semitones) in 2.4 s, level steady, clean",
        lambda: placed([(0.2, glide(200, 450, 2.4))], 3.0),
        PITCH_Q,
        "rising",
    )
    add(
        "glide_down",
        "one tone, 600 to 250 Hz (-15 semitones) in 2 s, level steady, clean",
        lambda: placed([(0.3, glide(600, 250, 2.0))], 2.6),
        PITCH_Q,
        "falling",
    )
    add(
        "steady_440", "one tone at 440 Hz (A4), 2.5 s, level and steady, clean", lambda: tone(440, 2.5), PITCH_Q, "flat"
    )
    add("steady_110", "one tone at 110 Hz (A2), 3 s, steady", lambda: tone(110, 3.0, partials=8), REGISTER_Q, "low")
    add("steady_1200", "one tone at 1200 Hz, 2 s, steady", lambda: tone(1200, 2.0, partials=3), REGISTER_Q, "high")
    add("steady_300", "one tone at 300 Hz, 2 s, steady", lambda: tone(300, 2.0), REGISTER_Q, "middle")
    add(
        "arch",
        "one tone, up 200 to 400 Hz in the first 1.5 s and back down in the second 1.5 s",
        lambda: arch(200, 400, 3.0),
        PITCH_Q,
        "flat",
    )
    add(
        "vibrato",
        "one tone at 400 Hz with a vibrato of 6 Hz, +-80 cents, 2.5 s",
        lambda: vibrato(400, 6, 80, 2.5),
        REGISTER_Q,
        "middle",
    )
    add(
        "late_rise",
        "one tone at 220 Hz for 2 s, then up to 440 Hz within the last second",
        lambda: np.concatenate([tone(220, 2.0), glide(220, 440, 1.0)]),
        PITCH_Q,
        "rising",
    )
    add(
        "swell",
        "one tone at 300 Hz, 3 s, from -24 dB to full level",
        lambda: fade(tone(300, 3.0), -24, 0),
        LOUD_Q,
        "louder",
    )
    add(
        "fade", "one tone at 330 Hz, 3 s, 24 dB down to the end", lambda: fade(tone(330, 3.0), 0, -24), LOUD_Q, "softer"
    )
    add(
        "loud_bright",
        "one tone at 500 Hz with many strong partials, loud and bright, 2 s, steady",
        lambda: 1.4 * tone(500, 2.0, partials=14, tilt=0.25),
        TIMBRE_Q,
        "bright",
    )
    add(
        "dark_low",
        "one tone at 150 Hz, hardly any partials, dark, 2 s, steady",
        lambda: tone(150, 2.0, partials=3, tilt=2.5),
        TIMBRE_Q,
        "dark",
    )
    add(
        "glide_up_fade",
        "one tone, 250 to 500 Hz in 3 s, fading 20 dB",
        lambda: fade(glide(250, 500, 3.0), 0, -20),
        LOUD_Q,
        "softer",
    )
    add(
        "glide_down_swell",
        "one tone, 500 to 250 Hz in 3 s, growing 20 dB",
        lambda: fade(glide(500, 250, 3.0), -20, 0),
        PITCH_Q,
        "falling",
    )
    add(
        "brightening",
        "one tone at 200 Hz whose upper partials come in towards the end, level roughly steady",
        _brighten,
        TIMBRE_Q,
        "bright",
    )


def _brighten() -> Wave:
    t = np.arange(3 * RATE) / RATE
    low = np.sin(2 * np.pi * 200 * t)
    high = sum(np.sin(2 * np.pi * 200 * k * t) for k in range(8, 18)) / 4
    mix = np.linspace(0, 1, len(t))
    return shaped(0.25 * ((1 - 0.7 * mix) * low + mix * high))


def _events() -> None:
    add = _add
    add(
        "beeps_up",
        "5 beeps from 300 to 476 Hz, each 2 semitones higher, 0.43 s apart (140 BPM), even, same level",
        lambda: beeps([300 * 2 ** (2 * k / 12) for k in range(5)], 0.43),
        _count("four", "five", "six"),
        "five",
    )
    add(
        "beeps_three",
        "3 equal beeps at 800 Hz, 0.6 s apart (100 BPM), even",
        lambda: beeps([800.0] * 3, 0.6, 0.2),
        _count("two", "three", "four"),
        "three",
    )
    add(
        "beeps_two_down",
        "2 beeps, 700 then 350 Hz (an octave down), same level, 0.8 s apart",
        lambda: beeps([700, 350], 0.8, 0.4),
        ORDER_Q,
        "downwards",
    )
    add(
        "beeps_two_up",
        "2 beeps, 300 then 450 Hz (a fifth up), second 10 dB softer, 0.9 s apart",
        lambda: beeps([300, 450], 0.9, 0.4, [1, 0.32]),
        ORDER_Q,
        "upwards",
    )
    add(
        "beeps_four_loud",
        "4 beeps at 500 Hz, each 5 dB louder than the one before, 0.5 s apart (120 BPM)",
        lambda: beeps([500.0] * 4, 0.5, 0.2, [0.18, 0.32, 0.56, 1.0]),
        LOUD_Q,
        "louder",
    )
    add(
        "beeps_fast",
        "10 beeps at 900 Hz, 0.25 s apart (240 BPM), even",
        lambda: beeps([900.0] * 10, 0.25, 0.1),
        TEMPO_Q,
        "fast",
    )
    add(
        "zigzag",
        "4 beeps: 400, 600, 300, 500 Hz, same level, 0.6 s apart",
        lambda: beeps([400, 600, 300, 500], 0.6, 0.3),
        ORDER_Q,
        "upwards",
    )
    add(
        "clicks_fast",
        "9 clicks, 0.3 s apart (200 BPM), even",
        lambda: clicks([0.2 + 0.3 * k for k in range(9)]),
        TEMPO_Q,
        "fast",
    )
    add(
        "clicks_slow",
        "4 clicks, 1 s apart (60 BPM), even",
        lambda: clicks([0.2 + k for k in range(4)]),
        TEMPO_Q,
        "slow",
    )
    add(
        "clicks_120",
        "7 clicks, 0.5 s apart (120 BPM), even",
        lambda: clicks([0.2 + 0.5 * k for k in range(7)]),
        TEMPO_Q,
        "moderate",
    )
    add(
        "clicks_uneven",
        "7 clicks at irregular times",
        lambda: clicks([0.2, 0.32, 1.0, 1.15, 1.9, 2.6, 2.75]),
        ("How regular is the pulse?", ("regular", "irregular")),
        "irregular",
    )
    add(
        "clicks_accel",
        "9 clicks that come closer and closer: gaps from 0.6 down to 0.2 s",
        lambda: clicks(list(0.2 + np.concatenate([[0], np.cumsum(np.geomspace(0.6, 0.2, 8))]))),
        ("How does the tempo change?", ("speeding up", "slowing down", "steady")),
        "speeding up",
    )
    add(
        "clicks_rit",
        "9 clicks that come further and further apart: gaps from 0.2 up to 0.6 s",
        lambda: clicks(list(0.2 + np.concatenate([[0], np.cumsum(np.geomspace(0.2, 0.6, 8))]))),
        ("How does the tempo change?", ("speeding up", "slowing down", "steady")),
        "slowing down",
    )
    add(
        "one_click",
        "a single click after 1 s of silence, 2 s in all",
        lambda: placed([(1.0, click())], 2.0),
        _count("one", "two", "three"),
        "one",
    )
    add(
        "bursts",
        "3 bursts of white noise, 0.25 s each, 0.7 s apart, same level",
        lambda: placed([(0.2 + 0.7 * k, shaped(white(0.25, 0.2, seed=k))) for k in range(3)], 2.4),
        _count("two", "three", "five"),
        "three",
    )
    add(
        "bursts_softer",
        "5 noise bursts, each 5 dB softer than the one before, 0.5 s apart (120 BPM)",
        lambda: placed([(0.2 + 0.5 * k, shaped(white(0.2, 0.3 * 10 ** (-5 * k / 20), seed=k))) for k in range(5)], 2.8),
        LOUD_Q,
        "softer",
    )
    add(
        "gap",
        "two 0.8 s tones at 400 Hz with 1.2 s of silence between them",
        lambda: placed([(0.1, tone(400, 0.8)), (2.1, tone(400, 0.8))], 3.0),
        ("Is there a pause?", ("yes", "no")),
        "yes",
    )
    add(
        "no_gap", "one unbroken tone at 350 Hz, 3 s", lambda: tone(350, 3.0), ("Is there a pause?", ("yes", "no")), "no"
    )


def _music() -> None:
    add = _add
    add(
        "piano_up",
        "piano, 6 notes C4 D4 E4 F4 G4 A4 upwards, 0.5 s each (120 BPM)",
        lambda: notes([60, 62, 64, 65, 67, 69], 0.5, 0),
        PITCH_Q,
        "rising",
    )
    add(
        "piano_down",
        "piano, 5 notes G4 F4 E4 D4 C4 downwards, 0.6 s each (100 BPM)",
        lambda: notes([67, 65, 64, 62, 60], 0.6, 0),
        PITCH_Q,
        "falling",
    )
    add(
        "piano_same",
        "piano, 4 times A3 (220 Hz), 0.8 s each (75 BPM)",
        lambda: notes([57] * 4, 0.8, 0),
        TEMPO_Q,
        "slow",
    )
    add(
        "piano_fast",
        "piano, 8 notes between C5 and G5, 0.25 s each (240 BPM)",
        lambda: notes([72, 74, 76, 74, 76, 77, 76, 79], 0.25, 0),
        TEMPO_Q,
        "fast",
    )
    add(
        "guitar_low",
        "nylon guitar, 3 notes E2 A2 D3 upwards, 0.9 s each",
        lambda: notes([40, 45, 50], 0.9, 24),
        REGISTER_Q,
        "low",
    )
    add(
        "flute_high",
        "flute, 3 notes A5 B5 C6 upwards, 0.7 s each",
        lambda: notes([81, 83, 84], 0.7, 73),
        REGISTER_Q,
        "high",
    )
    add(
        "trumpet_two",
        "trumpet, 2 notes: C4 then G4 (a fifth up), 0.9 s each",
        lambda: notes([60, 67], 0.9, 56),
        ORDER_Q,
        "upwards",
    )
    add(
        "marimba_down",
        "marimba, 4 notes C6 A5 F5 C5 downwards, 0.5 s each",
        lambda: notes([84, 81, 77, 72], 0.5, 12),
        ORDER_Q,
        "downwards",
    )
    add(
        "strings_swell",
        "one string chord tone D4, 3 s, growing 24 dB",
        lambda: fade(notes([62], 3.0, 48), -24, 0),
        LOUD_Q,
        "louder",
    )
    add(
        "piano_softer",
        "piano, 4 notes at E4, each softer than the one before (velocity 120 to 30), 0.6 s each",
        lambda: notes([64] * 4, 0.6, 0, [120, 85, 55, 28]),
        LOUD_Q,
        "softer",
    )
    add(
        "pluck_three",
        "3 plucked notes 440, 330, 247 Hz downwards and each 6 dB softer, 1 s apart (60 BPM)",
        lambda: placed(
            [(t, g * pluck(f, 0.8, 0.5)) for f, t, g in ((440, 0.2, 1), (330, 1.2, 0.5), (247, 2.2, 0.25))], 3.2
        ),
        ORDER_Q,
        "downwards",
    )
    add(
        "pluck_even",
        "6 plucked notes at 196 Hz, 0.4 s apart (150 BPM), same level, even",
        lambda: placed([(0.2 + 0.4 * k, pluck(196, 0.35, 0.3)) for k in range(6)], 2.8),
        _count("five", "six", "eight"),
        "six",
    )


def _places() -> None:
    add = _add
    two = lambda: placed([(0.2, click()), (1.7, click(seed=1))], 3.0)  # noqa: E731
    add(
        "hall_clicks",
        "2 clicks in a reverberant hall (T60 1.4 s)",
        lambda: with_room(two(), 1.4, wet=0.7) + white(3.0, 1e-5),
        ROOM_Q,
        "reverberant",
    )
    add(
        "hall_beeps",
        "3 beeps at 600 Hz in a reverberant hall (T60 1.1 s), 1 s apart",
        lambda: with_room(placed([(0.2 + k, tone(600, 0.2)) for k in range(3)], 3.6), 1.1, wet=0.5) + white(3.6, 1e-5),
        ROOM_Q,
        "reverberant",
    )
    add(
        "dry_clicks",
        "5 dry clicks with dead silence between them, 0.6 s apart (100 BPM)",
        lambda: clicks([0.2 + 0.6 * k for k in range(5)]),
        ROOM_Q,
        "dry",
    )
    add(
        "noisy_tone",
        "a tone at 250 Hz under loud white noise (SNR 4 dB), 3 s",
        lambda: with_noise(tone(250, 3.0), 4.0),
        NOISE_Q,
        "noisy",
    )
    add(
        "noisy_beeps",
        "4 beeps at 500 Hz in noise (SNR 8 dB), 0.6 s apart (100 BPM)",
        lambda: with_noise(beeps([500.0] * 4, 0.6, 0.35), 8.0),
        NOISE_Q,
        "noisy",
    )
    add(
        "clean_pluck",
        "4 plucked notes at 294 Hz, clean, dead silence behind, 0.7 s apart",
        lambda: placed([(0.2 + 0.7 * k, pluck(294, 0.5, 0.25)) for k in range(4)], 3.2),
        NOISE_Q,
        "clean",
    )
    add(
        "white_noise",
        "white noise alone, 2 s, steady level, bright, no pitch",
        lambda: shaped(white(2.0, 0.15)),
        TIMBRE_Q,
        "bright",
    )
    add(
        "noise_fade",
        "white noise alone, fading 26 dB over 3 s",
        lambda: fade(white(3.0, 0.25), 0, -26),
        LOUD_Q,
        "softer",
    )
    add(
        "noise_swell",
        "white noise alone, growing 26 dB over 3 s",
        lambda: fade(white(3.0, 0.25), -26, 0),
        LOUD_Q,
        "louder",
    )
    add(
        "stereo_left",
        "a tone at 440 Hz in the left channel only, 2 s",
        lambda: np.stack([tone(440, 2.0), np.zeros(2 * RATE)], axis=1),
        ("Where is the sound?", ("left", "right", "centred")),
        "left",
    )
    add(
        "stereo_right",
        "4 clicks in the right channel only, 0.5 s apart (120 BPM)",
        lambda: np.stack([np.zeros(round(2.2 * RATE)), clicks([0.2 + 0.5 * k for k in range(4)])], axis=1),
        ("Where is the sound?", ("left", "right", "centred")),
        "right",
    )
    add(
        "clipped",
        "a tone at 220 Hz driven into heavy clipping, 2 s",
        lambda: np.clip(6 * tone(220, 2.0, partials=3), -0.99, 0.99),
        ("Is the sound distorted?", ("distorted", "clean")),
        "distorted",
    )


def _voices() -> None:
    add = _add
    add(
        "ask_fast",
        "a low male voice, fast (about 6.4 syllables/s), pitch about 120 Hz, ends rising 6 semitones",
        lambda: speech(*FAST, 6.4, "low", 120, 6.0),
        INTONATION_Q,
        "rising",
    )
    add(
        "state_fast",
        "a low male voice, fast, about 115 Hz, ends falling 5 semitones",
        lambda: speech(*FAST, 6.4, "low", 115, -5.0),
        RATE_Q,
        "fast",
    )
    add(
        "ask_slow",
        "a higher female voice, slow (about 2.4 syllables/s), about 240 Hz, ends rising 6 semitones",
        lambda: speech(*SLOW, 2.4, "middle", 240, 6.0),
        RATE_Q,
        "slow",
    )
    add(
        "state_slow",
        "a higher female voice, slow, about 230 Hz, ends falling 5 semitones",
        lambda: speech(*SLOW, 2.4, "middle", 230, -5.0),
        INTONATION_Q,
        "falling",
    )
    add(
        "ask_middle_fast",
        "a female voice, fast, about 250 Hz, ends rising",
        lambda: speech("betty packed a dozen tickets for tuesday", 11, 6.2, "middle", 250, 6.0),
        INTONATION_Q,
        "rising",
    )
    add(
        "state_low_slow",
        "a low male voice, slow, about 110 Hz, ends falling",
        lambda: speech("stop at two or three", 5, 2.4, "low", 110, -5.0),
        REGISTER_Q,
        "low",
    )
    add(
        "speech_noisy",
        "a low male voice, fast, ends falling, under noise (SNR 6 dB)",
        lambda: with_noise(speech(*FAST, 6.4, "low", 118, -5.0), 6.0),
        NOISE_Q,
        "noisy",
    )
    add(
        "speech_hall",
        "a low male voice, slow, ends falling, in a reverberant hall (T60 1.3 s)",
        lambda: with_room(
            np.concatenate([speech("stop at two or three", 5, 2.4, "low", 112, -5.0), np.zeros(RATE)]), 1.3, wet=0.6
        ),
        ROOM_Q,
        "reverberant",
    )


_lines()
_events()
_music()
_places()
_voices()


@cache
def measured(name: str) -> list:
    """The clip's facts by our own measuring code."""
    from mgrd.audio.evidence import measure

    return measure(CLIPS[name].make(), RATE)
