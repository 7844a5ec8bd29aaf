"""The default clips: the same everywhere, as planned, and true to their constructed facts."""

import hashlib
import io
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from mgrd.audio.words import ATTRIBUTES
from mgrd.errors import ConfigError
from mgrd.ingest.embedded import make_embedded
from mgrd.ingest.embedded.notes import PATCHES, render_notes, write_midi
from mgrd.ingest.embedded.pitch import estimate_period, repitch
from mgrd.ingest.embedded.plan import LAWS, SHAPES, plan_clips
from mgrd.ingest.embedded.room import add_noise, add_room
from mgrd.ingest.embedded.speech import SENTENCES, VOICES, intonation, speak
from mgrd.ingest.embedded.timeline import RATE, Timeline, apply_ramp, lay_sounds
from mgrd.ingest.embedded.tones import centroid, glide, noise, noise_centroid, partials, tone
from mgrd.settings import EmbeddedSpec
from schemas import CLIPS, QUESTIONS

SPEC = EmbeddedSpec(cold_clips=96, pool_clips=48, dev_clips=36, test_clips=36)
SMALL = EmbeddedSpec(cold_clips=30, pool_clips=10, dev_clips=5, test_clips=5)

Made = tuple[pl.DataFrame, pl.DataFrame, Path]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("audio")
    clips, questions = make_embedded(folder, "audio/embedded", SPEC, seed=3)
    return clips, questions, folder


def facts_of(clip: dict[str, object]) -> dict[str, float]:
    truth = clip["truth"]
    assert isinstance(truth, list)
    return {known["name"]: known["value"] for known in truth}


def test_frames_have_the_tables_schemas_and_one_file_per_clip(made: Made) -> None:
    clips, questions, folder = made
    assert clips.schema == pl.DataFrame(CLIPS.arrow.empty_table()).schema
    assert questions.schema == pl.DataFrame(QUESTIONS.arrow.empty_table()).schema
    assert clips["clip_id"].n_unique() == clips.height == 216
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{clip}.wav" for clip in clips["clip_id"])
    assert clips["uri"].to_list() == [f"audio/embedded/{clip}.wav" for clip in clips["clip_id"]]


def test_every_file_is_three_seconds_of_mono_pcm16_and_not_clipped(made: Made) -> None:
    clips, _, folder = made
    for clip in clips.iter_rows(named=True):
        data = (folder / f"{clip['clip_id']}.wav").read_bytes()
        assert hashlib.sha256(data).hexdigest() == clip["sha256"]
        info = soundfile.info(io.BytesIO(data))
        assert (info.samplerate, info.channels, info.subtype, info.frames) == (RATE, 1, "PCM_16", 3 * RATE)
        peak = np.abs(soundfile.read(io.BytesIO(data))[0]).max()
        assert 0.3 < peak < 0.85


def test_the_same_seed_gives_the_same_clips_with_any_number_of_processes(tmp_path: Path) -> None:
    one = make_embedded(tmp_path / "one", "a", SMALL, seed=5)
    before = os.environ.get("OMP_NUM_THREADS")
    progress: list[int] = []
    two = make_embedded(tmp_path / "two", "a", SMALL, seed=5, workers=2, on_progress=progress.append)
    assert one[0].equals(two[0])
    assert one[1].equals(two[1])
    assert sum(progress) == 50
    assert len(progress) > 2
    assert os.environ.get("OMP_NUM_THREADS") == before
    other, _ = make_embedded(tmp_path / "other", "a", SMALL, seed=6)
    assert not set(other["clip_id"]) & set(one[0]["clip_id"])


def test_stated_words_lie_inside_their_bands_with_a_margin(made: Made) -> None:
    """A fifth of the neutral zone beside the band, or nothing is left for measurement error."""
    clips, questions, _ = made
    facts = {clip["clip_id"]: facts_of(clip) for clip in clips.iter_rows(named=True)}
    for question in questions.iter_rows(named=True):
        attribute = ATTRIBUTES.get(question["skill"])
        if attribute is None:
            continue
        value = facts[question["clip_id"]][attribute.fact]
        band = attribute.band(question["answer"])
        edges = sorted({edge for b in attribute.bands for edge in (b.low, b.high) if np.isfinite(edge) and edge > 0})
        gap = min(b - a for a, b in pairwise(edges)) if len(edges) > 1 else 0.0
        assert band.low + (0.1 * gap if band.low not in (0, -np.inf) else 0) <= value
        assert value <= band.high - (0.1 * gap if np.isfinite(band.high) else 0)


def test_no_source_is_shared_between_training_and_the_held_out_splits(made: Made) -> None:
    clips, _, _ = made
    sources = {
        group: set(clips.filter(pl.col("split").is_in(splits))["source"])
        for group, splits in {"train": ["cold", "pool"], "dev": ["dev"], "test": ["test"]}.items()
    }
    assert not sources["train"] & (sources["dev"] | sources["test"])
    assert not sources["dev"] & sources["test"]


def test_held_out_materials_are_used_nowhere_else() -> None:
    """Patches, voices, sentences, spectral laws and noise shapes: each in one group only."""
    pools = [
        *PATCHES.values(),
        *VOICES.values(),
        *({group: [text for text, _ in said] for group, said in rate.items()} for rate in SENTENCES.values()),
        LAWS,
        SHAPES,
    ]
    for pool in pools:
        listed = [item for group in ("train", "dev", "test") for item in pool[group]]
        assert len(listed) == len(set(listed))
        assert all(pool[group] for group in ("train", "dev", "test"))
    programs = [program for groups in PATCHES.values() for patches in groups.values() for program in patches]
    assert len(programs) == len(set(programs))


def test_clips_shorter_than_the_sounds_need_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"at least 3\.0 s"):
        plan_clips(EmbeddedSpec(seconds=2.0), 0)


def test_longer_clips_keep_their_length(tmp_path: Path) -> None:
    spec = EmbeddedSpec(cold_clips=12, pool_clips=1, dev_clips=1, test_clips=1, seconds=4.0)
    clips, _ = make_embedded(tmp_path, "", spec, seed=0)
    assert clips["duration"].unique().to_list() == [4.0]


@pytest.mark.parametrize("semitones", [-9.0, 0.0, 7.0])
def test_zero_crossings_follow_the_glide(semitones: float) -> None:
    rng = np.random.default_rng(1)
    line = glide(300.0, semitones, 2.0)
    wave = tone(line, np.ones(1), np.ones(1), rng)

    def crossings_per_second(first: float, last: float) -> float:
        part = wave[round(first * RATE) : round(last * RATE)]
        return np.count_nonzero((part[:-1] < 0) & (part[1:] >= 0)) / (last - first)

    heard = 12.0 * np.log2(crossings_per_second(1.7, 2.0) / crossings_per_second(0.0, 0.3))
    assert heard == pytest.approx(semitones * 1.7 / 2.0, abs=0.35)


def test_tones_have_the_partials_and_the_centroid_they_are_given() -> None:
    rng = np.random.default_rng(2)
    for law in ("sine", "power", "band", "odd", "hump"):
        for timbre, f0 in (("dark", 240.0), ("bright", 240.0), ("bright", 800.0)):
            multiples, weights = partials(law, timbre, f0, rng)
            wave = tone(np.full(RATE, f0), multiples, weights, rng)
            spectrum = np.abs(np.fft.rfft(wave))
            assert np.sum(spectrum * np.arange(len(spectrum))) / spectrum.sum() == pytest.approx(
                centroid(multiples, weights, f0), rel=0.02
            )
            assert ATTRIBUTES["timbre"].word(centroid(multiples, weights, f0)) == timbre


@pytest.mark.parametrize("shape", ["flat", "slope", "bell", "ripple"])
def test_noises_have_the_centroid_they_are_given(shape: str) -> None:
    spectrum = np.abs(np.fft.rfft(noise(1 << 15, (500.0, 3000.0), shape, np.random.default_rng(0))))
    frequencies = np.fft.rfftfreq(1 << 15, 1 / RATE)
    assert np.sum(spectrum * frequencies) / spectrum.sum() == pytest.approx(
        noise_centroid((500.0, 3000.0), shape), rel=0.03
    )


@pytest.mark.parametrize("noisy", [True, False])
def test_background_noise_has_the_stated_snr(noisy: bool) -> None:
    rng = np.random.default_rng(4)
    timeline = lay_sounds(rng, 3, "moderate", wet=False)
    signal = np.zeros(3 * RATE)
    for span in timeline.spans:
        signal[span] = 0.3 * np.sin(np.arange(span.stop - span.start))
    mixed, (known,) = add_noise(signal, noisy, timeline, rng, 3.0)
    sounding = np.concatenate([signal[span] for span in timeline.spans])
    snr = 10.0 * np.log10(np.mean(sounding**2) / np.mean((mixed - signal) ** 2))
    assert known.value == pytest.approx(snr, abs=1e-6)


def test_the_room_decays_by_sixty_decibels_in_its_stated_time() -> None:
    """Backward integration (Schroeder 1965) of the answer to an impulse, between -5 and -35 dB."""
    impulse = np.zeros(2 * RATE)
    impulse[0] = 1.0
    response, (known,) = add_room(impulse, "reverberant", np.random.default_rng(5), 2.0)
    response[0] = 0.0
    curve = 10.0 * np.log10(np.cumsum(response[::-1] ** 2)[::-1] + 1e-30)
    curve -= curve[0]
    first, last = np.argmax(curve <= -5.0), np.argmax(curve <= -35.0)
    assert 60.0 * (last - first) / RATE / 30.0 == pytest.approx(known.value, rel=0.06)


@pytest.mark.parametrize("word", ["softer", "steady", "louder"])
@pytest.mark.parametrize("count", [1, 3, 5])
def test_ramps_change_the_level_as_stated(word: str, count: int) -> None:
    rng = np.random.default_rng(6)
    timeline = lay_sounds(rng, count, "moderate", wet=False)
    ramped, known = apply_ramp(np.ones(3 * RATE), timeline, word, rng, 3.0)
    sounding = np.concatenate([ramped[span] for span in timeline.spans]) ** 2
    third = len(sounding) // 3
    facts = {item.name: item.value for item in known}
    assert facts["loudness_trend"] == pytest.approx(10 * np.log10(sounding[-third:].mean() / sounding[:third].mean()))
    assert ATTRIBUTES["loudness"].word(facts["loudness_trend"]) == word


def test_timelines_state_their_own_pulse() -> None:
    rng = np.random.default_rng(7)
    for tempo in ("slow", "moderate", "fast"):
        for count in (3, 4):
            timeline = lay_sounds(rng, count, tempo, wet=False)
            facts = {item.name: item.value for item in timeline.facts(3.0)}
            assert facts["event_count"] == count
            assert ATTRIBUTES["tempo"].word(facts["tempo"]) == tempo
            assert facts["tempo"] == pytest.approx(60.0 / np.diff(timeline.starts).mean())
            assert ATTRIBUTES["regularity"].word(facts["pulse_regularity"]) == "regular"
            assert timeline.end < 2.8
    uneven = {item.name: item.value for item in lay_sounds(rng, 5, None, wet=False, irregular=True).facts(3.0)}
    assert ATTRIBUTES["regularity"].word(uneven["pulse_regularity"]) == "irregular"
    assert "tempo" not in uneven


def test_notes_sound_at_their_pitch_and_apart() -> None:
    """The period of every patch in the middle register is that of the note, up to whole periods."""
    programs = [program for groups in PATCHES.values() for patches in groups.values() for program in patches]
    notes = [(program, 62, 300) for program in programs]
    rendered = render_notes(notes)
    for note in notes:
        wave = rendered[note][800:4000]
        lag = round(RATE / (440.0 * 2.0 ** ((62 - 69) / 12.0)))
        shifts = [np.dot(wave[:-s], wave[s:]) / np.dot(wave, wave) for s in (lag - 1, lag, lag + 1)]
        assert max(shifts) > 0.6, note
        assert np.sqrt(np.mean(wave**2)) > 1e-3, note


def test_midi_places_follow_one_another() -> None:
    data, places = write_midi([(0, 60, 200), (40, 64, 300)])
    assert data[:4] == b"MThd"
    assert places == [(60, 260), (320, 620)]


@pytest.mark.parametrize(("voice", "register", "base"), [("en-us+m1", "low", 115.0), ("en-us+f1", "middle", 260.0)])
def test_an_imposed_pitch_is_the_pitch_that_is_heard(voice: str, register: str, base: float) -> None:
    wave, rate = speak("she took the key home", 5, voice, 2.5, register)
    assert ATTRIBUTES["speech_rate"].word(rate) == "slow"
    level = repitch(wave, np.full(len(wave), base), estimate_period(wave))
    assert RATE / estimate_period(level) == pytest.approx(base, rel=0.03)
    assert len(level) == len(wave)


@pytest.mark.parametrize("final", [-8.0, 9.0])
def test_intonation_moves_at_the_end_only(final: float) -> None:
    line = intonation(np.random.default_rng(8), 2 * RATE, 200.0, final)
    assert 12.0 * np.log2(line[-1] / line[-RATE // 2]) == pytest.approx(final, abs=0.05)
    assert np.abs(12.0 * np.log2(line[: -RATE // 2] / 200.0)).max() < 2.5


def test_timeline_spans_are_the_samples_of_each_sound() -> None:
    timeline = Timeline(np.array([0.5, 1.0]), np.array([0.25, 0.25]), regular=False)
    assert [(span.start, span.stop) for span in timeline.spans] == [(8000, 12000), (16000, 20000)]
