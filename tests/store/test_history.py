"""Going through the history of the tables, and back in it."""

import json
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake
from typer.testing import CliRunner

from mgrd.cli import app
from mgrd.errors import DataError, MgrdError, StoreError
from mgrd.report.lineage import lineage_of
from mgrd.store import Ledger, Outcome, Stage, Store, Workspace, frame_of, run_stage
from mgrd.store.history import collect_garbage, commits, difference, read_version, rollback, table_states
from mgrd.store.quarantine import requeue
from mgrd.store.request import Request
from schemas import DISTILLED, LEDGER, METRICS, OVERRIDES, PREFERENCES, QUARANTINE, QUESTIONS, TRACES
from tests.export.made_workspace import finish_round, make_workspace


def metrics(**values: float) -> pl.DataFrame:
    rows = [{"round": 1, "split": "dev", "name": name, "value": value, "n": 3} for name, value in values.items()]
    return frame_of(METRICS, rows)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Two finished rounds."""
    made = make_workspace(tmp_path / "w", clips=4)
    finish_round(made, 2, made.store.read(QUESTIONS))
    return made


def mgrd(*arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments])
    if isinstance(done.exception, MgrdError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_difference_names_what_was_added_removed_and_changed_and_in_which_column(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.replace(METRICS, metrics(a=1.0, b=2.0, c=3.0), {"round": 1})
    store.replace(METRICS, metrics(b=2.0, c=4.0, d=5.0), {"round": 1})
    assert difference(store, METRICS, 0, 1) == {
        "table": "metrics",
        "before": 0,
        "after": 1,
        "added": {"rows": 1, "keys": ["1,dev,d"]},
        "removed": {"rows": 1, "keys": ["1,dev,a"]},
        "changed": {"rows": 1, "keys": ["1,dev,c"]},
        "columns": {"value": 1},
    }
    assert difference(store, METRICS, 1, 1)["changed"] == {"rows": 0, "keys": []}


def test_history_tells_which_stage_committed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.replace(METRICS, metrics(a=1.0), {"round": 1}, {"stage": "evaluate", "fingerprint": "f"})
    store.append(METRICS, metrics(b=1.0))
    newest, first = commits(store, METRICS)
    assert (newest["version"], first["version"], first["note"]) == (1, 0, {"stage": "evaluate", "fingerprint": "f"})


def test_every_commit_of_a_stage_names_the_stage_and_its_fingerprint(workspace: Workspace) -> None:
    stage = Stage("evaluate", 2, 1, {}, {})

    def work() -> Outcome:
        workspace.store.append(METRICS, metrics(a=1.0), {"model": "m"})
        workspace.store.replace(METRICS, metrics(a=2.0), {"round": 1})
        return Outcome((workspace.store.reference(METRICS, {"round": 1}),), 1, {"scored": 1})

    run_stage(workspace, stage, work)
    workspace.store.append(METRICS, metrics(b=1.0))
    after, replaced, appended = (commit["note"] for commit in commits(workspace.store, METRICS)[:3])
    said = {"stage": "evaluate", "round": "2", "fingerprint": stage.fingerprint}
    assert (after, replaced, appended) == ({}, said, {**said, "model": "m"})


def test_a_version_that_never_was_is_refused_with_those_that_were(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.replace(METRICS, metrics(a=1.0), {"round": 1})
    with pytest.raises(DataError, match=r"metrics has versions 0 to 0, not 7.*mgrd data history metrics"):
        read_version(store, METRICS, 7)
    with pytest.raises(DataError, match="traces has no versions yet"):
        read_version(store, TRACES, 0)


def test_a_rollback_takes_later_rounds_out_and_leaves_the_others_and_the_reviewers(workspace: Workspace) -> None:
    store = workspace.store
    first = store.read(TRACES, {"round": 1}).sort("trace_id")
    vote = {"override_id": "o", "trace_id": "t", "reviewer": "ann", "verdict": "grounded", "seconds": 1.0}
    store.append(OVERRIDES, frame_of(OVERRIDES, [{**vote, "made_at": "2026-01-01", "reason": "heard"}]))
    run_stage(workspace, Stage("select", 2, 1, {}, {}), lambda: Outcome((), 0, {}))
    run_stage(workspace, Stage("promote", 1, 1, {}, {}), lambda: Outcome((), 0, {}))
    request = Request(workspace, "run", {})
    request.record()
    entries = store.read(LEDGER).height
    removed = rollback(workspace, 1)
    assert removed["ledger"] == entries - store.read(LEDGER).height == 3, "two later stages, and the request"
    assert removed["traces"] == store.read(TRACES, version=store.version(TRACES) - 1).height - first.height > 0
    assert store.read(TRACES).sort("trace_id").equals(first)
    assert store.read(DISTILLED)["round"].unique().sort().to_list() == [0, 1]
    assert store.read(OVERRIDES).height == 1
    again = Ledger(store)
    assert again.newest(2, "select") is None, "the stage is owed again"
    assert again.newest(1, "promote") is not None
    assert again.newest(0, request.name) is None, "the finished request would hide that work is owed"
    assert rollback(workspace, 1) == {}


def test_a_rollback_can_be_rolled_back(workspace: Workspace) -> None:
    store = workspace.store
    before, version = store.read(TRACES).sort("trace_id"), store.version(TRACES)
    rollback(workspace, 1)
    mgrd("data", "restore", "traces", str(version), "-w", str(workspace.root))
    assert store.read(TRACES).sort("trace_id").equals(before)


def test_clean_up_deletes_what_no_version_needs_and_nothing_else(workspace: Workspace) -> None:
    store = workspace.store
    store.replace(METRICS, metrics(a=1.0), {"round": 1})
    store.replace(METRICS, metrics(a=2.0), {"round": 1})
    for folder in ("round-01-train-abc", "base-abc"):
        (workspace.models / folder).mkdir(parents=True)
    assert collect_garbage(workspace, days=7) == {}, "young files stay readable"
    assert read_version(store, METRICS, 0)["value"].to_list() == [1.0]
    told = collect_garbage(workspace, days=0, dry_run=True)
    assert read_version(store, METRICS, 0).height == 1, "a dry run deletes nothing"
    assert told["metrics"] >= 1
    assert collect_garbage(workspace, days=0)["metrics"] >= 1
    assert store.read(METRICS)["value"].to_list() == [2.0]
    with pytest.raises(StoreError, match="clean-up may have deleted"):
        read_version(store, METRICS, 0)
    assert len(list(workspace.models.iterdir())) == 2, "without a single known checkpoint nothing is called unknown"


def test_lineage_leads_from_a_training_row_to_everything_behind_it(workspace: Workspace) -> None:
    stage = Stage("ground-distill", 1, 1, {"policy": {"min_supported": 1}}, {"traces": "d"})
    run_stage(workspace, stage, lambda: Outcome((), 0, {}))
    row = workspace.store.read(DISTILLED, {"round": 1}).row(0, named=True)
    found = lineage_of(workspace, row["row_id"])
    assert found == lineage_of(workspace, row["trace_id"])
    json.dumps(found)
    assert found["clip"]["clip_id"] == found["question"]["clip_id"] == row["clip_id"]
    assert found["decision"]["decision"] == "kept"
    assert found["decision"]["policy_sha"]
    assert found["prompt"]["sha"]
    assert [each["row_id"] for each in found["rows"]] == [row["row_id"]]
    assert found["models"][0]["model_id"] == found["trace"]["model_id"]
    configs = {entry["stage"]: entry["config"] for entry in found["stages"]}
    assert configs["ground-distill"] == {"policy": {"min_supported": 1}}


def test_lineage_names_the_pairs_that_a_chain_stands_in_on_either_side(workspace: Workspace) -> None:
    traces = workspace.store.read(TRACES, {"round": 1, "purpose": "distill"})["trace_id"].head(4).to_list()
    pairs = [
        {"pair_id": f"{a}-{b}", "round": 1, "question_id": "q", "reason": "r"}
        | {"chosen_trace_id": traces[a], "rejected_trace_id": traces[b]}
        for a, b in ((0, 1), (2, 0), (2, 3))
    ]
    workspace.store.append(PREFERENCES, frame_of(PREFERENCES, pairs))
    found = [lineage_of(workspace, trace)["pairs"] for trace in traces]
    assert [sorted(each) for each in found] == [["0-1", "2-0"], ["0-1"], ["2-0", "2-3"], ["2-3"]]


def test_a_written_row_has_no_chain_behind_it_and_says_so_by_having_none(workspace: Workspace) -> None:
    for round_ in (0, 1):
        run_stage(workspace, Stage("demonstrations", round_, 1, {"of round": round_}, {}), lambda: Outcome((), 0, {}))
    row = workspace.store.read(DISTILLED, {"round": 0}).row(0, named=True)
    found = lineage_of(workspace, row["row_id"])
    assert found["row"]["origin"] == "text"
    assert [stage["config"] for stage in found["stages"]] == [{"of round": 0}]
    assert found["clip"] is None
    assert "trace" not in found


def test_an_unknown_key_names_the_commands_that_print_keys(workspace: Workspace) -> None:
    with pytest.raises(DataError, match=r"'nope'.*mgrd data show traces"):
        lineage_of(workspace, "nope")


def test_the_commands_print_tables_for_people_and_json_for_scripts(workspace: Workspace) -> None:
    root = ("-w", str(workspace.root))
    states = json.loads(mgrd("data", "list", "--json", *root))
    assert states == [vars_of(state) for state in table_states(workspace.store)]
    assert "traces" in mgrd("data", "list", *root)
    rows = [json.loads(line) for line in mgrd("data", "show", "traces", "--json", "--limit", "2", *root).splitlines()]
    assert [row["trace_id"] for row in rows] == workspace.store.read(TRACES)["trace_id"].sort().to_list()[:2]
    assert mgrd("data", "show", "traces", "--version", "0", "--round", "2", *root).startswith("no rows")
    assert json.loads(mgrd("data", "history", "traces", "--json", *root))[0]["version"] == 1
    assert json.loads(mgrd("data", "diff", "traces", "0", "1", "--json", *root))["removed"]["rows"] == 0
    trace_id = rows[0]["trace_id"]
    assert json.loads(mgrd("data", "lineage", trace_id, "--json", *root))["trace"]["trace_id"] == trace_id
    assert "policy_sha" in mgrd("data", "lineage", trace_id, *root)
    with pytest.raises(DataError, match="there is no table 'tracks'; the tables are clips"):
        mgrd("data", "show", "tracks", *root)
    with pytest.raises(DataError, match=r"no columns \['texts'\]"):
        mgrd("data", "show", "traces", "--columns", "trace_id,texts", *root)


def vars_of(state: object) -> dict[str, object]:
    return {name: getattr(state, name) for name in state.__dataclass_fields__}  # type: ignore[attr-defined]


def test_a_chain_cannot_steer_the_terminal_it_is_shown_on(workspace: Workspace) -> None:
    store = workspace.store
    bad = store.read(TRACES, {"round": 1, "purpose": "distill"}).with_columns(reasoning=pl.lit("\x1b[2Jgone\u202e"))
    store.replace(TRACES, bad, {"round": 1, "purpose": "distill"})
    shown = mgrd("data", "show", "traces", "--round", "1", "--columns", "reasoning", "-w", str(workspace.root))
    assert "gone" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def lost(stage: str, round_: int, key: str) -> dict[str, object]:
    return {"row_id": key, "stage": stage, "round": round_, "boundary": "sampling", "message": "no", "attempts": 1,
            "payload": "{}"}  # fmt: skip


def test_requeueing_makes_the_stages_of_quarantined_rows_owed_and_no_others(workspace: Workspace) -> None:
    rows = [lost("sample-distill", 1, "a"), lost("sample-distill", 1, "b"), lost("sample-evaluate", 1, "c")]
    workspace.store.append(QUARANTINE, frame_of(QUARANTINE, rows))
    for name in ("sample-distill", "sample-evaluate", "promote"):
        run_stage(workspace, Stage(name, 1, 1, {}, {}), lambda: Outcome((), 0, {}))
    Request(workspace, "run", {}).record()
    root = ("-w", str(workspace.root))
    shown = [
        json.loads(line)
        for line in mgrd("data", "quarantine", "--stage", "sample-distill", "--json", *root).splitlines()
    ]
    assert [row["row_id"] for row in shown] == ["a", "b"]
    told = json.loads(mgrd("requeue", "--stage", "sample-distill", "--json", *root))
    assert told == [{"stage": "sample-distill", "round": 1, "rows": 2}]
    owed = Ledger(workspace.store)
    assert owed.newest(1, "sample-distill") is None
    assert owed.newest(0, "request run") is None
    assert owed.newest(1, "sample-evaluate") is not None
    assert owed.newest(1, "promote") is not None


def test_a_stage_whose_name_has_quotes_is_requeued_and_nothing_else(workspace: Workspace) -> None:
    name = "sample' OR 'a' = 'a"
    workspace.store.append(QUARANTINE, frame_of(QUARANTINE, [lost(name, 1, "a")]))
    for stage in (name, "promote"):
        run_stage(workspace, Stage(stage, 1, 1, {}, {}), lambda: Outcome((), 0, {}))
    assert requeue(workspace) == {(name, 1): 1}
    owed = Ledger(workspace.store)
    assert owed.newest(1, name) is None
    assert owed.newest(1, "promote") is not None


def test_a_workspace_of_before_a_new_column_is_read_and_gains_it_with_the_next_commit(tmp_path: Path) -> None:
    store = Store(tmp_path)
    old = {"round": 1, "stage": "s", "fingerprint": "f", "inputs": "{}", "outputs": "[]", "rows_in": 0,
           "rows_out": 0, "counts": "{}", "seconds": 1.0, "tokens": 0, "cost": 0.0,
           "finished_at": "2026", "entry_id": "e"}  # fmt: skip
    before = frame_of(LEDGER, [old]).drop("config").to_arrow()
    write_deltalake(str(store.path(LEDGER)), before)
    assert store.read(LEDGER).equals(frame_of(LEDGER, [old]))
    assert Ledger(store).newest(1, "s") is not None
    store.append(LEDGER, frame_of(LEDGER, [{**old, "entry_id": "new", "config": "{}"}]))
    assert store.read(LEDGER).sort("entry_id")["config"].to_list() == [None, "{}"]
    assert store.read(LEDGER, version=0)["config"].to_list() == [None], "the old version stays readable"


def test_a_partition_is_replaced_in_a_table_of_before_a_new_column(tmp_path: Path) -> None:
    store = Store(tmp_path)
    old = metrics(a=1.0).drop("low")
    write_deltalake(str(store.path(METRICS)), old.to_arrow(), partition_by=["round"])
    store.replace(METRICS, metrics(a=2.0), {"round": 1})
    assert store.read(METRICS).equals(metrics(a=2.0))


def test_a_table_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    newer = metrics(a=1.0).with_columns(unit=pl.lit("s"))
    write_deltalake(str(store.path(METRICS)), newer.to_arrow(), partition_by=["round"])
    for act in (lambda: store.read(METRICS), lambda: store.append(METRICS, metrics(b=1.0))):
        with pytest.raises(
            StoreError, match=r"metrics has columns \['unit'\] of a newer mgrd.*mgrd data restore metrics"
        ):
            act()
    assert store.version(METRICS) == 0


def test_a_table_that_lacks_a_required_column_is_refused_with_what_to_do(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_deltalake(str(store.path(METRICS)), metrics(a=1.0).drop("n").to_arrow(), partition_by=["round"])
    with pytest.raises(StoreError, match=r"metrics lacks the required columns \['n'\].*new workspace"):
        store.read(METRICS)


def test_a_column_of_another_type_is_named_with_the_way_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    other = metrics(a=1.0).with_columns(n=pl.lit("three"))
    write_deltalake(str(store.path(METRICS)), other.to_arrow(), partition_by=["round"])
    with pytest.raises(StoreError, match=r"metrics: n is String, not Int64.*mgrd data restore metrics"):
        store.read(METRICS)
