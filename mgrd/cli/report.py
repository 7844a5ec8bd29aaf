"""`mgrd report`: the campaign as one HTML file, or its figures as JSON."""

import json
from pathlib import Path
from typing import Annotated

import typer

from mgrd.cli.options import JsonOption, WorkspaceOption

RoundOption = Annotated[
    int | None,
    typer.Option("--round", metavar="N", help="The campaign as it stood after round N; 0 is the cold start.", min=0),
]


def report_command(workspace: WorkspaceOption = Path(), round_: RoundOption = None, json_: JsonOption = False) -> None:
    """Write the report and print its path.

    With --json, print the figures of its sections and write nothing. The page is one file that opens without a
    network: held-out figures and curves, the funnel, ablations, chains with sound and marked claims, cost,
    provenance.
    """
    from mgrd.report import read_inputs, report_document, write_report
    from mgrd.store import Workspace

    opened = Workspace.open(workspace)
    if json_:
        typer.echo(json.dumps(report_document(read_inputs(opened, round_)), allow_nan=False))
    else:
        typer.echo(str(write_report(opened, round_)))
