"""The clips of an export: each file is checked once against the hash that names it.

Clips are nearly all that an export with embedded audio holds. Their bytes are read from the file straight into the
column's memory, where they are hashed and compressed: they are copied only for further rows of the same clip.
"""

import hashlib
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import pyarrow as pa

from mgrd.errors import DataError, boundary
from mgrd.export.columns import AUDIO
from mgrd.export.rowset import Row
from mgrd.store import Workspace

LARGEST_COLUMN = 2**31 - 1
"""Bytes that offsets of 32 bits reach."""


class ClipFiles:
    """Files of a workspace's clips. Errors are DataError and name the clip."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._checked: set[str] = set()

    def read(self, clip_id: str, uri: str, sha256: str) -> bytes:
        """A clip's file."""
        with boundary(DataError, f"reading clip {clip_id}"):
            data = self._workspace.resolve(uri).read_bytes()
        self._check(clip_id, uri, sha256, data)
        return data

    def column(self, rows: Sequence[Row], paths: Sequence[str | None]) -> pa.StructArray:
        """The rows' clips as an Audio column: `bytes` of the file, `path` as given; null where a row has none."""
        ends = list(accumulate((row["bytes"] if row["clip_id"] is not None else 0 for row in rows), initial=0))
        if ends[-1] > LARGEST_COLUMN:
            raise DataError(f"clip {rows[0]['clip_id']}: no file may be larger than {LARGEST_COLUMN} bytes; cut it")
        data = pa.allocate_buffer(ends[-1])
        view, known = memoryview(data), dict[str, memoryview]()
        for row, start, end in zip(rows, ends, ends[1:], strict=False):
            clip_id, place = row["clip_id"], view[start:end]
            if clip_id is None:
                continue
            if clip_id in known:
                place[:] = known[clip_id]
            else:
                self._read_into(place, row)
                known[clip_id] = place
        offsets = pa.py_buffer(np.array(ends, np.int32))
        sounds = pa.Array.from_buffers(pa.binary(), len(rows), [None, offsets, data])
        missing = pa.array([row["clip_id"] is None for row in rows], pa.bool_())
        return pa.StructArray.from_arrays([sounds, pa.array(paths, pa.string())], fields=list(AUDIO), mask=missing)

    def _read_into(self, place: memoryview, row: Row) -> None:
        """Fill `place`, which is as long as the file was when the row was read."""
        clip_id, uri = row["clip_id"], row["uri"]
        with boundary(DataError, f"reading clip {clip_id}"), self._workspace.resolve(uri).open("rb", 0) as file:
            at = 0
            while at < len(place) and (more := file.readinto(place[at:])):
                at += more
        if at < len(place):
            raise self._changed(clip_id, uri)
        self._check(clip_id, uri, row["sha256"], place)

    def _check(self, clip_id: str, uri: str, sha256: str, data: bytes | memoryview) -> None:
        """Several rows share a clip: it is hashed for the first one."""
        if clip_id not in self._checked and hashlib.sha256(data).hexdigest() != sha256:
            raise self._changed(clip_id, uri)
        self._checked.add(clip_id)

    def _changed(self, clip_id: str, uri: str) -> DataError:
        path = self._workspace.resolve(uri)
        return DataError(
            f"{path}: changed since it was ingested as clip {clip_id}; ingest it again and run the round anew"
        )
