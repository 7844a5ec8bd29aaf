"""Peers run only when asked for (`make test-peers`, or `-m peers`), each in an environment of its own."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mgrd.store import Workspace
from tests.export.made_workspace import make_pairs, make_workspace

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENTS = REPOSITORY / ".venv-peers"
READERS = Path(__file__).parent / "readers"

Read = Callable[..., Any]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "peers" in config.getoption("markexpr"):
        return
    for item in items:
        if item.get_closest_marker("peers"):
            item.add_marker(pytest.mark.skip(reason="peers run with `make test-peers`"))


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished round with preference pairs."""
    made = make_workspace(tmp_path_factory.mktemp("peers") / "w")
    make_pairs(made)
    return made


@pytest.fixture(scope="session")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Run `readers/read_<reader>.py` in the environment `peer`; its JSON. Skips where the peer is not installed."""

    def run(peer: str, reader: str, *arguments: str | Path) -> Any:
        error = ENVIRONMENTS / f"{peer}.error"
        if not (ENVIRONMENTS / peer / ".installed").exists():
            reason = error.read_text().strip()[-300:] if error.exists() else "`make test-peers` installs it"
            pytest.skip(f"{peer} is not installed here: {reason}")
        home = tmp_path_factory.mktemp(
            "home"
        )  # one each: offline, `datasets` takes equal folder names for one data set
        offline = dict.fromkeys(("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE", "DO_NOT_TRACK"), "1")
        done = subprocess.run(
            [ENVIRONMENTS / peer / "bin" / "python", READERS / f"read_{reader}.py", *arguments],
            env={**os.environ, **offline, "HOME": str(home), "HF_HOME": str(home / "hub"), "PYTHONPATH": ""},
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        line = next(line for line in done.stdout.splitlines() if line.startswith("JSON"))
        return json.loads(line.removeprefix("JSON"))

    return run
