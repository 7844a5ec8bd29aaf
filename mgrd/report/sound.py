"""Sound for a page: the clip as the model hears it, its waveform, spectrogram and pitch line.

The pitch line is the one that the evidence measures, not a second opinion. Pictures are drawn from
numbers alone: a small PNG written here, and path data for SVG.
"""

import base64
import io
from dataclasses import dataclass

import numpy as np
import soundfile

from mgrd.audio.decode import MIN_FRAMES, MODEL_RATE, Samples, check_samples, mono, resample
from mgrd.audio.frames import analyse
from mgrd.audio.pictures import HIGHEST, LOWEST, draw_spectrogram, encode_png, find_peaks
from mgrd.audio.pitch import pitch_line
from mgrd.audio.wav import pcm16, wav_bytes
from mgrd.errors import AudioError, boundary

MAX_SECONDS = 30.0  # what audio encoders of the Whisper family hear
WIDTH = 640
WAVE_HEIGHT, GAP, SPECTRUM_HEIGHT = 64, 10, 168
COLUMNS, ROWS = 480, 126  # pixels of the spectrogram
TICKS = (100, 300, 1_000, 3_000)  # Hz


@dataclass(frozen=True, slots=True)
class SoundPicture:
    """A clip to hear and see: data URIs and SVG path data in a `width` x `height` drawing."""

    seconds: float
    cut: bool
    audio: str
    spectrogram: str
    waveform: str
    pitch: str
    time_ticks: tuple[tuple[float, str], ...]
    frequency_ticks: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = WAVE_HEIGHT + GAP + SPECTRUM_HEIGHT
    spectrum_top: int = WAVE_HEIGHT + GAP
    spectrum_height: int = SPECTRUM_HEIGHT


def picture_sound(data: bytes, name: str) -> SoundPicture:
    """The picture of an audio file's bytes. Raises AudioError with `name` when they cannot be decoded.

    Audio beyond 30 s is left out and `cut` says so.
    """
    with (
        boundary(AudioError, f"{name}: corrupt, or not an audio format that can be read"),
        soundfile.SoundFile(io.BytesIO(data)) as file,
    ):
        rate = file.samplerate
        cut = file.frames > MAX_SECONDS * rate
        samples = np.asarray(file.read(int(MAX_SECONDS * rate), dtype="float32", always_2d=True), dtype=np.float32)
    if len(samples) < MIN_FRAMES:
        raise AudioError(f"{name}: too short to be drawn, {len(samples)} samples")
    check_samples(samples, name)
    heard = resample(mono(samples), rate, MODEL_RATE)
    seconds = len(heard) / MODEL_RATE
    return SoundPicture(
        seconds=round(seconds, 3),
        cut=cut,
        audio=_uri("audio/wav", wav_bytes(pcm16(heard), MODEL_RATE)),
        spectrogram=_uri("image/png", encode_png(draw_spectrogram(heard, MODEL_RATE, columns=COLUMNS, rows=ROWS))),
        waveform=_waveform(heard),
        pitch=_pitch(heard, seconds),
        time_ticks=_time_ticks(seconds),
        frequency_ticks=tuple((_height_of(hz), f"{hz // 1000} kHz" if hz >= 1000 else f"{hz} Hz") for hz in TICKS),
    )


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _waveform(samples: Samples) -> str:
    """The outline of the samples, scaled to the loudest, as a closed path."""
    peaks = find_peaks(samples, WIDTH // 2)
    loudest = max(float(np.abs(samples).max()), 1e-4)
    middle, reach = WAVE_HEIGHT / 2, WAVE_HEIGHT / 2 - 2
    lows, highs = middle - reach * peaks[0::2] / loudest, middle - reach * peaks[1::2] / loudest
    xs = np.linspace(0, WIDTH, len(highs))
    upper = [f"{x:.0f} {y - 0.4:.1f}" for x, y in zip(xs, highs, strict=True)]
    lower = [f"{x:.0f} {y + 0.4:.1f}" for x, y in zip(xs[::-1], lows[::-1], strict=True)]
    return f"M{'L'.join(upper + lower)}Z"


def _pitch(samples: Samples, seconds: float) -> str:
    """Path of the f0 line over the spectrogram; a gap where the clip is unvoiced."""
    frames = analyse(samples, MODEL_RATE)
    line = pitch_line(frames)
    parts, drawing = [], False
    for index, (hz, voiced) in enumerate(zip(line.f0, line.voiced, strict=True)):
        if voiced and LOWEST <= hz <= HIGHEST:
            x = min(WIDTH, WIDTH * index * frames.hop_seconds / seconds)
            parts.append(f"{'L' if drawing else 'M'}{x:.1f} {_height_of(float(hz))}")
            drawing = True
        else:
            drawing = False
    return "".join(parts)


def _height_of(hz: float) -> float:
    """Distance from the drawing's top, in its units."""
    share = np.log(hz / LOWEST) / np.log(HIGHEST / LOWEST)
    return round(WAVE_HEIGHT + GAP + SPECTRUM_HEIGHT * (1 - float(share)), 1)


def _time_ticks(seconds: float) -> tuple[tuple[float, str], ...]:
    step = next((step for step in (0.1, 0.25, 0.5, 1, 2, 5) if seconds / step <= 7), 10)
    count = int(seconds / step + 1e-6)
    return tuple((round(WIDTH * i * step / seconds, 1), f"{i * step:g} s") for i in range(1, count + 1))
