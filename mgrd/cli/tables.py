"""Tables on the screen: columns that line up, numbers to the right, and nothing in them that a terminal obeys.

Where a verdict's colour matters (`mgrd explain`, `mgrd ground`) rich draws instead.
"""

import json
import re
from collections.abc import Sequence

import typer

CELL = 60
"""Characters of a value on the screen; `--json` prints all of it."""
_NUMBER = re.compile(r"[-+]?\d[\d.,:/%]*")


def print_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their heads. A column that holds nothing but numbers stands to the right."""
    lines = [list(heads), *([shown(value) for value in row] for row in rows)]
    columns = list(zip(*lines, strict=True))
    widths = [max(map(len, column)) for column in columns]
    numbers = [_all_numbers(column[1:]) for column in columns]
    for line in lines:
        cells = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, numbers, strict=True)
        ]
        typer.echo("  ".join(cells).rstrip())


def _all_numbers(cells: Sequence[str]) -> bool:
    return any(cells) and all(not cell or _NUMBER.fullmatch(cell) for cell in cells)


def shown(value: object) -> str:
    """A value as one line: lists and mappings as JSON, what is missing as nothing, long ones cut."""
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    # Chains are hostile: a terminal must not be told to do anything by one.
    safe = "".join(character if character.isprintable() else " " for character in text)
    return safe if len(safe) <= CELL else f"{safe[: CELL - 1]}…"
