"""Tables in an object store: a local S3 server in a process of its own, and a writer that is killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from mgrd.errors import StoreError
from mgrd.store import Outcome, Stage, Store, Workspace, frame_of, init_workspace, run_stage
from mgrd.store.history import collect_garbage, difference, table_states
from schemas import METRICS
from tests.faults.object_store import object_store

REPOSITORY = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from mgrd.store import Store, frame_of
from schemas import METRICS
store = Store(Path(sys.argv[1]), sys.argv[2])
for number in range(1000):
    row = {"round": 1, "split": "dev", "name": f"m{number:03d}", "value": 0.0, "n": 1}
    store.append(METRICS, frame_of(METRICS, [row]))
    print(number, flush=True)
"""


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The address of an empty bucket on loopback."""
    with object_store("rounds") as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield "s3://rounds"


def metrics(**values: float) -> pl.DataFrame:
    return frame_of(METRICS, [{"round": 1, "split": "dev", "name": k, "value": v, "n": 3} for k, v in values.items()])


def test_tables_are_appended_replaced_read_and_compared(bucket: str, tmp_path: Path) -> None:
    store = Store(tmp_path, f"{bucket}/tables/")
    assert store.version(METRICS) == -1
    store.append(METRICS, metrics(a=1.0))
    store.replace(METRICS, metrics(b=2.0), {"round": 1})
    assert store.read(METRICS).equals(metrics(b=2.0))
    assert store.read(METRICS, version=0).equals(metrics(a=1.0))
    assert difference(store, METRICS, 0, 1)["added"]["keys"] == ["1,dev,b"]
    assert [(state.name, state.rows) for state in table_states(store)] == [("metrics", 1)]
    assert not (tmp_path / "tables").exists(), "nothing is written beside the object store"
    with pytest.raises(StoreError, match="metrics is in s3://rounds/tables, which is no folder"):
        store.path(METRICS)


def test_a_workspace_keeps_its_tables_where_the_settings_say(bucket: str, tmp_path: Path) -> None:
    settings = tmp_path / "s3.toml"
    settings.write_text(f'[store]\nuri = "{bucket}/campaign"\n')
    init_workspace(tmp_path / "w", settings)
    workspace = Workspace.open(tmp_path / "w")

    def work() -> Outcome:
        workspace.store.replace(METRICS, metrics(a=1.0), {"round": 1})
        return Outcome((workspace.store.reference(METRICS, {"round": 1}),), 1, {"scored": 1})

    run_stage(workspace, Stage("evaluate", 1, 1, {}, {}), work)
    _, ran = run_stage(Workspace.open(tmp_path / "w"), Stage("evaluate", 1, 1, {}, {}), work)
    assert not ran
    assert not (tmp_path / "w" / "tables").exists()
    assert collect_garbage(workspace, days=7) == {}


def test_a_writer_that_is_killed_leaves_whole_commits_and_the_next_one_goes_on(bucket: str, tmp_path: Path) -> None:
    uri = f"{bucket}/killed"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path), uri], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    told = [json.loads(writer.stdout.readline()) for _ in range(4)]
    writer.send_signal(signal.SIGKILL)
    told += [json.loads(line) for line in writer.stdout.read().split()]
    writer.wait(30)
    store = Store(tmp_path, uri)
    names = store.read(METRICS)["name"].sort().to_list()
    assert names[: len(told)] == [f"m{number:03d}" for number in told], "a commit that was reported is gone"
    assert len(names) <= len(told) + 1, "at most the commit in hand was made without being told"
    assert store.append(METRICS, metrics(next=1.0)) == len(names)
    assert store.read(METRICS).height == len(names) + 1
