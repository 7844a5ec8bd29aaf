"""`mgrd status`: who works in a workspace, for people and for scripts"""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mgrd.cli import app
from mgrd.store import Workspace, init_workspace
from mgrd.store.lock import hold


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    init_workspace(tmp_path / "w")
    return Workspace.open(tmp_path / "w")


def mgrd(*arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_workspace_where_nobody_works_says_so(workspace: Workspace) -> None:
    assert json.loads(mgrd("status", "--json", "-w", str(workspace.root)))["holder"] is None
    assert "works here" not in mgrd("status", "-w", str(workspace.root))


def test_the_holder_is_named_for_people_and_for_scripts(workspace: Workspace) -> None:
    with hold(workspace.root, "mgrd run"):
        assert json.loads(mgrd("status", "--json", "-w", str(workspace.root)))["holder"]["what"] == "mgrd run"
        assert "`mgrd run` works here since 20" in mgrd("status", "-w", str(workspace.root))
