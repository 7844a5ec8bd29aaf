"""Decoding refuses what cannot be measured, and says why."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from mgrd.audio.decode import MODEL_RATE, Audio, decode, mono, mono_16k, probe
from mgrd.errors import AudioError
from tests.audio.sounds import tone


def wav(path: Path, samples: np.ndarray, rate: int = 16_000, subtype: str = "FLOAT") -> Path:
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_the_common_formats_decode(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip.{suffix}"
    soundfile.write(path, tone(440, 1.0), 16_000)
    audio = decode(path)
    assert audio.rate == 16_000
    assert audio.samples.dtype == np.float32
    assert audio.seconds == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("missing.wav", None, "missing"),
        ("empty.wav", b"", "empty"),
        ("corrupt.wav", b"RIFF nothing of the kind", "corrupt"),
        ("text.mp3", b"not audio at all", "corrupt"),
    ],
)
def test_unreadable_files_have_a_reason(tmp_path: Path, name: str, content: bytes | None, reason: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AudioError, match=reason) as caught:
        decode(path)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.array([0.1, np.nan] * 800), "NaN"),
        (np.array([0.1, np.inf] * 800), "infinite"),
        (np.full(1600, 1e9), "full scale"),
        (np.array([0.5]), "too short"),
        (np.zeros(0), "empty"),
    ],
)
def test_damaged_samples_have_a_reason(tmp_path: Path, samples: np.ndarray, reason: str) -> None:
    with pytest.raises(AudioError, match=reason):
        decode(wav(tmp_path / "clip.wav", samples))


def test_a_folder_is_no_audio_file(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="not a file"):
        decode(tmp_path)


def test_a_rate_out_of_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="sample rate 1000 Hz"):
        decode(wav(tmp_path / "slow.wav", np.zeros(4000), rate=1_000))


def test_two_hours_are_refused_unread_and_can_be_read_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    hour = np.zeros(3600 * 4000, dtype=np.int16)
    with soundfile.SoundFile(path, "w", 4_000, 1, "PCM_16") as file:
        file.write(hour)
        file.write(hour)
    with pytest.raises(AudioError, match=r"2\.00 h"):
        decode(path)
    assert probe(path).seconds == pytest.approx(7200)
    assert len(decode(path, start=7000.0, seconds=2.0).samples) == 8_000


def test_a_part_begins_and_ends_where_asked(tmp_path: Path) -> None:
    ramp = np.linspace(0, 0.5, 16_000)
    part = decode(wav(tmp_path / "ramp.wav", ramp), start=0.5, seconds=0.25)
    assert len(part.samples) == 4_000
    assert part.samples[0, 0] == pytest.approx(ramp[8_000], abs=1e-6)


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (44_100, 2), (192_000, 1), (16_000, 8)])
def test_every_clip_becomes_mono_at_the_model_rate(rate: int, channels: int) -> None:
    samples = np.repeat(tone(440, 1.0, rate=rate)[:, None], channels, axis=1).astype(np.float32)
    assert len(mono_16k(Audio(samples, rate))) == pytest.approx(MODEL_RATE, abs=16)


def test_channels_of_opposite_phase_do_not_cancel() -> None:
    one = tone(440, 0.5)
    assert np.abs(mono(np.stack([one, -one], axis=1))).max() > 0.2
