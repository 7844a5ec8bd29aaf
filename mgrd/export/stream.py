"""An export's rows as PyTorch data sets: streamed row group by row group, or held as a table.

Each epoch permutes row groups and the rows inside them by seed and epoch; the permuted whole is cut into equal
spans, one for every worker of every rank. So each row comes once over all consumers, consumers differ by at most
one row, and a consumer reads only the row groups that its span touches, one at a time.
"""

import io
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from mgrd.errors import AudioError, ConfigError, DataError, boundary
from mgrd.ids import content_key

Sample = dict[str, Any]
"""A row; `audio` is `{"array": float32 [frames] or [frames, channels], "sampling_rate": Hz, "path": name}`, or None."""

STATE_VERSION = 1
CHUNK = 64
"""Most rows that become Python objects at once."""
CHUNK_BYTES = 3 << 19
"""And about how many bytes: larger chunks take fresh pages of memory each time, which costs a tenth of the rate."""


@dataclass(frozen=True, slots=True)
class Group:
    """A row group of a shard."""

    path: Path
    number: int
    rows: int


class RoundStream(IterableDataset[Sample]):
    """Rows of an export, each to exactly one worker of one rank. Safe to copy into worker processes.

    `state_dict` and `load_state_dict` follow torchdata's StatefulDataLoader, which calls them inside each
    worker. With torch's own DataLoader and several workers the state lives in the workers: build it in the
    main process with `state_after`.
    """

    def __init__(
        self,
        paths: list[Path],
        folder: Path,
        fingerprint: str,
        *,
        decode: bool,
        shuffle: bool,
        seed: int,
        place: tuple[int, int],
    ) -> None:
        super().__init__()
        self._groups = _row_groups(paths)
        self._folder = folder
        self._fingerprint = fingerprint
        self._decode = decode
        self._shuffle = shuffle
        self._seed = seed
        self._rank, self._world_size = place
        self._epoch = 0
        self._done: dict[int, int] = {}
        self._workers: int | None = None

    @property
    def rows(self) -> int:
        """Rows of the split, over all ranks."""
        return sum(group.rows for group in self._groups)

    def __len__(self) -> int:
        """Rows of this rank: those of its workers together."""
        info = get_worker_info()
        workers = info.num_workers if info else 1
        return sum(last - first for first, last in (self._span(worker, workers) for worker in range(workers)))

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next; call it before each one, on every rank alike."""
        self._epoch = epoch
        self._done = {}

    def state_dict(self) -> Sample:
        """Where this process stands: the rows that each of its workers has handed out in this epoch."""
        workers = self._workers or 1
        return self._state(workers, {str(worker): done for worker, done in self._done.items()})

    def state_after(self, batches: int, batch_size: int, workers: int) -> Sample:
        """The state after `batches` batches of a torch DataLoader with `workers` processes, which serve in turn.

        For loaders without `drop_last`; 0 workers is the main process alone.
        """
        count = max(1, workers)
        done = {}
        for worker in range(count):
            first, last = self._span(worker, count)
            served = batches // count + (worker < batches % count)
            done[str(worker)] = min(served * batch_size, last - first)
        return self._state(count, done)

    def _state(self, workers: int, done: dict[str, int]) -> Sample:
        return {
            "version": STATE_VERSION,
            "fingerprint": self._fingerprint,
            "epoch": self._epoch,
            "seed": self._seed,
            "shuffle": self._shuffle,
            "rank": self._rank,
            "world_size": self._world_size,
            "workers": workers,
            "done": done,
        }

    def load_state_dict(self, state: Sample) -> None:
        """Go on after `state`. Raises ConfigError when it is of another export, order or division of the rows."""
        own = self._state(state.get("workers", 1), {})
        wrong = {name for name in own.keys() - {"epoch", "done"} if state.get(name) != own[name]}
        if wrong:
            known = ", ".join(f"{name} {state.get(name)!r}, not {own[name]!r}" for name in sorted(wrong))
            raise ConfigError(f"the state belongs to another stream ({known}); start the epoch anew")
        self._epoch = int(state["epoch"])
        self._workers = int(state["workers"])
        self._done = {int(worker): int(done) for worker, done in state["done"].items()}

    def __iter__(self) -> Iterator[Sample]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        if self._done and self._workers != workers:
            raise ConfigError(f"the state was taken with {self._workers} workers and cannot go on with {workers}")
        self._workers = workers
        first, last = self._span(worker, workers)
        done = self._done.setdefault(worker, 0)
        for sample in self._samples(first + done, last):
            self._done[worker] += 1
            yield sample
        self._done = {}

    def _span(self, worker: int, workers: int) -> tuple[int, int]:
        """This worker's part of the epoch's order; ranks share first, so that they differ by one row at most."""
        rows = self.rows
        first = rows * self._rank // self._world_size
        length = rows * (self._rank + 1) // self._world_size - first
        return first + length * worker // workers, first + length * (worker + 1) // workers

    def _samples(self, first: int, last: int) -> Iterator[Sample]:
        order = self._order(("groups",), len(self._groups))
        ends = list(accumulate(self._groups[number].rows for number in order))
        at = first
        while at < last:
            place = bisect_right(ends, at)
            number = order[place]
            group = self._groups[number]
            start = ends[place] - group.rows
            stop = min(last, ends[place])
            rows = self._order(("rows", number), group.rows)[at - start : stop - start]
            yield from _decoded(group, rows, self._folder, self._decode)
            at = stop

    def _order(self, what: tuple[object, ...], count: int) -> list[int]:
        if not self._shuffle:
            return list(range(count))
        key = int(content_key("epoch", self._seed, self._epoch, *what), 16)
        return np.random.default_rng(key).permutation(count).tolist()


class RoundTable(Dataset[Sample]):
    """Rows of an export by index, in the order of the shards. One row group is held at a time."""

    def __init__(self, paths: list[Path], folder: Path, *, decode: bool) -> None:
        self._groups = _row_groups(paths)
        self._ends = list(accumulate(group.rows for group in self._groups))
        self._folder = folder
        self._decode = decode
        self._held: tuple[int, pa.Table] | None = None

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index: int) -> Sample:
        """The row. Raises IndexError beyond the end."""
        row = index + len(self) if index < 0 else index
        if not 0 <= row < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        place = bisect_right(self._ends, row)
        if self._held is None or self._held[0] != place:
            self._held = (place, _read(self._groups[place]))
        start = self._ends[place] - self._groups[place].rows
        sample = self._held[1].slice(row - start, 1).to_pylist()[0]
        return _with_audio(sample, self._folder) if self._decode else sample


def _row_groups(paths: list[Path]) -> list[Group]:
    groups = []
    for path in paths:
        with boundary(DataError, f"reading {path}; check the export with `mgrd verify`"):
            meta = pq.read_metadata(path)
        groups += [Group(path, number, meta.row_group(number).num_rows) for number in range(meta.num_row_groups)]
    return groups


def _read(group: Group) -> pa.Table:
    """Arrow on one thread: worker processes are forks, in which polars' thread pool would wait for ever."""
    what = f"reading {group.path}; check the export with `mgrd verify`"
    with boundary(DataError, what), pq.ParquetFile(group.path, memory_map=True) as file:
        return file.read_row_group(group.number, use_threads=False)


def _decoded(group: Group, rows: list[int], folder: Path, decode: bool) -> Iterator[Sample]:
    table = _read(group)
    chunk = max(1, min(CHUNK, CHUNK_BYTES * table.num_rows // max(1, table.nbytes)))
    for start in range(0, len(rows), chunk):
        for sample in table.take(rows[start : start + chunk]).to_pylist():
            yield _with_audio(sample, folder) if decode else sample


def _with_audio(sample: Sample, folder: Path) -> Sample:
    """The sample with its audio decoded: from its bytes, or from the file of that name in the export."""
    audio = sample["audio"]
    if audio is None or (audio["bytes"] is None and audio["path"] is None):
        sample["audio"] = None
        return sample
    name = PurePosixPath(audio["path"] or "").name  # without the folders of the machine that wrote it
    place = io.BytesIO(audio["bytes"]) if audio["bytes"] is not None else folder / "audio" / name
    try:
        array, rate = soundfile.read(place, dtype="float32")
    except (soundfile.SoundFileError, RuntimeError, OSError, TypeError) as error:
        raise AudioError(
            f"row {sample['id']}: {name} cannot be decoded: {error}; check it with `mgrd verify`"
        ) from error
    sample["audio"] = {"array": array, "sampling_rate": rate, "path": name}
    return sample
