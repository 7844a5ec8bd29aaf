"""Sampling over the workers of an executor: each opens the engine once and gets frames of whole questions.

A chain is what it would be here: its key, seed and prompt come with it, and what fails goes to quarantine with its
reason. The driver commits; workers read clips and the checkpoint, and write to the cache of encoder features alone.
"""

import os
import socket
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from mgrd.engines import open_engine
from mgrd.engines.protocol import Engine
from mgrd.engines.sampling import GREEDY, SamplingRun, sample_traces
from mgrd.errors import EngineStopError
from mgrd.executors import Executor, Frames
from mgrd.settings import Settings
from mgrd.store import frame_of
from schemas import QUARANTINE, TRACES

CLIP_FILE = "clip_file"
"""Column of a worker's frame: where the clip of a row lies, for a row that has one."""


@dataclass
class SampleQuestions:
    """The work on owed rows of a plan, with `CLIP_FILE`: (traces, quarantine, the message of an engine that stopped).

    What was written before the engine stopped is among them.
    """

    settings: Settings
    model_folder: Path
    model_id: str
    features: Path
    run: SamplingRun
    _engine: list[Engine] = field(default_factory=list)

    def __call__(self, rows: pl.DataFrame) -> Frames:
        engine = self._opened()
        clips = dict(rows.select("clip_id", CLIP_FILE).iter_rows())
        done, stopped = [(frame_of(TRACES, []), frame_of(QUARANTINE, []))], list[str]()
        batch_requests = self.settings.runtime.batch_requests
        try:
            done.extend(sample_traces(engine, rows, self.run, lambda clip: Path(clips[clip]), batch_requests))
        except EngineStopError as error:
            stopped.append(str(error))
        traces, failed = (pl.concat(frames) for frames in zip(*done, strict=True))
        return traces, failed, pl.DataFrame({"stopped": stopped}, schema={"stopped": pl.String})

    def _opened(self) -> Engine:
        if not self._engine:
            worker = f"{socket.gethostname()}-{os.environ.get('CUDA_VISIBLE_DEVICES') or os.getpid()}"
            self._engine.append(
                open_engine(self.settings, self.model_folder, self.model_id, self.features, worker=worker)
            )
        return self._engine[0]


def sample_on_cluster(
    executor: Executor, work: SampleQuestions, owed: pl.DataFrame
) -> Generator[tuple[pl.DataFrame, pl.DataFrame]]:
    """As `sample_traces`, in whatever order frames are done; `owed` has `CLIP_FILE`.

    Raises EngineStopError when the engine of a worker stops; what that worker had written is yielded before.
    """
    runtime = work.settings.runtime
    if runtime.engine == "vllm":
        from mgrd.models.serving_copy import servable

        servable(work.model_folder, work.model_id, work.features.parent / "cache" / "serving")  # once, not by each
    for traces, failed, stopped in executor.map_unordered(work, frames_of(owed, runtime.batch_requests)):
        yield traces, failed
        if stopped.height:
            raise EngineStopError(stopped["stopped"][0])


def frames_of(owed: pl.DataFrame, batch_requests: int) -> list[pl.DataFrame]:
    """Whole questions, as many as an engine's batch: the batches are those of one process, greedy chains first."""
    frames: list[pl.DataFrame] = []
    for greedy in (True, False):
        groups = owed.filter((pl.col("sample_index") == GREEDY) == greedy).partition_by(
            "question_id", maintain_order=True
        )
        frames += [pl.concat(groups[first : first + batch_requests]) for first in range(0, len(groups), batch_requests)]
    return frames
