"""The read side of review: the workspace's tables mirrored into one SQLite file, so a page costs a few index look-ups.

Delta tables have no index: finding one chain among a million would read them whole. The mirror is made from them and
can be thrown away (`cache/review.sqlite`); nothing is ever only here. It follows the tables file by file: the
Parquet files of a Delta table never change, so what is new is loaded and what is gone is deleted, and a round that was
decided anew costs that round.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from mgrd.errors import StoreError, boundary
from mgrd.store import Workspace
from schemas import (
    CLAIMS,
    CLIPS,
    COUNTERFACTUALS,
    DECISIONS,
    EVIDENCE,
    OVERRIDES,
    PANELS,
    QUARANTINE,
    QUESTIONS,
    TRACES,
    VERDICTS,
    Table,
)

MIRROR_VERSION = 2
"""Raised when the mirror's layout changes; an older file is made anew."""
FILE = "review.sqlite"
BATCH = 20_000
KEYS: dict[str, tuple[str, ...]] = {
    TRACES.name: ("trace_id", "question_id", "clip_id"),
    CLAIMS.name: ("trace_id",),
    VERDICTS.name: ("trace_id",),
    COUNTERFACTUALS.name: ("trace_id",),
    PANELS.name: ("trace_id",),
    DECISIONS.name: ("trace_id",),
    QUESTIONS.name: ("question_id",),
    CLIPS.name: ("clip_id",),
    EVIDENCE.name: ("clip_id",),
    OVERRIDES.name: ("trace_id", "reviewer", "override_id"),
    QUARANTINE.name: ("row_id",),
}
"""Columns that rows are looked up by."""
MIRRORED = (
    TRACES, CLAIMS, VERDICTS, COUNTERFACTUALS, PANELS, DECISIONS, QUESTIONS, CLIPS, EVIDENCE, OVERRIDES, QUARANTINE
)  # fmt: skip
TOUCHING = frozenset(table.name for table in MIRRORED if "trace_id" in table.arrow.names)
"""Tables whose changed rows change what the queues say of a chain."""
LINES = ("level_line", "f0_line", "centroid_line")
"""Facts with a row per step: pictures carry them, the mirror need not."""


class Mirror:
    """Connections to the mirror of a workspace: one to read per thread, one to write under a lock."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.path = workspace.cache / FILE
        self.lock = threading.RLock()
        self._local = threading.local()
        self._writer = self._open_writer()

    def _open_writer(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with boundary(StoreError, f"opening {self.path}; delete it to have it made anew"):
            connection = self._connect(f"file:{self.path}")
            if connection.execute("PRAGMA user_version").fetchone()[0] not in (0, MIRROR_VERSION):
                connection.close()
                for suffix in ("", "-wal", "-shm"):
                    self.path.with_name(FILE + suffix).unlink(missing_ok=True)
                connection = self._connect(f"file:{self.path}")
            connection.executescript(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536;"
            )
            connection.executescript(f"PRAGMA user_version = {MIRROR_VERSION}; {_layout()}")
        return connection

    def _connect(self, uri: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri, uri=True, timeout=30, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.row_factory = sqlite3.Row
        return connection

    @property
    def writer(self) -> sqlite3.Connection:
        """For the holder of `lock` alone."""
        return self._writer

    @property
    def reader(self) -> sqlite3.Connection:
        """The calling thread's connection; it cannot write."""
        if not hasattr(self._local, "connection"):
            self._local.connection = self._connect(f"file:{self.path}?mode=ro")
            self._local.connection.execute("PRAGMA query_only = 1")
            self._local.connection.execute("PRAGMA mmap_size = 1073741824")
        return self._local.connection

    def rows(self, table: Table, column: str, key: str | None) -> list[dict[str, Any]]:
        """The rows whose `column` is `key`, as the table's schema has them; `column` is one of KEYS."""
        if key is None:
            return []
        if column not in KEYS[table.name]:
            raise StoreError(f"the mirror of {table.name} has no look-up by {column}")
        found = self.reader.execute(f'SELECT * FROM "{table.name}" WHERE "{column}" = ?', (key,))
        return [_decoded(table, row) for row in found]

    def refresh(self) -> frozenset[str]:
        """Follow the tables to their newest versions; the names of those that changed. `touched` holds the chains."""
        with self.lock:
            return frozenset(table.name for table in MIRRORED if self.follow(table))

    def follow(self, table: Table) -> bool:
        """Bring one table to its newest version; whether it changed. For the holder of `lock` alone."""
        files = _active_files(self.workspace, table)
        known = {
            row["path"]: row
            for row in self.writer.execute("SELECT * FROM files WHERE name = ?", (table.name,)).fetchall()
        }
        gone, new = known.keys() - files.keys(), files.keys() - known.keys()
        if not gone and not new:
            return False
        with transaction(self.writer):
            for path in gone:
                self._drop(table, known[path])
            for path in sorted(new):
                self._load(table, path, files[path])
        return True

    def _drop(self, table: Table, file: sqlite3.Row) -> None:
        span = (file["first"], file["last"])
        self._touch(table, *span)
        self.writer.execute(f'DELETE FROM "{table.name}" WHERE rowid BETWEEN ? AND ?', span)
        self.writer.execute("DELETE FROM files WHERE name = ? AND path = ?", (table.name, file["path"]))

    def _load(self, table: Table, path: str, partition: Mapping[str, object]) -> None:
        """Rows of a file get consecutive rowids, so that they can be deleted together."""
        first = self.writer.execute(f'SELECT ifnull(max(rowid), 0) + 1 FROM "{table.name}"').fetchone()[0]
        insert = f'INSERT INTO "{table.name}" VALUES ({", ".join("?" * len(table.arrow.names))})'
        with boundary(StoreError, f"reading {path} of table {table.name}"):
            for rows in _file_rows(table, self.workspace.store.path(table) / unquote(path), partition):
                self.writer.executemany(insert, rows)
        last = self.writer.execute(f'SELECT ifnull(max(rowid), 0) FROM "{table.name}"').fetchone()[0]
        self.writer.execute("INSERT INTO files VALUES (?, ?, ?, ?)", (table.name, path, first, last))
        self._touch(table, first, last)

    def _touch(self, table: Table, first: int, last: int) -> None:
        if table.name in TOUCHING:
            self.writer.execute(
                f'INSERT OR IGNORE INTO touched SELECT trace_id FROM "{table.name}" WHERE rowid BETWEEN ? AND ?',
                (first, last),
            )


class transaction:  # noqa: N801 - reads as the statement it is
    """All or nothing on a connection in autocommit mode."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __enter__(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *rest: object) -> None:
        self.connection.execute("ROLLBACK" if kind else "COMMIT")


def _decoded(table: Table, row: sqlite3.Row) -> dict[str, Any]:
    return {field.name: _plain(field, row[field.name]) for field in table.arrow}


def _plain(field: pa.Field, value: Any) -> Any:
    if value is None:
        return [] if pa.types.is_list(field.type) and not field.nullable else None
    if _nested(field):
        return json.loads(value)
    return bool(value) if pa.types.is_boolean(field.type) else value


def _nested(field: pa.Field) -> bool:
    return pa.types.is_list(field.type) or pa.types.is_struct(field.type)


def _active_files(workspace: Workspace, table: Table) -> dict[str, dict[str, object]]:
    """Path below the table's folder -> partition values, of the newest version."""
    path = workspace.store.path(table).as_posix()
    with boundary(StoreError, f"opening table {table.name} at {path}"):
        if not DeltaTable.is_deltatable(path):
            return {}
        actions = pa.table(DeltaTable(path).get_add_actions(flatten=True)).to_pylist()
    prefix = "partition."
    return {
        action["path"]: {name.removeprefix(prefix): action[name] for name in action if name.startswith(prefix)}
        for action in actions
    }


def _file_rows(table: Table, path: Path, partition: Mapping[str, object]) -> Iterator[Sequence[tuple[object, ...]]]:
    """Batches of rows in the schema's order; a column that an older file lacks is null."""
    with pq.ParquetFile(path) as file:
        there = [name for name in file.schema_arrow.names if name in table.arrow.names]
        for batch in file.iter_batches(BATCH, columns=there):
            columns = []
            for field in table.arrow:
                if field.name in partition:
                    columns.append([partition[field.name]] * batch.num_rows)
                elif field.name in there:
                    values = batch.column(field.name).to_pylist()
                    columns.append(_as_json(table, field.name, values) if _nested(field) else values)
                else:
                    columns.append([None] * batch.num_rows)
            yield list(zip(*columns, strict=True))


def _as_json(table: Table, name: str, values: list[Any]) -> list[str | None]:
    if table is EVIDENCE and name == "facts":
        values = [[fact for fact in facts if fact["name"] not in LINES] for facts in values]
    return [None if value is None else json.dumps(value) for value in values]


def _layout() -> str:
    """Tables as the schemas have them, and the bookkeeping; nothing is declared unique: stages own their keys."""
    parts = [
        "CREATE TABLE IF NOT EXISTS files (name TEXT, path TEXT, first INTEGER, last INTEGER);",
        "CREATE INDEX IF NOT EXISTS files_path ON files (name, path);",
        "CREATE TABLE IF NOT EXISTS touched (trace_id TEXT PRIMARY KEY) WITHOUT ROWID;",
    ]
    for table in MIRRORED:
        columns = ", ".join(f'"{field.name}" {_affinity(field)}' for field in table.arrow)
        parts.append(f'CREATE TABLE IF NOT EXISTS "{table.name}" ({columns});')
        parts += [
            f'CREATE INDEX IF NOT EXISTS "{table.name}_{key}" ON "{table.name}" ("{key}");' for key in KEYS[table.name]
        ]
    return "".join(parts)


def _affinity(field: pa.Field) -> str:
    if pa.types.is_integer(field.type) or pa.types.is_boolean(field.type):
        return "INTEGER"
    return "REAL" if pa.types.is_floating(field.type) else "TEXT"
