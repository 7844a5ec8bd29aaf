"""Decide: the policy over all signals of a round's chains: checks, judge, counterfactuals, and reviewers last."""

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from mgrd.judging import panel_identity
from mgrd.selection.decisions import counterfacts_of, decide_traces
from mgrd.selection.overrides import votes_of
from mgrd.selection.policy import Counterfact, policy_sha
from mgrd.store import DatasetRef, Outcome, Stage, Workspace, digest, run_stage
from schemas import COUNTERFACTUALS, DECISIONS, OVERRIDES, TRACES
from tasks.ground import decision_counts, funnel
from tasks.judge import panel_says
from tasks.retries import RETRY_JITTER
from tasks.run import Run

VERSION = 1


@task(name="decide", cache_policy=NO_CACHE, retry_jitter_factor=RETRY_JITTER)
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
    before = workspace.store.read(DECISIONS, decisions.partition)
    chains = workspace.store.read(TRACES, traces.partition)
    overrides = _spoken_on(workspace, before)
    stage = Stage(
        name="decide",
        round=round_,
        version=VERSION,
        config={"policy": spec.policy.model_dump(), "arm": spec.selection.arm},
        inputs={
            "decisions": decisions.digest,
            "overrides": digest(OVERRIDES, overrides),
            **({"verdicts": verdicts.digest} if verdicts else {}),
            **({"counterfactuals": counterfactuals.digest} if counterfactuals else {}),
        },
        amends=decisions,
    )

    def work() -> Outcome:
        decided = decide_traces(
            before,
            policy=spec.policy,
            arm=spec.selection.arm,
            judged=None if verdicts is None else panel_says(workspace, chains, before),
            counterfacts=None if counterfactuals is None else stored_counterfacts(workspace, counterfactuals),
            votes=votes_of(overrides),
            sha=policy_sha(spec.selection.arm, spec.policy, spec.panel and panel_identity(spec.panel)),
        )
        workspace.store.replace(DECISIONS, decided, decisions.partition)
        by = dict(decided.group_by("decided_by").len().sort("decided_by").iter_rows())
        return Outcome(
            outputs=(workspace.store.reference(DECISIONS, decisions.partition),),
            rows_in=before.height,
            accounted=decision_counts(decided),
            counts={"decided_by": by, "funnel": funnel(decided)},
        )

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(DECISIONS.name)


def reviewers_wait(workspace: Workspace, round_: int) -> bool:
    """Reviewers have spoken on the round's chains, or taken back what they said, since it was decided."""
    entry = workspace.ledger.newest(round_, "decide")
    if entry is None:
        return False
    decided = workspace.store.read(DECISIONS, entry.output(DECISIONS.name).partition, columns=["trace_id"])
    return entry.inputs.get("overrides") != digest(OVERRIDES, _spoken_on(workspace, decided))


def _spoken_on(workspace: Workspace, decisions: pl.DataFrame) -> pl.DataFrame:
    return workspace.store.read(OVERRIDES).filter(pl.col("trace_id").is_in(decisions["trace_id"].implode()))


def stored_counterfacts(workspace: Workspace, reference: DatasetRef) -> dict[str, Counterfact]:
    """trace_id -> signal of a counterfactuals partition."""
    return counterfacts_of(workspace.store.read(COUNTERFACTUALS, reference.partition))
