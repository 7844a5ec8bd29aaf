"""`mgrd init`: make a workspace."""

from pathlib import Path
from typing import Annotated

import typer

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", envvar="MGRD_WORKSPACE", help="Folder of the campaign.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
SettingsOption = Annotated[Path | None, typer.Option("--settings", help="A TOML file to start from.")]


def init_command(directory: Path, settings: SettingsOption = None) -> None:
    """Make a workspace: a folder with a settings file."""
    from mgrd.store.workspace import init_workspace

    made = init_workspace(directory, settings)
    typer.echo(f"{directory}: {'workspace made' if made else 'is a workspace already, left as it is'}")
