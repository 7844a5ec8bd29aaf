"""Contracts between tables: checked before anything is trained. Those of a single table are checked by its stage."""

import json

import polars as pl
from prefect.artifacts import create_table_artifact

from data_contracts.invariants import check_decontaminated, check_references, check_split_leakage
from mgrd.errors import ContractError
from mgrd.ingest.unchanged import altered_clips
from mgrd.store import DatasetRef, Outcome, Stage, Workspace, digests, empty_frame, newest_entries, run_stage
from schemas import CLAIMS, CLIPS, DECISIONS, DISTILLED, EVIDENCE, LEDGER, OVERLAPS, QUESTIONS, TRACES
from tasks.run import Run
from tasks.stage_task import stage_task

VERSION = 1
STRANGERS = 10
"""Rows without a chain that are looked at, once there are any."""


@stage_task("check ingest")
def check_ingest(run: Run, clips: DatasetRef) -> None:
    """Every question of the workspace is on a clip that is there; clips that no stage measures are as ingested."""
    workspace = run.open()
    unmeasured = workspace.store.read(CLIPS, clips.partition).filter(pl.col("split") == "cold")
    if altered := altered_clips(unmeasured, workspace.root):
        raise ContractError(f"{len(altered)} clips of the cold start were changed; {next(iter(altered.values()))}")
    frames = {table.name: workspace.store.read(table) for table in (CLIPS, QUESTIONS, EVIDENCE)}
    questions = frames[QUESTIONS.name].filter(pl.col("clip_id").is_not_null())
    check_references(QUESTIONS.name, questions, "clip_id", CLIPS.name, frames[CLIPS.name])
    stage = Stage(f"contracts {clips.partition['collection']}", 0, VERSION, {}, {"clips": clips.digest})
    _check(workspace, stage, sum(frame.height for frame in frames.values()))


@stage_task("check round")
def check_round(run: Run, round_: int, traces: DatasetRef, decisions: DatasetRef, distilled: DatasetRef) -> None:
    """Traces, claims, decisions and training rows of a round; nothing that is held out may be among the latter."""
    workspace = run.open()
    store = workspace.store
    training = store.read(DISTILLED, distilled.partition, columns=["row_id", "question_id", "clip_id"])
    clips = store.read(CLIPS, columns=["clip_id", "source", "split"])
    check_split_leakage(training, clips, store.read(QUESTIONS, columns=["question_id", "split"]))
    overlaps = store.read(OVERLAPS)
    check_decontaminated(DISTILLED.name, training, overlaps)
    for part in store.batches(TRACES, traces.partition, columns=["trace_id", "question_id", "clip_id"]):
        check_decontaminated(TRACES.name, part, overlaps)
    chains = store.scan(TRACES, traces.partition).select("trace_id")
    rows = traces.rows + distilled.rows
    for table in (CLAIMS, DECISIONS):
        keys = store.scan(table, decisions.partition).select({"trace_id", *table.key})
        rows += keys.select(pl.len()).collect().item()
        strangers = keys.join(chains, on="trace_id", how="anti").head(STRANGERS).collect(engine="streaming")
        check_references(table.name, strangers, "trace_id", TRACES.name, empty_frame(TRACES))
    inputs = digests(traces=traces, decisions=decisions, distilled=distilled)
    _check(workspace, Stage("contracts", round_, VERSION, {}, inputs), rows)


def _check(workspace: Workspace, stage: Stage, rows: int) -> None:
    """The ledger's note that the tables agree with each other; what the suites found becomes an artifact."""
    run_stage(workspace, stage, lambda: Outcome((), rows, {"checked": rows}))
    entries = newest_entries(workspace.store.read(LEDGER)).filter(pl.col("round") == stage.round)
    found = [
        {"stage": row["stage"], "finding": message}
        for row in entries.iter_rows(named=True)
        for message in json.loads(row["counts"]).get("findings", [])
    ]
    if found:
        create_table_artifact(
            table=found, key=f"contracts-round-{stage.round}", description="What the data contracts found"
        )
