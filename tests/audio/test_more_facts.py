"""Facts on segments, limits of the spectrum, stereo, whispering and quiet sounds, against constructed truth."""

import numpy as np
import pytest
from scipy import signal

from mgrd.audio.evidence import measure
from mgrd.audio.facts import Fact
from mgrd.audio.words import ATTRIBUTES, MORE_ATTRIBUTES
from mgrd.ingest.embedded.speech import SENTENCES, speak
from tests.audio.sounds import RATE, click, glide, placed, pluck, seconds, shaped, tone, white, with_noise

Samples = np.ndarray
ALL = ATTRIBUTES | MORE_ATTRIBUTES


def facts_of(samples: Samples, rate: int = RATE) -> dict[str, Fact]:
    return {fact.name: fact for fact in reversed(measure(samples, rate))}


def word_of(attribute: str, facts: dict[str, Fact]) -> str | None:
    """The word that is supported, None where there is none or the fact is not to be relied on."""
    found = facts.get(ALL[attribute].fact)
    return ALL[attribute].word(found.value) if found and found.reliability >= 0.5 else None


def coloured(duration: float, slope: float, rate: int = RATE) -> Samples:
    """Noise whose power density falls by `slope` dB per octave."""
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(round(duration * rate)))
    octaves = np.log2(np.maximum(np.arange(len(spectrum)), 1))
    samples = np.fft.irfft(spectrum * 10 ** (slope * octaves / 20))
    return 0.1 * samples / samples.std()


def spoken(seed: int) -> Samples:
    text, syllables = SENTENCES["fast"]["train"][seed]
    return np.pad(speak(text, syllables, ("en-us+m1", "en-us+f1")[seed % 2], 2.5, "low")[0], 3000)


def whispered(voice: Samples) -> Samples:
    """The same formants driven by noise instead of the voice: linear prediction, frame by frame."""
    generator = np.random.default_rng(0)
    size, hop, order = 512, 128, 18
    out, window = np.zeros(len(voice) + size), np.hanning(size)
    for first in range(0, len(voice) - size, hop):
        part = voice[first : first + size] * window
        lags = np.correlate(part, part, "full")[size - 1 : size + order]
        if lags[0] < 1e-8:
            continue
        matrix = lags[np.abs(np.subtract.outer(np.arange(order), np.arange(order)))] + 1e-4 * lags[0] * np.eye(order)
        filter_ = np.linalg.solve(matrix, lags[1:])
        gain = np.sqrt(max(lags[0] - filter_ @ lags[1:], 0.0) / size)
        breath = gain * generator.standard_normal(size)
        out[first : first + size] += signal.lfilter([1.0], np.r_[1.0, -filter_], breath) * window
    out = signal.sosfilt(signal.butter(1, 500, "high", fs=RATE, output="sos"), out)
    return 0.5 * out / np.abs(out).max()


def test_each_voiced_segment_has_its_movement() -> None:
    parts = [(0.2, glide(200, 300, 0.6)), (1.1, glide(300, 200, 0.6)), (2.0, tone(250, 0.6))]
    segments = [fact for fact in measure(placed(parts, 2.8), RATE) if fact.name == "f0_segment"]
    assert [fact.value for fact in segments] == pytest.approx([7.02, -7.02, 0.0], abs=0.7)
    assert [fact.start for fact in segments] == pytest.approx([0.2, 1.1, 2.0], abs=0.06)
    assert [ATTRIBUTES["contour"].word(fact.value) for fact in segments] == ["rising", "falling", "flat"]


@pytest.mark.parametrize(("first", "last", "duration"), [(200, 400, 0.3), (800, 200, 0.4), (150, 1200, 2.0)])
def test_a_glide_is_followed_to_its_ends(first: float, last: float, duration: float) -> None:
    wanted = 12 * np.log2(last / first)
    assert facts_of(glide(first, last, duration))["f0_trend"].value == pytest.approx(wanted, abs=0.13 * abs(wanted))


@pytest.mark.parametrize("rate", [4.5, 6.0, 7.5])
def test_vibrato_is_no_trend(rate: float) -> None:
    swing = 0.8 * np.sin(2 * np.pi * rate * seconds(1.3) + 1)
    phase = 2 * np.pi * np.cumsum(330 * 2 ** (swing / 12)) / RATE
    facts = facts_of(shaped(0.3 * np.sin(phase) + 0.1 * np.sin(2 * phase)))
    assert facts["vibrato_rate"].value == pytest.approx(rate, rel=0.08)
    assert facts["vibrato_depth"].value == pytest.approx(80, rel=0.25)
    assert word_of("contour", facts) == "flat"


@pytest.mark.parametrize(("low", "high"), [(150, 600), (500, 1500), (800, 1200)])
def test_a_band_of_noise_has_no_reliable_pitch(low: float, high: float) -> None:
    sections = signal.butter(4, [low, high], "band", fs=RATE, output="sos")
    named = measure(signal.sosfilt(sections, white(2.0, 0.3)), RATE)
    assert not [f for f in named if f.name.startswith(("f0", "event_f0", "event_note")) and f.reliability >= 0.5]


@pytest.mark.parametrize("slope", [0.0, -3.0, -6.0])
def test_the_tilt_of_coloured_noise_is_its_slope(slope: float) -> None:
    fact = facts_of(coloured(2.0, slope))["spectral_tilt"]
    assert fact.value == pytest.approx(slope, abs=0.7)
    assert fact.reliability >= 0.8


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize(("low", "high"), [(300, 3400), (1000, 2500), (500, 5000)])
def test_the_limits_of_a_band_are_found(low: float, high: float, rate: int) -> None:
    spectrum = np.fft.rfft(white(2.0, rate=rate))
    frequencies = np.fft.rfftfreq(2 * rate, 1 / rate)
    spectrum[(frequencies < low) | (frequencies > high)] = 0
    facts = facts_of(shaped(np.fft.irfft(spectrum), rate), rate)
    assert facts["band_low"].value == pytest.approx(low, abs=80)
    assert facts["band_high"].value == pytest.approx(high, abs=80)


@pytest.mark.parametrize("seed", range(4))
def test_speech_through_filters_has_their_words(seed: int) -> None:
    voice = spoken(seed)
    wide = facts_of(voice)
    telephone = signal.butter(6, [300, 3400], "band", fs=RATE, output="sos")
    blanket = signal.butter(6, 1000, fs=RATE, output="sos")
    assert (word_of("telephone", wide), word_of("muffling", wide)) == ("absent", "clear")
    assert word_of("telephone", facts_of(signal.sosfilt(telephone, voice))) == "present"
    assert word_of("bass", facts_of(signal.sosfilt(telephone, voice))) == "thin"
    assert word_of("muffling", facts_of(signal.sosfilt(blanket, voice))) == "muffled"


def test_low_sounds_boom_and_high_ones_are_thin() -> None:
    assert word_of("bass", facts_of(tone(80, 1.5, partials=3, tilt=2.0))) == "booming"
    assert word_of("bass", facts_of(tone(600, 1.5))) == "thin"


@pytest.mark.parametrize("seed", range(4))
def test_whispering_is_told_from_voice(seed: int) -> None:
    voice = spoken(seed)
    assert word_of("phonation", facts_of(voice)) == "voiced"
    assert facts_of(whispered(voice))["whisper"].value > 0.5


@pytest.mark.parametrize(
    "samples",
    [
        white(2.0),
        white(2.0) * (1 + 0.9 * np.sin(2 * np.pi * 5 * seconds(2.0))),
        placed([(0.1 + 0.25 * k, shaped(white(0.15, 0.2, k))) for k in range(8)], 2.2),
        placed([(0.1 + 0.3 * k, click(seed=k)) for k in range(6)], 2.2),
        tone(300, 2.0),
    ],
    ids=["noise", "throbbing noise", "bursts", "clicks", "tone"],
)
def test_noises_do_not_whisper(samples: Samples) -> None:
    assert facts_of(samples)["whisper"].value < 0.15


def test_melodies_are_monotone_or_lively() -> None:
    assert word_of("melody", facts_of(tone(200, 2.0))) == "monotone"
    assert word_of("melody", facts_of(glide(150, 400, 2.0))) == "lively"


def test_noise_is_noisy_and_tones_are_harmonic_even_where_nothing_is_voiced() -> None:
    assert word_of("harmonicity", facts_of(white(1.0))) == "noisy"
    assert word_of("harmonicity", facts_of(tone(300, 1.0))) == "harmonic"
    assert word_of("percussiveness", facts_of(tone(300, 2.0))) == "sustained"
    assert (
        word_of("percussiveness", facts_of(placed([(0.2 * k, click(seed=k)) for k in range(9)], 2.0))) == "percussive"
    )


@pytest.mark.parametrize(
    ("left", "right", "word"), [(1, 0.3, "left"), (1, 1, "centred"), (0.3, 1, "right"), (0, 1, "right")]
)
def test_the_balance_is_right_minus_left(left: float, right: float, word: str) -> None:
    one = tone(300, 1.0)
    facts = facts_of(np.stack([left * one, right * one], axis=1))
    assert word_of("stereo", facts) == word
    if left:
        assert facts["stereo_balance"].value == pytest.approx(20 * np.log10(right / left), abs=0.1)
    assert facts["f0_median"].value == pytest.approx(300, rel=0.01)


def test_the_width_is_the_side_share_and_mono_has_none() -> None:
    one, other = white(1.0, seed=1), white(1.0, seed=2)
    assert facts_of(np.stack([one, one], axis=1))["stereo_width"].value == pytest.approx(0, abs=1e-6)
    assert facts_of(np.stack([one, -one], axis=1))["stereo_width"].value == pytest.approx(1, abs=1e-6)
    assert facts_of(np.stack([one, other], axis=1))["stereo_width"].value == pytest.approx(0.5, abs=0.02)
    assert "stereo_balance" not in facts_of(one)


def test_each_pause_has_its_place() -> None:
    clip = placed([(0.0, tone(300, 0.5)), (1.0, tone(300, 0.5)), (2.4, tone(300, 0.5))], 3.0)
    pauses = [fact for fact in measure(clip, RATE) if fact.name == "pause"]
    assert [fact.value for fact in pauses] == pytest.approx([0.5, 0.9], abs=0.05)
    assert [fact.start for fact in pauses] == pytest.approx([0.5, 1.5], abs=0.04)


def test_events_are_ranked_by_loudness() -> None:
    parts = [(0.2 + 0.5 * k, gain * tone(330, 0.3)) for k, gain in enumerate((0.3, 1.0, 0.1, 0.6))]
    assert [f.value for f in measure(placed(parts, 2.4), RATE) if f.name == "event_rank"] == [3, 1, 4, 2]


def test_speech_with_a_long_pause_has_its_share() -> None:
    voice = np.trim_zeros(speak("the bus took me home", 5, "en-us+m1", 2.5, "low")[0])
    fact = facts_of(np.concatenate([voice, np.zeros(len(voice)), voice]))["speech_pause_share"]
    assert fact.value == pytest.approx(1 / 3, abs=0.06)


@pytest.mark.parametrize("change", [-24.0, -9.0, 9.0, 24.0])
@pytest.mark.parametrize("kind", ["noise", "pink noise", "throbbing tone"])
def test_fades_of_any_sound_are_measured(kind: str, change: float) -> None:
    sound = {
        "noise": white(3.0),
        "pink noise": coloured(3.0, -3.0),
        "throbbing tone": tone(300, 3.0) * (0.6 + 0.4 * np.sin(2 * np.pi * 5 * seconds(3.0))),
    }[kind]
    facts = facts_of(sound * 10 ** (np.linspace(min(0, -change), min(0, -change) + change, 3 * RATE) / 20))
    assert facts["loudness_trend"].value == pytest.approx(change * 2 / 3, abs=2.0 + 0.1 * abs(change))
    assert word_of("loudness", facts) == ("louder" if change > 0 else "softer")


@pytest.mark.parametrize("snr", [10.0, 20.0, 30.0])
def test_the_noise_behind_a_throbbing_tone_is_not_its_lulls(snr: float) -> None:
    throb = tone(300, 3.0) * (0.6 + 0.4 * np.sin(2 * np.pi * 5 * seconds(3.0)))
    assert facts_of(with_noise(throb, snr))["snr"].value == pytest.approx(snr, abs=5)


def test_a_single_click_in_a_long_silence_is_one_event() -> None:
    fact = facts_of(placed([(4.0, click())], 10.0))["event_count"]
    assert (fact.value, fact.reliability >= 0.8) == (1, True)


def test_fast_notes_that_overlap_are_not_counted_surely() -> None:
    facts = facts_of(placed([(0.1 + 0.1 * k, pluck(330, 0.4)) for k in range(8)], 1.4))
    assert facts["event_count"].value == 8 or facts["event_count"].reliability < 0.5
