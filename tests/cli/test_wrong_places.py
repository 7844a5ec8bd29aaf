"""Commands that are sent to the wrong place say so in a line, and leave no trace there."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from mgrd.cli import app
from mgrd.errors import MgrdError

RUNNER = CliRunner()
WORKSPACE_COMMANDS = [
    "run", "ingest embedded", "plan", "status", "report", "doctor", "review", "calibrate", "rejudge 1", "requeue",
    "explain 12ab", "export --round 1 --out OUT", "ablate format-reward", "data list", "data show traces",
    "review export OUT",
]  # fmt: skip


def refused(*words: object) -> str:
    """The message of the error of ours that a command ends with."""
    error = RUNNER.invoke(app, [str(word) for word in words]).exception
    assert isinstance(error, MgrdError), error
    return str(error)


@pytest.mark.parametrize("command", WORKSPACE_COMMANDS)
def test_a_command_makes_no_workspace_of_a_folder_that_is_none(command: str, tmp_path: Path) -> None:
    words = [str(tmp_path / "out") if word == "OUT" else word for word in command.split()]
    missing = tmp_path / "missing"
    assert f"mgrd init {missing}" in refused(*words, "--workspace", missing)
    assert not list(tmp_path.iterdir())


def test_init_does_not_take_a_file_for_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "clip.wav"
    file.write_bytes(b"sound")
    assert "is a file; name a folder" in refused("init", file)
    assert "cannot be made there" in refused("init", file / "below")
    assert file.read_bytes() == b"sound"


def test_settings_that_are_no_text_are_refused_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "mgrd.toml").write_bytes(b"\xff\xfe")
    assert str(tmp_path / "mgrd.toml") in refused("status", "--workspace", tmp_path)


def test_ground_does_not_take_its_defaults_for_a_workspace_that_is_missing(tmp_path: Path) -> None:
    chains = tmp_path / "chains.jsonl"
    chains.write_text("")
    assert "no such folder" in refused("ground", chains, "--workspace", tmp_path / "missing")
    assert RUNNER.invoke(app, ["ground", str(chains), "--workspace", str(tmp_path)]).exit_code == 0


def test_a_serving_copy_is_made_of_checkpoints_alone(tmp_path: Path) -> None:
    assert "no config.json" in refused("serving-copy", tmp_path, tmp_path / "copy")


def test_an_import_says_that_its_file_is_missing(tmp_path: Path) -> None:
    assert "no such file" in refused("review", "import", tmp_path / "results.json", "-w", tmp_path)
