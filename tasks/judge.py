"""Judge: a panel of LLMs reads the chains that passed the checks; its low scores become reasons."""

from collections.abc import Sequence

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from mgrd.errors import JudgeError
from mgrd.judging import (
    Case,
    Judged,
    cases_of,
    judge_chains,
    panel_frame,
    panel_identity,
    standing,
    verdict_keys,
)
from mgrd.selection.judged import judge_decisions, passed_checks
from mgrd.settings import PanelSpec
from mgrd.store import DatasetRef, Outcome, Stage, Workspace, digest, run_stage
from schemas import DECISIONS, EVIDENCE, PANELS, TRACES, VERDICTS
from tasks.ground import decision_counts, facts_by_clip, funnel
from tasks.progress import progress
from tasks.run import Run, clips_of, questions_of

VERSION = 2


@task(name="judge", cache_policy=NO_CACHE, tags=["judge"])
def judge(run: Run, round_: int, traces: DatasetRef, decisions: DatasetRef) -> DatasetRef:
    """Verdicts on the chains that passed the checks; returns the decisions that heed them."""
    workspace = run.open()
    spec = workspace.settings.spec
    if spec.panel is None:
        raise JudgeError("no judge is set; write a [spec.panel] section, or leave this stage out")
    panel, arm = spec.panel, spec.selection.arm
    clips = clips_of(workspace, "pool")
    evidence = workspace.store.read(EVIDENCE).filter(pl.col("clip_id").is_in(clips["clip_id"].implode()))
    stage = Stage(
        name="judge-distill",
        round=round_,
        version=VERSION,
        config={
            "panel": panel_identity(panel),
            "thresholds": panel.model_dump(include={"min_grounding", "min_coherence"}),
            "policy": spec.grounding.model_dump(),
            "arm": arm,
        },
        inputs={"traces": traces.digest, "decisions": decisions.digest, "evidence": digest(EVIDENCE, evidence)},
        amends=decisions,
    )

    def work() -> Outcome:
        before = workspace.store.read(DECISIONS, decisions.partition)
        rows = workspace.store.read(TRACES, traces.partition)
        passed = rows.filter(pl.col("trace_id").is_in(passed_checks(before).implode()))
        cases = cases_of(passed, questions_of(workspace, "pool"), facts_by_clip(evidence, "facts"))
        judged = _fill(workspace, cases, panel)
        decided = judge_decisions(before, judged.results, policy=spec.grounding, panel=panel, arm=arm)
        results = panel_frame(cases, judged.results, panel)
        workspace.store.replace(PANELS, results, {"round": round_})
        workspace.store.replace(DECISIONS, decided, decisions.partition)
        verdicts, fresh = judged.verdicts, judged.fresh
        found = DatasetRef(
            VERDICTS.name, {}, workspace.store.version(VERDICTS), digest(VERDICTS, verdicts), verdicts.height
        )
        return Outcome(
            outputs=(
                found,
                workspace.store.reference(PANELS, {"round": round_}),
                workspace.store.reference(DECISIONS, decisions.partition),
            ),
            rows_in=before.height,
            accounted=decision_counts(decided),
            counts={
                "judges": [member.model for member in panel.judges],
                "judged": verdicts.height,
                "unread": verdicts.filter(~pl.col("scored")).height,
                "cached": fresh.filter(pl.col("cached")).height,
                "requests": int(fresh["requests"].sum()),
                "disagreeing": results.filter(pl.col("disagreement") > 0).height,
                "funnel": funnel(decided),
            },
            tokens=sum(fresh["prompt_tokens"]) + sum(fresh["completion_tokens"]),
            cost=sum(fresh["cost"]),
        )

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(DECISIONS.name)


def _fill(workspace: Workspace, cases: Sequence[Case], panel: PanelSpec) -> Judged:
    """All verdicts on the cases. Raises JudgeError while too many are owed; those that came in are kept."""
    keys = verdict_keys(cases, panel)
    _drop_unreached(workspace, keys)
    known = _verdicts_of(workspace, keys)
    wanted = keys["verdict_id"].n_unique()
    with progress("judging", wanted - known.height) as advance:

        def commit(part: pl.DataFrame) -> None:
            workspace.store.append(VERDICTS, part, {"judges": ", ".join(part["judge"].unique().sort())})
            advance(part.height)

        spent = sum(known["cost"])
        judged = judge_chains(cases, panel, cache=workspace.replies, known=known, on_verdicts=commit, spent=spent)
    judged.check()
    if judged.limited:
        raise JudgeError(
            f"the panel's spend limit of {panel.max_cost:g} is reached with {wanted - judged.verdicts.height} of "
            f"{wanted} verdicts to go; those that came in are kept, raise spec.panel.max_cost and run again"
        )
    unreached = judged.fresh.height - standing(judged.fresh).height
    limit = workspace.settings.runtime.max_error_rate
    if unreached > limit * wanted:
        raise JudgeError(
            f"no reply for {unreached} of {wanted} verdicts, more than runtime.max_error_rate = {limit:g}; "
            "the other verdicts are kept, run again when the judge is up"
        )
    return judged


def _verdicts_of(workspace: Workspace, keys: pl.DataFrame) -> pl.DataFrame:
    """Verdicts with these keys, whichever round asked for them first."""
    return workspace.store.read(VERDICTS).join(keys, on="verdict_id", how="semi")


def _drop_unreached(workspace: Workspace, keys: pl.DataFrame) -> None:
    """Take out verdicts of a judge that never replied, so that their chains are asked about again."""
    mine = _verdicts_of(workspace, keys)
    gone = mine.join(standing(mine), on="verdict_id", how="anti")
    for round_ in gone["round"].unique():
        rows = workspace.store.read(VERDICTS, {"round": round_}).join(gone, on="verdict_id", how="anti")
        workspace.store.replace(VERDICTS, rows, {"round": round_})
