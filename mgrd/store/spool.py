"""Rows that a stage has made and not committed yet: the first frame in memory, more of them in a file.

A stage that makes several tables from one pass over its input keeps them here until each is committed whole.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import polars as pl
import pyarrow as pa

from mgrd.errors import StoreError, boundary
from mgrd.store.delta import to_arrow
from schemas import Table


class Spool:
    """Frames of a table, kept in the order in which they came until the block ends."""

    def __init__(self, table: Table, folder: Path) -> None:
        """`folder` is there, and gets a file if one is needed."""
        self.table = table
        self.rows = 0
        self._folder = folder
        self._first: pl.DataFrame | None = None
        self._path: Path | None = None
        self._writer: pa.RecordBatchStreamWriter | None = None

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def add(self, frame: pl.DataFrame) -> None:
        """Keep a frame. Raises DataError when it is not in the table's schema."""
        if frame.is_empty():
            return
        self.rows += frame.height
        if self._first is None:
            self._first = frame
        else:
            self._write(frame)

    def frames(self) -> Iterator[pl.DataFrame]:
        """What was added. Nothing can be added any more."""
        if self._first is not None:
            yield self._first
        if self._path is None:
            return
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        with boundary(StoreError, f"reading {self._path}"), pa.ipc.open_stream(self._path.as_posix()) as stream:
            for batch in stream:
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                yield frame

    def _write(self, frame: pl.DataFrame) -> None:
        data = to_arrow(self.table, frame)
        with boundary(StoreError, f"writing to {self._folder}"):
            if self._writer is None:
                handle, name = tempfile.mkstemp(prefix=f"{self.table.name}-", suffix=".arrows", dir=self._folder)
                os.close(handle)
                self._path = Path(name)
                options = pa.ipc.IpcWriteOptions(compression="lz4")
                self._writer = pa.ipc.new_stream(name, data.schema, options=options)
            self._writer.write_table(data)
