"""Samples as the bytes of a WAV file: PCM16, the one form that every reader takes."""

import io
import wave

import numpy as np
import numpy.typing as npt


def pcm16(samples: npt.NDArray[np.floating]) -> npt.NDArray[np.int16]:
    """Samples from -1 to 1, of any shape, as 16-bit levels; what lies beyond is cut."""
    return (np.clip(samples, -1, 1) * 32767).astype("<i2")


def wav_bytes(levels: npt.NDArray[np.int16], rate: int) -> bytes:
    """A WAV file of 16-bit levels [frames] or [frames, channels] at `rate` Hz. The same levels give the same bytes."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1 if levels.ndim == 1 else levels.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(levels.astype("<i2").tobytes())
    return file.getvalue()
