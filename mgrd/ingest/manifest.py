"""Reads manifests as they come: CSV, JSON lines and Parquet, with the column names that people use.

A manifest row is never trusted: a row that cannot be read becomes a fault with its reason and the
rest goes on. Only a manifest that holds nothing usable at all raises. Paths are not touched here.

Columns (any case; spaces and hyphens count as underscores; the first alias that is present wins):

| field | column names |
|---|---|
| path | path, file_name, filename, file, file_path, filepath, audio_path, audio_file, audio_filename, audio, wav |
| label | label, category, class, class_name |
| transcript | transcript, transcription, sentence, text |
| speaker | speaker, speaker_id, client_id |
| recording | recording, recording_id, session, session_id |
| domain | domain, modality |
| source | source, dataset, dataset_name, corpus, package |
| licence | licence, license |
| attributes | attributes, tags |
| split | split, subset |
| question | question, question_text |
| choices | choices, options, multi_choice: a list, a JSON list, or texts separated by a vertical bar |
| answer | answer, correct_answer: a choice, its letter, or (as a number) its index from 0 |
| skill | skill, question_type |
| questions | questions: a list of objects with question, choices, answer and skill, or that list as JSON |
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from mgrd.errors import DataError, boundary
from mgrd.ingest.texts import parse_json

MANIFEST_SUFFIXES = (".parquet", ".jsonl", ".csv")
"""In the order of preference when a folder holds several."""

ALIASES: dict[str, tuple[str, ...]] = {
    "path": (
        "path",
        "file_name",
        "filename",
        "file",
        "file_path",
        "filepath",
        "audio_path",
        "audio_file",
        "audio_filename",
        "audio",
        "wav",
    ),
    "label": ("label", "category", "class", "class_name"),
    "transcript": ("transcript", "transcription", "sentence", "text"),
    "speaker": ("speaker", "speaker_id", "client_id"),
    "recording": ("recording", "recording_id", "session", "session_id"),
    "domain": ("domain", "modality"),
    "source": ("source", "dataset", "dataset_name", "corpus", "package"),
    "licence": ("licence", "license"),
    "attributes": ("attributes", "tags"),
    "split": ("split", "subset"),
    "question": ("question", "question_text"),
    "choices": ("choices", "options", "multi_choice"),
    "answer": ("answer", "correct_answer"),
    "skill": ("skill", "question_type"),
    "questions": ("questions",),
}


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """A row that could be read. `values` maps field names (not column names) to raw values."""

    number: int
    """Line of a text manifest, row of a Parquet one, from 1."""
    values: dict[str, object]


@dataclass(frozen=True, slots=True)
class ManifestFault:
    """A row that could not be read, and why."""

    number: int
    message: str
    text: str


def read_manifest(path: Path) -> list[ManifestRow | ManifestFault]:
    """Every row of a manifest, in its order. Raises DataError for a manifest without rows or without a path column."""
    readers = {".csv": _read_csv, ".jsonl": _read_jsonl, ".parquet": _read_parquet}
    with boundary(DataError, f"{path.name} cannot be read"):
        rows = list(readers[path.suffix.lower()](path))
    if not rows:
        raise DataError(f"{path.name} has no rows; list one audio file per row")
    return rows


def field_values(raw: dict[str, object]) -> dict[str, object]:
    """Raw columns under their field names. A column that is empty yields to the next alias."""
    columns = {_column_name(name): value for name, value in reversed(raw.items())}
    values: dict[str, object] = {}
    for field, aliases in ALIASES.items():
        present = [columns[alias] for alias in aliases if columns.get(alias) not in (None, "", [])]
        if present:
            values[field] = present[0]
    return values


def require_path_column(path: Path, columns: Sequence[str]) -> None:
    """Raises DataError, with the columns that are there, when none of them names the audio files."""
    if not {_column_name(name) for name in columns} & set(ALIASES["path"]):
        seen = ", ".join(repr(name) for name in columns) or "none"
        raise DataError(
            f"{path.name} has no column with the audio files (columns: {seen}); "
            f"name one of them {', '.join(ALIASES['path'][:2])} or {ALIASES['path'][3]}"
        )


def _column_name(name: object) -> str:
    return str(name).strip().casefold().replace(" ", "_").replace("-", "_")


def _decode_text(path: Path) -> str:
    """UTF-8 with or without BOM, or UTF-16 with one. Bytes that are no UTF-8 survive as surrogates."""
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "surrogateescape")


def _broken_encoding(text: str) -> bool:
    return any("\ud800" <= sign <= "\udfff" for sign in text)


def _read_csv(path: Path) -> Iterator[ManifestRow | ManifestFault]:
    text = _decode_text(path)
    header_line = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns = next(reader, None)
    if columns is None:
        return
    require_path_column(path, columns)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield ManifestFault(reader.line_num, f"not a CSV row: {error}", "")
            continue
        if not any(cell.strip() for cell in cells):
            continue
        line = delimiter.join(cells)
        if len(cells) != len(columns):
            yield ManifestFault(reader.line_num, f"{len(cells)} cells under {len(columns)} columns", line)
        elif _broken_encoding(line):
            yield ManifestFault(reader.line_num, "the row is not UTF-8", line)
        else:
            yield ManifestRow(reader.line_num, field_values(dict(zip(columns, cells, strict=True))))


def _read_jsonl(path: Path) -> Iterator[ManifestRow | ManifestFault]:
    for number, line in enumerate(_decode_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        if _broken_encoding(line):
            yield ManifestFault(number, "the row is not UTF-8", line)
            continue
        try:
            value = parse_json(line)
        except DataError as error:
            yield ManifestFault(number, str(error), line)
            continue
        if isinstance(value, dict):
            yield ManifestRow(number, field_values(value))
        else:
            yield ManifestFault(number, f"a JSON object is wanted, not a {type(value).__name__}", line)


def _read_parquet(path: Path) -> Iterator[ManifestRow | ManifestFault]:
    with pq.ParquetFile(path) as file:
        columns = file.schema_arrow.names
        require_path_column(path, columns)
        known = {alias for aliases in ALIASES.values() for alias in aliases}
        wanted = [name for name in columns if _column_name(name) in known]
        number = 0
        for batch in file.iter_batches(columns=wanted):
            for row in batch.to_pylist():
                number += 1
                yield ManifestRow(number, field_values(row))
