"""`mgrd ablate`: the report's ablations on the embedded model."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from mgrd.arms import Study
from mgrd.cli.environment import open_to_run
from mgrd.cli.options import JsonOption, WorkspaceOption


def ablate_command(
    study: Annotated[
        Study,
        typer.Argument(
            help="format-reward: reinforcement with and without the reward for reasoning being present (figure 4); "
            "data-selection: questions of the window against failed ones, SFT on filtered chains against all "
            "(figure 5); "
            "grounding-term: reinforcement after filtered SFT, with and without a reward for grounded chains."
        ),
    ],
    workspace: WorkspaceOption = Path(),
    seeds: Annotated[str, typer.Option(help="Seeds, separated by commas; each is a campaign of its own.")] = "0,1,2",
    steps: Annotated[int | None, typer.Option(help="Reinforcement steps of an arm.", min=1)] = None,
    json_: JsonOption = False,
) -> None:
    """Run the report's ablations on the embedded model.

    Curves stand in an HTML report below `reports` of the workspace.
    """
    try:
        numbers = sorted({int(seed) for seed in seeds.split(",")})
    except ValueError as error:
        raise typer.BadParameter(f"{seeds!r} is no list of seeds; write 0,1,2", param_hint="--seeds") from error
    open_to_run(workspace)
    from flows.ablate import ablate

    overrides: dict[str, int | float | str | bool | None] = {} if steps is None else {"spec.reinforce.steps": steps}
    found = ablate(str(workspace.resolve()), study, numbers, overrides)
    if json_:
        typer.echo(json.dumps(found))
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from mgrd.report.figures import ARM_FIGURES, mean_and_spread

    for arm in found["arms"]:
        typer.echo(f"{arm['arm']} (seeds {', '.join(map(str, arm['seeds']))})")
        for key, title, share in ARM_FIGURES:
            if key in arm["figures"]:
                figure = arm["figures"][key]
                before, final = (mean_and_spread(figure[when], share) for when in ("before", "final"))
                typer.echo(f"  {title:<26}{before} -> {final}")
    typer.echo(f"report: {found['report']}")
