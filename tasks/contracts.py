"""Contracts: what a round wrote is checked before anything is trained on it."""

import polars as pl
from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from data_contracts.invariants import check_references, check_split_leakage, check_table
from data_contracts.runner import Finding, check
from mgrd.errors import ContractError
from mgrd.store import DatasetRef, Outcome, Stage, Workspace, run_stage
from schemas import CLAIMS, CLIPS, DECISIONS, DISTILLED, EVIDENCE, QUESTIONS, TRACES
from tasks.run import Run

VERSION = 1


@task(name="check ingest", cache_policy=NO_CACHE)
def check_ingest(run: Run, clips: DatasetRef) -> None:
    """Clips, questions and evidence of the workspace mean what their suites say."""
    workspace = run.open()
    frames = {table.name: workspace.store.read(table) for table in (CLIPS, QUESTIONS, EVIDENCE)}
    questions = frames[QUESTIONS.name].filter(pl.col("clip_id").is_not_null())
    check_references(QUESTIONS.name, questions, "clip_id", CLIPS.name, frames[CLIPS.name])
    _check(
        workspace, Stage(f"contracts {clips.partition['collection']}", 0, VERSION, {}, {"clips": clips.digest}), frames
    )


@task(name="check round", cache_policy=NO_CACHE)
def check_round(run: Run, round_: int, traces: DatasetRef, decisions: DatasetRef, distilled: DatasetRef) -> None:
    """Traces, claims, decisions and training rows of a round; no held-out source may be among the latter."""
    workspace = run.open()
    frames = {
        TRACES.name: workspace.store.read(TRACES, traces.partition),
        CLAIMS.name: workspace.store.read(CLAIMS, decisions.partition),
        DECISIONS.name: workspace.store.read(DECISIONS, decisions.partition),
        DISTILLED.name: workspace.store.read(DISTILLED, distilled.partition),
    }
    clips, questions = workspace.store.read(CLIPS), workspace.store.read(QUESTIONS)
    check_split_leakage(frames[DISTILLED.name], clips, questions)
    for table in (CLAIMS, DECISIONS):
        check_references(table.name, frames[table.name], "trace_id", TRACES.name, frames[TRACES.name])
    inputs = {"traces": traces.digest, "decisions": decisions.digest, "distilled": distilled.digest}
    _check(workspace, Stage("contracts", round_, VERSION, {}, inputs), frames)


def _check(workspace: Workspace, stage: Stage, frames: dict[str, pl.DataFrame]) -> None:
    """Run invariants and suites; warnings are reported, errors stop the campaign."""

    def work() -> Outcome:
        findings: list[Finding] = []
        for table, frame in frames.items():
            check_table(table, frame)
            if frame.height:
                findings += check(table, frame)
        errors = [finding for finding in findings if finding.severity == "error"]
        if findings:
            _publish(stage, findings)
        if errors:
            raise ContractError(
                f"round {stage.round}: {errors[0].message}, keys {', '.join(errors[0].keys) or 'unknown'}"
                + (f"; and {len(errors) - 1} more findings" if len(errors) > 1 else "")
            )
        rows = sum(frame.height for frame in frames.values())
        return Outcome((), rows, {"checked": rows}, {"warnings": [finding.message for finding in findings]})

    run_stage(workspace, stage, work)


def _publish(stage: Stage, findings: list[Finding]) -> None:
    create_table_artifact(
        table=[{"table": f.table, "severity": f.severity, "finding": f.message} for f in findings],
        key=f"contracts-round-{stage.round}",
        description="What the data contracts found",
    )
