"""Constructions of usual prose, each on a clip where it is true and on one where it is false, by construction."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from mgrd.audio.evidence import measure
from mgrd.audio.facts import fact
from mgrd.grounding.scorer import score_text
from mgrd.grounding.verify import Evidence
from tests.audio.sounds import RATE, click, glide, placed, pluck, seconds, shaped, tone, white, with_noise, with_room

SPEEDING = 0.2 + np.concatenate([[0.0], np.cumsum(0.5 * 0.8 ** np.arange(9))])
UNEVEN = (0.2, 0.5, 1.7, 2.0, 3.6, 4.4)


def clicks(times: np.ndarray | tuple[float, ...]) -> np.ndarray:
    return placed([(float(t), click(seed=k)) for k, t in enumerate(times)], 5.0)


def beeps(f0: float, times: tuple[float, ...], length: float = 0.12) -> np.ndarray:
    return placed([(t, tone(f0, length)) for t in times], 5.0)


def throbbing(depth: float) -> np.ndarray:
    t = seconds(3.0)
    return 0.4 * shaped(np.sin(2 * np.pi * 440 * t)) * (1 - depth / 2 + depth / 2 * np.sin(2 * np.pi * 5 * t))


def arch(low: float, high: float) -> np.ndarray:
    t = seconds(3.0)
    phase = 2 * np.pi * np.cumsum(low * (high / low) ** (1 - np.abs(t / 1.5 - 1))) / RATE
    return 0.3 * shaped(np.asarray(sum(np.sin(k * phase) / k for k in range(1, 5))))


def burst(length: float, seed: int = 0) -> np.ndarray:
    return shaped(white(length, 0.2, seed))


CLIPS: dict[str, Callable[[], np.ndarray]] = {
    "speeding": lambda: clicks(SPEEDING),
    "slowing": lambda: clicks(4.6 - SPEEDING[::-1]),
    "uneven": lambda: beeps(900, UNEVEN),
    "even": lambda: beeps(900, (0.2, 1.0, 1.8, 2.6, 3.4, 4.2)),
    "seconds": lambda: beeps(700, (0.2, 1.2, 2.2, 3.2, 4.2), 0.2),
    "throbbing": lambda: throbbing(0.95),
    "still": lambda: throbbing(0.0),
    "late": lambda: placed([(3.0, tone(1200, 0.8))], 4.0),
    "noise_tone": lambda: placed([(0.0, burst(1.0)), (1.2, tone(880, 1.3))], 2.6),
    "tone_noise": lambda: placed([(0.0, tone(880, 1.3)), (1.5, burst(1.0))], 2.6),
    "arch": lambda: arch(250, 1000),
    "rising": lambda: glide(300, 1200, 2.0),
    "chord": lambda: np.sum([tone(f, 2.5) for f in (261.6, 329.6, 392.0)], axis=0) / 3,
    "gap": lambda: placed([(0.0, tone(600, 1.0)), (2.5, tone(600, 1.1))], 3.6),
    "hissing": lambda: with_noise(tone(500, 3.0), 3.0),
    "three": lambda: placed([(0.3 + k, burst(0.3, k)) for k in range(3)], 3.2),
    "fast": lambda: beeps(900, tuple(0.2 + 0.25 * k for k in range(12))),
    "glide_tone": lambda: placed([(0.1, glide(300, 900, 1.2)), (1.6, tone(700, 1.3))], 3.2),
    "tone_glide": lambda: placed([(0.1, tone(700, 1.3)), (1.6, glide(300, 900, 1.3))], 3.2),
    "swell": lambda: tone(300, 3.0) * 10 ** (np.linspace(-30, 0, len(seconds(3.0))) / 20),
    "plucks": lambda: placed([(0.1 + 1.5 * k, pluck(220, 1.4, 0.7)) for k in range(3)], 4.6),
    "ringing": lambda: with_room(placed([(0.2, click())], 4.0), 1.5, wet=0.7) + white(4.0, 1e-5),
    "dry_click": lambda: placed([(0.2, click())], 4.0) + white(4.0, 1e-5),
    "zigzag": lambda: placed([(0.1 + 0.6 * k, tone(f, 0.5)) for k, f in enumerate((300, 400, 350, 500))], 2.6),
    "ladder": lambda: placed([(0.1 + 0.6 * k, tone(f, 0.5)) for k, f in enumerate((300, 350, 400, 500))], 2.6),
}


@cache
def evidence(clip: str) -> Evidence:
    return Evidence(measure(CLIPS[clip](), RATE))


@pytest.mark.parametrize(
    ("text", "true", "false"),
    [
        ("Each wait is a bit shorter than the last.", "speeding", "slowing"),
        ("The gaps between the clicks keep widening.", "slowing", "speeding"),
        ("The clicks crowd closer together.", "speeding", "slowing"),
        ("The gaps keep changing length.", "uneven", "even"),
        ("Some of the gaps are short, others long.", "uneven", "even"),
        ("Every gap is the same.", "even", "uneven"),
        ("The time between onsets is always exactly one second.", "seconds", "even"),
        ("One beep every second.", "seconds", "even"),
        ("The volume pulsates about five times a second.", "throbbing", "still"),
        ("For three whole seconds nothing happens.", "late", "noise_tone"),
        ("The opening is silent.", "late", "noise_tone"),
        ("A beep turns up only near the end.", "late", "noise_tone"),
        ("Hiss first, beep after.", "noise_tone", "tone_noise"),
        ("It starts with noise and ends with a tone.", "noise_tone", "tone_noise"),
        ("The pitch goes up to a peak and then comes back down.", "arch", "rising"),
        ("It climbs, then turns round and heads back down.", "arch", "rising"),
        ("The pitch only rises.", "rising", "arch"),
        ("Three notes sound at once.", "chord", "still"),
        ("There's a hole in the middle.", "gap", "hissing"),
        ("The tone cuts out after one second and then resumes.", "gap", "hissing"),
        ("It is drowned in static.", "hissing", "gap"),
        ("Noise, silence, noise, silence, noise: three.", "three", "noise_tone"),
        ("Three bursts with dead air in between.", "three", "hissing"),
        ("Each note is higher than the one before.", "ladder", "zigzag"),
        ("The onsets are at 0.2, 1.2 and 2.2 s.", "seconds", "late"),
        ("They are short beeps.", "even", "hissing"),
        ("Perfectly regular.", "even", "uneven"),
        ("The gap from beep to beep is always one second, and the beat is rock-steady.", "seconds", "uneven"),
        ("Quick and evenly spaced.", "fast", "uneven"),
        ("The beeps come about one second apart.", "seconds", "fast"),
        ("Twelve beeps packed into about three seconds.", "fast", "seconds"),
        ("They are several seconds apart.", "seconds", "fast"),
        ("There are several a second.", "fast", "seconds"),
        ("Close together in the beginning, far apart at the end.", "slowing", "speeding"),
        ("Far apart at the start, close together at the end.", "speeding", "slowing"),
        ("The clicks are slow at first and get quicker.", "speeding", "slowing"),
        ("The clicks grow further apart.", "slowing", "speeding"),
        ("The clip begins with noise.", "noise_tone", "tone_noise"),
        ("There is a steady tone; after a short pause, a hiss takes over.", "tone_noise", "noise_tone"),
        ("This is noise rather than a tone.", "three", "still"),
        ("The tone sounds from the very first moment.", "noise_tone", "late"),
        ("Nothing is heard for the first three seconds.", "late", "tone_noise"),
        ("The notes go up and come back down.", "arch", "rising"),
        ("A continuous gliding pitch.", "rising", "still"),
        ("The pitch keeps sliding.", "rising", "still"),
        ("First there is another sound, then a steady tone.", "glide_tone", "tone_glide"),
        ("It opens almost inaudibly.", "swell", "still"),
        ("By the last second it's at its strongest.", "swell", "still"),
        ("Each note decays after the attack.", "plucks", "still"),
        ("The reverberation rolls on.", "ringing", "dry_click"),
        ("Each note flows straight into the next.", "still", "gap"),
    ],
)
def test_a_construction_is_supported_where_it_is_true_and_refuted_where_it_is_false(
    text: str, true: str, false: str
) -> None:
    right, wrong = score_text(text, evidence(true)), score_text(text, evidence(false))
    assert right.supported, right.claims
    assert not right.contradicted, right.claims
    assert wrong.contradicted, wrong.claims


@pytest.mark.parametrize(
    ("text", "clip"),
    [
        ("Sometimes two beeps come close to each other.", "uneven"),
        ("The pitch rises for two notes and falls once.", "zigzag"),
        ("It ends about four times as high as it begins.", "rising"),
        ("The first second is noise; then there's a steady A5.", "noise_tone"),
        ("The volume goes up and down regularly.", "throbbing"),
        ("The note is an octave below A440, or rather above it.", "still"),
        ("The hiss doesn't come and go.", "hissing"),
        ("Each one decays a little before the next.", "ladder"),
        ("In the first second there are two beeps.", "uneven"),
        ("Beep, beep, beep, always alike.", "even"),
        ("A piezo buzzer makes this; a bass drum or a low C string could not.", "late"),
        ("Static, in short: hiss.", "hissing"),
        ("Each note starts abruptly and then dies away.", "plucks"),
        ("Listening past the tone for any hiss... there's none to hear.", "still"),
        ("After the tone a hiss comes.", "tone_noise"),
        ("Under the clicks there's a hum that never stops.", "even"),
        ("I briefly considered a falling pitch.", "still"),
    ],
)
def test_what_only_looks_like_a_claim_refutes_nothing(text: str, clip: str) -> None:
    assert not score_text(text, evidence(clip)).contradicted, score_text(text, evidence(clip)).claims


@pytest.mark.parametrize(
    ("text", "hertz", "verdict"),
    [
        ("The voice is high.", 250.0, "supported"),
        ("The voice is high.", 120.0, "contradicted"),
        ("It is a low voice.", 120.0, "supported"),
        ("It is a low voice.", 250.0, "contradicted"),
        ("It is a low voice.", 160.0, "unverifiable"),
        ("The tone is high.", 250.0, "contradicted"),
    ],
)
def test_the_register_of_a_voice_has_bounds_of_its_own(text: str, hertz: float, verdict: str) -> None:
    facts = [fact("duration", 2.0, end=2.0), fact("f0_median", hertz, end=2.0)]
    found = [c.verification.verdict for c in score_text(text, facts).claims if c.claim.attribute == "register"]
    assert found == [verdict]


@pytest.mark.parametrize(
    ("centroid", "ratio", "count", "verdict"),
    [
        (140.0, -15.0, 1, "supported"),
        (4000.0, -15.0, 1, "contradicted"),
        (4000.0, -15.0, 4, "unverifiable"),
        (1000.0, -15.0, 1, "unverifiable"),
        (140.0, 20.0, 1, "unverifiable"),
    ],
)
def test_a_sound_without_a_pitch_is_low_by_where_its_energy_lies(
    centroid: float, ratio: float, count: float, verdict: str
) -> None:
    values = {"duration": 2.0, "spectral_centroid": centroid, "harmonic_ratio": ratio, "event_count": count}
    facts = [fact(name, value, end=2.0) for name, value in {**values, "silence_share": 0.0}.items()]
    (claim,) = score_text("It's low in pitch.", facts).claims
    assert claim.verification.verdict == verdict
