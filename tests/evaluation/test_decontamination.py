"""Decontamination: planted duplicates are found however they were changed, and other sounds are left alone."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mgrd.audio.decode import decode, mono, resample
from mgrd.evaluation.decontamination import Sample, find_overlaps
from mgrd.evaluation.fingerprint import Fingerprint, correlation, fingerprint, same_recording
from mgrd.evaluation.recordings import MOST_MATCHES, RecordingIndex
from mgrd.ids import sha256_file
from tests.conftest import RECORDINGS

RATE = 16_000
RECALL, FALSE_POSITIVES = 0.99, 0.001
SHORTEST = 1.0  # s; half of which a cut leaves
LONGEST = 3.0  # s of each real clip, to be quick


def melody(seed: int, seconds: float = 3.0) -> np.ndarray:
    """Notes of random pitch and length with three partials, over some noise."""
    draw = np.random.default_rng(seed)
    notes = []
    while sum(map(len, notes)) < seconds * RATE:
        times = np.arange(round(draw.uniform(0.1, 0.4) * RATE)) / RATE
        pitch = draw.uniform(150, 900)
        notes.append(sum(np.sin(2 * np.pi * pitch * k * times) / k for k in (1, 2, 3)) * np.exp(-4 * times))
    sound = np.concatenate(notes)[: round(seconds * RATE)]
    return (0.2 * sound + 0.01 * draw.standard_normal(len(sound))).astype(np.float32)


def encoded(samples: np.ndarray, rate: int, kind: str, subtype: str | None = None) -> np.ndarray:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, subtype=subtype)
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


CHANGES: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "mp3": lambda s, r: encoded(s, r, "MP3"),
    "ogg": lambda s, r: encoded(s, r, "OGG"),
    "opus": lambda s, r: resample(encoded(resample(s, r, 48_000), 48_000, "OGG", "OPUS"), 48_000, r),
    "mu-law": lambda s, r: encoded(s, r, "WAV", "ULAW"),
    "8 kHz": lambda s, r: resample(resample(s, r, 8_000), 8_000, r),
    "softer": lambda s, _: 0.05 * s,
    "inverted": lambda s, _: -s,
    "front cut": lambda s, r: s[r // 2 :],
    "end cut": lambda s, r: s[: -r // 2],
    "cut between samples": lambda s, r: encoded(0.4 * s[round(0.3337 * r) :], r, "MP3"),
    "all": lambda s, r: encoded(0.3 * s[r // 2 :], r, "MP3"),
}


@pytest.mark.parametrize("seconds", [1.0, 3.0])
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_the_same_recording(change: str, seconds: float) -> None:
    for seed in range(2):
        own = melody(seed, seconds)
        assert same_recording(fingerprint(own, RATE).wave, fingerprint(CHANGES[change](own, RATE), RATE).wave)


@pytest.mark.parametrize("seconds", [1.0, 3.0])
def test_other_sounds_are_other_recordings(seconds: float) -> None:
    marks = [fingerprint(melody(seed, seconds), RATE) for seed in range(10)]
    assert not any(same_recording(a.wave, b.wave) for at, a in enumerate(marks) for b in marks[:at])


def test_a_part_is_found_in_a_long_recording() -> None:
    whole = melody(3, 20.0)
    part = fingerprint(CHANGES["mp3"](whole[11 * RATE : 14 * RATE], RATE), RATE)
    assert same_recording(fingerprint(whole, RATE).wave, part.wave)
    assert not same_recording(fingerprint(melody(4, 20.0), RATE).wave, part.wave)


def test_silence_is_like_nothing() -> None:
    silence = fingerprint(np.zeros(RATE, dtype=np.float32), RATE)
    assert correlation(silence.wave, silence.wave) == 0.0
    assert RecordingIndex([(silence.hashes, silence.frames)]).candidates(silence) == []


@pytest.mark.parametrize("samples", [0, 1, 20, 300])
def test_clips_too_short_to_tell_are_like_nothing(samples: int) -> None:
    mark = fingerprint(melody(1)[:samples], RATE)
    assert not same_recording(mark.wave, mark.wave)


def test_the_index_names_the_copy_first_among_many() -> None:
    marks = [fingerprint(melody(seed, 1.5), RATE) for seed in range(60)]
    index = RecordingIndex([(mark.hashes, mark.frames) for mark in marks])
    for seed in range(0, 60, 7):
        copy = fingerprint(CHANGES["all"](melody(seed, 1.5), RATE), RATE)
        assert index.candidates(copy)[0] == seed


def test_a_hash_that_every_clip_has_does_not_hide_a_rare_one() -> None:
    """The postings that are read are bounded, the rarest first: a common hum costs nothing and decides nothing."""
    hum = np.full(MOST_MATCHES // 100 + 1, 7, np.int32)
    frames = np.arange(len(hum), dtype=np.int32)
    rare = [np.append(hum, np.int32(1000 + clip)) for clip in range(101)]
    index = RecordingIndex([(hashes, np.append(frames, np.int32(0))) for hashes in rare])
    asked = Fingerprint(np.zeros(0, np.float32), np.append(hum, np.int32(1042)), np.append(frames, np.int32(5)))
    assert index.candidates(asked) == [42]


def test_overlaps_are_told_by_benchmark_and_reason(tmp_path: Path) -> None:
    for name, samples in {"own": melody(1), "copy": 0.3 * melody(1), "other": melody(2)}.items():
        soundfile.write(tmp_path / f"{name}.wav", samples, RATE)
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    asked = "Which of the two bells is struck first in this recording?"
    training = [
        Sample("audio", tmp_path / "copy.wav"),
        Sample("clean", tmp_path / "other.wav", "Which bell?"),
        Sample("again", tmp_path / "copy.wav", "Which bell?"),
        Sample("question", None, f"Listen. {asked.upper()}"),
        Sample("source", source="yt1", start=5.0, end=8.0),
        Sample("later", source="yt1", start=10.0, end=12.0),
        Sample("broken", tmp_path / "broken.wav"),
    ]
    held = {"mmau": [Sample("m1", tmp_path / "own.wav", asked)], "mmar": [Sample("r1", None, "", "yt1", 7.0, 10.0)]}
    found = find_overlaps(training, held)
    assert [(o.key, o.benchmark, o.other, o.reason) for o in found.overlaps] == [
        ("audio", "mmau", "m1", "audio"),
        ("again", "mmau", "m1", "audio"),
        ("question", "mmau", "m1", "question"),
        ("source", "mmar", "r1", "source"),
    ]
    assert list(found.unreadable) == ["broken"]


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not on this machine")
def test_planted_duplicates_of_real_clips_are_found_and_others_left_alone() -> None:
    """Every eighth recording of a second or more; `benchmarks/decontamination.py` prints the figures of all."""
    suffixes = {".wav", ".flac", ".mp3", ".oga"}
    paths = {sha256_file(path): path for path in sorted(RECORDINGS.rglob("*")) if path.suffix in suffixes}
    read = (decode(path) for path in list(paths.values())[::8])
    clips = [(mono(c.samples)[: round(LONGEST * c.rate)], c.rate) for c in read if c.seconds >= SHORTEST]
    marks = [fingerprint(samples, rate) for samples, rate in clips]
    index = RecordingIndex([(mark.hashes, mark.frames) for mark in marks])
    found, mistaken = [], 0
    for own, (samples, rate) in enumerate(clips):
        for change in ("front cut", "all"):
            copy = fingerprint(CHANGES[change](samples, rate), rate)
            named = [place for place in index.candidates(copy) if same_recording(marks[place].wave, copy.wave)]
            found.append(own in named)
            mistaken += len(set(named) - {own})
    assert len(clips) > 15
    assert np.mean(found) >= RECALL
    assert mistaken <= FALSE_POSITIVES * len(found) * (len(clips) - 1)
