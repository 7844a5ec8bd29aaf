"""A Ray cluster, by Ray Data: frames become blocks, `map_batches` runs the work on them, the driver takes what comes.

The file systems of workspace and clips must be the same on all machines; the tables are written by the driver alone, so
workers need no access to them. The work is opened once per worker process, in an actor.
"""

import io
import logging
import os
import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import polars as pl

from mgrd.errors import ConfigError, MgrdError
from mgrd.executors.protocol import Frames, Work

if TYPE_CHECKING:
    import pyarrow as pa

PARTS_AT_ONCE = 32
"""Frames that are handed to the cluster together; the driver holds them, and takes the next when they are done."""
REPLACED = 3
"""Times that a worker which died is replaced, and its frame done again; a frame may be what they die of."""
NUMBER, PART, FRAME, FAILED = "number", "part", "frame", "failed"


class RayExecutor:
    """`address` None starts Ray on this machine. `workers` 0 is as many as the cluster has processors, or has
    GPUs for: each worker holds `gpus` of them.
    """

    def __init__(self, address: str | None = None, workers: int = 0, gpus: float = 0.0) -> None:
        try:
            import ray.data
        except ImportError as error:
            raise ConfigError('runtime.executor = "ray" needs Ray: pip install "mgrd[ray]"') from error
        if not ray.is_initialized():
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            here: dict[str, Any] = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **({} if address else here))
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        self.gpus = gpus
        places = self._places(ray.cluster_resources())
        self.workers = min(workers, places) if workers and gpus else workers or places

    def _places(self, cluster: Mapping[str, float]) -> int:
        """How many workers the cluster has room for."""
        if not self.gpus:
            return int(cluster.get("CPU", 1))
        found = cluster.get("GPU", 0.0)
        if found < self.gpus:
            raise ConfigError(
                f"runtime.ray_gpus = {self.gpus:g}: the Ray cluster has {found:g} GPUs; set ray_gpus = 0 to use none"
            )
        return int(found / self.gpus)

    def map(self, work: Work, parts: Iterable[pl.DataFrame], *, many: bool = True) -> Iterator[Frames]:
        del many  # whoever asks for a cluster has one
        waiting = iter(parts)
        while group := _take(waiting, PARTS_AT_ONCE):
            yield from self._run(work, group, self.workers, ordered=True)

    def map_unordered(self, work: Work, parts: Sequence[pl.DataFrame], at_most: int | None = None) -> Iterator[Frames]:
        """What `work` makes of the frames, each as it is done; they are handed over at once, and the work is opened
        once in each worker: for work that takes long to open. `at_most` workers are at it.
        """
        if parts:
            workers = min(self.workers, at_most or self.workers)
            yield from self._run(work, [_written(part) for part in parts], workers, ordered=False)

    def _run(self, work: Work, group: list[bytes], workers: int, *, ordered: bool) -> Iterator[Frames]:
        import ray.data
        import ray.exceptions

        rows = ray.data.from_items(
            [{NUMBER: number, PART: part} for number, part in enumerate(group)], override_num_blocks=len(group)
        )
        done = rows.map_batches(
            _Worker,
            fn_constructor_args=(work,),
            batch_size=1,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=min(workers, len(group)))
            if ordered
            # Frames that take long go to whoever is free, none waits behind another.
            else ray.data.ActorPoolStrategy(size=min(workers, len(group)), max_tasks_in_flight_per_actor=1),
            num_gpus=self.gpus or None,
            max_restarts=REPLACED,
            max_task_retries=REPLACED,
        )
        done.context.execution_options.preserve_order = ordered
        try:
            for row in done.iter_rows():
                if row[FAILED] is not None:
                    raise pickle.loads(row[FAILED])
                yield tuple(_read(frame) for frame in row[FRAME])
        except (ray.exceptions.RayActorError, ray.exceptions.WorkerCrashedError) as error:
            raise MgrdError(
                f"workers of the Ray cluster died again and again ({error}), perhaps because the memory was full; what "
                "is committed is kept. Set runtime.workers lower and run the same command again"
            ) from error


class _Worker:
    """One worker's copy of the work; an error goes to the driver as a row, so that Ray does not try it again."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def __call__(self, batch: "pa.Table") -> "pa.Table":
        import pyarrow as pa

        part = _read(batch.column(PART)[0].as_py())
        frames: list[bytes] = []
        failed: bytes | None = None
        try:
            frames = [_written(frame) for frame in self.work(part)]
        except MgrdError as error:
            failed = pickle.dumps(error)
        columns: dict[str, Any] = {
            NUMBER: batch.column(NUMBER),
            FRAME: pa.array([frames], pa.list_(pa.large_binary())),
            FAILED: pa.array([failed], pa.binary()),
        }
        return pa.table(columns)


def _take(parts: Iterator[pl.DataFrame], count: int) -> list[bytes]:
    return [_written(part) for part in islice(parts, count)]


def _written(frame: pl.DataFrame) -> bytes:
    data = io.BytesIO()
    frame.write_ipc(data, compression="lz4")
    return data.getvalue()


def _read(data: bytes) -> pl.DataFrame:
    return pl.read_ipc(io.BytesIO(data))
