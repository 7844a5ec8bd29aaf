"""Silence as a clip: what a chain is scored against to see whether it depends on the sound."""

from pathlib import Path

import numpy as np
import soundfile

from mgrd.audio.decode import MODEL_RATE
from mgrd.files import whole_file


def silence_of(seconds: float, folder: Path) -> Path:
    """A WAV of silence in the folder, made once per length; its stem serves as an id."""
    frames = round(seconds * MODEL_RATE)
    path = folder / f"silence-{frames}.wav"
    if not path.is_file():
        with whole_file(path) as draft:
            soundfile.write(draft, np.zeros(frames, np.int16), MODEL_RATE, format="WAV", subtype="PCM_16")
    return path
