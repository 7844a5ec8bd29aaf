"""`mgrd ingest`: audio and questions into the workspace."""

from pathlib import Path
from typing import Annotated

import typer

from mgrd.cli.environment import open_to_run
from mgrd.cli.options import WorkspaceOption

SourceArgument = Annotated[
    str, typer.Argument(help="`embedded` for the default clips, or a folder, manifest or audio file.")
]


def ingest_command(source: SourceArgument, workspace: WorkspaceOption = Path()) -> None:
    """Bring clips and questions into the workspace.

    Ingesting the same again changes nothing.
    """
    from mgrd.errors import DataError
    from mgrd.ingest.listing import listing_digest
    from mgrd.store.request import Request
    from schemas import QUARANTINE

    embedded = source == "embedded"
    if not embedded and not Path(source).exists():
        raise DataError(f"{source}: no such file or folder; give a path, or `embedded` for the default clips")
    path = source if embedded else str(Path(source).resolve())
    listing = "" if embedded else listing_digest(Path(path))
    opened = open_to_run(workspace)
    with opened.held(f"mgrd ingest {source}"):
        request = Request(opened, f"ingest {path}", {"files": listing})
        if request.finished():
            typer.echo("nothing to do: these files are in the workspace already")
            return
        from flows.ingest import ingest

        ingest(str(workspace.resolve()), path)
        request.record()
    typer.echo("ingested; `mgrd data list` shows what is there, `mgrd run` goes on")
    if waiting := opened.store.read(QUARANTINE, columns=["row_id"]).height:
        typer.echo(f"{waiting} could not be processed: `mgrd data quarantine` says why, `mgrd requeue` tries again")
