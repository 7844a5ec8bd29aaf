"""`mgrd status`: where the campaign stands, per round."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mgrd.cli.workspace import JsonOption, WorkspaceOption

if TYPE_CHECKING:
    from mgrd.store import Workspace

COLUMNS = {
    "accuracy": "accuracy",
    "accuracy_sampled": "sampled",
    "grounded": "grounded",
    "claim_precision": "claims right",
    "surrogate": "surrogate",
    "mean_reasoning_tokens": "tokens",
}


def status_command(workspace: WorkspaceOption = Path(), json_: JsonOption = False) -> None:
    """Held-out figures, funnel and times per round; round 0 is the cold start."""
    from mgrd.store import Workspace

    opened = Workspace.open(workspace)
    if json_:
        typer.echo(json.dumps(status_of(opened)))
    else:
        show_status(opened)


def status_of(workspace: "Workspace") -> dict[str, object]:
    from mgrd.report.status import status_document
    from schemas import LEDGER, METRICS

    return status_document(workspace.store.read(METRICS), workspace.store.read(LEDGER))


def show_status(workspace: "Workspace") -> None:
    """The status as tables on standard output."""
    from rich.console import Console
    from rich.table import Table

    rounds = status_of(workspace)["rounds"]
    assert isinstance(rounds, list)
    if not rounds:
        typer.echo("no round yet; `mgrd ingest embedded`, then `mgrd run`")
        return
    heldout = Table(title="Held-out test split", title_justify="left")
    heldout.add_column("round", justify="right")
    for title in (*COLUMNS.values(), "truth-grounded", "kept of sampled", "seconds"):
        heldout.add_column(title, justify="right")
    for row in rounds:
        figures, funnel = row["heldout"], row["funnel"]
        cells = [_figure(figures.get(name)) for name in COLUMNS]
        cells += [_figure(row.get("truth", {}).get("truth_grounded"))]
        cells += [f"{funnel['kept']} of {funnel['sampled']}" if funnel["sampled"] else ""]
        heldout.add_row(str(row["round"]), *cells, f"{sum(row['seconds'].values()):.0f}")
    Console().print(heldout)


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if value >= 2 else f"{value:.3f}"
