"""Recall and false positive rate of the audio fingerprint on planted duplicates: re-encoded, louder, softer, trimmed.

`--audio` names a folder of clips, searched for .wav files; clips with the same bytes are taken once.
"""

import argparse
import io
import itertools
import sys
from pathlib import Path

import numpy as np
import soundfile

PROJECT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--shortest", type=float, default=1.5, help="seconds; shorter clips are left out")
    asked = parser.parse_args()
    sys.path.insert(0, str(PROJECT))
    from mgrd.audio.decode import decode, mono
    from mgrd.evaluation.fingerprint import MOST_DISTANCE, distance, fingerprint
    from mgrd.ids import sha256_file

    paths = {sha256_file(path): path for path in sorted(asked.audio.rglob("*.wav"))}
    clips = [decode(path) for path in paths.values() if soundfile.info(path).duration >= asked.shortest][: asked.clips]
    marks = [fingerprint(clip.samples, clip.rate) for clip in clips]
    found: dict[str, list[float]] = {}
    for clip, mark in zip(clips, marks, strict=True):
        for name, samples in planted(mono(clip.samples), clip.rate).items():
            found.setdefault(name, []).append(distance(mark, fingerprint(samples, clip.rate)))
    for name, distances in found.items():
        print(f"{name:<12} recall {np.mean(np.array(distances) <= MOST_DISTANCE):.4f}   worst {max(distances):.3f}")
    all_ = np.array([d for distances in found.values() for d in distances])
    apart = np.array([distance(a, b) for a, b in itertools.combinations(marks, 2)])
    print(f"all          recall {np.mean(all_ <= MOST_DISTANCE):.4f} of {all_.size}")
    print(
        f"false positives {np.mean(apart <= MOST_DISTANCE):.5f} of {apart.size} pairs"
        f"   nearest {np.sort(apart)[:8].round(3)}"
    )


def planted(samples: np.ndarray, rate: int) -> dict[str, np.ndarray]:
    half = rate // 2
    return {
        "mp3": encoded(samples, rate, "MP3"),
        "ogg": encoded(samples, rate, "OGG"),
        "softer": samples * 0.1,
        "louder": samples * (0.99 / max(1e-6, float(np.abs(samples).max()))),
        "front cut": samples[half:],
        "end cut": samples[:-half],
        "cut and mp3": encoded(samples[half:] * 0.3, rate, "MP3"),
    }


def encoded(samples: np.ndarray, rate: int, kind: str) -> np.ndarray:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind)
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


if __name__ == "__main__":
    main()
