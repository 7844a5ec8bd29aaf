"""`mgrd plan`: what the campaign still needs, before anything is spent."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from mgrd.cli.options import JsonOption, WorkspaceOption
from mgrd.cli.tables import print_table

AllOption = Annotated[bool, typer.Option("--all", help="Plan every stage, as if none were finished.")]
NAMES = ("low", "expected", "worst")


def plan_command(workspace: WorkspaceOption = Path(), all_: AllOption = False, json_: JsonOption = False) -> None:
    """Print what the owed stages will take and cost.

    Rows, judge calls, tokens, time and money: expected of each stage; low, expected and worst in all.
    """
    from mgrd.report.plan import plan_campaign, plan_document
    from mgrd.store import Workspace
    from schemas import QUESTIONS

    opened = Workspace.open(workspace)
    plan = plan_document(plan_campaign(opened, everything=all_), opened.settings)
    if json_:
        typer.echo(json.dumps(plan))
    else:
        _show(plan)
        if opened.store.version(QUESTIONS) < 0:
            typer.echo("no clips yet, so stages that need them have 0 rows: `mgrd ingest`, then plan again")


def _show(plan: dict[str, Any]) -> None:
    owed = [step for step in plan["steps"] if not step["done"]]
    if not owed:
        typer.echo("every stage is finished; a changed setting may make some owed again: `mgrd plan --all` plans all")
        return
    rows = [
        [step["round"], step["stage"], *_figures(step, "expected"), "runs" if step["measured"] else "defaults"]
        for step in owed
    ]
    rows += [["", f"in all, {name}", *_figures(plan["totals"], name), ""] for name in NAMES]
    print_table(("round", "stage", "rows", "calls", "tokens", "time", "money", "from"), rows)
    if plan["max_cost"] is not None:
        worse = "the worst case passes it, the run then stops and keeps what is paid for"
        typer.echo(f"runtime.max_cost is {plan['max_cost']:g}: {worse if plan['may_pass_max_cost'] else 'not reached'}")


def _figures(of: dict[str, Any], name: str) -> list[str]:
    counts = [f"{of[key][name]:,.0f}" for key in ("rows", "calls", "tokens")]
    return [*counts, _time(of["seconds"][name]), f"{of['cost'][name]:,.2f}"]


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
