"""`mgrd run`: the campaign, from where it stands."""

from pathlib import Path
from typing import Annotated

import typer

from mgrd.arms import Arm
from mgrd.cli.environment import open_to_run
from mgrd.cli.options import WorkspaceOption

RoundsOption = Annotated[int | None, typer.Option(help="Distillation rounds; 0 is the cold start alone.", min=0)]
LimitOption = Annotated[int | None, typer.Option(help="Questions per split at most.", min=1)]
ArmOption = Annotated[
    Arm | None,
    typer.Option(help="Which chains are kept: the filter, or a control."),
]


def run_command(
    workspace: WorkspaceOption = Path(), rounds: RoundsOption = None, limit: LimitOption = None, arm: ArmOption = None
) -> None:
    """Run distillation rounds, from where they stand.

    The same command again continues, or does nothing when all is done.
    """
    from mgrd.store.request import Request, data_versions

    given = {"spec.rounds": rounds, "spec.limit": limit, "spec.selection.arm": arm}
    overrides = {key: value for key, value in given.items() if value is not None}
    opened = open_to_run(workspace, dict(overrides))
    with opened.held("mgrd run"):
        request = Request(opened, "run", data_versions(opened))
        if request.finished():
            typer.echo("nothing to do: every stage of this campaign is finished")
        else:
            from flows.distill import distill

            distill(str(workspace.resolve()), overrides)
            request.record()
    from mgrd.cli.status import show_status

    show_status(opened)
    typer.echo(f"report: {opened.reports / 'report.html'}")
