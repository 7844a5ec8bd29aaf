"""`mgrd calibrate`: how far the filter and the judges agree with people."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from mgrd.cli.environment import open_to_run
from mgrd.cli.options import JsonOption, WorkspaceOption

LabelsOption = Annotated[
    Path | None, typer.Option(help="JSON lines with trace_id and verdict (grounded, not_grounded or unsure).")
]
PrecisionOption = Annotated[float, typer.Option(help="Precision that a threshold is wished for.", min=0.0, max=1.0)]
CURVE_LINES = 8


def calibrate_command(
    workspace: WorkspaceOption = Path(),
    labels: LabelsOption = None,
    precision: PrecisionOption = 0.97,
    json_: JsonOption = False,
) -> None:
    """Hold policy and judges against people's labels.

    Prints kappa, the precision curve and the threshold for a wished precision, of the policy and each signal. Labels
    are the reviewers' overrides and, with --labels, those of a file. Bad lines of the file are told and left out.
    """
    open_to_run(workspace)
    from flows.calibrate import calibrate

    file = None if labels is None else str(labels.resolve())
    found = calibrate(str(workspace.resolve()), file, precision)
    if json_:
        typer.echo(json.dumps(found))
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    left = (
        f"{found['split']} split between reviewers, {found['unknown']} of unknown chains, {len(found['bad'])} bad lines"
    )
    typer.echo(f"{found['labels']} labelled chains; left out: {left}")
    for message in found["bad"]:
        typer.echo(f"  {message}")
    for row in found["signals"]:
        typer.echo("")
        _show_signal(row)


def _show_signal(row: dict[str, Any]) -> None:
    counts = f"{row['labels']} labels, {row['positives']} grounded, {row['skipped']} skipped"
    typer.echo(f"{row['signal']}: {counts}")
    if row["kappa"] is None:
        typer.echo("  kappa: cannot be told, labels and verdicts are all of one kind; label some of the other kind")
    else:
        typer.echo(f"  kappa {_with_interval(row['kappa'], row['kappa_low'], row['kappa_high'])}")
    typer.echo(f"  precision {_figure(row['precision'])}, recall {_figure(row['recall'])}, as the policy stands")
    for point in _thinned(row["curve"]):
        precision = _with_interval(point["precision"], point["precision_low"], point["precision_high"])
        recall = _with_interval(point["recall"], point["recall_low"], point["recall_high"])
        typer.echo(f"  score >= {point['threshold']:8.4g}: precision {precision}, recall {recall}")
    wished = f"precision {row['wished_precision']:g}"
    if row["threshold"] is None:
        typer.echo(f"  no threshold reaches {wished}")
    else:
        sure = "no score is sure of it" if row["sure_threshold"] is None else f"sure from {row['sure_threshold']:.4g}"
        typer.echo(f"  {wished} from score {row['threshold']:.4g} on ({sure}: lower end of the interval)")


def _thinned(curve: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(curve) <= CURVE_LINES:
        return curve
    last = len(curve) - 1
    return [curve[round(step * last / (CURVE_LINES - 1))] for step in range(CURVE_LINES)]


def _with_interval(value: float, low: float | None, high: float | None) -> str:
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _figure(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
