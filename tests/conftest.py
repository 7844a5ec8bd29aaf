"""Fixtures of the whole suite: quiet libraries, one thread, and the recordings where they are present."""

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from tests.campaign import REPOSITORY, run_campaign

settings.register_profile("suite", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("suite")

for name, value in {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
}.items():
    os.environ.setdefault(name, value)

RECORDINGS = REPOSITORY.parent / "shared" / "audio"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole rounds first, module by module, in both halves: two workers start with them, short tests fill the end."""
    rounds: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("round"):
            rounds[item.nodeid.partition("::")[0]].append(item)
    halves: list[list[pytest.Item]] = [[], []]
    for module in sorted(rounds.values(), key=len, reverse=True):
        min(halves, key=len).extend(module)
    others = [item for item in items if not item.get_closest_marker("round")]
    middle = (len(items) + 1) // 2 - len(halves[0])
    items[:] = [*halves[0], *others[:middle], *halves[1], *others[middle:]]


@pytest.fixture(autouse=True)
def same_environment() -> Iterator[None]:
    """Commands point caches and temporary files into their workspace: of one test, not of those that follow it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recorded clips; tests that need it say so and are skipped without it."""
    if not (RECORDINGS / "manifest.csv").is_file():
        pytest.skip("no recordings beside the project")
    return RECORDINGS


@pytest.fixture(scope="session")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished campaign of examples/tiny.toml, run once for all workers of the test run. Read only."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared-campaign"
    shared.mkdir(exist_ok=True)
    with FileLock(shared / "lock"):
        if not (shared / "done").exists():
            run_campaign(shared)
            (shared / "done").touch()
    return shared / "w"
