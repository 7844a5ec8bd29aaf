"""Evidence: the measured facts of each clip, once per version of the measuring code."""

from collections.abc import Iterator
from itertools import islice

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from mgrd.audio.evidence import EVIDENCE_VERSION, MeasureClips, measure_clips
from mgrd.errors import AudioError
from mgrd.executors import open_executor
from mgrd.store import DatasetRef, Outcome, Stage, Workspace, digest, run_stage
from schemas import CLIPS, EVIDENCE, QUARANTINE
from tasks.limits import ErrorLimit
from tasks.progress import Advance, progress
from tasks.run import Run

VERSION = 1
COMMIT_EVERY = 512
"""Clips measured between two commits: what a kill can cost."""
CLIPS_AT_ONCE = 16
"""Clips that a worker of a cluster is given at once."""


@task(name="measure evidence", cache_policy=NO_CACHE)
def measure(run: Run, clips: DatasetRef) -> DatasetRef:
    """Evidence of a collection's clips that chains are checked on; cold-start clips need none."""
    workspace = run.open()
    rows = workspace.store.read(CLIPS, clips.partition).filter(pl.col("split") != "cold").sort("clip_id")
    stage = Stage(
        name=f"evidence {clips.partition['collection']}",
        round=0,
        version=VERSION,
        config={"evidence": EVIDENCE_VERSION},
        inputs={"clips": digest(CLIPS, rows)},
    )

    def work() -> Outcome:
        failed = _measure_owed(workspace, rows, stage.name)
        known = workspace.store.read(EVIDENCE).filter(pl.col("clip_id").is_in(rows["clip_id"].implode()))
        reference = DatasetRef(
            EVIDENCE.name, {}, workspace.store.version(EVIDENCE), digest(EVIDENCE, known), known.height
        )
        return Outcome((reference,), rows.height, {"measured": known.height, "quarantined": failed})

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(EVIDENCE.name)


def _measure_owed(workspace: Workspace, clips: pl.DataFrame, stage: str) -> int:
    """Measure clips without current evidence, commit as they finish; returns the number that failed."""
    store = workspace.store
    evidence = store.read(EVIDENCE)
    current = evidence.filter(pl.col("version") == EVIDENCE_VERSION)
    if current.height < evidence.height:
        store.replace(EVIDENCE, current, {})
    owed = clips.join(current.select("clip_id"), on="clip_id", how="anti", maintain_order="left")
    store.replace(QUARANTINE, store.read(QUARANTINE).head(0), {"stage": stage})
    failed = 0
    limit = workspace.settings.runtime.fail_on_error
    errors = ErrorLimit(stage, clips.height, clips.height - owed.height, limit, AudioError)
    with progress("measuring evidence", owed.height) as advance:
        for rows, bad in _measured(workspace, owed, advance):
            store.append(EVIDENCE, rows)
            if bad.height:
                store.append(QUARANTINE, bad.with_columns(stage=pl.lit(stage)))
            failed += bad.height
            errors.count(rows.height, bad)
    return failed


def _measured(
    workspace: Workspace, owed: pl.DataFrame, advance: Advance
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """(evidence, quarantine) of some clips after the others, as much as is committed at once."""
    runtime = workspace.settings.runtime
    if runtime.executor == "local":
        for part in owed.iter_slices(COMMIT_EVERY):
            yield measure_clips(part, workspace.root, runtime.workers, advance, pictures=workspace.pictures)
        return
    done = open_executor(workspace.settings).map(
        MeasureClips(workspace.root, workspace.pictures), owed.iter_slices(CLIPS_AT_ONCE)
    )
    while together := list(islice(done, COMMIT_EVERY // CLIPS_AT_ONCE)):
        rows, bad = (pl.concat(frames) for frames in zip(*together, strict=True))
        advance(rows.height + bad.height)
        yield rows, bad
