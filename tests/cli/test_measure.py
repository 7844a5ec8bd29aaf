"""`mgrd measure`: good files are measured whatever else is named, bad ones are told of with the reason."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from mgrd.audio.facts import FACT_UNITS
from mgrd.cli import app

RATE = 16_000
RUNNER = CliRunner()


@pytest.fixture
def good(tmp_path: Path) -> list[Path]:
    """A tone as mono, as eight channels, and at 192 kHz."""
    made = []
    for name, rate, channels in (("mono", RATE, 1), ("eight", RATE, 8), ("fine", 192_000, 1)):
        samples = 0.3 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, np.repeat(samples[:, None], channels, axis=1), rate)
        made.append(path)
    return made


@pytest.fixture
def bad(tmp_path: Path) -> dict[Path, str]:
    """Files that cannot be measured, with a word of the reason."""
    reasons = {
        "missing.wav": "missing", "empty.wav": "empty", "corrupt.wav": "corrupt", "nan.wav": "NaN",
        "one.wav": "too short", "[red]odd[/red].wav": "corrupt", "long.wav": "2.00 h",
    }  # fmt: skip
    (tmp_path / "[red]odd[").mkdir()
    paths = {tmp_path / name: reason for name, reason in reasons.items()}
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "corrupt.wav").write_bytes(b"RIFF0000WAVE nothing")
    (tmp_path / "[red]odd[/red].wav").write_bytes(b"no audio")
    soundfile.write(tmp_path / "nan.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "one.wav", np.array([0.5]), RATE)
    with soundfile.SoundFile(tmp_path / "long.wav", "w", 4_000, 1, "PCM_U8") as file:
        for _ in range(2):
            file.write(np.zeros(3600 * 4_000, dtype=np.float32))
    return paths


def measure(*arguments: object) -> tuple[int, str, str]:
    result = RUNNER.invoke(app, ["measure", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_json_has_one_object_a_file_with_its_facts(good: list[Path]) -> None:
    status, out, err = measure(*good, "--json")
    objects = [json.loads(line) for line in out.splitlines()]
    assert (status, err) == (0, "")
    assert [item["path"] for item in objects] == [str(path) for path in good]
    for item in objects:
        assert set(item) == {"path", "facts"}
        for fact in item["facts"]:
            assert list(fact) == ["name", "value", "unit", "start", "end", "reliability"]
            assert fact["unit"] == FACT_UNITS[fact["name"]]
        (f0,) = [fact["value"] for fact in item["facts"] if fact["name"] == "f0_median"]
        assert f0 == pytest.approx(440, rel=0.01)


def test_bad_files_among_good_ones_are_told_of_and_the_status_is_1(good: list[Path], bad: dict[Path, str]) -> None:
    files = [good[0], *bad, good[1]]
    status, out, err = measure(*files, "--json")
    objects = {item["path"]: item for item in map(json.loads, out.splitlines())}
    assert status == 1
    assert list(objects) == [str(path) for path in files]
    assert all("facts" in objects[str(path)] for path in good[:2])
    lines = err.splitlines()
    assert len(lines) == len(bad)
    for (path, reason), line in zip(bad.items(), lines, strict=True):
        assert reason in objects[str(path)]["error"]
        assert line.startswith("error: ")
        assert str(path) in line
        assert reason in line


def test_the_table_holds_the_facts_of_the_good_files(good: list[Path], bad: dict[Path, str]) -> None:
    status, out, err = measure(*bad, good[0])
    assert status == 1
    assert "f0_median" in out
    assert "440" in out
    assert all(reason in err for reason in bad.values())
    assert "Traceback" not in out + err


def test_a_fault_of_ours_on_one_file_does_not_stop_the_others(
    good: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mgrd.audio import measuring

    real = measuring.measure_file

    def faulty(path: Path) -> object:
        if path.name == "mono.wav":
            raise ZeroDivisionError("made for this test")
        return real(path)

    monkeypatch.setattr(measuring, "measure_file", faulty)
    status, out, err = measure(*good, "--json")
    assert status == 1
    assert "mono.wav: ZeroDivisionError" in err
    assert len([line for line in out.splitlines() if "facts" in json.loads(line)]) == 2
