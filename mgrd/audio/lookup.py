"""The facts of many clips by `clip_id`, from a file that is mapped into memory.

As Python objects the facts of a large collection fill the memory of every process; here each clip's are made when they
are asked for, and processes of one machine share the file's pages.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from mgrd.audio.facts import Fact
from mgrd.errors import StoreError, boundary
from schemas.base import FACT

SCHEMA = pa.schema([pa.field("clip_id", pa.string()), pa.field("facts", pa.list_(FACT))])


def write_facts(path: Path, parts: Iterable[pl.DataFrame], column: str) -> "FactsFile":
    """A file of the clips in `parts` (columns `clip_id` and `column`); clips without facts are left out."""
    with boundary(StoreError, f"writing {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with pa.ipc.new_file(path.as_posix(), SCHEMA) as writer:
            for part in parts:
                known = part.select("clip_id", facts=column).drop_nulls()
                if known.height:
                    writer.write_table(known.to_arrow().cast(SCHEMA))
    return FactsFile(path)


class _Index(NamedTuple):
    keys: npt.NDArray[np.bytes_]
    """Sorted."""
    places: npt.NDArray[np.int64]
    """Of each key: its row among those of all batches."""
    batches: list[pa.RecordBatch]
    ends: npt.NDArray[np.int64]
    """Rows up to the end of each batch."""


class FactsFile(Mapping[str, Sequence[Fact]]):
    """clip_id -> facts. It pickles as its path; the file is opened where it is first read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[type["FactsFile"], tuple[Path]]:
        return FactsFile, (self.path,)

    def __getitem__(self, clip_id: str) -> list[Fact]:
        index = self._index
        key = clip_id.encode()
        at = int(np.searchsorted(index.keys, np.bytes_(key)))
        if at == len(index.keys) or index.keys[at] != key:
            raise KeyError(clip_id)
        place = int(index.places[at])
        number = int(np.searchsorted(index.ends, place, side="right"))
        batch = index.batches[number]
        row = place - int(index.ends[number]) + batch.num_rows
        lists = batch.column(1)
        start, end = lists.offsets[row].as_py(), lists.offsets[row + 1].as_py()
        facts = lists.values.slice(start, end - start).flatten()
        return [Fact(*values) for values in zip(*(field.to_pylist() for field in facts), strict=True)]

    def __iter__(self) -> Iterator[str]:
        return (key.decode() for key in self._index.keys.tolist())

    def __len__(self) -> int:
        return len(self._index.keys)

    @cached_property
    def _index(self) -> _Index:
        with boundary(StoreError, f"reading {self.path}"):
            table = pa.ipc.open_file(pa.memory_map(self.path.as_posix())).read_all()
        keys = np.array(table.column("clip_id").to_pylist(), dtype=np.bytes_)
        order = np.argsort(keys, kind="stable")
        batches = table.to_batches()
        ends = np.cumsum([batch.num_rows for batch in batches], dtype=np.int64)
        return _Index(keys[order], order, batches, ends)
