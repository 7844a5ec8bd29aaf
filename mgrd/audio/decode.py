"""From files to samples: the one place where audio is decoded.

Decoding refuses what the pipeline cannot measure and says why. It must never read a file of unknown
length whole: the header is read first, and only the asked part is decoded.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from mgrd.errors import AudioError

Samples = npt.NDArray[np.float32]

MIN_RATE, MAX_RATE = 4_000, 384_000  # Hz
MAX_CHANNELS = 64
MIN_FRAMES = 16  # fewer samples than a millisecond at 16 kHz are no sound
MAX_SECONDS = 600.0  # read longer files in parts
MODEL_RATE = 16_000  # Hz; what audio encoders of the Whisper family hear
MAX_VALUES = 200_000_000  # samples over all channels, 800 MB decoded
LOUDEST = 1e6  # full scale is 1; float files beyond this are damaged


@dataclass(frozen=True, slots=True)
class Audio:
    """Decoded sound: `samples` is float32 [frames, channels] at full scale 1, `rate` in Hz."""

    samples: Samples
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a file's header says."""

    rate: int
    channels: int
    frames: int

    @property
    def seconds(self) -> float:
        return self.frames / self.rate


def probe(path: Path) -> AudioInfo:
    """The header of an audio file, checked. Raises AudioError with the reason; decodes nothing."""
    if not path.exists():
        raise AudioError(f"{path}: missing; check the path")
    if not path.is_file():
        raise AudioError(f"{path}: not a file; name an audio file")
    if path.stat().st_size == 0:
        raise AudioError(f"{path}: empty file (0 bytes)")
    try:
        with soundfile.SoundFile(path) as file:
            info = AudioInfo(file.samplerate, file.channels, file.frames)
    except (soundfile.SoundFileError, RuntimeError, OSError, TypeError) as error:
        raise AudioError(f"{path}: corrupt, or not an audio format that can be read: {error}") from error
    if not MIN_RATE <= info.rate <= MAX_RATE:
        raise AudioError(f"{path}: sample rate {info.rate} Hz out of range, {MIN_RATE} to {MAX_RATE} Hz are read")
    if not 1 <= info.channels <= MAX_CHANNELS:
        raise AudioError(f"{path}: {info.channels} channels, at most {MAX_CHANNELS} are read")
    if info.frames <= 0:
        raise AudioError(f"{path}: empty, the header announces no samples")
    return info


def decode(path: Path, start: float = 0.0, seconds: float | None = None) -> Audio:
    """The samples of a file, or of the part of `seconds` from `start` (seconds).

    Raises AudioError when the file is missing, corrupt, empty or too short, holds NaN or infinity, or has a rate or
    channel count out of range; and when what is asked for is longer than MAX_SECONDS or larger than MAX_VALUES.
    """
    path = Path(path)
    info = probe(path)
    wanted = info.seconds - start if seconds is None else seconds
    if wanted > MAX_SECONDS:
        raise AudioError(
            f"{path}: too long, {wanted / 3600:.2f} h; at most {MAX_SECONDS:.0f} s are decoded at once, split it first"
        )
    if wanted * info.rate * info.channels > MAX_VALUES:
        raise AudioError(
            f"{path}: too large, {wanted:.0f} s of {info.channels} channels at {info.rate} Hz; "
            f"at most {MAX_VALUES // 1_000_000} million samples are decoded at once, split it first"
        )
    first = min(info.frames, max(0, round(start * info.rate)))
    frames = info.frames - first if seconds is None else min(round(seconds * info.rate), info.frames - first)
    try:
        with soundfile.SoundFile(path) as file:
            if first:
                file.seek(first)
            samples = np.asarray(file.read(frames, dtype="float32", always_2d=True), dtype=np.float32)
    except (soundfile.SoundFileError, RuntimeError, OSError) as error:
        raise AudioError(f"{path}: corrupt, decoding stopped: {error}") from error
    if len(samples) < MIN_FRAMES:
        raise AudioError(f"{path}: too short, {len(samples)} sample(s); at least {MIN_FRAMES} are needed")
    check_samples(samples, str(path))
    return Audio(samples, info.rate)


def check_samples(samples: npt.NDArray[np.floating], name: str) -> None:
    """Raises AudioError when the samples hold NaN, infinity or absurd values."""
    peak = float(np.max(np.abs(samples))) if samples.size else 0.0
    if not np.isfinite(peak):
        kind = "NaN" if np.isnan(samples).any() else "infinite"
        raise AudioError(f"{name}: holds {kind} samples; repair or drop the file")
    if peak > LOUDEST:
        raise AudioError(f"{name}: samples reach {peak:.3g} times full scale; the file is damaged")


def mono(samples: npt.NDArray[np.floating]) -> Samples:
    """Samples [frames] from [frames] or [frames, channels].

    The mean of the channels; where they cancel each other (opposite phase) the strongest channel.
    """
    if samples.ndim == 1:
        return samples.astype(np.float32, copy=False)
    if samples.shape[1] == 1:
        return samples[:, 0].astype(np.float32, copy=False)
    mixed = samples.mean(axis=1)
    power = np.mean(np.square(samples, dtype=np.float64), axis=0)
    strongest = int(np.argmax(power))
    if np.mean(np.square(mixed, dtype=np.float64)) < 0.01 * power[strongest]:
        mixed = samples[:, strongest]
    return mixed.astype(np.float32, copy=False)


def mono_16k(audio: Audio) -> Samples:
    """The clip as audio encoders want it: float32 [frames] at 16 kHz."""
    return resample(mono(audio.samples), audio.rate, MODEL_RATE)


def resample(samples: Samples, rate: int, target: int) -> Samples:
    """Samples [frames] at `target` Hz."""
    if rate == target:
        return samples
    return np.asarray(soxr.resample(samples, rate, target), dtype=np.float32)
