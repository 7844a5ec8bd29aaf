"""Ground: every chain's claims against the clip, and the decision by these checks alone."""

from collections.abc import Iterator
from contextlib import ExitStack

import polars as pl

from mgrd.arms import Arm
from mgrd.audio.lookup import write_facts
from mgrd.executors import open_executor
from mgrd.grounding.llm_claims import Extraction
from mgrd.grounding.scorer import GROUNDING_VERSION
from mgrd.judging.spend import Usage
from mgrd.selection.decisions import ASKED, TRACE_COLUMNS, GroundChains
from mgrd.selection.extraction import extract_chains, extractor_identity
from mgrd.settings import PanelSpec
from mgrd.store import DatasetRef, Outcome, Spool, Stage, Workspace, run_stage
from schemas import CLAIMS, CLIPS, DECISIONS, EVIDENCE, TRACES
from schemas.traces import DISTILL
from tasks.limits import affordable
from tasks.progress import progress
from tasks.rows import asked_of, clip_ids_of, splits_of
from tasks.run import Run
from tasks.stage_task import stage_task
from tasks.tally import Tally

VERSION = 3
LATER = {"min_judge_grounding", "min_judge_coherence", "min_silence_margin", "min_swap_margin"}
"""Keys of the policy that speak of signals which do not exist yet at this stage."""

CLIPS_AT_ONCE = 1_000
"""Clips whose facts are read at once; a clip has a hundred and more."""
CHAINS_AT_ONCE = 4_000
"""Chains that a worker is given at once: some ten seconds of work."""
WORTH_PROCESSES = 6_000
"""Chains from which it takes less time to start processes than to read them in this one."""


@stage_task("ground")
def ground(run: Run, round_: int, traces: DatasetRef) -> DatasetRef:
    """Claims and decisions of a traces partition; returns the decisions."""
    workspace = run.open()
    purpose = str(traces.partition["purpose"])
    arm: Arm = workspace.settings.spec.selection.arm if purpose == DISTILL else "filtered"
    return ground_partition(workspace, round_, traces, purpose, arm)


def ground_partition(workspace: Workspace, round_: int, traces: DatasetRef, purpose: str, arm: Arm) -> DatasetRef:
    """The decisions on the chains of `traces`, whose clips are of the purpose's splits, as `arm` takes them."""
    heard = pl.col("clip_id").is_in(clip_ids_of(workspace, *splits_of(purpose)).implode())
    spec = workspace.settings.spec
    stage = Stage(
        name=f"ground-{purpose}",
        round=round_,
        version=VERSION,
        config={
            "policy": spec.policy.model_dump(exclude=LATER),
            "arm": arm,
            "grounding": GROUNDING_VERSION,
            "claims": extractor_identity(spec.claims, spec.panel),
        },
        inputs={"traces": traces.digest, "evidence": workspace.store.digest(EVIDENCE, where=heard).value},
    )

    def work() -> Outcome:
        with ExitStack() as stack:
            folder = stack.enter_context(workspace.scratch())
            facts = workspace.store.batches(EVIDENCE, columns=["clip_id", "facts"], where=heard, rows=CLIPS_AT_ONCE)
            truth = workspace.store.batches(CLIPS, columns=["clip_id", "truth"], where=heard, rows=CLIPS_AT_ONCE)
            reading = GroundChains(
                write_facts(folder / "evidence.arrow", facts, "facts"),
                write_facts(folder / "truth.arrow", truth, "truth"),
                spec.policy,
                arm,
            )
            claims = stack.enter_context(Spool(CLAIMS, folder))
            decisions = stack.enter_context(Spool(DECISIONS, folder))
            tally = Tally()
            usages: list[Usage] = []
            for said, decided in _grounded(workspace, traces, reading, usages):
                claims.add(said)
                decisions.add(decided)
                tally.add(decided)
            partition = {"round": round_, "purpose": purpose}
            outputs = (
                workspace.store.replace_parts(CLAIMS, claims.frames(), partition),
                workspace.store.replace_parts(DECISIONS, decisions.frames(), partition),
            )
        paid = sum(usages, Usage())
        counts = {"funnel": tally.funnel, **({"requests": paid.requests} if usages else {})}
        return Outcome(
            outputs, traces.rows, tally.decided, counts, paid.prompt_tokens + paid.completion_tokens, paid.cost
        )

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(DECISIONS.name)


def _grounded(
    workspace: Workspace, traces: DatasetRef, reading: GroundChains, usages: list[Usage]
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """(claims, decisions) of part after part of the traces."""
    stored = workspace.store.batches(TRACES, traces.partition, columns=TRACE_COLUMNS, rows=CHAINS_AT_ONCE)
    parts = (
        part.join(asked_of(workspace, part).select(ASKED), on="question_id", how="left", maintain_order="left")
        for part in stored
    )
    with progress(f"grounding {traces.partition['purpose']}", traces.rows) as advance:
        spec = workspace.settings.spec
        if spec.claims.extractor == "grammar" or spec.panel is None:
            done = open_executor(workspace.settings).map(reading, parts, many=traces.rows >= WORTH_PROCESSES)
        else:
            panel = affordable(workspace, spec.panel, 0.0)
            done = (reading(part, _extractions(workspace, part, panel, usages)) for part in parts)
        for claims, decisions in done:
            advance(decisions.height)
            yield claims, decisions


def _extractions(
    workspace: Workspace, traces: pl.DataFrame, panel: PanelSpec, usages: list[Usage]
) -> dict[str, Extraction]:
    """trace_id -> the claims that a model read, within what the parts before have left of the panel's limit."""
    paid = sum(usages, Usage()).cost
    left = panel if panel.max_cost is None else panel.model_copy(update={"max_cost": panel.max_cost - paid})
    chains = {key: reasoning or "" for key, reasoning in traces.select("trace_id", "reasoning").iter_rows()}
    return extract_chains(chains, workspace.settings.spec.claims, left, workspace.replies, usages.append)
