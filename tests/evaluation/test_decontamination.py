"""Decontamination: planted duplicates are found however they were changed, and other sounds are left alone."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mgrd.evaluation.decontamination import Sample, find_overlaps
from mgrd.evaluation.fingerprint import distance, fingerprint, same_recording

RATE = 16_000


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


def encoded(samples: np.ndarray, kind: str) -> np.ndarray:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format=kind)
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


CHANGES = {
    "mp3": lambda s: encoded(s, "MP3"),
    "ogg": lambda s: encoded(s, "OGG"),
    "softer": lambda s: 0.05 * s,
    "front cut": lambda s: s[RATE // 2 :],
    "end cut": lambda s: s[: -RATE // 2],
    "all": lambda s: encoded(0.3 * s[RATE // 2 :], "MP3"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_the_same_recording(change: str) -> None:
    for seed in range(4):
        own = melody(seed)
        assert same_recording(fingerprint(own, RATE), fingerprint(CHANGES[change](own), RATE))


def test_other_sounds_are_other_recordings() -> None:
    marks = [fingerprint(melody(seed), RATE) for seed in range(12)]
    assert not any(same_recording(a, b) for at, a in enumerate(marks) for b in marks[:at])


def test_silence_is_like_nothing() -> None:
    silence = fingerprint(np.zeros(RATE, dtype=np.float32), RATE)
    assert distance(silence, silence) == 1.0


def test_overlaps_are_told_by_benchmark_and_reason(tmp_path: Path) -> None:
    for name, samples in {"own": melody(1), "copy": 0.3 * melody(1), "other": melody(2)}.items():
        soundfile.write(tmp_path / f"{name}.wav", samples, RATE)
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    asked = "Which of the two bells is struck first in this recording?"
    training = [
        Sample("audio", tmp_path / "copy.wav"),
        Sample("clean", tmp_path / "other.wav", "Which bell?"),
        Sample("question", None, f"Listen. {asked.upper()}"),
        Sample("source", source="yt1", start=5.0, end=8.0),
        Sample("later", source="yt1", start=10.0, end=12.0),
        Sample("broken", tmp_path / "broken.wav"),
    ]
    held = {"mmau": [Sample("m1", tmp_path / "own.wav", asked)], "mmar": [Sample("r1", None, "", "yt1", 7.0, 10.0)]}
    found = find_overlaps(training, held)
    assert [(o.key, o.benchmark, o.other, o.reason) for o in found.overlaps] == [
        ("audio", "mmau", "m1", "audio"),
        ("question", "mmau", "m1", "question"),
        ("source", "mmar", "r1", "source"),
    ]
    assert list(found.unreadable) == ["broken"]
