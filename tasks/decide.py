"""Decide: the policy over all signals of a round's chains: checks, judge, counterfactuals, and reviewers last."""

import polars as pl

from mgrd.judging import panel_identity
from mgrd.selection.decisions import counterfacts_of, decide_traces
from mgrd.selection.overrides import spoken_on, votes_of
from mgrd.selection.policy import Counterfact, policy_sha
from mgrd.store import DatasetRef, Outcome, Spool, Stage, Workspace, digest, digests, run_stage
from schemas import COUNTERFACTUALS, DECISIONS, OVERRIDES
from tasks.judge import panel_says
from tasks.progress import progress
from tasks.rows import chains_of
from tasks.run import Run
from tasks.stage_task import stage_task
from tasks.tally import Tally

VERSION = 1


@stage_task("decide")
def decide(
    run: Run,
    round_: int,
    traces: DatasetRef,
    decisions: DatasetRef,
    verdicts: DatasetRef | None = None,
    counterfactuals: DatasetRef | None = None,
) -> DatasetRef:
    """The round's decisions by all signals; `verdicts` and `counterfactuals` are None where they are not asked for."""
    workspace = run.open()
    spec = workspace.settings.spec
    overrides = spoken_on(workspace, decisions)
    stage = Stage(
        name="decide",
        round=round_,
        version=VERSION,
        config={"policy": spec.policy.model_dump(), "arm": spec.selection.arm},
        inputs={
            **digests(decisions=decisions, verdicts=verdicts, counterfactuals=counterfactuals),
            "overrides": digest(OVERRIDES, overrides),
        },
        amends=decisions,
    )
    sha = policy_sha(spec.selection.arm, spec.policy, spec.panel and panel_identity(spec.panel))
    votes = votes_of(overrides)

    def work() -> Outcome:
        tally = Tally()
        with (
            workspace.scratch() as folder,
            Spool(DECISIONS, folder) as spool,
            progress(f"round {round_} deciding", decisions.rows) as advance,
        ):
            for before in workspace.store.batches(DECISIONS, decisions.partition):
                decided = decide_traces(
                    before,
                    policy=spec.policy,
                    arm=spec.selection.arm,
                    judged=None
                    if verdicts is None
                    else panel_says(workspace, chains_of(workspace, traces, before), before),
                    counterfacts=None
                    if counterfactuals is None
                    else stored_counterfacts(workspace, counterfactuals, before["trace_id"]),
                    votes=votes,
                    sha=sha,
                )
                spool.add(decided)
                tally.add(decided)
                advance(decided.height)
            written = workspace.store.replace_parts(DECISIONS, spool.frames(), decisions.partition)
        return Outcome(
            outputs=(written,),
            rows_in=decisions.rows,
            accounted=tally.decided,
            counts={"decided_by": tally.decided_by, "funnel": tally.funnel},
        )

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(DECISIONS.name)


def stored_counterfacts(
    workspace: Workspace, reference: DatasetRef, traces: pl.Series | None = None
) -> dict[str, Counterfact]:
    """trace_id -> signal of a counterfactuals partition, of all chains or of `traces`."""
    rows = workspace.store.scan(COUNTERFACTUALS, reference.partition)
    if traces is not None:
        rows = rows.filter(pl.col("trace_id").is_in(traces.implode()))
    return counterfacts_of(rows.collect())
