"""Rejudge: a committed round under the present checks, judge and policy; its chains are not sampled again."""

from prefect import flow

from flows.distill_round import decide_round
from tasks.artifacts import tell_failure
from tasks.contracts import check_round
from tasks.rejudge import compare, sampled_traces, standing_decisions
from tasks.run import Overrides, Run
from tasks.select import select


@flow(name="rejudge", on_failure=[tell_failure], on_crashed=[tell_failure], on_cancellation=[tell_failure])
def rejudge(workspace: str, round_: int, overrides: Overrides | None = None) -> dict[str, object]:
    """Ground, judge, decide and select the round anew; returns what changed.

    Args:
        workspace: Folder of the workspace, as the worker sees it.
        round_: The round to work on, 1 or more.
        overrides: Settings for this run alone, by dotted key, such as {"spec.rounds": 1}.
    """
    run = Run(workspace=workspace, overrides=overrides or {})
    with run.traced("rejudge"), run.open().held("rejudge"):
        before = standing_decisions(run, round_)
        traces = sampled_traces(run, round_)
        decisions = decide_round(run, round_, traces)
        distilled = select(run, round_, traces, decisions)
        check_round(run, round_, traces, decisions, distilled)
        return compare(run, before, decisions, distilled)
