"""Judge: an LLM reads the chains that passed the checks; its low scores become reasons."""

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from mgrd.audio.facts import Fact
from mgrd.errors import JudgeError
from mgrd.judging import judge_identity, judge_traces, standing, verdict_keys
from mgrd.selection.judged import judge_decisions, passed_checks
from mgrd.settings import JudgeSpec
from mgrd.store import DatasetRef, Outcome, Stage, Workspace, digest, run_stage
from schemas import DECISIONS, EVIDENCE, TRACES, VERDICTS
from tasks.ground import decision_counts, facts_by_clip, funnel
from tasks.progress import progress
from tasks.run import Run, clips_of, questions_of

VERSION = 1


@task(name="judge", cache_policy=NO_CACHE, tags=["judge"])
def judge(run: Run, round_: int, traces: DatasetRef, decisions: DatasetRef) -> DatasetRef:
    """Verdicts on the chains that passed the checks; returns the decisions that heed them."""
    workspace = run.open()
    spec = workspace.settings.spec
    if spec.judge is None:
        raise JudgeError("no judge is set; write a [spec.judge] section, or leave this stage out")
    asked, arm = spec.judge, spec.selection.arm
    clips = clips_of(workspace, "pool")
    evidence = workspace.store.read(EVIDENCE).filter(pl.col("clip_id").is_in(clips["clip_id"].implode()))
    thresholds = asked.model_dump(include={"min_grounding", "min_coherence"})
    stage = Stage(
        name="judge-distill",
        round=round_,
        version=VERSION,
        config={
            "judge": judge_identity(asked),
            "thresholds": thresholds,
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
        verdicts, fresh = _fill(workspace, passed, facts_by_clip(evidence, "facts"), asked)
        decided = judge_decisions(before, verdicts, policy=spec.grounding, judge=asked, arm=arm)
        workspace.store.replace(DECISIONS, decided, decisions.partition)
        found = DatasetRef(
            VERDICTS.name, {}, workspace.store.version(VERDICTS), digest(VERDICTS, verdicts), verdicts.height
        )
        return Outcome(
            outputs=(found, workspace.store.reference(DECISIONS, decisions.partition)),
            rows_in=before.height,
            accounted=decision_counts(decided),
            counts={
                "judge": asked.model,
                "judged": verdicts.height,
                "unread": verdicts.filter(~pl.col("scored")).height,
                "funnel": funnel(decided),
            },
            tokens=sum(fresh["prompt_tokens"]) + sum(fresh["completion_tokens"]),
            cost=sum(fresh["cost"]),
        )

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(DECISIONS.name)


def _fill(
    workspace: Workspace, traces: pl.DataFrame, evidence: dict[str, list[Fact]], spec: JudgeSpec
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(all verdicts on the traces, those asked for now). Raises JudgeError while too many are owed."""
    store = workspace.store
    keys = verdict_keys(traces, evidence, spec)
    _drop_unreached(workspace, keys)
    present = _verdicts_of(workspace, keys)
    owed = traces.join(keys.join(present, on="verdict_id", how="anti"), on="trace_id", how="semi")
    with progress("judging", owed.height) as advance:

        def commit(part: pl.DataFrame) -> None:
            store.append(VERDICTS, part, {"judge": spec.model})
            advance(part.height)

        questions = questions_of(workspace, "pool")
        fresh = judge_traces(owed, questions, evidence, spec, commit, spent=sum(present["cost"]))
    if fresh.height < owed.height:
        raise JudgeError(
            f"the judge's spend limit of {spec.max_cost:g} is reached with {owed.height - fresh.height} of "
            f"{traces.height} chains to go; their verdicts are kept, raise spec.judge.max_cost and run again"
        )
    unreached = fresh.height - standing(fresh).height
    limit = workspace.settings.runtime.max_error_rate
    if unreached > limit * traces.height:
        raise JudgeError(
            f"no reply for {unreached} of {traces.height} chains, more than runtime.max_error_rate = {limit:g}; "
            "the other verdicts are kept, run again when the judge is up"
        )
    return _verdicts_of(workspace, keys), fresh


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
