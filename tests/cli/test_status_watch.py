"""`mgrd status --watch` prints once, then again for each stage that the ledger gains."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mgrd.cli import app
from mgrd.store import Outcome, Workspace, init_workspace


@pytest.mark.parametrize("as_json", [True, False])
def test_the_status_is_printed_again_only_when_a_stage_has_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    root = tmp_path / "w"
    init_workspace(root)
    looks = 0

    def pause(_: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            Workspace.open(root).ledger.record(1, "sample-distill", "f", {}, Outcome((), 4, {"sampled": 4}), 1.0)
        if looks == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr("mgrd.cli.status.time.sleep", pause)
    arguments = ["status", "-w", str(root), "--watch", "1", *(["--json"] if as_json else [])]
    lines = CliRunner().invoke(app, arguments).stdout.splitlines()
    if as_json:
        assert [len(json.loads(line)["rounds"]) for line in lines if line.startswith("{")] == [0, 1]
    else:
        assert "no round yet" in lines[0]
        assert sum("round 1  sample-distill is finished" in line for line in lines) == 1
