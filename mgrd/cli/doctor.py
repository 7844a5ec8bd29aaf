"""`mgrd doctor`: whether the engine of a workspace hears, repeats itself and scores, before a campaign pays for it."""

from pathlib import Path
from typing import Annotated

import typer

from mgrd.cli.environment import prepare
from mgrd.cli.options import JsonOption, WorkspaceOption

ModelOption = Annotated[Path | None, typer.Option(help="Folder of a checkpoint; else the campaign's current model.")]
WINDOW_SLACK = 2.0
"""Seconds by which the over-long clip passes the window."""


def doctor_command(
    workspace: WorkspaceOption = Path(),
    model: ModelOption = None,
    json_: JsonOption = False,
) -> None:
    """Check engine, model and sound; say what to fix.

    Server, template and audio tokens too. --json prints one object a line; the exit status is 1 when something has
    to be fixed.
    """
    prepare(workspace)
    import dataclasses
    import json
    import tempfile

    from mgrd.engines import open_engine
    from mgrd.engines.doctor import examine
    from mgrd.models import model_sha
    from mgrd.models.files import window_seconds
    from mgrd.store import Workspace
    from mgrd.store.checkpoints import current_checkpoint

    opened = Workspace.open(workspace)
    folder = current_checkpoint(opened) if model is None else model.expanduser().resolve()
    settings = opened.settings
    with tempfile.TemporaryDirectory(prefix="mgrd-doctor-") as scratch:
        findings = examine(
            lambda: open_engine(settings, folder, model_sha(folder), Path(scratch) / "features"),
            Path(scratch),
            settings.spec.embedded.seconds if settings.spec.model.base == "embedded" else 4.0,
            window_seconds(folder, 30.0) + WINDOW_SLACK,
        )
        bad = 0
        for finding in findings:
            bad += not finding.good
            if json_:
                typer.echo(json.dumps(dataclasses.asdict(finding)))
            else:
                typer.echo(f"{'ok ' if finding.good else 'FIX'}  {finding.check:<20} {finding.found}")
                if finding.fix:
                    typer.echo(f"     {'':<20} -> {finding.fix}")
    raise typer.Exit(bool(bad))
