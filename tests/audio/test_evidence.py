"""Evidence as a whole: robust on any samples, pure, fast, and a batch that no bad file stops."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mgrd.audio.evidence import EVIDENCE_VERSION, measure, measure_clips, measure_file
from mgrd.audio.facts import FACT_UNITS
from mgrd.errors import AudioError
from schemas import CLIPS, EVIDENCE, QUARANTINE
from tests.audio.sounds import RATE, glide, tone, white

kinds = st.sampled_from(["noise", "zeros", "dirac", "tone", "square", "ramp"])


def made(kind: str, frames: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    t = np.arange(frames)
    return {
        "noise": lambda: generator.standard_normal(frames),
        "zeros": lambda: np.zeros(frames),
        "dirac": lambda: np.eye(1, frames, frames // 2)[0],
        "tone": lambda: np.sin(0.05 * t),
        "square": lambda: np.sign(np.sin(0.03 * t)),
        "ramp": lambda: t / frames,
    }[kind]()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=kinds,
    frames=st.integers(16, 24_000),
    rate=st.sampled_from([4_000, 8_000, 16_000, 44_100, 192_000]),
    channels=st.integers(1, 8),
    gain=st.sampled_from([1e-7, 0.01, 1.0, 100.0]),
)
def test_any_finite_samples_give_finite_facts(kind: str, frames: int, rate: int, channels: int, gain: float) -> None:
    samples = np.repeat(gain * made(kind, frames, frames)[:, None], channels, axis=1).astype(np.float32)
    for fact in measure(samples, rate):
        assert fact.unit == FACT_UNITS[fact.name]
        assert np.isfinite([fact.value, fact.start, fact.end]).all()
        assert 0 <= fact.reliability <= 1
        assert 0 <= fact.start <= fact.end <= frames / rate + 0.05


def test_measuring_is_pure() -> None:
    samples = white(1.0) + tone(300, 1.0)
    before = samples.copy()
    assert measure(samples, RATE) == measure(samples, RATE)
    assert (samples == before).all()


@pytest.mark.parametrize("samples", [np.zeros(0), np.array([np.nan] * 100)])
def test_samples_that_are_no_sound_are_refused(samples: np.ndarray) -> None:
    with pytest.raises(AudioError):
        measure(samples, RATE)


def test_facts_do_not_change_with_the_rate_or_the_channels() -> None:
    wanted = {fact.name: fact for fact in measure(glide(200, 400, 2.0), RATE)}
    wide = glide(200, 400, 2.0, rate=44_100)
    for samples in (wide, np.stack([wide] * 8, axis=1)):
        found = {fact.name: fact for fact in measure(samples, 44_100)}
        for name in ("f0_trend", "f0_median", "event_count", "loudness_trend"):
            assert found[name].value == pytest.approx(wanted[name].value, rel=0.03, abs=0.1)


def clips_frame(uris: list[str]) -> pl.DataFrame:
    row = {"sha256": "", "duration": 1.0, "sample_rate": RATE, "channels": 1, "domain": "synthetic", "source": "s"}
    row |= {"licence": "CC0-1.0", "provenance": "test", "split": "pool"}
    schema = pl.DataFrame(CLIPS.arrow.empty_table()).schema
    return pl.from_dicts([row | {"clip_id": f"c{k}", "uri": uri} for k, uri in enumerate(uris)], schema=schema)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bad_file_goes_to_quarantine_and_the_batch_goes_on(
    tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mgrd.audio.evidence.WORTH_A_POOL", 1)
    soundfile.write(tmp_path / "a.wav", tone(300, 1.0), RATE)
    soundfile.write(tmp_path / "b.wav", white(0.5), RATE)
    (tmp_path / "bad.wav").write_bytes(b"RIFF?")
    seen: list[int] = []
    clips = clips_frame(["a.wav", "bad.wav", str(tmp_path / "b.wav"), "none.wav"])
    rows, bad = measure_clips(clips, tmp_path, workers, seen.append)
    assert rows["clip_id"].to_list() == ["c0", "c2"]
    assert rows["version"].unique().to_list() == [EVIDENCE_VERSION]
    assert rows.to_arrow().schema.names == EVIDENCE.arrow.names
    assert bad.to_arrow().schema.names == QUARANTINE.arrow.names
    assert sum(seen) == 4
    by_clip = {json.loads(row["payload"])["clip_id"]: row for row in bad.iter_rows(named=True)}
    assert "corrupt" in by_clip["c1"]["message"]
    assert "missing" in by_clip["c3"]["message"]
    assert {(row["stage"], row["boundary"]) for row in by_clip.values()} == {("evidence", "measure")}


def test_no_clips_give_empty_tables(tmp_path: Path) -> None:
    rows, bad = measure_clips(clips_frame([]), tmp_path)
    assert (rows.height, bad.height) == (0, 0)


@pytest.mark.real
def test_recorded_clips_are_measured(recordings: Path) -> None:
    manifest = pl.read_csv(recordings / "manifest.csv")[::5]
    speech: dict[bool, list[float]] = {True: [], False: []}
    for row in manifest.iter_rows(named=True):
        facts = {fact.name: fact for fact in measure_file(recordings / row["path"])}
        assert facts["duration"].value == pytest.approx(row["duration_s"], abs=0.05)
        if row["duration_s"] > 0.5:
            speech[row["domain"] == "speech"].append(facts["speech"].value)
    assert np.mean(speech[True]) > 0.6
    assert np.mean(speech[False]) < 0.4
