"""`mgrd init`: make a workspace."""

import os
from pathlib import Path
from typing import Annotated

import typer

DirectoryArgument = Annotated[Path, typer.Argument(help="The folder; it is made if it is missing.")]
SettingsOption = Annotated[Path | None, typer.Option("--settings", help="A TOML file to start from.")]


def init_command(directory: DirectoryArgument, settings: SettingsOption = None) -> None:
    """Make a workspace: a folder with a settings file.

    Where PREFECT_API_URL names a server, its concurrency limits `gpu` and `judge` are made too, unless they are there.
    """
    from mgrd.store.workspace import init_workspace

    made = init_workspace(directory, settings)
    typer.echo(f"{directory}: {'workspace made' if made else 'is a workspace already, left as it is'}")
    if server := os.environ.get("PREFECT_API_URL"):
        _make_limits(directory, server)


def _make_limits(directory: Path, server: str) -> None:
    """Raises StoreError when the server is out of reach; the workspace stays."""
    from mgrd.cli.environment import prepare
    from mgrd.errors import StoreError, boundary

    prepare(directory)
    from tasks.placement import create_limits

    with boundary(
        StoreError, f"the workspace is made, but the limits on {server} are not (start it and run this again)"
    ):
        limits = create_limits()
    typer.echo(
        f"{server}: at most {', '.join(f'{limit} task(s) tagged {tag}' for tag, limit in limits.items())} at once"
    )
