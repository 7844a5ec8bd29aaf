"""Delta tables of a workspace: read, append, replace a partition in one commit.

Every frame is cast to its table's Arrow schema before it is written, and refused when that loses
anything. The store never interprets rows; stages do.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake

from data_contracts.invariants import check_unique
from mgrd.errors import ContractError, DataError, StoreError, boundary
from mgrd.store.schema import missing_columns, stored_types, upgraded
from schemas import Table

Partition = Mapping[str, int | str]
"""Column values that select whole partitions, such as {"round": 2}."""


@dataclass(frozen=True, slots=True)
class DatasetRef:
    """A table's partition as one stage left it: what tasks pass to each other instead of frames."""

    table: str
    partition: dict[str, int | str]
    version: int
    digest: str
    rows: int


class Store:
    """The tables below `root/tables`, or below `uri` in an object store (`s3://`, `gs://`, `az://`).

    Credentials and endpoints of an object store come from the environment (`AWS_...`, `GOOGLE_...`,
    `AZURE_...`), as delta-rs reads them.
    """

    def __init__(self, root: Path, uri: str | None = None) -> None:
        self.root = root
        self.uri = None if uri is None else uri.rstrip("/")

    def path(self, table: Table) -> Path:
        """The table's folder. Raises StoreError for a table in an object store."""
        if self.uri is not None:
            raise StoreError(
                f"table {table.name} is in {self.uri}, which is no folder of this machine; this command reads local "
                "tables only: copy the tables into the workspace and leave store.uri out"
            )
        return self.root / "tables" / table.name

    def location(self, table: Table) -> str:
        """Where the table lies, as delta-rs is told."""
        return self.path(table).as_posix() if self.uri is None else f"{self.uri}/{table.name}"

    def version(self, table: Table) -> int:
        """The table's newest version; -1 before its first commit."""
        opened = self.open(table)
        return -1 if opened is None else opened.version()

    def read(
        self,
        table: Table,
        partition: Partition | None = None,
        *,
        columns: Sequence[str] | None = None,
        version: int | None = None,
    ) -> pl.DataFrame:
        """The partition's rows (all rows without one), in the table's schema; empty when absent.

        Raises StoreError when the table or the version cannot be read.
        """
        frame = self.scan(table, partition, version=version)
        return (frame.select(columns) if columns is not None else frame).collect()

    def scan(self, table: Table, partition: Partition | None = None, *, version: int | None = None) -> pl.LazyFrame:
        """As `read`, lazily: filters and column choices reach the Parquet files."""
        opened = self.open(table)
        if opened is None:
            return empty_frame(table).lazy()
        with boundary(StoreError, f"reading table {table.name} at {self.location(table)}"):
            frame = upgraded(table, pl.scan_delta(opened if version is None else self.location(table), version=version))
        for column, value in (partition or {}).items():
            frame = frame.filter(pl.col(column) == value)
        return frame

    def append(self, table: Table, frame: pl.DataFrame, note: Mapping[str, str] | None = None) -> int:
        """Add rows in one commit and return the new version. The caller owns key uniqueness across commits."""
        data = to_arrow(table, frame)
        with boundary(StoreError, f"appending {frame.height} rows to table {table.name}"):
            write_deltalake(
                self._prepared(table),
                data,
                mode="append",
                schema_mode=self._schema_mode(table, self.open(table)),
                partition_by=list(table.partition_by) or None,
                commit_properties=CommitProperties(custom_metadata=dict(note or {})),
            )
        return self.version(table)

    def replace(
        self, table: Table, frame: pl.DataFrame, partition: Partition, note: Mapping[str, str] | None = None
    ) -> int:
        """Make `frame` the whole content of the partition, in one commit; other partitions are untouched.

        An empty partition mapping replaces the whole table. Raises ContractError when a row lies
        outside the partition or a key occurs twice.
        """
        data = to_arrow(table, frame)
        _check_inside(table, frame, partition)
        check_unique(table.name, frame)
        properties = CommitProperties(custom_metadata=dict(note or {}))
        predicate = " AND ".join(f"{column} = {_literal(value)}" for column, value in partition.items())
        with boundary(StoreError, f"replacing {dict(partition)} of table {table.name}"):
            opened = self.open(table)
            if opened is not None and frame.is_empty():
                opened.delete(predicate or None, commit_properties=properties)
            else:
                write_deltalake(
                    self._prepared(table),
                    data,
                    mode="overwrite",
                    schema_mode=self._schema_mode(table, opened),
                    predicate=predicate if opened is not None and predicate else None,
                    partition_by=list(table.partition_by) or None,
                    commit_properties=properties,
                )
        return self.version(table)

    def reference(self, table: Table, partition: Partition) -> DatasetRef:
        """The partition as it stands, with the digest of its content."""
        frame = self.read(table, partition)
        return DatasetRef(table.name, dict(partition), self.version(table), digest(table, frame), frame.height)

    def open(self, table: Table) -> DeltaTable | None:
        """The Delta table itself, for its history and files; None before its first commit."""
        location = self.location(table)
        with boundary(StoreError, f"opening table {table.name} at {location}"):
            return DeltaTable(location) if DeltaTable.is_deltatable(location) else None

    def _schema_mode(self, table: Table, opened: DeltaTable | None) -> Literal["merge"] | None:
        """`merge` for a stored table that lacks optional columns: the commit then adds them."""
        if opened is None:
            return None
        return "merge" if missing_columns(table, stored_types(opened)) else None

    def _prepared(self, table: Table) -> str:
        if self.uri is None:
            self.path(table).mkdir(parents=True, exist_ok=True)
        return self.location(table)


def empty_frame(table: Table) -> pl.DataFrame:
    """A frame of the table's schema without rows."""
    frame = pl.from_arrow(table.arrow.empty_table())
    assert isinstance(frame, pl.DataFrame)
    return frame


def frame_of(table: Table, rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Rows as a frame of the table's schema; a missing nullable column is filled with nulls."""
    with boundary(DataError, f"building rows of table {table.name}"):
        data = pa.Table.from_pylist([dict(row) for row in rows], schema=table.arrow)
    frame = pl.from_arrow(data)
    assert isinstance(frame, pl.DataFrame)
    return frame


def to_arrow(table: Table, frame: pl.DataFrame) -> pa.Table:
    """The frame in the table's Arrow schema. Raises DataError naming columns that are missing, unknown or null."""
    missing = [name for name in table.arrow.names if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in table.arrow.names]
    if missing or unknown:
        raise DataError(f"table {table.name}: missing columns {missing}, unknown columns {unknown}")
    nulls = [field.name for field in table.arrow if not field.nullable and frame[field.name].null_count()]
    if nulls:
        raise DataError(f"table {table.name}: nulls in required columns {nulls}")
    with boundary(DataError, f"casting rows of table {table.name} to its schema"):
        data = frame.select(table.arrow.names).to_arrow()
        return data.cast(table.arrow)


def digest(table: Table, frame: pl.DataFrame) -> str:
    """A hash of the rows' content, independent of their order and of the file layout."""
    ordered = frame.sort(list(table.key)) if frame.height else empty_frame(table)
    columns = [name for name in table.arrow.names if name not in UNHASHED]
    hasher = hashlib.sha256()
    sink = pa.BufferOutputStream()
    data = to_arrow(table, ordered).select(columns).combine_chunks()
    with pa.ipc.new_stream(sink, data.schema) as writer:
        writer.write_table(data)
    hasher.update(sink.getvalue())
    return hasher.hexdigest()[:16]


UNHASHED = frozenset({"seconds", "finished_at"})
"""Columns that say how long or when, never what: two equal runs differ in them."""


def _literal(value: int | str) -> str:
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def _check_inside(table: Table, frame: pl.DataFrame, partition: Partition) -> None:
    for column, value in partition.items():
        outside = frame.filter(pl.col(column) != value).height
        if outside:
            raise ContractError(f"table {table.name}: {outside} rows outside {column} = {value}; nothing was written")
