"""`mgrd report`: the campaign as one HTML file."""

from pathlib import Path

import typer

from mgrd.cli.workspace import WorkspaceOption


def report_command(workspace: WorkspaceOption = Path()) -> None:
    """Write the report and print its path."""
    from mgrd.report import write_report
    from mgrd.store import Workspace

    typer.echo(str(write_report(Workspace.open(workspace))))
