"""`mgrd ablate`: the report's ablations on the embedded model."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mgrd.cli.environment import prepare, show_stages
from mgrd.cli.workspace import JsonOption, WorkspaceOption

if TYPE_CHECKING:
    from flows.ablate import Study

SeedsOption = Annotated[str, typer.Option(help="Seeds, separated by commas; each is a campaign of its own.")]
StepsOption = Annotated[int | None, typer.Option(help="Reinforcement steps of an arm.", min=1)]

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The report's ablations, with curves in an HTML report."
)


@app.command("format-reward")
def format_reward(
    workspace: WorkspaceOption = Path(),
    seeds: SeedsOption = "0,1,2",
    steps: StepsOption = None,
    json_: JsonOption = False,
) -> None:
    """Reinforcement with and without the reward for reasoning being present (figure 4)."""
    _ablate("format-reward", workspace, seeds, steps, json_=json_)


@app.command("data-selection")
def data_selection(
    workspace: WorkspaceOption = Path(),
    seeds: SeedsOption = "0,1,2",
    steps: StepsOption = None,
    json_: JsonOption = False,
) -> None:
    """Reinforcement on questions of the window against failed ones, SFT on filtered chains against all (figure 5)."""
    _ablate("data-selection", workspace, seeds, steps, json_=json_)


@app.command("grounding-term")
def grounding_term(
    workspace: WorkspaceOption = Path(),
    seeds: SeedsOption = "0,1,2",
    steps: StepsOption = None,
    json_: JsonOption = False,
) -> None:
    """Reinforcement after filtered SFT, with and without a reward for grounded chains."""
    _ablate("grounding-term", workspace, seeds, steps, json_=json_)


def _ablate(study: "Study", workspace: Path, seeds: str, steps: int | None, *, json_: bool) -> None:
    try:
        numbers = sorted({int(seed) for seed in seeds.split(",")})
    except ValueError as error:
        raise typer.BadParameter(f"{seeds!r} is no list of seeds; write 0,1,2", param_hint="--seeds") from error
    prepare(workspace)
    show_stages()
    from mgrd.store import Workspace

    Workspace.open(workspace)
    from flows.ablate import ablate

    overrides: dict[str, int | float | str | bool | None] = {} if steps is None else {"spec.reinforce.steps": steps}
    found = ablate(str(workspace.resolve()), study, numbers, overrides)
    if json_:
        typer.echo(json.dumps(found))
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from mgrd.report.ablation import FIGURES, figure_text

    for arm in found["arms"]:
        typer.echo(f"{arm['arm']} (seeds {', '.join(map(str, arm['seeds']))})")
        for key, title, share in FIGURES:
            if key in arm["figures"]:
                figure = arm["figures"][key]
                typer.echo(
                    f"  {title:<26}{figure_text(figure['before'], share)} -> {figure_text(figure['final'], share)}"
                )
    typer.echo(f"report: {found['report']}")
