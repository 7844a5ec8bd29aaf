"""Audio that a browser plays: the file as it is where browsers know its format, else a WAV made once from it."""

import wave
from pathlib import Path

import numpy as np

from mgrd.files import whole_file

PLAYED = {
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
}
"""Formats of every current browser."""


def playable(folder: Path, clip_id: str, path: Path) -> tuple[Path, str]:
    """(file, media type). Raises AudioError when a file of another format cannot be decoded."""
    if path.suffix.lower() in PLAYED:
        return path, PLAYED[path.suffix.lower()]
    made = folder / f"{clip_id}.wav"
    if not made.is_file():
        _write_wav(path, made)
    return made, PLAYED[".wav"]


def _write_wav(source: Path, target: Path) -> None:
    from mgrd.audio.decode import decode

    audio = decode(source)
    samples = audio.samples if audio.samples.ndim == 2 else audio.samples[:, None]
    with whole_file(target) as draft, wave.open(draft.as_posix(), "wb") as out:
        out.setnchannels(samples.shape[1])
        out.setsampwidth(2)
        out.setframerate(audio.rate)
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
