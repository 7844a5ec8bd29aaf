"""`mgrd measure`: the acoustic facts of audio files."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mgrd.cli.workspace import JsonOption

if TYPE_CHECKING:
    from mgrd.audio.facts import Fact

LINES = frozenset({"level_line", "f0_line", "centroid_line", "onset", "event_rank"})
"""Facts with one row per step or onset that the table does not need: in the JSON only."""


def measure_command(
    files: Annotated[list[Path], typer.Argument(help="Audio files: wav, flac, mp3, ogg, opus, aiff.")],
    json_: JsonOption = False,
) -> None:
    """Measure the acoustic facts of audio files.

    Pitch, pulse, loudness, timbre, noise, room, speech, each with its reliability. A file that cannot be measured is
    named with the reason on standard error; the others are still measured, and the exit status is 1. docs/evidence.md
    tells what each fact is.
    """
    from mgrd.audio.measuring import measure_file
    from mgrd.errors import AudioError

    failed = False
    for path in files:
        try:
            facts = measure_file(path)
        except Exception as error:  # the file's fault or ours: the other files are still measured
            failed = True
            reason = str(error) if isinstance(error, AudioError) else f"{path}: {type(error).__name__}: {error}"
            sys.stderr.write(f"error: {reason}\n")
            if json_:
                typer.echo(json.dumps({"path": str(path), "error": reason}))
            continue
        if json_:
            typer.echo(json.dumps({"path": str(path), "facts": [fact.row() for fact in facts]}))
        else:
            _show(path, facts)
    if failed:
        raise typer.Exit(1)


def _show(path: Path, facts: "list[Fact]") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("fact")
    for title in ("value", "unit", "from s", "to s", "reliability"):
        table.add_column(title, justify="right" if title != "unit" else "left")
    for fact in facts:
        if fact.name not in LINES:
            place = (f"{fact.start:.2f}", f"{fact.end:.2f}")
            table.add_row(fact.name, f"{fact.value:.4g}", fact.unit, *place, f"{fact.reliability:.2f}")
    console = Console(highlight=False)
    console.print(str(path), style="bold", markup=False, soft_wrap=True)
    console.print(table)
