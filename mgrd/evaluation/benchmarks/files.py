"""Owners' files: JSON lists, JSON lines, Parquet."""

import json
from pathlib import Path
from typing import Any

from mgrd.errors import DataError
from mgrd.ingest.texts import parse_json

Row = dict[str, Any]


def read_table(path: Path) -> list[Row]:
    """Rows of a `.json` list, `.jsonl` or `.parquet` file. Raises DataError naming file and line."""
    if path.suffix == ".parquet":
        return _parquet(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    if path.suffix == ".jsonl":
        lines = [(at, line) for at, line in enumerate(text.split("\n"), 1) if line.strip()]
        return [_row(_parse(line, f"{path}, line {at}"), f"{path}, line {at}") for at, line in lines]
    rows = _parse(text, str(path))
    if not isinstance(rows, list):
        raise DataError(f"{path}: a list of rows is expected")
    return [_row(row, f"{path}, row {at}") for at, row in enumerate(rows)]


def find_rows(data: Path, *patterns: str) -> list[Row]:
    """Rows of the files of the first pattern that finds some, in the order of their names.

    `data` may be such a file itself.
    """
    if data.is_file():
        return read_table(data)
    for pattern in patterns:
        if found := sorted(data.glob(pattern)):
            return [row for path in found for row in read_table(path)]
    raise DataError(f"{data}: none of {', '.join(patterns)} is there; give the folder of the owners' files with --data")


def folder_of(data: Path) -> Path:
    """Where audio paths begin: the folder of the owners' files, which may be named by one of them."""
    return data.parent if data.is_file() else data


def write_table(path: Path, rows: list[Row]) -> None:
    """JSON lines, a JSON list or Parquet by the suffix of `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), path)
        return
    if path.suffix == ".jsonl":
        text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    else:
        text = json.dumps(rows, ensure_ascii=False, indent=2)
    path.write_text(text, encoding="utf-8")


def _parquet(path: Path) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: no Parquet file that can be read: {error}") from error


def _parse(text: str, where: str) -> Any:
    try:
        return parse_json(text)
    except DataError as error:
        raise DataError(f"{where}: {error}") from error


def _row(row: object, where: str) -> Row:
    if not isinstance(row, dict):
        raise DataError(f"{where}: an object is expected, not {type(row).__name__}")
    return row
