"""Decontamination: recall and false positives on planted duplicates, and how the index's time grows with its clips.

Each clip of `--audio` (searched in its folders; equal files once) is planted re-encoded, louder, softer and cut; the
index of all clips is asked who it is. Then an index of made melodies grows: its time per question is set beside that
of comparing with every clip.
"""

import argparse
import io
import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

PROJECT = Path(__file__).resolve().parents[1]
SUFFIXES = {".wav", ".flac", ".mp3", ".ogg", ".oga"}
LONGEST = 8.0  # s of a clip that are planted
MADE_SECONDS = 3.0
STRANGERS = 1_000  # melodies whose landmarks the clips of an index are drawn from


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, help="folder of clips; without it only the growth is measured")
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--shortest", type=float, default=1.0, help="seconds; shorter clips are left out")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="clips of an index")
    asked = parser.parse_args()
    sys.path.insert(0, str(PROJECT))
    if asked.audio:
        plant(asked.audio, asked.clips, asked.shortest)
    grow(asked.sizes)


def plant(audio: Path, most: int, shortest: float) -> None:
    from mgrd.audio.decode import decode, mono
    from mgrd.evaluation.fingerprint import fingerprint, same_recording
    from mgrd.evaluation.recordings import RecordingIndex
    from mgrd.ids import sha256_file

    paths = {sha256_file(path): path for path in sorted(audio.rglob("*")) if path.suffix.lower() in SUFFIXES}
    read = (decode(path) for path in paths.values())
    clips = [(mono(c.samples)[: round(LONGEST * c.rate)], c.rate) for c in read if c.seconds >= shortest][:most]
    marks = [fingerprint(samples, rate) for samples, rate in clips]
    index = RecordingIndex([(mark.hashes, mark.frames) for mark in marks])
    found: dict[str, list[bool]] = {}
    mistaken = asked = 0
    for own, (samples, rate) in enumerate(clips):
        for name, change in changes().items():
            mark = fingerprint(change(samples, rate), rate)
            named = {place for place in index.candidates(mark) if same_recording(marks[place].wave, mark.wave)}
            found.setdefault(name, []).append(own in named)
            mistaken += len(named - {own})
            asked += len(clips) - 1
    print(f"{len(clips)} clips of {shortest} s or more")
    for name, hits in found.items():
        print(f"{name:<16} recall {np.mean(hits):.4f}")
    every = [hit for hits in found.values() for hit in hits]
    print(f"{'all':<16} recall {np.mean(every):.4f} of {len(every)}")
    print(f"false positives through the index {mistaken / asked:.6f} of {asked} pairs")
    mixed_up = [same_recording(a.wave, b.wave) for a, b in itertools.combinations(marks, 2)]
    print(f"false positives of all pairs      {np.mean(mixed_up):.6f} of {len(mixed_up)} pairs")


def changes() -> dict[str, Callable[[np.ndarray, int], np.ndarray]]:
    from mgrd.audio.decode import resample

    def opus(samples: np.ndarray, rate: int) -> np.ndarray:
        return resample(encoded(resample(samples, rate, 48_000), 48_000, "OGG", "OPUS"), 48_000, rate)

    return {
        "mp3": lambda s, r: encoded(s, r, "MP3"),
        "mp3, low rate": lambda s, r: encoded(s, r, "MP3", compression_level=0.95),
        "ogg": lambda s, r: encoded(s, r, "OGG"),
        "opus": opus,
        "mu-law": lambda s, r: encoded(s, r, "WAV", "ULAW"),
        "softer": lambda s, _: s * 0.1,
        "louder": lambda s, _: s * (0.99 / max(1e-6, float(np.abs(s).max()))),
        "front cut": lambda s, r: s[r // 2 :],
        "end cut": lambda s, r: s[: -(r // 2)],
        "both ends, ogg": lambda s, r: encoded(s[r // 4 : -(r // 4)], r, "OGG"),
        "cut and mp3": lambda s, r: encoded(s[round(0.4567 * r) :] * 0.3, r, "MP3"),
    }


def encoded(samples: np.ndarray, rate: int, kind: str, subtype: str | None = None, **options: Any) -> np.ndarray:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, subtype=subtype, **options)
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


def grow(sizes: list[int], questions: int = 50) -> None:
    """Landmarks of `questions` made clips, each told apart by its seed, among as many strangers as an index has."""
    from mgrd.evaluation.fingerprint import correlation, fingerprint
    from mgrd.evaluation.recordings import RecordingIndex

    made = [fingerprint(melody(seed), 8_000) for seed in range(questions)]
    copies = [fingerprint(encoded(0.3 * melody(seed)[4_000:], 8_000, "MP3"), 8_000) for seed in range(questions)]
    started = time.perf_counter()
    for mark in made:
        correlation(mark.wave, copies[0].wave)
    pair = (time.perf_counter() - started) / len(made)
    draw = np.random.default_rng(0)
    others = [fingerprint(melody(seed), 8_000) for seed in range(questions, questions + STRANGERS)]
    pool = np.concatenate([mark.hashes for mark in others])
    for size in sizes:
        # Strangers have landmarks of melodies at times of their own: as many each, and as common ones.
        length = round(len(pool) / len(others))
        frames = np.sort(draw.integers(0, round(MADE_SECONDS * 62.5), (size, length)), axis=1).astype(np.int32)
        strangers = draw.choice(pool, (size, length))
        clips = [(m.hashes, m.frames) for m in made] + list(zip(strangers, frames, strict=True))
        started = time.perf_counter()
        index = RecordingIndex(clips[: max(size, questions)])
        built = time.perf_counter() - started
        started = time.perf_counter()
        right = [own in index.candidates(copy) for own, copy in enumerate(copies)]
        seconds = (time.perf_counter() - started) / len(copies)
        print(
            f"index of {size:>7} clips: built in {built:6.1f} s, {1e3 * seconds:6.2f} ms a question, "
            f"{np.mean(right):.2f} found; every pair takes {size * pair / seconds:9.0f} times as long"
        )


def melody(seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    notes = []
    while sum(map(len, notes)) < MADE_SECONDS * 8_000:
        times = np.arange(round(draw.uniform(0.1, 0.4) * 8_000)) / 8_000
        pitch = draw.uniform(150, 900)
        notes.append(sum(np.sin(2 * np.pi * pitch * k * times) / k for k in (1, 2, 3)) * np.exp(-4 * times))
    return (0.2 * np.concatenate(notes)[: round(MADE_SECONDS * 8_000)]).astype(np.float32)


if __name__ == "__main__":
    main()
