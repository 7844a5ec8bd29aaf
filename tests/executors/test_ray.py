"""Ray and this machine give the same tables (`make test-ray`)."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mgrd.errors import DataError
from mgrd.executors import open_executor
from mgrd.settings import Settings
from mgrd.store import Workspace, delta, frame_of
from schemas import CLAIMS, CLIPS, DECISIONS, EVIDENCE, QUARANTINE, TRACES
from tasks.evidence import measure
from tasks.ground import ground_partition
from tasks.run import Run
from tests.executors.work import Doubled, numbers
from tests.export.made_workspace import FACTS, make_workspace

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]
PARTITION: dict[str, int | str] = {"round": 1, "purpose": "distill"}


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """A real Ray on loopback, for all tests of this file."""
    ray = pytest.importorskip("ray", reason="Ray is not installed; `make test-ray` does")
    open_executor(Settings.model_validate({"runtime": {"executor": "ray"}}))
    yield ray
    ray.shutdown()


def on(workspace: Workspace, executor: str) -> Workspace:
    return Workspace.open(workspace.root, {"runtime.executor": executor, "runtime.workers": 2})


def test_rows_come_back_in_their_order_from_other_processes() -> None:
    executor = open_executor(Settings.model_validate({"runtime": {"executor": "ray", "workers": 2}}))
    parts = numbers(200, 9)
    here = [(frame.drop("process"), count) for frame, count in map(Doubled(), parts)]
    there = [(frame.drop("process"), count) for frame, count in executor.map(Doubled(), parts)]
    for one, other in zip(here, there, strict=True):
        assert_frame_equal(one[0], other[0])
        assert_frame_equal(one[1], other[1])


def test_an_error_of_the_work_comes_out_as_it_was_raised() -> None:
    executor = open_executor(Settings.model_validate({"runtime": {"executor": "ray"}}))
    with pytest.raises(DataError, match="number 3 is refused; leave it out"):
        list(executor.map(Doubled(refused=3), numbers(20, 1)))


def test_claims_and_decisions_are_the_same_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_workspace(tmp_path / "w", clips=12)
    known = {"version": "1", "facts": [one.row() for one in FACTS], "seconds": 0.1}
    clips = workspace.store.read(CLIPS)["clip_id"]
    workspace.store.append(EVIDENCE, frame_of(EVIDENCE, [{**known, "clip_id": clip} for clip in clips]))
    monkeypatch.setattr(delta, "PART_ROWS", 5)
    traces = workspace.store.reference(TRACES, PARTITION)
    tables: dict[str, list[pl.DataFrame]] = {}
    for executor in ("local", "ray"):
        before = {table.name: workspace.store.version(table) for table in (CLAIMS, DECISIONS)}
        workspace.store.replace(DECISIONS, workspace.store.read(DECISIONS).head(0), PARTITION)
        opened = on(workspace, executor)
        opened.ledger.finished = lambda *_: None  # both do the work, though nothing that it depends on differs
        ground_partition(opened, 1, traces, "distill", "filtered")
        tables[executor] = [workspace.store.read(table).sort(table.key) for table in (CLAIMS, DECISIONS)]
        assert workspace.store.version(CLAIMS) == before["claims"] + 1, "one commit, whatever worked on it"
    for here, there in zip(tables["local"], tables["ray"], strict=True):
        assert here.height
        assert_frame_equal(here, there)


def test_evidence_and_quarantine_are_the_same_tables(tmp_path: Path) -> None:
    tables: dict[str, list[pl.DataFrame]] = {}
    for executor in ("local", "ray"):
        workspace = make_workspace(tmp_path / executor, clips=9)
        workspace.resolve(workspace.store.read(CLIPS)["uri"][4]).write_bytes(b"no sound")
        overrides = {"runtime.executor": executor, "runtime.fail_on_error": 0.5}
        measure.fn(
            Run(workspace=str(workspace.root), overrides=overrides),
            workspace.store.reference(CLIPS, {"collection": "made"}),
        )
        columns = [name for name in EVIDENCE.arrow.names if name != "seconds"]
        evidence = workspace.store.read(EVIDENCE, columns=columns).sort("clip_id")
        tables[executor] = [evidence, workspace.store.read(QUARANTINE, columns=["row_id", "boundary"])]
    assert [frame.height for frame in tables["ray"]] == [8, 1]
    for here, there in zip(tables["local"], tables["ray"], strict=True):
        assert_frame_equal(here, there)
