"""Delta tables of a workspace: read, append, replace a partition in one commit.

Every frame is cast to its table's Arrow schema before it is written, and refused when that loses
anything. The store never interprets rows; stages do. Tables may be larger than memory: `batches` reads
a partition part by part, and `replace_parts` writes one so, in a single commit all the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake

from data_contracts.invariants import check_unique, name_nulls, name_rows, next_step, to_schema
from mgrd.errors import ContractError, DataError, MgrdError, StoreError, boundary
from mgrd.store.digest import Digest
from mgrd.store.running import current_stage
from mgrd.store.schema import missing_columns, stored_types, upgraded
from schemas import Table

Partition = Mapping[str, int | str]
"""Column values that select whole partitions, such as {"round": 2}."""
PART_ROWS = 20_000
"""Rows that are in memory at once where a table is read or written part by part."""
LAYOUT = WriterProperties(max_row_group_size=PART_ROWS)
"""Groups that a reader of a range of keys can skip, and of which it holds one."""


@dataclass(frozen=True, slots=True)
class DatasetRef:
    """A table's partition as one stage left it: what tasks pass to each other instead of frames."""

    table: str
    partition: dict[str, int | str]
    version: int
    digest: str
    rows: int


def digests(**references: DatasetRef | None) -> dict[str, str]:
    """The digests of the references by their names, as inputs of a stage; those that are None are no input."""
    return {name: reference.digest for name, reference in references.items() if reference is not None}


class Store:
    """The tables below `root/tables`, or below `uri` in an object store (`s3://`, `gs://`, `az://`).

    Credentials and endpoints of an object store come from the environment (`AWS_...`, `GOOGLE_...`,
    `AZURE_...`), as delta-rs reads them.
    """

    def __init__(self, root: Path, uri: str | None = None) -> None:
        self.root = root
        self.uri = None if uri is None else uri.rstrip("/")
        self._opened: dict[str, DeltaTable] = {}

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
            past = version is not None and version != opened.version()
            at = DeltaTable(self.location(table), version=version) if past else opened
            frame = upgraded(table, pl.scan_delta(at))
        for column, value in (partition or {}).items():
            frame = frame.filter(pl.col(column) == value)
        return frame

    def batches(
        self,
        table: Table,
        partition: Partition | None = None,
        *,
        columns: Sequence[str] | None = None,
        rows: int | None = None,
        where: pl.Expr | None = None,
        version: int | None = None,
    ) -> Iterator[pl.DataFrame]:
        """The rows of `read` in frames of at most `rows` (PART_ROWS), in stored order; those that meet `where`."""
        most = rows or PART_ROWS
        frame = self.scan(table, partition, version=version)
        frame = frame if where is None else frame.filter(where)
        frame = frame if columns is None else frame.select(columns)
        with boundary(StoreError, f"reading table {table.name} at {self.location(table)}"):
            for part in frame.collect_batches(chunk_size=most, maintain_order=True):
                for first in range(0, part.height, most):
                    yield part[first : first + most]

    def append(self, table: Table, frame: pl.DataFrame, note: Mapping[str, str] | None = None) -> int:
        """Add rows in one commit and return the new version. The caller owns key uniqueness across commits."""
        data = to_arrow(table, frame)
        opened = self.open(table)
        with boundary(StoreError, f"appending {frame.height} rows to table {table.name}"):
            write_deltalake(
                self._prepared(table) if opened is None else opened,
                data,
                mode="append",
                schema_mode=self._schema_mode(table, opened),
                partition_by=list(table.partition_by) or None,
                writer_properties=LAYOUT,
                commit_properties=_properties(note),
            )
        return self.version(table) if opened is None else opened.version()

    def replace(
        self, table: Table, frame: pl.DataFrame, partition: Partition, note: Mapping[str, str] | None = None
    ) -> int:
        """Make `frame` the whole content of the partition, in one commit; other partitions are untouched.

        An empty partition mapping replaces the whole table. Raises ContractError when a row lies
        outside the partition or a key occurs twice.
        """
        check_unique(table.name, frame)
        return self.replace_parts(table, [frame], partition, note).version

    def replace_parts(
        self,
        table: Table,
        parts: Iterable[pl.DataFrame],
        partition: Partition,
        note: Mapping[str, str] | None = None,
    ) -> DatasetRef:
        """As `replace`, from frames of which one is in memory at a time; returns what was written.

        Keys are checked within each frame here, and across frames when the stage's contracts are.
        """
        stream = _Stream(table, parts, partition)
        properties = _properties(note)
        predicate = " AND ".join(f"{column} = {_literal(value)}" for column, value in partition.items())
        opened = self.open(table)
        try:
            with boundary(StoreError, f"replacing {dict(partition)} of table {table.name}"):
                if opened is not None and stream.is_empty():
                    opened.delete(predicate or None, commit_properties=properties)
                else:
                    write_deltalake(
                        self._prepared(table) if opened is None else opened,
                        pa.RecordBatchReader.from_batches(table.arrow, stream.batches()),
                        mode="overwrite",
                        schema_mode=self._schema_mode(table, opened),
                        predicate=predicate if opened is not None and predicate else None,
                        partition_by=list(table.partition_by) or None,
                        writer_properties=LAYOUT,
                        commit_properties=properties,
                    )
        except StoreError:
            # What a frame raises on its way through the writer comes out as the writer's own error.
            if stream.error is not None:
                raise stream.error from None
            raise
        version = self.version(table) if opened is None else opened.version()
        return DatasetRef(table.name, dict(partition), version, stream.digest.value, stream.digest.rows)

    def digest(
        self,
        table: Table,
        partition: Partition | None = None,
        *,
        where: pl.Expr | None = None,
        version: int | None = None,
    ) -> Digest:
        """Digest and number of the rows of a partition, or of those of them that meet `where`."""
        found = Digest(table)
        for part in self.batches(table, partition, where=where, version=version):
            found.add(part)
        return found

    def reference(self, table: Table, partition: Partition) -> DatasetRef:
        """The partition as it stands, with the digest of its content."""
        version = self.version(table)
        found = self.digest(table, partition)
        return DatasetRef(table.name, dict(partition), version, found.value, found.rows)

    def open(self, table: Table) -> DeltaTable | None:
        """The Delta table itself at its newest version, for its history and files; None before its first commit.

        It is opened once: opening reads the whole log, going on from a version reads what came since.
        """
        location = self.location(table)
        with boundary(StoreError, f"opening table {table.name} at {location}"):
            if (opened := self._opened.get(table.name)) is not None:
                opened.update_incremental()
            elif DeltaTable.is_deltatable(location):
                opened = self._opened[table.name] = DeltaTable(location)
            return opened

    def _schema_mode(self, table: Table, opened: DeltaTable | None) -> Literal["merge"] | None:
        """`merge` for a stored table that lacks optional columns: the commit then adds them."""
        if opened is None:
            return None
        return "merge" if missing_columns(table, stored_types(opened)) else None

    def _prepared(self, table: Table) -> str:
        if self.uri is None:
            self.path(table).mkdir(parents=True, exist_ok=True)
        return self.location(table)


def _properties(note: Mapping[str, str] | None) -> CommitProperties:
    """What a commit says of itself: the stage that makes it, with its fingerprint, and the note."""
    here = current_stage()
    said = {}
    if here is not None and here.stage is not None:
        said = {"stage": here.stage, "round": str(here.round), "fingerprint": here.fingerprint}
    return CommitProperties(custom_metadata={**said, **(note or {})})


def question_ranges(rows: pl.LazyFrame) -> Iterator[pl.Expr]:
    """Conditions on `question_id` that part rows: those of a question together, some PART_ROWS in a part.

    Chains are stored by question as they were sampled, so that a part is read without reading the others.
    """
    counts = rows.drop_nulls("question_id").group_by("question_id").len().sort("question_id").collect()
    parts = counts.with_columns(part=(pl.col("len").cum_sum() - 1) // PART_ROWS)
    edges = parts.group_by("part", maintain_order=True).agg(
        first=pl.col("question_id").first(), last=pl.col("question_id").last()
    )
    for _, first, last in edges.iter_rows():
        yield pl.col("question_id").is_between(pl.lit(first), pl.lit(last))


def empty_frame(table: Table) -> pl.DataFrame:
    """A frame of the table's schema without rows."""
    frame = pl.from_arrow(table.arrow.empty_table())
    assert isinstance(frame, pl.DataFrame)
    return frame


def frame_of(table: Table, rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Rows as a frame of the table's schema; a missing nullable column is filled with nulls."""
    try:
        data = pa.Table.from_pylist([dict(row) for row in rows], schema=table.arrow)
    except Exception as error:
        raise DataError(f"building rows of table {table.name}: {_unbuildable(table, rows) or error}") from error
    frame = pl.from_arrow(data)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _unbuildable(table: Table, rows: Sequence[Mapping[str, object]]) -> str | None:
    """The first value that the table cannot hold, its row's key, and what to do."""
    for row in rows:
        for field in table.arrow:
            try:
                pa.array([row.get(field.name)], field.type)
            except (pa.ArrowException, UnicodeError, TypeError, ValueError, OverflowError) as error:
                key = ", ".join(f"{name} {row.get(name)}" for name in table.key)
                what = "text that is no UTF-8" if isinstance(error, UnicodeError) else f"no {field.type} ({error})"
                return f"{field.name} of the row with {key} is {what}. {next_step(table.name)}"
    return None


def to_arrow(table: Table, frame: pl.DataFrame) -> pa.Table:
    """The frame in the table's Arrow schema. Raises DataError naming columns that are missing, unknown or null."""
    missing = [name for name in table.arrow.names if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in table.arrow.names]
    if missing or unknown:
        raise DataError(
            f"table {table.name}: missing columns {missing}, unknown columns {unknown}; "
            f"{name_rows(table.name, frame)}. {to_schema(table.name)}"
        )
    nulls = [field.name for field in table.arrow if not field.nullable and frame[field.name].null_count()]
    if nulls:
        raise DataError(
            f"table {table.name}: nulls in required columns {nulls}; {name_nulls(table.name, frame, nulls[0])}"
        )
    with boundary(DataError, f"casting rows of table {table.name} to its schema"):
        data = frame.select(table.arrow.names).to_arrow()
        return data.cast(table.arrow)


def digest(table: Table, frame: pl.DataFrame) -> str:
    """The digest of a frame's content, see `mgrd.store.digest`."""
    found = Digest(table)
    found.add(frame)
    return found.value


class _Stream:
    """Frames on their way into a table: checked, cast, and counted as they pass."""

    def __init__(self, table: Table, parts: Iterable[pl.DataFrame], partition: Partition) -> None:
        self.table = table
        self.partition = partition
        self.digest = Digest(table)
        self.error: MgrdError | None = None
        self._parts = iter(parts)
        self._first = self._next()

    def is_empty(self) -> bool:
        return self._first is None

    def batches(self) -> Iterator[pa.RecordBatch]:
        part = self._first
        self._first = None
        try:
            while part is not None:
                yield from part.to_batches()
                part = self._next()
        except MgrdError as error:
            self.error = error
            raise

    def _next(self) -> pa.Table | None:
        """The next frame that has rows."""
        for frame in self._parts:
            if frame.is_empty():
                continue
            data = to_arrow(self.table, frame)
            _check_inside(self.table, frame, self.partition)
            check_unique(self.table.name, frame)
            self.digest.add(frame)
            return data
        return None


def _literal(value: int | str) -> str:
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def _check_inside(table: Table, frame: pl.DataFrame, partition: Partition) -> None:
    for column, value in partition.items():
        outside = frame.filter(pl.col(column) != value).height
        if outside:
            raise ContractError(f"table {table.name}: {outside} rows outside {column} = {value}; nothing was written")
