"""`mgrd status`: where the campaign stands, per round."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mgrd.cli.options import JsonOption, WorkspaceOption
from mgrd.cli.tables import print_table

if TYPE_CHECKING:
    from mgrd.store import Workspace

COLUMNS = {
    "accuracy": "greedy",
    "accuracy_sampled": "sampled",
    "grounded": "grounded",
    "truth_grounded": "by truth",
    "claim_precision": "claims",
    "surrogate": "surrogate",
    "mean_reasoning_tokens": "tokens",
}
"""Figures by their heading, short enough for 80 columns."""

CAPTION = """\
accuracy of greedy and of sampled chains; share of sampled chains that are grounded by
measurement and by constructed truth; share of decided claims that hold, in greedy
chains too; share of surrogate chains among the sampled, and their mean reasoning
tokens; chains kept of those sampled for training"""


WatchOption = Annotated[
    float | None,
    typer.Option(
        "--watch", metavar="SECONDS", help="Print again whenever the ledger grew, looking every SECONDS.", min=0.1
    ),
]


def status_command(workspace: WorkspaceOption = Path(), watch: WatchOption = None, json_: JsonOption = False) -> None:
    """Print held-out figures, funnel and times per round.

    Round 0 is the cold start. Also says who works here at this moment.
    """
    from mgrd.store import Workspace

    opened = Workspace.open(workspace)
    _show(opened, json_)
    if watch is not None:
        _watch(opened, watch, json_)


def _show(workspace: "Workspace", json_: bool) -> None:
    from mgrd.store.lock import holder_of

    if json_:
        typer.echo(json.dumps(status_of(workspace)))
        return
    show_status(workspace)
    holder = holder_of(workspace.root)
    if holder is not None:
        typer.echo(f"`{holder.what}` works here since {holder.since} (process {holder.pid} on {holder.host})")


def _watch(workspace: "Workspace", seconds: float, json_: bool) -> None:
    """Print the status after each finished stage, with the stage above it, until Ctrl-C."""
    from schemas import LEDGER

    seen = workspace.store.version(LEDGER)
    while True:
        time.sleep(seconds)
        version = workspace.store.version(LEDGER)
        if version == seen:
            continue
        seen = version
        if not json_:
            last = workspace.store.read(LEDGER).sort("finished_at").row(-1, named=True)
            typer.echo(f"\n{last['finished_at'][:19]}  round {last['round']}  {last['stage']} is finished")
        _show(workspace, json_)


def status_of(workspace: "Workspace") -> dict[str, object]:
    """The status document, with who works in the workspace as `holder` (None: nobody)."""
    from dataclasses import asdict

    from mgrd.report.status import status_document
    from mgrd.store.lock import holder_of
    from schemas import LEDGER, METRICS

    holder = holder_of(workspace.root)
    document = status_document(workspace.store.read(METRICS), workspace.store.read(LEDGER))
    return {**document, "holder": None if holder is None else asdict(holder)}


def show_status(workspace: "Workspace") -> None:
    """The status as tables on standard output."""
    rounds = status_of(workspace)["rounds"]
    assert isinstance(rounds, list)
    if not rounds:
        typer.echo("no round yet; `mgrd ingest embedded`, then `mgrd run`")
        return
    typer.echo("Held-out test split; round 0 is the cold start")
    print_table(("round", *COLUMNS.values(), "kept of", "seconds"), [_line(row) for row in rounds])
    typer.echo(CAPTION)


def _line(row: dict[str, Any]) -> list[object]:
    figures, funnel = {**row["heldout"], **row["truth"]}, row["funnel"]
    kept = f"{funnel['kept']}/{funnel['sampled']}" if funnel["sampled"] else ""
    cells = [_figure(figures[name]) for name in COLUMNS]
    return [row["round"], *cells, kept, f"{sum(row['seconds'].values()):.0f}"]


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if value >= 2 else f"{value:.3f}"
