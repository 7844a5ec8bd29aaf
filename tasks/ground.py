"""Ground: every chain's claims against the clip, and the decision by these checks alone."""

from collections.abc import Callable

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from mgrd.audio.facts import Fact, from_row
from mgrd.grounding.llm_claims import Extraction
from mgrd.grounding.scorer import GROUNDING_VERSION
from mgrd.selection.decisions import ground_traces
from mgrd.selection.extraction import extract_chains, extractor_identity
from mgrd.settings import Arm
from mgrd.store import DatasetRef, Outcome, Stage, Workspace, digest, run_stage
from schemas import CLAIMS, DECISIONS, EVIDENCE, TRACES
from tasks.limits import affordable
from tasks.progress import progress
from tasks.retries import RETRY_JITTER
from tasks.run import Run, clips_of, questions_of

VERSION = 2
LATER = {"min_judge_grounding", "min_judge_coherence", "min_silence_margin", "min_swap_margin"}
"""Keys of the policy that speak of signals which do not exist yet at this stage."""


@task(name="ground", cache_policy=NO_CACHE, retry_jitter_factor=RETRY_JITTER)
def ground(run: Run, round_: int, traces: DatasetRef) -> DatasetRef:
    """Claims and decisions of a traces partition; returns the decisions."""
    workspace = run.open()
    purpose = str(traces.partition["purpose"])
    arm: Arm = workspace.settings.spec.selection.arm if purpose == "distill" else "filtered"
    return ground_partition(workspace, round_, traces, purpose, arm)


def ground_partition(workspace: Workspace, round_: int, traces: DatasetRef, purpose: str, arm: Arm) -> DatasetRef:
    splits = ("pool",) if purpose == "distill" else ("dev", "test")
    clips = clips_of(workspace, *splits)
    evidence = workspace.store.read(EVIDENCE).filter(pl.col("clip_id").is_in(clips["clip_id"].implode()))
    policy = workspace.settings.spec.policy
    stage = Stage(
        name=f"ground-{purpose}",
        round=round_,
        version=VERSION,
        config={
            "policy": policy.model_dump(exclude=LATER),
            "arm": arm,
            "grounding": GROUNDING_VERSION,
            "claims": extractor_identity(workspace.settings.spec.claims, workspace.settings.spec.panel),
        },
        inputs={"traces": traces.digest, "evidence": digest(EVIDENCE, evidence)},
    )

    costs: list[float] = []

    def work() -> Outcome:
        rows = workspace.store.read(TRACES, traces.partition)
        claims, decisions = ground_traces(
            rows,
            questions_of(workspace, *splits),
            facts_by_clip(evidence, "facts"),
            facts_by_clip(clips, "truth"),
            policy=policy,
            arm=arm,
            extractions=_extractions(workspace, rows, costs.append),
        )
        partition = {"round": round_, "purpose": purpose}
        workspace.store.replace(CLAIMS, claims, partition)
        workspace.store.replace(DECISIONS, decisions, partition)
        outputs = (workspace.store.reference(CLAIMS, partition), workspace.store.reference(DECISIONS, partition))
        return Outcome(outputs, rows.height, decision_counts(decisions), {"funnel": funnel(decisions)}, cost=sum(costs))

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(DECISIONS.name)


def _extractions(
    workspace: Workspace, traces: pl.DataFrame, on_cost: Callable[[float], None]
) -> dict[str, Extraction] | None:
    """trace_id -> the claims that a model read, and what that cost; None where the grammar reads them."""
    spec = workspace.settings.spec
    if spec.claims.extractor == "grammar" or spec.panel is None:
        return None
    chains = {key: reasoning or "" for key, reasoning in traces.select("trace_id", "reasoning").iter_rows()}
    with progress("reading claims", len(chains)) as advance:
        panel = affordable(workspace, spec.panel, 0.0)
        return extract_chains(chains, spec.claims, panel, workspace.replies, advance, on_cost)


def facts_by_clip(frame: pl.DataFrame, column: str) -> dict[str, list[Fact]]:
    """clip_id -> facts of a clips or evidence frame; clips without any are left out."""
    rows = frame.select("clip_id", column).drop_nulls().iter_rows()
    return {clip_id: [from_row(row) for row in facts] for clip_id, facts in rows}


def decision_counts(decisions: pl.DataFrame) -> dict[str, int]:
    found = dict(decisions.group_by("decision").len().iter_rows())
    return {name: int(found.get(name, 0)) for name in ("kept", "rejected", "unscored")}


def funnel(decisions: pl.DataFrame) -> dict[str, object]:
    """What the report's funnel shows, whichever arm decided."""
    reasons = decisions.select(pl.col("reasons").explode()).drop_nulls()["reasons"].value_counts(sort=True)
    return {
        "correct": int(decisions["correct"].sum() or 0),
        "grounded": int(decisions["grounded"].sum()),
        "reasons": dict(reasons.iter_rows()),
    }
