"""A made round for quick tests, shared and never written to, and a real tiny campaign for the slow ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from mgrd.store import Workspace
from tests.export.made_workspace import make_pairs, make_workspace

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Round 1 of twelve clips from six sources, with preference pairs. Read only."""
    workspace = make_workspace(tmp_path_factory.mktemp("made") / "w")
    make_pairs(workspace)
    return workspace


@pytest.fixture(scope="session")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished campaign of examples/tiny.toml, made once for all workers of the test run. Read only."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared-campaign"
    root = shared / "w"
    shared.mkdir(exist_ok=True)
    with FileLock(shared / "lock"):
        if not (shared / "done").exists():
            for command in (
                ("init", str(root), "--settings", "examples/tiny.toml"),
                ("ingest", "embedded", "-w", str(root)),
                ("run", "-w", str(root)),
            ):
                mgrd(*command)
            (shared / "done").touch()
    return root


def mgrd(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, as a user does; checks its exit status."""
    done = subprocess.run(
        [sys.executable, "-m", "mgrd", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == status, done.stderr
    return done
