"""Settings: every wrong key is named, the environment wins over the file, overrides win over both."""

from pathlib import Path

import pytest

from mgrd.errors import ConfigError
from mgrd.settings import load_settings


def test_defaults_without_a_file(tmp_path: Path) -> None:
    assert load_settings(tmp_path).spec.rounds == 3


def test_the_environment_overrides_one_key_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mgrd.toml").write_text("[spec.sampling]\nsamples = 5\ntemperature = 0.7\n")
    monkeypatch.setenv("MGRD_SPEC__SAMPLING__SAMPLES", "4")
    sampling = load_settings(tmp_path).spec.sampling
    assert (sampling.samples, sampling.temperature) == (4, 0.7)


def test_overrides_win_and_are_checked(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {"spec.selection.arm": "unfiltered"}).spec.selection.arm == "unfiltered"
    with pytest.raises(ConfigError, match=r"sampling\.samples"):
        load_settings(tmp_path, {"spec.sampling.samples": 0})


def test_unknown_keys_and_broken_toml_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "mgrd.toml").write_text("[spec]\nround = 3\n")
    with pytest.raises(ConfigError, match=r"mgrd\.toml: spec\.round"):
        load_settings(tmp_path)
    (tmp_path / "mgrd.toml").write_text("[spec\n")
    with pytest.raises(ConfigError, match="correct the TOML"):
        load_settings(tmp_path)


def test_what_the_environment_sets_wrongly_is_told_by_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MGRD_SPEC__SAMPLING__SAMPLES", "0")
    monkeypatch.setenv("MGRD_SPEC__NOPE", "1")
    with pytest.raises(ConfigError, match="set by MGRD_SPEC__SAMPLING__SAMPLES") as caught:
        load_settings(tmp_path)
    assert "set by MGRD_SPEC__NOPE" in str(caught.value)
    (tmp_path / "mgrd.toml").write_text("[spec.sampling]\ntop_p = 7\n")
    with pytest.raises(ConfigError, match=r"spec\.sampling\.top_p: "):
        load_settings(tmp_path)


def test_a_variable_that_is_no_json_is_an_error_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MGRD_RUNTIME__STAGE_TIMEOUTS", "{sample")
    with pytest.raises(ConfigError, match=r"takes JSON.*MGRD_RUNTIME__STAGE_TIMEOUTS"):
        load_settings(tmp_path)
