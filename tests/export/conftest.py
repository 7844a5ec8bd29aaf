"""A made round for quick tests, shared and never written to."""

import pytest

from mgrd.store import Workspace
from tests.export.made_workspace import make_pairs, make_workspace


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Round 1 of twelve clips from six sources, with preference pairs. Read only."""
    workspace = make_workspace(tmp_path_factory.mktemp("made") / "w")
    make_pairs(workspace)
    return workspace
