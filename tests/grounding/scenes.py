"""Scenes of the golden chains: what is true of each by construction, and how it sounds."""

import numpy as np

from mgrd.audio.facts import Fact, fact
from tests.audio.sounds import click, glide, placed, pluck, tone, white, with_noise, with_room

SECONDS = 3.0


def known(**values: float) -> list[Fact]:
    return [fact(name, value, end=SECONDS) for name, value in {"duration": SECONDS, **values}.items()]


def several(name: str, values: list[float], starts: list[float], length: float) -> list[Fact]:
    return [fact(name, value, start=t, end=t + length) for value, t in zip(values, starts, strict=True)]


BEEPS = [300.0 * 2 ** (2 * k / 12) for k in range(5)]
BEEP_STARTS = [0.2 + 0.43 * k for k in range(5)]
NOTES, NOTE_STARTS, NOTE_GAINS = [440.0, 330.0, 247.0], [0.2, 1.2, 2.2], [1.0, 0.5, 0.25]
CLICK_STARTS = [0.2 + 0.3 * k for k in range(9)]

TRUTH: dict[str, list[Fact]] = {
    "glide_up": known(f0_trend=14.0, f0_range=14.0, f0_median=300.0, event_count=1, loudness_trend=0.0, snr=60.0),
    "notes_down": [
        *known(
            f0_trend=-10.0, order_pitch=-10.0, order_loudness=-12.0, event_count=3, tempo=60.0, f0_median=330.0,
            loudness_trend=-8.0, pulse_regularity=1.0, snr=60.0,
        ),
        *several("event_f0", NOTES, NOTE_STARTS, 0.8),
    ],
    "beeps_up": [
        *known(
            f0_trend=8.0, order_pitch=8.0, order_loudness=0.0, event_count=5, tempo=60 / 0.43, loudness_trend=0.0,
            pulse_regularity=1.0, decay_time=0.05, snr=60.0, f0_median=BEEPS[2],
        ),
        *several("event_f0", BEEPS, BEEP_STARTS, 0.15),
    ],
    "clicks": known(event_count=9, tempo=200.0, pulse_regularity=1.0, snr=60.0),
    "noisy_low": known(f0_median=110.0, f0_trend=0.0, f0_range=0.0, snr=5.0, event_count=1),
    "room": known(decay_time=1.2, event_count=2, snr=50.0),
    "bright_high": known(
        f0_median=900.0, f0_trend=0.0, f0_range=0.0, spectral_centroid=3000.0, event_count=1, loudness_trend=0.0
    ),
    "speech": known(syllable_rate=6.0, final_rise=5.0, f0_median=120.0, speech=1.0),
    "swell": known(loudness_trend=14.0, f0_trend=0.0, f0_range=0.0, f0_median=300.0, event_count=1),
}  # fmt: skip


def sound(scene: str) -> np.ndarray | None:
    """The scene at 16 kHz, or None where it cannot be made from formulas."""
    swell = np.linspace(-21, 0, 16_000 * 3)
    made = {
        "glide_up": lambda: placed([(0.2, glide(200, 450, 2.4))], SECONDS),
        "notes_down": lambda: placed(
            [(t, g * pluck(f, 0.8, 0.5)) for f, t, g in zip(NOTES, NOTE_STARTS, NOTE_GAINS, strict=True)], SECONDS
        ),
        "beeps_up": lambda: placed([(t, tone(f, 0.15)) for f, t in zip(BEEPS, BEEP_STARTS, strict=True)], SECONDS),
        "clicks": lambda: placed([(t, click(seed=k)) for k, t in enumerate(CLICK_STARTS)], SECONDS),
        "noisy_low": lambda: with_noise(tone(110, SECONDS, partials=3), 5.0),
        "room": lambda: (
            with_room(placed([(0.2, click()), (1.7, click(seed=1))], SECONDS), 1.2, wet=0.7) + white(SECONDS, 1e-5)
        ),
        "bright_high": lambda: tone(900, SECONDS, partials=8, tilt=0.2),
        "swell": lambda: tone(300, SECONDS) * 10 ** (swell / 20),
    }
    return made[scene]() if scene in made else None
