"""Cuts one audio file into clips: 16 kHz mono PCM16 WAV files, named by the hash of their bytes.

A file no longer than the window becomes one clip; a longer one becomes consecutive windows without
overlap. Long files are read in blocks, never whole. Writing is atomic and content-addressed, so a
killed run leaves nothing that a second run could trip over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mgrd.audio.decode import MIN_FRAMES, MODEL_RATE, Samples, decode, mono_16k, probe
from mgrd.audio.wav import wav_bytes
from mgrd.errors import AudioError
from mgrd.files import whole_file
from mgrd.ids import clip_key, sha256_bytes, sha256_file

BLOCK_SECONDS = 120.0
"""Longest part of a file that is decoded at once (at least one window)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A written clip. `start` and `end` are its place in the parent file, in seconds."""

    clip_id: str
    sha256: str
    start: float
    end: float
    duration: float
    gain: float
    """Factor applied because the samples passed full scale; 1 for nearly all clips."""


@dataclass(frozen=True, slots=True)
class CutFile:
    """What became of one file: its own hash and format, its clips, and what was left over."""

    sha256: str
    rate: int
    channels: int
    seconds: float
    pieces: tuple[Piece, ...]
    dropped_seconds: float
    """Length of a last remainder shorter than `min_seconds`; 0 when nothing was dropped."""

    @property
    def whole(self) -> bool:
        """Whether one clip holds the file, but for a remainder too short to keep."""
        return len(self.pieces) == 1


def cut_file(path: Path, audio_dir: Path, window_seconds: float, min_seconds: float) -> CutFile:
    """Writes the clips of one file into `audio_dir`. Raises AudioError when it cannot be decoded or is too short."""
    info = probe(path)
    shortest = max(round(min_seconds * MODEL_RATE), 1)
    pieces: list[Piece] = []
    dropped = 0
    frames = 0
    for samples in _blocks(path, window_seconds):
        size = round(window_seconds * MODEL_RATE)
        for first in range(0, len(samples), size):
            part = samples[first : first + size]
            if len(part) >= shortest:
                pieces.append(write_clip(part, audio_dir, start=(frames + first) / MODEL_RATE))
            else:
                dropped += len(part)
        frames += len(samples)
    if not pieces:
        raise AudioError(
            f"{path}: {frames / MODEL_RATE:.3f} s is shorter than {min_seconds} s; lower spec.ingest.min_seconds"
        )
    return CutFile(
        sha256=sha256_file(path),
        rate=info.rate,
        channels=info.channels,
        seconds=frames / MODEL_RATE,
        pieces=tuple(pieces),
        dropped_seconds=dropped / MODEL_RATE,
    )


Outcome = CutFile | str
"""A cut file, or the reason why there is none."""

Job = tuple[Path, Path, float, float]
"""Arguments of `cut_file`."""


def try_cut(job: Job) -> Outcome:
    """`cut_file` for a process pool: what is wrong with the file comes back as text and ends no batch."""
    try:
        return cut_file(*job)
    except AudioError as error:
        return str(error)
    except OSError as error:
        if isinstance(error.filename, str) and error.filename != str(job[0]):
            raise  # the clip could not be written: that is not the file's fault
        return f"{job[0]}: cannot be read: {error.strerror}"


def write_clip(samples: Samples, audio_dir: Path, *, start: float) -> Piece:
    """Writes samples [frames] at 16 kHz as `<clip_id>.wav`; the same samples give the same file.

    Samples beyond full scale are scaled down as a whole: clipping them would forge distortion.
    """
    peak = float(np.max(np.abs(samples)))
    gain = 1.0 / peak if peak > 1.0 else 1.0
    levels = np.clip(np.round(samples * (gain * 32768.0)), -32768, 32767).astype("<i2")
    data = wav_bytes(levels, MODEL_RATE)
    sha256 = sha256_bytes(data)
    target = audio_dir / f"{clip_key(sha256)}.wav"
    if not (target.is_file() and target.stat().st_size == len(data)):
        with whole_file(target) as draft:
            draft.write_bytes(data)
    duration = len(samples) / MODEL_RATE
    return Piece(clip_key(sha256), sha256, start, start + duration, duration, gain)


def _blocks(path: Path, window_seconds: float) -> Iterator[Samples]:
    """The file as mono samples at 16 kHz, in parts of a whole number of windows."""
    info = probe(path)
    seconds = max(1, int(BLOCK_SECONDS / window_seconds)) * window_seconds
    if info.seconds <= seconds:
        yield mono_16k(decode(path))
        return
    size = round(seconds * MODEL_RATE)
    start = 0.0
    while (info.seconds - start) * info.rate >= MIN_FRAMES:
        samples = mono_16k(decode(path, start=start, seconds=seconds))
        yield samples[:size]
        start += seconds
