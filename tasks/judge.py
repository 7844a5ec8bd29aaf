"""Judge: a panel of LLMs reads the chains that passed the checks."""

import json
from collections.abc import Sequence
from functools import partial

import polars as pl

from mgrd.errors import JudgeError
from mgrd.executors import open_executor
from mgrd.ids import content_key
from mgrd.judging import (
    Case,
    Judged,
    PanelResult,
    cases_of,
    judge_chains,
    judge_on_cluster,
    panel_frame,
    panel_identity,
    panel_results,
    standing,
    verdict_keys,
)
from mgrd.judging.spend import Usage
from mgrd.selection.decisions import passed_checks
from mgrd.settings import PanelSpec
from mgrd.store import DatasetRef, Outcome, Stage, Workspace, digest, run_stage
from schemas import DECISIONS, EVIDENCE, LEDGER, PANELS, QUESTIONS, TRACES, VERDICTS
from tasks.limits import affordable
from tasks.progress import progress
from tasks.rows import facts_by_clip
from tasks.run import Run
from tasks.stage_task import stage_task

VERSION = 3
USAGE = ["prompt_tokens", "completion_tokens", "cost", "requests"]
"""Columns of verdicts, in the order of `Usage`."""


@stage_task("judge", uses="judge")
def judge(run: Run, round_: int, traces: DatasetRef, decisions: DatasetRef) -> DatasetRef:
    """The panel's verdicts on the chains that passed the checks."""
    workspace = run.open()
    spec = workspace.settings.spec
    if spec.panel is None:
        raise JudgeError("no judge is set; write a [spec.panel] section, or leave this stage out")
    panel = spec.panel
    chains = workspace.store.read(TRACES, traces.partition)
    cases = passed_cases(workspace, chains, workspace.store.read(DECISIONS, decisions.partition))
    stage = Stage(
        name="judge-distill",
        round=round_,
        version=VERSION,
        config={"panel": panel_identity(panel)},
        inputs={"verdicts": content_key(*sorted(verdict_keys(cases, panel)["verdict_id"]))},
    )

    def work() -> Outcome:
        unrecorded = _unrecorded(workspace, stage)
        judged = _fill(workspace, cases, panel)
        results = panel_frame(cases, judged.results, panel)
        workspace.store.replace(PANELS, results, {"round": round_})
        verdicts, fresh = judged.verdicts, judged.fresh
        paid = unrecorded + _usage(fresh)
        found = DatasetRef(
            VERDICTS.name, {}, workspace.store.version(VERDICTS), digest(VERDICTS, verdicts), verdicts.height
        )
        return Outcome(
            outputs=(found, workspace.store.reference(PANELS, {"round": round_})),
            rows_in=len(cases),
            accounted={"judged": results.height},
            counts={
                "judges": [member.model for member in panel.judges],
                "verdicts": verdicts.height,
                "unread": verdicts.filter(~pl.col("scored")).height,
                "cached": fresh.filter(pl.col("cached")).height,
                "requests": paid.requests,
                "disagreeing": results.filter(pl.col("disagreement") > 0).height,
            },
            tokens=paid.prompt_tokens + paid.completion_tokens,
            cost=paid.cost,
        )

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(VERDICTS.name)


def passed_cases(workspace: Workspace, traces: pl.DataFrame, decisions: pl.DataFrame) -> list[Case]:
    """The chains that the checks let pass, as the panel is told of them."""
    passed = passed_checks(decisions, workspace.settings.spec.policy)
    rows = traces.filter(pl.col("trace_id").is_in(passed.implode()))
    clips = rows["clip_id"].unique().implode()
    evidence = workspace.store.read(EVIDENCE).filter(pl.col("clip_id").is_in(clips))
    questions = workspace.store.read(QUESTIONS).filter(pl.col("question_id").is_in(rows["question_id"].implode()))
    return cases_of(rows.sort("trace_id"), questions, facts_by_clip(evidence, "facts"))


def panel_says(workspace: Workspace, traces: pl.DataFrame, decisions: pl.DataFrame) -> dict[str, PanelResult]:
    """trace_id -> what the panel's stored verdicts come to; nobody is asked."""
    panel = workspace.settings.spec.panel
    if panel is None:
        return {}
    cases = passed_cases(workspace, traces, decisions)
    said = workspace.store.scan(VERDICTS).filter(pl.col("trace_id").is_in(decisions["trace_id"].implode())).collect()
    return {result.trace_id: result for result in panel_results(cases, said, panel)}


def _usage(verdicts: pl.DataFrame) -> Usage:
    return Usage(*(sum(verdicts[name]) for name in USAGE))


def _unrecorded(workspace: Workspace, stage: Stage) -> Usage:
    """What the round's stored verdicts took that no entry of the ledger holds: those that a killed or stopped run of
    the stage left. Tokens count as replies' tokens, since the ledger does not tell the two apart."""
    stored = _usage(workspace.store.read(VERDICTS, {"round": stage.round}, columns=USAGE))
    mine = (pl.col("round") == stage.round) & (pl.col("stage") == stage.name)
    ledger = workspace.store.read(LEDGER, columns=["round", "stage", "tokens", "cost", "counts"]).filter(mine)
    requests = sum(json.loads(counts).get("requests", 0) for counts in ledger["counts"])
    # What was never replied to was counted and taken out again: the requests in the ledger can be the more.
    return Usage(
        completion_tokens=max(0, stored.prompt_tokens + stored.completion_tokens - sum(ledger["tokens"])),
        cost=max(0.0, round(stored.cost - sum(ledger["cost"]), 9)),  # sums of floats: no dust
        requests=max(0, stored.requests - requests),
    )


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
        purse = affordable(workspace, panel, spent)
        parted = _is_parted(workspace, panel)
        ask = partial(judge_on_cluster, open_executor(workspace.settings)) if parted else judge_chains
        judged = ask(cases, purse, cache=workspace.replies, known=known, on_verdicts=commit, spent=spent)
    judged.check()
    if judged.limited:
        raise JudgeError(
            f"the spend limit of {purse.max_cost:g} is reached with {wanted - judged.verdicts.height} of {wanted} "
            f"verdicts to go; those that came in are kept, raise {_limit_of(workspace, panel, purse)} and run again"
        )
    unreached = judged.fresh.height - standing(judged.fresh).height
    limit = workspace.settings.runtime.fail_on_error
    if unreached > limit * wanted:
        raise JudgeError(
            f"no reply for {unreached} of {wanted} verdicts, more than runtime.fail_on_error = {limit:g}; "
            "the other verdicts are kept, run again when the judge is up"
        )
    return judged


def _is_parted(workspace: Workspace, panel: PanelSpec) -> bool:
    """Whether workers of a cluster ask; a provider's batches are handed in by one process."""
    return workspace.settings.runtime.executor != "local" and not any(judge.batch for judge in panel.judges)


def _limit_of(workspace: Workspace, panel: PanelSpec, purse: PanelSpec) -> str:
    """The setting that set the purse's limit, with its value."""
    if purse.max_cost != panel.max_cost:
        return f"runtime.max_cost = {workspace.settings.runtime.max_cost:g} (all rounds together)"
    return f"spec.panel.max_cost = {panel.max_cost:g} (this round)"


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
