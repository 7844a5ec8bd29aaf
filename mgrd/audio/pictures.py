"""Pictures of a clip: peaks of the waveform, a spectrogram, and the tracks of f0, loudness and onsets.

The tracks are the ones that the evidence is measured on, not a second opinion. Pictures are made when evidence is
measured, or once when they are first asked for, and kept in files named by clip; they are never made per request.
"""

import json
import struct
import zlib
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.fft import rfft  # numpy's computes in float64, whatever it is given

from mgrd.audio.decode import MODEL_RATE, Samples, decode, resample
from mgrd.audio.events import Events
from mgrd.audio.frames import Frames
from mgrd.audio.pitch import PitchLine
from mgrd.files import whole_file

PICTURE_VERSION = 1
PEAKS = 900  # columns of the waveform
POINTS = 600  # of a track at most
COLUMNS, ROWS = 720, 160  # pixels of the spectrogram
LOWEST, HIGHEST = 60.0, 8_000.0  # Hz
FLOOR = -70.0  # dB below the loudest bin
FRAME = 1024  # samples of a spectrum at 16 kHz, 64 ms
PALETTE_ANCHORS = (
    (0.0, 0x0D1020),
    (0.3, 0x2B2A5E),
    (0.55, 0x7D3B7B),
    (0.78, 0xD9694F),
    (0.92, 0xF6B26B),
    (1.0, 0xFDF3D8),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """What a page draws of a clip.

    `peaks` are the extremes of `PEAKS` columns at full scale 1, lowest and highest in turn. `f0` (Hz, None where
    unvoiced) and `loudness` (dBFS) are tracks of one value per `step` seconds; `onsets` are seconds.
    """

    version: int
    seconds: float
    lowest: float
    highest: float
    peaks: list[float]
    step: float
    f0: list[float | None]
    loudness: list[float]
    onsets: list[float]


def draw_picture(frames: Frames, line: PitchLine, events: Events) -> Picture:
    """The picture of an analysed clip."""
    stride = max(1, -(-len(frames.level) // POINTS))
    voiced = line.voiced & (line.f0 >= LOWEST) & (line.f0 <= HIGHEST)
    return Picture(
        version=PICTURE_VERSION,
        seconds=round(frames.duration, 4),
        lowest=LOWEST,
        highest=HIGHEST,
        peaks=[round(float(peak), 4) for peak in find_peaks(frames.samples)],
        step=frames.hop_seconds * stride,
        f0=[
            round(float(hz), 1) if sounds else None
            for hz, sounds in zip(line.f0[::stride], voiced[::stride], strict=True)
        ],
        loudness=[round(float(level), 1) for level in frames.level[::stride]],
        onsets=[round(event.start, 3) for event in events.events],
    )


def find_peaks(samples: Samples, columns: int = PEAKS) -> npt.NDArray[np.float32]:
    """Lowest and highest sample of each column, in turn: shape [2 * columns] (fewer for fewer samples)."""
    columns = max(1, min(columns, len(samples)))
    edges = np.linspace(0, len(samples), columns, endpoint=False).astype(int)
    extremes = (np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges))
    return np.stack(extremes, axis=1).reshape(-1).astype(np.float32)


def draw_spectrogram(
    samples: Samples, rate: int, *, columns: int = COLUMNS, rows: int = ROWS, at_once: int = 240
) -> npt.NDArray[np.uint8]:
    """Palette indices [rows, columns]: level in dB over log frequency, high frequencies on top."""
    heard = resample(samples, rate, MODEL_RATE).astype(np.float32, copy=False)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(heard, (FRAME // 2, FRAME)), FRAME)
    starts = np.linspace(0, max(0, len(heard) - 1), columns).astype(int)
    window = np.hanning(FRAME).astype(np.float32)
    bins = np.geomspace(HIGHEST, LOWEST, rows) * 2 * FRAME / MODEL_RATE
    below = np.minimum(bins.astype(int), FRAME - 1)
    part = (bins - below).astype(np.float32)
    power_cr = np.empty((columns, rows), np.float32)
    for first in range(0, columns, at_once):
        part_spectra = rfft(frames[starts[first : first + at_once]] * window, n=2 * FRAME)
        spectra: npt.NDArray[np.complex64] = np.asarray(part_spectra, dtype=np.complex64)
        power_cf = spectra.real**2 + spectra.imag**2
        power_cr[first : first + at_once] = power_cf[:, below] * (1 - part) + power_cf[:, below + 1] * part
    level = 10 * np.log10(np.maximum(power_cr / max(float(power_cr.max()), 1e-12), 1e-12))
    return np.round(255 * np.clip(1 - level / FLOOR, 0, 1)).astype(np.uint8).T


def encode_png(indices: npt.NDArray[np.uint8]) -> bytes:
    """A palette PNG of the indices [rows, columns]."""
    height, width = indices.shape
    lines = b"".join(b"\0" + row.tobytes() for row in indices)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", _palette()),
        (b"IDAT", zlib.compress(lines, 1)),  # twice as fast as 6, and a twentieth larger
        (b"IEND", b""),
    )
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def _palette() -> bytes:
    """256 colours from dark to light, even steps between the anchors."""
    places = [place for place, _ in PALETTE_ANCHORS]
    channels = [
        np.interp(np.linspace(0, 1, 256), places, [colour >> shift & 0xFF for _, colour in PALETTE_ANCHORS])
        for shift in (16, 8, 0)
    ]
    return np.stack(channels, axis=1).round().astype(np.uint8).tobytes()


def picture_paths(folder: Path, clip_id: str) -> tuple[Path, Path]:
    """(numbers, spectrogram) of a clip; a new version has new files."""
    return folder / f"{clip_id}.v{PICTURE_VERSION}.json", folder / f"{clip_id}.v{PICTURE_VERSION}.png"


def keep_picture(folder: Path, clip_id: str, frames: Frames, line: PitchLine, events: Events) -> None:
    """Write both files of a clip; each appears whole or not at all."""
    numbers, image = picture_paths(folder, clip_id)
    with whole_file(image) as draft:
        draft.write_bytes(encode_png(draw_spectrogram(frames.samples, frames.rate)))
    with whole_file(numbers) as draft:
        picture = draw_picture(frames, line, events)
        draft.write_text(
            json.dumps({field.name: getattr(picture, field.name) for field in fields(picture)}, separators=(",", ":"))
        )


def cached_picture(folder: Path, clip_id: str, path: Path) -> tuple[Path, Path]:
    """The files of a clip, drawn now if they are not there. Raises AudioError when the audio cannot be decoded."""
    numbers, image = picture_paths(folder, clip_id)
    if not (numbers.is_file() and image.is_file()):
        from mgrd.audio.measuring import listen

        audio = decode(path)
        heard = listen(audio.samples, audio.rate)
        keep_picture(folder, clip_id, heard.frames, heard.line, heard.events)
    return numbers, image
