"""Evidence: the measured facts of clips, one at a time or many in parallel.

A bad file becomes a quarantine row and never stops the batch.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import polars as pl
import pyarrow as pa

from mgrd.audio.decode import decode
from mgrd.audio.measuring import EVIDENCE_VERSION, facts_of, listen, measure, measure_file, warm_up
from mgrd.audio.pictures import keep_picture
from mgrd.errors import AudioError
from mgrd.executors.threads import one_thread_each
from mgrd.ids import content_key
from schemas import EVIDENCE, QUARANTINE

__all__ = ["EVIDENCE_VERSION", "MeasureClips", "measure", "measure_clips", "measure_file"]

CHUNK = 16
WORTH_A_POOL = 128  # fewer clips are measured before workers have started
STAGE, BOUNDARY = "evidence", "measure"

Row = dict[str, object]
Owed = tuple[str, str, str]
"""clip_id, path, and the uri that a message names."""


def measure_clips(
    clips: pl.DataFrame,
    root: Path,
    workers: int = 1,
    on_progress: Callable[[int], None] | None = None,
    *,
    pictures: Path | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(EVIDENCE rows in the clips' order, QUARANTINE rows) of the clips in `clips` (CLIPS schema).

    A `uri` is relative to `root` unless absolute. `workers` 0 is one process per core, 1 measures in this process.
    `on_progress` is called with the number of clips just finished. With `pictures`, what review shows of each clip is
    drawn into that folder from the same analysis.
    """
    owed = [(clip, str(root / uri), uri) for clip, uri in clips.select("clip_id", "uri").iter_rows()]
    done: dict[str, Row] = {}
    bad: list[Row] = []
    for rows, failed in _results(owed, workers or os.cpu_count() or 1, pictures):
        done.update((str(row["clip_id"]), row) for row in rows)
        bad += failed
        if on_progress:
            on_progress(len(rows) + len(failed))
    good = [done[clip] for clip, _, _ in owed if clip in done]
    bad.sort(key=lambda row: str(row["row_id"]))
    return _frame(good, EVIDENCE.arrow), _frame(bad, QUARANTINE.arrow)


@dataclass(frozen=True, slots=True)
class MeasureClips:
    """`measure_clips` as work on rows alone, in the process that it is called in."""

    root: Path
    pictures: Path | None = None

    def __call__(self, clips: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        return measure_clips(clips, self.root, pictures=self.pictures)


def _frame(rows: list[Row], schema: pa.Schema) -> pl.DataFrame:
    frame = pl.from_arrow(pa.Table.from_pylist(rows, schema=schema))
    assert isinstance(frame, pl.DataFrame)
    return frame


def _results(owed: list[Owed], workers: int, pictures: Path | None) -> Iterator[tuple[list[Row], list[Row]]]:
    chunks = [owed[i : i + CHUNK] for i in range(0, len(owed), CHUNK)]
    if workers == 1 or len(owed) < WORTH_A_POOL:
        yield from (_measure_chunk(chunk, pictures) for chunk in chunks)
        return
    spawn = get_context("spawn")
    with (
        one_thread_each(),
        ProcessPoolExecutor(min(workers, len(chunks)), mp_context=spawn, initializer=warm_up) as pool,
    ):
        futures: dict[Future[tuple[list[Row], list[Row]]], list[Owed]] = {
            pool.submit(_measure_chunk, chunk, pictures): chunk for chunk in chunks
        }
        for future in as_completed(futures):
            try:
                yield future.result()
            except BrokenProcessPool as error:
                yield [], [_bad(clip, uri, f"the measuring process died: {error}") for clip, _, uri in futures[future]]


def _measure_chunk(chunk: list[Owed], pictures: Path | None) -> tuple[list[Row], list[Row]]:
    rows: list[Row] = []
    bad: list[Row] = []
    for clip, path, uri in chunk:
        began = time.perf_counter()
        try:
            audio = decode(Path(path))
            heard = listen(audio.samples, audio.rate)
            facts = [fact.row() for fact in facts_of(heard, audio.samples)]
            if pictures is not None:
                keep_picture(pictures, clip, heard.frames, heard.line, heard.events)
        except AudioError as error:
            bad.append(_bad(clip, uri, str(error)))
        except Exception as error:  # the row's fault or ours: kept as data, counted by the stage's error rate
            bad.append(_bad(clip, uri, f"{type(error).__name__}: {error}"))
        else:
            seconds = time.perf_counter() - began
            rows.append({"clip_id": clip, "version": EVIDENCE_VERSION, "facts": facts, "seconds": seconds})
    return rows, bad


def _bad(clip: str, uri: str, message: str) -> Row:
    return {
        "row_id": content_key("quarantine", STAGE, clip),
        "stage": STAGE,
        "round": 0,
        "boundary": BOUNDARY,
        "message": message,
        "attempts": 1,
        "payload": json.dumps({"clip_id": clip, "uri": uri}),
    }
