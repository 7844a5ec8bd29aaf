"""Judge: an LLM reads the chains that passed the checks."""

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from mgrd.audio.facts import Fact
from mgrd.errors import JudgeError
from mgrd.ids import content_key
from mgrd.judging import judge_identity, judge_traces, standing, verdict_keys
from mgrd.selection.decisions import passed_checks
from mgrd.selection.policy import Judged
from mgrd.settings import JudgeSpec
from mgrd.store import DatasetRef, Outcome, Stage, Workspace, digest, run_stage
from schemas import DECISIONS, EVIDENCE, TRACES, VERDICTS
from tasks.ground import facts_by_clip
from tasks.progress import progress
from tasks.run import Run, clips_of, questions_of

VERSION = 2


@task(name="judge", cache_policy=NO_CACHE, tags=["judge"])
def judge(run: Run, round_: int, traces: DatasetRef, decisions: DatasetRef) -> DatasetRef:
    """Verdicts on the chains that passed the checks; returns the verdicts."""
    workspace = run.open()
    spec = workspace.settings.spec
    if spec.judge is None:
        raise JudgeError("no judge is set; write a [spec.judge] section, or leave this stage out")
    asked = spec.judge
    clips = clips_of(workspace, "pool")
    evidence = workspace.store.read(EVIDENCE).filter(pl.col("clip_id").is_in(clips["clip_id"].implode()))
    before = workspace.store.read(DECISIONS, decisions.partition)
    passed = passed_checks(before, spec.policy)
    stage = Stage(
        name="judge-distill",
        round=round_,
        version=VERSION,
        config={"judge": judge_identity(asked), "passed": content_key(*passed.sort())},
        inputs={"traces": traces.digest, "evidence": digest(EVIDENCE, evidence)},
    )

    def work() -> Outcome:
        rows = workspace.store.read(TRACES, traces.partition).filter(pl.col("trace_id").is_in(passed.implode()))
        verdicts, fresh = _fill(workspace, rows, facts_by_clip(evidence, "facts"), asked)
        found = DatasetRef(
            VERDICTS.name, {}, workspace.store.version(VERDICTS), digest(VERDICTS, verdicts), verdicts.height
        )
        return Outcome(
            outputs=(found,),
            rows_in=rows.height,
            accounted={"judged": verdicts.height},
            counts={"judge": asked.model, "unread": verdicts.filter(~pl.col("scored")).height},
            tokens=sum(fresh["prompt_tokens"]) + sum(fresh["completion_tokens"]),
            cost=sum(fresh["cost"]),
        )

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(VERDICTS.name)


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


class StoredScores:
    """A verdict row as a signal of the policy."""

    def __init__(self, row: dict[str, object]) -> None:
        self.row = row

    def reaches(self, criterion: str, minimum: float) -> bool | None:
        score = self.row[criterion] if self.row["scored"] else None
        return None if score is None else float(str(score)) >= minimum


def judged_chains(workspace: Workspace, decisions: pl.DataFrame, traces: DatasetRef) -> dict[str, Judged]:
    """trace_id -> what the judge said of it."""
    spec = workspace.settings.spec
    assert spec.judge is not None
    evidence = facts_by_clip(workspace.store.read(EVIDENCE), "facts")
    passed = passed_checks(decisions, spec.policy)
    rows = workspace.store.read(TRACES, traces.partition).filter(pl.col("trace_id").is_in(passed.implode()))
    verdicts = _verdicts_of(workspace, verdict_keys(rows, evidence, spec.judge))
    return {row["trace_id"]: StoredScores(row) for row in verdicts.iter_rows(named=True)}
