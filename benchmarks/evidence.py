"""How fast a clip's facts are measured, beside the plain librosa calls for the same facts.

    python benchmarks/evidence.py

Clips of 10 s at 16 kHz (notes, speech-like sound, a tone in noise, noise), both sides warm and alternating.
Prints processor seconds (of all threads) per clip, times real time, and the ratio; fails under the promised floors.
"""

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

RATE, SECONDS = 16_000, 10.0
LEAST_REAL_TIME, LEAST_RATIO = 60.0, 5.0
FLOOR, CEILING = 55.0, 1_500.0  # Hz of the pitch search, on both sides

Samples = npt.NDArray[np.float32]


def make_clips(seed: int = 0) -> dict[str, Samples]:
    """Clips [frames] by name, the same on every run."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(SECONDS * RATE)) / RATE
    notes = np.zeros(len(t))
    for k in range(24):
        since = t - 0.2 - 0.4 * k
        f0 = 220.0 * 2.0 ** (rng.integers(0, 24) / 12)
        ring = np.where(since >= 0, np.exp(-4 * np.maximum(since, 0)), 0.0)
        notes += 0.3 * ring * sum(np.sin(2 * np.pi * h * f0 * since) / h for h in range(1, 6))
    glide = 2 * np.pi * np.cumsum(140 * 2 ** (0.3 * np.sin(2 * np.pi * 0.4 * t))) / RATE
    voice = sum(np.sin(h * glide) / h for h in range(1, 20)) * np.maximum(0, np.sin(2 * np.pi * 2.2 * t))
    noise = rng.standard_normal(len(t))
    clips = {
        "notes": notes + 1e-3 * noise,
        "speech-like": 0.2 * voice + 1e-3 * noise,
        "tone in noise": 0.3 * np.sin(2 * np.pi * 330 * t) + 0.03 * noise,
        "noise": 0.1 * noise,
    }
    return {name: samples.astype(np.float32) for name, samples in clips.items()}


def by_librosa(samples: Samples) -> None:
    """The facts as plain librosa calls give them, each from its own transform, as its documentation shows."""
    import librosa

    librosa.feature.rms(y=samples)
    librosa.effects.split(samples)
    librosa.pyin(samples, fmin=FLOOR, fmax=CEILING, sr=RATE)
    librosa.onset.onset_detect(y=samples, sr=RATE)
    librosa.beat.beat_track(y=samples, sr=RATE)
    librosa.effects.hpss(samples)
    librosa.feature.spectral_centroid(y=samples, sr=RATE)
    librosa.feature.spectral_rolloff(y=samples, sr=RATE)
    librosa.feature.spectral_bandwidth(y=samples, sr=RATE)
    librosa.feature.spectral_flatness(y=samples)
    librosa.feature.spectral_contrast(y=samples, sr=RATE)


def by_mgrd(samples: Samples) -> None:
    from mgrd.audio.measuring import measure

    measure(samples, RATE)


def seconds_of(work: Callable[[Samples], None], samples: Samples) -> float:
    began = time.process_time()
    work(samples)
    return time.process_time() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    clips = make_clips()
    by_mgrd(clips["notes"])
    by_librosa(clips["notes"])
    print(f"clips of {SECONDS:g} s at {RATE} Hz, processor seconds of all threads, median of {given.repeats}")
    print("| clip | mgrd s | librosa s | mgrd x real time | ratio |\n|---|---|---|---|---|")
    totals = np.zeros(2)
    for name, samples in clips.items():
        pairs = [(seconds_of(by_mgrd, samples), seconds_of(by_librosa, samples)) for _ in range(given.repeats)]
        ours, theirs = np.median(pairs, axis=0)
        totals += (ours, theirs)
        print(f"| {name} | {ours:.3f} | {theirs:.2f} | {SECONDS / ours:.0f} | {theirs / ours:.1f} |")
    real_time, ratio = SECONDS * len(clips) / totals[0], totals[1] / totals[0]
    print(f"| all | {totals[0]:.3f} | {totals[1]:.2f} | {real_time:.0f} | {ratio:.1f} |")
    print(f"promised: {LEAST_REAL_TIME:g} times real time, {LEAST_RATIO:g} times as fast as librosa")
    return 0 if real_time >= LEAST_REAL_TIME and ratio >= LEAST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
