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
    with pytest.raises(ConfigError, match=r"in place of mgrd\.toml: spec\.sampling\.samples"):
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


@pytest.mark.parametrize(
    "key", ["spec.panel.judges.first.model", "spec.panel.judges.9.model", "spec.seed.x", "nothing", ""]
)
def test_an_override_that_leads_nowhere_is_refused_by_its_name(key: str, tmp_path: Path) -> None:
    judge = '[[spec.panel.judges]]\nbase_url = "http://localhost:1/v1"\nmodel = "m"\n'
    (tmp_path / "mgrd.toml").write_text(judge)
    with pytest.raises(ConfigError, match=f"there is no setting {key}"):
        load_settings(tmp_path, {key: "value"})


def test_a_file_that_is_no_text_and_a_variable_that_is_no_json_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mgrd.toml").write_bytes(b"\xff\xfe[spec]")
    with pytest.raises(ConfigError, match=r"mgrd\.toml: .*utf-8"):
        load_settings(tmp_path)
    (tmp_path / "mgrd.toml").unlink()
    monkeypatch.setenv("MGRD_SPEC__TRAINING__STAGES", "sft")
    with pytest.raises(ConfigError, match=r"MGRD_SPEC__TRAINING__STAGES: .*lists and sections take JSON"):
        load_settings(tmp_path)
