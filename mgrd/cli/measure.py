"""`mgrd measure`: the acoustic facts of audio files."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mgrd.cli.options import JsonOption
from mgrd.cli.tables import print_table, shown

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
    typer.echo(shown(path))
    rows = [
        [fact.name, f"{fact.value:.4g}", fact.unit, f"{fact.start:.2f}", f"{fact.end:.2f}", f"{fact.reliability:.2f}"]
        for fact in facts
        if fact.name not in LINES
    ]
    print_table(("fact", "value", "unit", "from s", "to s", "reliability"), rows)
