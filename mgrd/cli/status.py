"""`mgrd status`: where the campaign stands, per round."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mgrd.cli.workspace import JsonOption, WorkspaceOption

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
measurement and by constructed truth; share of decided claims that hold; share of
surrogate chains; mean reasoning tokens; chains kept of those sampled for training"""


WATCH_SECONDS = 5.0


def status_command(
    workspace: WorkspaceOption = Path(),
    json_: JsonOption = False,
    watch: Annotated[bool, typer.Option("--watch", help="Print it again while a command works here.")] = False,
) -> None:
    """Held-out figures, funnel and times per round; round 0 is the cold start. Also who works here at this moment."""
    from mgrd.store import Workspace
    from mgrd.store.lock import holder_of

    opened = Workspace.open(workspace)
    while True:
        holder = holder_of(opened.root)
        if json_:
            typer.echo(json.dumps(status_of(opened)))
        else:
            show_status(opened)
            if holder is not None:
                typer.echo(f"`{holder.what}` works here since {holder.since} (process {holder.pid} on {holder.host})")
        if not watch or holder is None:
            return
        time.sleep(WATCH_SECONDS)


def status_of(workspace: "Workspace") -> dict[str, object]:
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
    typer.echo("  ".join(["round", *COLUMNS.values(), "  kept of", "seconds"]))
    for row in rounds:
        figures, funnel = {**row["heldout"], **row.get("truth", {})}, row["funnel"]
        cells = [f"{_figure(figures.get(name)):>{len(title)}}" for name, title in COLUMNS.items()]
        kept = f"{funnel['kept']}/{funnel['sampled']}" if funnel["sampled"] else ""
        typer.echo("  ".join([f"{row['round']:>5}", *cells, f"{kept:>9}", f"{sum(row['seconds'].values()):>7.0f}"]))
    typer.echo(CAPTION)


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if value >= 2 else f"{value:.3f}"
