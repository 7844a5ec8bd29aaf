"""Loudness, timbre, noise and room against constructed truth."""

import numpy as np
import pytest
from scipy import signal

from mgrd.audio.evidence import measure
from mgrd.audio.facts import Fact
from mgrd.audio.words import ATTRIBUTES
from tests.audio.sounds import RATE, click, glide, placed, pluck, tone, white, with_noise, with_room


def facts_of(samples: np.ndarray, rate: int = RATE) -> dict[str, Fact]:
    return {fact.name: fact for fact in reversed(measure(samples, rate))}


@pytest.mark.parametrize("change", [-18.0, -9.0, 0.0, 9.0, 18.0])
def test_the_loudness_trend_is_the_last_third_against_the_first(change: float) -> None:
    ramp = 10 ** (np.linspace(0, change, 3 * RATE) / 20)
    assert facts_of(tone(300, 3.0) * ramp)["loudness_trend"].value == pytest.approx(change * 2 / 3, abs=0.8)


def test_equal_plucks_do_not_fade() -> None:
    row = placed([(0.2 + 0.6 * k, pluck(220, 0.9)) for k in range(4)], 3.0)
    assert abs(facts_of(row)["loudness_trend"].value) < 1.5


def test_levels_are_those_of_the_samples() -> None:
    facts = facts_of(np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE) * 0.5)
    assert facts["peak"].value == pytest.approx(-6.02, abs=0.1)
    assert facts["rms"].value == pytest.approx(-9.03, abs=0.1)
    assert facts["loudness"].value == pytest.approx(-9.0, abs=1.0)


def test_pauses_are_counted_and_timed() -> None:
    facts = facts_of(placed([(0.0, tone(300, 0.5)), (1.0, tone(300, 0.5)), (2.4, tone(300, 0.5))], 3.0))
    assert facts["pause_count"].value == 2
    assert facts["longest_pause"].value == pytest.approx(0.9, abs=0.06)
    assert facts["silence_share"].value == pytest.approx(0.5, abs=0.05)


def test_clipping_is_found_only_where_samples_stick() -> None:
    assert facts_of(np.clip(3 * tone(220, 1.0), -0.9, 0.9))["clipping"].value > 0.05
    assert facts_of(tone(220, 1.0))["clipping"].value == 0


@pytest.mark.parametrize("snr", [5.0, 10.0, 20.0, 30.0])
@pytest.mark.parametrize("gaps", [True, False])
def test_snr_is_within_4_db(snr: float, gaps: bool) -> None:
    clean = placed([(0.2 + 0.5 * k, tone(300, 0.25)) for k in range(5)], 3.0) if gaps else tone(300, 3.0)
    assert facts_of(with_noise(clean, snr))["snr"].value == pytest.approx(snr, abs=4)


@pytest.mark.parametrize("t60", [0.2, 0.4, 0.8, 1.2])
@pytest.mark.parametrize("source", ["clicks", "beeps"])
def test_decay_time_is_within_a_quarter(t60: float, source: str) -> None:
    sound = click() if source == "clicks" else tone(500, 0.2)
    fact = facts_of(with_room(placed([(0.2, sound), (1.6, sound)], 3.0), t60, 0.6))["decay_time"]
    assert fact.value == pytest.approx(t60, rel=0.25)


def test_sounds_that_stop_at_once_are_dry_and_a_ringing_string_decides_nothing() -> None:
    dry = facts_of(placed([(0.2 + 0.5 * k, tone(300, 0.2)) for k in range(5)], 3.0))["decay_time"]
    assert dry.value < ATTRIBUTES["reverberation"].band("dry").high
    assert dry.reliability >= 0.5
    ringing = facts_of(placed([(0.2, pluck(220, 2.5, decay=1.5))], 3.0)).get("decay_time")
    assert ringing is None or ringing.value < 0.25 or ringing.reliability < 0.5


def test_timbre_is_bright_dark_and_unmoved_by_noise() -> None:
    bands = ATTRIBUTES["timbre"]
    bright, dark = tone(400, 2.0, partials=18, tilt=0.1), tone(200, 2.0, partials=3, tilt=2.0)
    assert bands.word(facts_of(bright)["spectral_centroid"].value) == "bright"
    assert bands.word(facts_of(dark)["spectral_centroid"].value) == "dark"
    row = placed([(0.2 + 0.5 * k, tone(200, 0.25, partials=3, tilt=2.0)) for k in range(5)], 3.0)
    assert bands.word(facts_of(with_noise(row, 25))["spectral_centroid"].value) == "dark"


def test_the_centroid_of_a_pure_tone_is_its_frequency_at_any_rate() -> None:
    for rate in (16_000, 44_100, 96_000):
        value = facts_of(tone(1500, 1.0, partials=1, rate=rate), rate)["spectral_centroid"].value
        assert value == pytest.approx(1500, rel=0.05)


def test_brightening_has_a_trend_and_percussion_its_share() -> None:
    dull, open_ = tone(200, 2.0, partials=3, tilt=2.0), tone(200, 2.0, partials=30, tilt=0.3)
    mix = np.linspace(0, 1, len(dull))
    assert facts_of(mix * open_ / open_.std() + (1 - mix) * dull / dull.std())["brightness_trend"].value > 0.35
    clicks = placed([(0.1 + 0.2 * k, click(seed=k)) for k in range(8)], 2.0)
    assert facts_of(clicks)["percussive_share"].value > 0.8
    assert facts_of(tone(300, 2.0))["percussive_share"].value < 0.2


def test_a_gap_before_a_swelling_sound_is_a_gap() -> None:
    """The level only rises and a rumble lies where the sound does, but there is a jump: before it is the background."""
    swell = glide(250, 300, 2.3, partials=1) * 10 ** (np.linspace(-15, 0, round(2.3 * RATE)) / 20)
    clip = placed([(0.3, swell)], 2.6)
    rumble = signal.sosfilt(signal.butter(4, [235, 320], "band", fs=RATE, output="sos"), white(2.6))
    rumble *= np.sqrt(np.mean(clip**2) / np.mean(rumble**2)) * 10 ** (-40 / 20)
    assert facts_of(clip + rumble)["snr"].value == pytest.approx(40, abs=4)


def row_of_tones(gap: float, rate: int, edge: float) -> np.ndarray:
    seconds = 1.35 + 2 * gap + edge
    return placed(
        [(k * (0.45 + gap), tone(f0, 0.45, rate=rate)) for k, f0 in enumerate((440, 550, 660))], seconds, rate
    )


@pytest.mark.parametrize("gap", [0.04, 0.08, 0.12, 0.15, 0.3])
@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100])
@pytest.mark.parametrize("edge", [0.0, 0.5])
def test_a_short_silence_between_sounds_is_a_gap_and_no_sure_lack_of_pauses(gap: float, rate: int, edge: float) -> None:
    facts = measure(row_of_tones(gap, rate, edge), rate)
    named = {fact.name: fact for fact in facts}
    assert [fact.value for fact in facts if fact.name == "gap"] == pytest.approx([gap, gap], abs=0.012)
    assert (named["gap_count"].value, named["gap_count"].reliability >= 0.5) == (2, True)
    assert named["pause_count"].value == (2 if gap >= 0.15 else 0)
    assert (named["pause_count"].reliability >= 0.5) == (gap >= 0.15)


def test_sounds_that_die_away_before_the_next_one_leave_the_count_of_pauses_open() -> None:
    row = placed([(0.1 + 0.5 * k, pluck(330, 0.5, decay=0.25)) for k in range(4)], 2.2)
    assert facts_of(row)["pause_count"].reliability < 0.5


@pytest.mark.parametrize("samples", [tone(300, 2.0), glide(200, 500, 2.0), white(2.0)], ids=["tone", "glide", "noise"])
def test_one_long_sound_surely_has_no_pause(samples: np.ndarray) -> None:
    facts = facts_of(samples)
    assert (facts["pause_count"].value, facts["gap_count"].value) == (0, 0)
    assert facts["pause_count"].reliability >= 0.5


def test_an_unbroken_clean_tone_is_clean_and_a_low_one_is_never_called_noisy() -> None:
    time = np.arange(3 * RATE) / RATE
    for f0, partials in ((440, 1), (220, 4), (110, 4), (110, 10)):
        wave = 0.1 * sum(np.sin(2 * np.pi * f0 * k * time) / k for k in range(1, partials + 1))
        (snr,) = [fact for fact in measure(np.asarray(wave), RATE) if fact.name == "snr"]
        assert snr.reliability < 0.5 or snr.value >= 25.0, f"{partials} partials on {f0} Hz: {snr}"
        if f0 > 200:
            assert snr.reliability >= 0.5


def test_a_low_voice_in_noise_that_fills_the_spectrum_is_surely_noisy() -> None:
    time = np.arange(3 * RATE) / RATE
    for f0, partials in ((60, 4), (110, 3), (110, 10), (150, 30)):
        voice = sum(np.sin(2 * np.pi * f0 * k * time) / k for k in range(1, partials + 1))
        (snr,) = [fact for fact in measure(with_noise(0.1 * np.asarray(voice), 5.0), RATE) if fact.name == "snr"]
        assert snr.reliability >= 0.5, f"{partials} partials on {f0} Hz: {snr}"
        assert snr.value < 10.0, f"{partials} partials on {f0} Hz: {snr}"
