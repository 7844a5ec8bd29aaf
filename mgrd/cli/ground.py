"""`mgrd ground`: the grounding filter on chains from elsewhere."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from mgrd.cli.workspace import JsonOption

STDIN = "-"
COLOURS = {"supported": "green", "contradicted": "red", "unverifiable": "yellow"}


def ground_command(
    file: Annotated[
        Path,
        typer.Argument(help="JSON lines with id, audio, question, choices, answer, gold and chain; - reads stdin."),
    ],
    json_: JsonOption = False,
) -> None:
    """Check the acoustic claims of chains against their audio; audio paths are relative to FILE."""
    from mgrd.errors import DataError

    if str(file) == STDIN:
        _ground(sys.stdin, Path(), json_)
        return
    if not file.is_file():
        raise DataError(f"{file}: no such file; give a file of JSON lines, or - for standard input")
    with file.open(encoding="utf-8", errors="replace") as lines:
        _ground(lines, file.parent, json_)


def _ground(lines: Iterable[str], root: Path, json_: bool) -> None:
    from mgrd.grounding.outside import ground_rows

    kept = total = 0
    for result in ground_rows(lines, root):
        total += 1
        kept += bool(result["kept"])
        if json_:
            typer.echo(json.dumps(result))
        else:
            _show(result)
    if not json_:
        typer.echo(f"{kept} of {total} chains kept")


def _show(result: dict[str, object]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    reasons, claims = result["reasons"], result["claims"]
    assert isinstance(reasons, list)
    assert isinstance(claims, list)
    head = "kept" if result["kept"] else f"not kept: {', '.join(reasons)}"
    console.print(Text(f"{result['id']}  {head}", style="bold"))
    if message := result.get("message"):
        console.print(Text(f"    {message}"))
    for claim in claims:
        measured = claim["measured"]
        shown = "not measured" if measured is None else f"measured {measured:.4g} {claim['unit']}"
        line = f"    {claim['verdict']:<13} {claim['claimed']}  ({shown})"
        console.print(Text(line, style=COLOURS[claim["verdict"]]))
