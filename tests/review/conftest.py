import shutil
from pathlib import Path

import pytest
from review_workspace import make_workspace

from mgrd.review.items import refresh_items
from mgrd.review.mirror import Mirror
from mgrd.store import Workspace


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("review") / "w").root


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Workspace:
    """A copy of its own for each test."""
    shutil.copytree(made, tmp_path / "w")
    return Workspace.open(tmp_path / "w")


@pytest.fixture
def mirror(workspace: Workspace) -> Mirror:
    mirror = Mirror(workspace)
    refresh_items(mirror)
    return mirror
