"""`mgrd rejudge`: a committed round under the present settings, without sampling."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from mgrd.cli.environment import open_to_run
from mgrd.cli.options import JsonOption, WorkspaceOption


def rejudge_command(
    round_: Annotated[int, typer.Argument(metavar="ROUND", help="The round to decide on again.", min=1)],
    workspace: WorkspaceOption = Path(),
    json_: JsonOption = False,
) -> None:
    """Decide on a sampled round anew, and print what changed.

    Grounds, judges, decides and selects with the present settings. Nothing is sampled and nothing is trained: `mgrd
    run` goes on from the new decisions.
    """
    with open_to_run(workspace).held(f"mgrd rejudge {round_}"):
        from flows.rejudge import rejudge

        found = rejudge(str(workspace.resolve()), round_)
    if json_:
        typer.echo(json.dumps(found))
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    typer.echo(f"round {found['round']}: {found['changed']} of {found['chains']} decisions changed")
    for move, count in found["moves"].items():
        before, _, after = move.partition("->")
        if before != after:
            typer.echo(f"  {before} -> {after}: {count}")
    before, after = found["reasons"]["before"], found["reasons"]["after"]
    for reason in sorted({*before, *after}, key=lambda name: (-max(after.get(name, 0), before.get(name, 0)), name)):
        if before.get(reason, 0) != after.get(reason, 0):
            typer.echo(f"  reason {reason}: {before.get(reason, 0)} -> {after.get(reason, 0)}")
    typer.echo(f"{found['kept']} kept, {found['distilled']} training rows; `mgrd run` trains on them")
