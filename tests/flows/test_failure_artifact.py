"""What a failed run leaves for whoever looks next: the reason without keys, whatever state the workspace is in."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from mgrd.store import Outcome, Stage, Workspace, init_workspace, run_stage
from tasks.artifacts import tell_failure

KEY = "planted-key-16180"
SETTINGS = '[[spec.panel.judges]]\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "m"\napi_key_env = "PLANTED_KEY"\n'


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Key and text of what would be sent to the server."""
    found: list[tuple[str, str]] = []
    monkeypatch.setenv("PLANTED_KEY", KEY)
    monkeypatch.setattr("tasks.artifacts.create_markdown_artifact", lambda text, key: found.append((key, text)))
    return found


def fail(root: Path, message: str) -> None:
    run = SimpleNamespace(parameters={"workspace": str(root)})
    tell_failure(SimpleNamespace(name="distill"), run, SimpleNamespace(message=message, name="Failed"))


def test_the_reason_stands_there_without_the_key_that_it_repeats(left: list[tuple[str, str]], tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(SETTINGS)
    init_workspace(tmp_path / "w", tmp_path / "settings.toml")
    run_stage(Workspace.open(tmp_path / "w"), Stage("decontaminate", 0, 1, {}, {}), lambda: Outcome((), 0, {}))
    fail(tmp_path / "w", f"JudgeError: incorrect key provided: {KEY}")
    ((key, text),) = left
    assert key == "failure-distill"
    assert "incorrect key provided: ***" in text
    assert KEY not in text
    assert "| 0 | decontaminate | 0 |" in text, "what is finished"


@pytest.mark.parametrize("settings", [None, "[runtime]\nworkerz = 3\n"])
def test_a_workspace_that_cannot_be_opened_still_leaves_the_reason(
    left: list[tuple[str, str]], tmp_path: Path, settings: str | None
) -> None:
    if settings is not None:
        (tmp_path / "mgrd.toml").write_text(settings)
    fail(tmp_path, "ConfigError: wrong")
    ((_, text),) = left
    assert "ConfigError: wrong" in text
    assert "Finished last" not in text
