"""Ray and this machine give the same tables (`make test-ray`)."""

import os
from collections import Counter
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mgrd.engines.sampling import GREEDY
from mgrd.errors import ConfigError, DataError, EngineError, EngineStopError, JudgeError, MgrdError
from mgrd.executors import open_executor
from mgrd.executors.ray import RayExecutor
from mgrd.judging.dealing import deal
from mgrd.judging.mock import Answer, serving
from mgrd.settings import Settings
from mgrd.store import Workspace, delta, frame_of
from schemas import CLAIMS, CLIPS, DECISIONS, EVIDENCE, QUARANTINE, QUESTIONS, TRACES, VERDICTS
from tasks.evidence import measure
from tasks.ground import ground_partition
from tasks.judge import judge
from tasks.models import ModelRef
from tasks.run import Run
from tasks.sample import sample_questions
from tests.executors.work import Doubled, numbers
from tests.export.made_workspace import FACTS, make_workspace
from tests.tiny_model import tiny_model

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]
KEY = "sk-of-the-workers"
PARTITION: dict[str, int | str] = {"round": 1, "purpose": "distill"}


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """A real Ray on loopback, for all tests of this file; its workers have the environment that it is started in."""
    ray = pytest.importorskip("ray", reason="Ray is not installed; `make test-ray` does")
    os.environ["RAY_TEST_JUDGE_KEY"] = KEY
    open_executor(Settings.model_validate({"runtime": {"executor": "ray"}}))
    yield ray
    ray.shutdown()
    del os.environ["RAY_TEST_JUDGE_KEY"]


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
        # both do the work, though nothing that it depends on differs
        monkeypatch.setattr(opened.ledger, "finished", lambda *_: None)
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


def test_rows_come_back_as_they_are_done_and_the_work_is_opened_once_in_a_worker() -> None:
    executor = open_executor(Settings.model_validate({"runtime": {"executor": "ray", "workers": 2}}))
    parts = numbers(200, 4)
    done = pl.concat(frame for frame, _ in executor.map_unordered(Doubled(), parts))
    assert sorted(done["number"]) == [2 * number for number in range(200)]
    assert done["process"].n_unique() <= 2
    (one,) = {process for frame, _ in executor.map_unordered(Doubled(), parts, 1) for process in frame["process"]}
    assert one != os.getpid()


def test_a_frame_that_workers_die_of_ends_the_map_with_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mgrd.executors.ray.REPLACED", 1)
    executor = open_executor(Settings.model_validate({"runtime": {"executor": "ray", "workers": 1}}))
    with pytest.raises(MgrdError, match="died again and again"):
        list(executor.map_unordered(Doubled(deadly=3), numbers(4, 1)))


def test_gpus_that_no_machine_has_are_refused_before_anything_waits_for_them() -> None:
    with pytest.raises(ConfigError, match="ray_gpus = 1: the Ray cluster has 0 GPUs"):
        RayExecutor(gpus=1.0)


JUDGE = """
[[spec.panel.judges]]
base_url = "{url}"
model = "{model}"
price_in = 1.0
price_out = 4.0
attempts = 2
concurrency = 4
"""


def judged_workspace(folder: Path, url: str) -> Workspace:
    """Chains that passed the checks, and two judges of which one needs a key."""
    workspace = make_workspace(folder, clips=24)
    facts = [one.row() for one in FACTS]
    clips = workspace.store.read(CLIPS)["clip_id"]
    rows = [{"clip_id": clip, "version": "1", "facts": facts, "seconds": 0.1} for clip in clips]
    workspace.store.append(EVIDENCE, frame_of(EVIDENCE, rows))
    asked = workspace.store.read(QUESTIONS)
    told = [f"{text} ({number // 2})" for number, text in enumerate(asked["text"])]  # pairs have the same prompt
    workspace.store.replace(QUESTIONS, asked.with_columns(text=pl.Series(told)), {"collection": "made"})
    one, two = (JUDGE.format(url=url, model=model) for model in ("one", "two"))
    with (workspace.root / "mgrd.toml").open("a") as settings:
        settings.write(f'{one}api_key_env = "RAY_TEST_JUDGE_KEY"\n{two}')
    return workspace


def verdicts_of(workspace: Workspace, executor: str, **overrides: float) -> pl.DataFrame:
    here = {"runtime.executor": executor, "runtime.workers": 2, **overrides}
    there = Run(workspace=str(workspace.root), overrides=here)
    traces, decisions = (workspace.store.reference(table, PARTITION) for table in (TRACES, DECISIONS))
    judge.fn(there, 1, traces, decisions)
    return workspace.store.read(VERDICTS).sort("verdict_id")


def test_verdicts_are_the_same_table_and_each_prompt_is_paid_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mgrd.judging.cluster.deal", partial(deal, fewest=4, most=8))
    tables: list[pl.DataFrame] = []
    asked: list[int] = []
    for executor in ("local", "ray"):
        with serving() as server:
            workspace = judged_workspace(tmp_path / executor, server.url)
            tables.append(verdicts_of(workspace, executor))
            asked.append(len(server.requests))
            authorized = {headers.get("authorization") for headers in server.headers}
            assert f"Bearer {KEY}" in authorized, "the worker's own environment has the key"
        assert not any(KEY.encode() in path.read_bytes() for path in workspace.root.rglob("*") if path.is_file())
    assert asked[0] == asked[1] < tables[0].height
    assert tables[0].height >= 48
    assert_frame_equal(*tables)


def test_the_limit_holds_over_workers_and_a_higher_one_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mgrd.judging.cluster.deal", partial(deal, fewest=4, most=8))
    with serving() as server:
        workspace = judged_workspace(tmp_path / "w", server.url)
        with pytest.raises(JudgeError, match=r"the spend limit of 0\.01 is reached"):
            verdicts_of(workspace, "ray", **{"spec.panel.max_cost": 0.01})
        asked = len(server.requests)
        assert asked > 1
        assert workspace.store.read(VERDICTS)["cost"].sum() <= 0.01
        assert verdicts_of(workspace, "ray", **{"spec.panel.max_cost": 10.0}).height >= 48
        assert len(server.requests) > asked
        assert max(Counter(f"{one['model']} {one['messages']}" for one in server.requests).values()) == 1


def test_a_judge_that_refuses_stops_the_stage_with_the_words_of_one_process(tmp_path: Path) -> None:
    told: list[str] = []
    for executor in ("local", "ray"):
        with serving(lambda *_: Answer("no", status=401)) as server:
            workspace = judged_workspace(tmp_path / executor, server.url)
            with pytest.raises(JudgeError, match="refuses one") as refused:
                verdicts_of(workspace, executor)
            told.append(str(refused.value).replace(server.url, "URL"))
    assert told[0] == told[1]


def sampled_workspace(folder: Path, settings: str) -> Workspace:
    """A round that is still to be sampled."""
    workspace = make_workspace(folder, clips=12)
    workspace.store.replace(TRACES, workspace.store.read(TRACES).head(0), PARTITION)
    with (workspace.root / "mgrd.toml").open("a") as file:
        file.write(settings)
    return workspace


def sampled(workspace: Workspace, executor: str, model: ModelRef) -> list[pl.DataFrame]:
    """(traces, quarantine) of the stage on an executor."""
    overrides = {"runtime.executor": executor, "runtime.workers": 2, "runtime.batch_requests": 3}
    there = Workspace.open(workspace.root, overrides)
    questions = there.store.read(QUESTIONS)
    sample_questions(there, 1, model, "distill", questions, (GREEDY, 0, 1))
    traces = there.store.read(TRACES, PARTITION).sort("trace_id")
    return [traces, there.store.read(QUARANTINE).sort("row_id")]


LOST = """
[runtime]
engine = "mock"
fail_on_error = 0.5

[[runtime.mock.faults]]
fault = "error"
when = "(3)"

[[runtime.mock.faults]]
fault = "unclosed"
when = "(5)"
"""
MOCK = ModelRef(model_id="mock", uri="models/none", round=0)


def numbered(workspace: Workspace) -> None:
    asked = workspace.store.read(QUESTIONS)
    told = [f"{text} ({number})" for number, text in enumerate(asked["text"])]
    workspace.store.replace(QUESTIONS, asked.with_columns(text=pl.Series(told)), {"collection": "made"})


def test_chains_and_quarantine_are_the_same_tables_and_a_second_run_samples_nothing(tmp_path: Path) -> None:
    tables: dict[str, list[pl.DataFrame]] = {}
    for executor in ("local", "ray"):
        workspace = sampled_workspace(tmp_path / executor, LOST)
        numbered(workspace)
        tables[executor] = sampled(workspace, executor, MOCK)
    assert [frame.height for frame in tables["ray"]] == [33, 3]
    for here, there in zip(tables["local"], tables["ray"], strict=True):
        assert_frame_equal(here, there)
    version = workspace.store.version(TRACES)
    sampled(workspace, "local", MOCK)
    assert workspace.store.version(TRACES) == version, "where a stage ran is no part of it"


def test_an_engine_that_stops_stops_the_stage_and_what_was_written_is_kept_and_not_sampled_again(
    tmp_path: Path,
) -> None:
    stop = '[runtime]\nengine = "mock"\n[[runtime.mock.faults]]\nfault = "stop"\nwhen = "(7)"\n'
    workspace = sampled_workspace(tmp_path / "w", stop)
    numbered(workspace)
    with pytest.raises(EngineStopError, match="mock fault: the engine stops"):
        sampled(workspace, "ray", MOCK)
    kept = workspace.store.read(TRACES, PARTITION)
    assert 0 < kept.height < 36
    settings = workspace.root / "mgrd.toml"
    settings.write_text(settings.read_text().replace('when = "(7)"', 'when = "(none)"'))
    traces, _ = sampled(workspace, "ray", MOCK)
    assert traces.height == traces["trace_id"].n_unique() == 36
    assert_frame_equal(kept.sort("trace_id"), traces.join(kept, on="trace_id", how="semi"))


def test_too_many_lost_chains_stop_the_stage_with_the_words_of_one_process(tmp_path: Path) -> None:
    lost = '[runtime]\nengine = "mock"\n[[runtime.mock.faults]]\nfault = "error"\n'
    told: list[str] = []
    for executor in ("local", "ray"):
        with pytest.raises(EngineError) as stopped:
            sampled(sampled_workspace(tmp_path / executor, lost), executor, MOCK)
        told.append(str(stopped.value).split(";")[0])
    assert told[0] == told[1]
    assert "rows failed, more than runtime.fail_on_error" in told[0]


def test_chains_of_a_model_are_the_same_on_a_cluster(tmp_path: Path) -> None:
    """A tiny checkpoint with `transformers`; log-probabilities to float32's last digits."""
    tables: list[pl.DataFrame] = []
    for executor in ("local", "ray"):
        workspace = sampled_workspace(tmp_path / executor, "[spec.sampling]\nmax_new_tokens = 16\n")
        model = tiny_model(workspace.models / "tiny")
        tables.append(sampled(workspace, executor, ModelRef(model_id="tiny", uri="models/tiny", round=0))[0])
        assert model.is_dir()
    assert tables[0].height == 36
    assert tables[0]["raw_text"].n_unique() > 12
    assert_frame_equal(*tables, rel_tol=1e-4)
