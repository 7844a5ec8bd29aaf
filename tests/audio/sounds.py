"""Signals whose facts are known by construction; every generator owns its seed."""

import io
from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000


def seconds(duration: float, rate: int = RATE) -> np.ndarray:
    return np.arange(round(duration * rate)) / rate


def tone(f0: float, duration: float, partials: int = 5, tilt: float = 1.0, rate: int = RATE) -> np.ndarray:
    t = seconds(duration, rate)
    parts = [np.sin(2 * np.pi * f0 * k * t) / k**tilt for k in range(1, partials + 1) if f0 * k < 0.47 * rate]
    return shaped(0.3 * np.sum(parts, axis=0), rate)


def glide(start: float, end: float, duration: float, partials: int = 5, rate: int = RATE) -> np.ndarray:
    t = seconds(duration, rate)
    phase = 2 * np.pi * np.cumsum(start * (end / start) ** (t / duration)) / rate
    return shaped(0.3 * sum(np.sin(k * phase) / k for k in range(1, partials + 1)), rate)


def shaped(samples: np.ndarray, rate: int = RATE, edge: float = 0.01) -> np.ndarray:
    n = min(len(samples) // 2, round(edge * rate))
    ramp = np.ones(len(samples))
    ramp[:n], ramp[len(ramp) - n :] = np.linspace(0, 1, n), np.linspace(1, 0, n)
    return samples * ramp


def pluck(f0: float, duration: float, decay: float = 0.3, partials: int = 6, rate: int = RATE) -> np.ndarray:
    t = seconds(duration, rate)
    parts = [np.sin(2 * np.pi * f0 * k * t) / k * np.exp(-t * k**0.5 / decay * 2) for k in range(1, partials + 1)]
    return shaped(0.4 * np.sum(parts, axis=0), rate, 0.003)


def click(rate: int = RATE, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    n = round(0.004 * rate)
    return 0.7 * generator.standard_normal(n) * np.exp(-np.arange(n) / n * 4)


def placed(parts: list[tuple[float, np.ndarray]], duration: float, rate: int = RATE) -> np.ndarray:
    out = np.zeros(round(duration * rate))
    for start, part in parts:
        first = round(start * rate)
        piece = part[: len(out) - first]
        out[first : first + len(piece)] += piece
    return out


def white(duration: float, level: float = 0.1, seed: int = 0, rate: int = RATE) -> np.ndarray:
    return level * np.random.default_rng(seed).standard_normal(round(duration * rate))


def with_noise(samples: np.ndarray, snr: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(len(samples))
    return samples + noise * np.sqrt(np.mean(samples**2)) * 10 ** (-snr / 20)


def with_room(samples: np.ndarray, t60: float, wet: float = 0.5, seed: int = 0, rate: int = RATE) -> np.ndarray:
    """Convolved with exponentially decaying noise of the given T60; as long as the input."""
    t = seconds(min(1.5 * t60, 3.0), rate)
    tail = np.random.default_rng(seed).standard_normal(len(t)) * 10 ** (-3 * t / t60)
    tail /= np.sqrt(np.sum(tail**2))
    size = 1 << int(np.ceil(np.log2(len(samples) + len(tail))))
    wet_part = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)[: len(samples)]
    return (1 - wet) * samples + wet * wet_part


def midi(notes: list[tuple[int, float, float, int]], program: int, duration: float, drums: bool = False) -> np.ndarray:
    """Rendered General MIDI: notes are (pitch, start, end, velocity); mono at 16 kHz."""
    import midirenderer
    import pretty_midi
    import soxr

    song = pretty_midi.PrettyMIDI()
    instrument = pretty_midi.Instrument(program, is_drum=drums)
    instrument.notes = [pretty_midi.Note(velocity, pitch, start, end) for pitch, start, end, velocity in notes]
    song.instruments.append(instrument)
    buffer = io.BytesIO()
    song.write(buffer)
    font = (Path(pretty_midi.__file__).parent / "TimGM6mb.sf2").read_bytes()
    samples, rate = soundfile.read(io.BytesIO(midirenderer.render_wave_from(font, buffer.getvalue())), always_2d=True)
    out = np.zeros(round(duration * RATE))
    mono = soxr.resample(samples.mean(axis=1), rate, RATE)[: len(out)]
    out[: len(mono)] = mono
    return out
