"""Files of an export: Parquet with row groups sized by bytes, JSON lines, tar; each hashed while it is written."""

import gc
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from threading import Semaphore
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from mgrd.errors import DataError, StoreError, boundary
from mgrd.export.columns import MESSAGES, PART
from mgrd.export.records import AudioRef, Record, Turn

MIB = 1 << 20
SMALLEST_GROUP, LARGEST_GROUP = 64 * MIB, 128 * MIB
"""Uncompressed bytes of a row group: large enough to read fast, small enough that a reader holds several."""
SHARD_BYTES = 512 * MIB
TABLES_IN_FLIGHT = 2
"""Row groups that are built and not yet written."""
RECORDS_AT_ONCE = 2048
"""Records that are Python objects at once; they take several times the room of a group's columns."""
CODEC = "zstd"
CODEC_LEVEL = 1
"""Audio hardly shrinks at any level, and higher ones cost several times the time."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file as it stands on disk."""

    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive rows of a file."""

    records: list[Record]
    columns: dict[str, pa.Array] = field(default_factory=dict)
    """Columns that need not be made of the records."""


class HashingFile(io.RawIOBase):
    """A new file that hashes what passes through it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file: BinaryIO = path.open("xb", buffering=MIB)
        self._hash = hashlib.sha256()
        self.bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        view = memoryview(data).cast("B")
        self._hash.update(view)
        self._file.write(view)
        self.bytes += len(view)
        return len(view)

    def tell(self) -> int:
        return self.bytes

    def close(self) -> None:
        if not self.closed:
            self._file.close()
            super().close()

    def written(self, rows: int) -> WrittenFile:
        """What was written. Closes the file: all of it is with the system then."""
        self.close()
        return WrittenFile(rows, self.bytes, self._hash.hexdigest())


def shard_count(rows: int, total_bytes: int, world_size: int) -> int:
    """How many shards: a multiple of `world_size` of at most SHARD_BYTES each.

    With fewer rows than that, the largest power of two that leaves no shard empty.
    """
    if rows < world_size:
        return 1 << (max(rows, 1).bit_length() - 1)
    wanted = max(1, -(-total_bytes // (SHARD_BYTES * world_size))) * world_size
    return min(wanted, rows // world_size * world_size)


def even_spans(rows: int, parts: int) -> list[tuple[int, int]]:
    """`parts` consecutive spans of nearly equal length that cover `rows`."""
    edges = [rows * i // parts for i in range(parts + 1)]
    return list(pairwise(edges))


def group_spans(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Consecutive spans of rows whose bytes add up to SMALLEST_GROUP..LARGEST_GROUP.

    A shard below the smallest group is one group; a row above the largest is a group of its own.
    """
    if not sizes:
        return []
    ends = list(accumulate(sizes))
    total = ends[-1]
    groups = max(1, -(-total // LARGEST_GROUP))
    target = total / groups
    spans, first, start = [], 0, 0
    for row, end in enumerate(ends):
        last = row + 1 == len(ends)
        following = 0 if last else sizes[row + 1]
        full = end - start >= target or end - start + following > LARGEST_GROUP
        if last or full:
            spans.append((first, row + 1))
            first, start = row + 1, end
    return spans


class ParquetShards:
    """Parquet files that one thread compresses and another hashes, while the caller builds the next rows.

    The threads work on files of the system alone: a Python file object would make them wait for the
    interpreter at every page.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._hashing = ThreadPoolExecutor(1)
        self._slots = Semaphore(TABLES_IN_FLIGHT)

    def __enter__(self) -> "ParquetShards":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._hashing.shutdown(cancel_futures=True)

    def write(
        self, path: Path, schema: pa.Schema, spans: Sequence[tuple[int, int]], read: Callable[[int, int], Part]
    ) -> "Future[WrittenFile]":
        """A file with one row group per span; `read(first, last)` gives rows of a group."""
        # A dictionary of audio bytes would fill its page, be given up, and cost twice.
        plain = [name for name in schema.names if name != "audio"]
        options: dict[str, Any] = {"use_dictionary": plain, "write_statistics": plain}
        with boundary(StoreError, f"writing {path}"):
            writer = pq.ParquetWriter(path, schema, compression=CODEC, compression_level=CODEC_LEVEL, **options)
        groups = []
        for first, last in spans:
            with boundary(DataError, f"rows {first} to {last} of {path.name}"), _without_collector():
                edges = [*range(first, last, RECORDS_AT_ONCE), last]
                table = pa.concat_tables(_table(read(start, end), schema) for start, end in pairwise(edges))
            self._slots.acquire()
            group = self._pool.submit(writer.write_table, table, last - first)
            group.add_done_callback(lambda _: self._slots.release())
            groups.append(group)

        closed = self._pool.submit(writer.close)

        def hashed() -> WrittenFile:
            with boundary(StoreError, f"writing {path}"):
                for step in (*groups, closed):
                    step.result()
                return _written(path, sum(last - first for first, last in spans))

        return self._hashing.submit(hashed)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Records are some hundred small objects each and hold no cycles: the collector would walk them for nothing."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _written(path: Path, rows: int) -> WrittenFile:
    """Size and hash of a finished file, hashed in one go from its pages in memory."""
    with pa.memory_map(path.as_posix()) as file:
        data = file.read_buffer()
        return WrittenFile(rows, data.size, hashlib.sha256(data).hexdigest())


def _table(part: Part, schema: pa.Schema) -> pa.Table:
    """The rows as a table. Turns, most of what is not sound, go to their columns without further objects."""
    made = dict(part.columns)
    for column in schema:
        if column.name not in made and column.type.equals(MESSAGES):
            made[column.name] = _talks([record[column.name] for record in part.records])
    table = pa.Table.from_pylist(
        part.records, schema=pa.schema([column for column in schema if column.name not in made])
    )
    for place, column in enumerate(schema):
        if column.name in made:
            table = table.add_column(place, column, made[column.name])
    return table.replace_schema_metadata(schema.metadata)


def _talks(talks: list[list[Turn]]) -> pa.Array:
    roles: list[str] = []
    kinds: list[str] = []
    texts: list[str | None] = []
    turns, parts = [0], [0]
    for talk in talks:
        for turn in talk:
            roles.append(turn.role)
            if turn.audio:
                kinds.append("audio")
                texts.append(None)
            kinds.append("text")
            texts.append(turn.text)
            parts.append(len(kinds))
        turns.append(len(roles))
    content = pa.StructArray.from_arrays([pa.array(kinds), pa.array(texts, pa.string())], fields=list(PART))
    columns = [pa.array(roles), pa.ListArray.from_arrays(pa.array(parts, pa.int32()), content)]
    messages = pa.StructArray.from_arrays(columns, fields=list(MESSAGES.value_type))
    return pa.ListArray.from_arrays(pa.array(turns, pa.int32()), messages)


def write_lines(path: Path, records: Iterator[Record]) -> WrittenFile:
    """JSON lines, UTF-8."""
    rows = 0
    with boundary(StoreError, f"writing {path}"), HashingFile(path) as sink:
        for record in records:
            sink.write(_json(record) + b"\n")
            rows += 1
        return sink.written(rows)


def write_tar(path: Path, records: Iterator[tuple[Record, AudioRef | None]]) -> WrittenFile:
    """A WebDataset shard: per row `<id>.<audio suffix>` and `<id>.json`, without times or owners."""
    rows = 0
    with boundary(StoreError, f"writing {path}"), HashingFile(path) as sink:
        with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            for record, audio in records:
                key = record["id"]
                if audio is not None and audio.data is not None:
                    _add(tar, f"{key}{Path(audio.name).suffix}", audio.data)
                _add(tar, f"{key}.json", _json(record))
                rows += 1
        return sink.written(rows)


def _json(record: Record) -> bytes:
    """One line of JSON for every reader: some take U+0085, U+2028 and U+2029 for the end of a line."""
    text = json.dumps(record, ensure_ascii=False)
    for sign in ("\x85", "\u2028", "\u2029"):
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text.encode("utf-8", errors="replace")


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    member.mode = 0o644
    tar.addfile(member, io.BytesIO(data))
