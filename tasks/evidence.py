"""Evidence: the measured facts of each clip, once per version of the measuring code."""

from collections.abc import Iterator

import polars as pl

from mgrd.audio.evidence import EVIDENCE_VERSION, MeasureClips, measure_clips
from mgrd.errors import AudioError
from mgrd.executors import open_executor
from mgrd.ids import canonical, content_key
from mgrd.ingest.unchanged import altered_clips
from mgrd.store import DatasetRef, Outcome, Stage, Workspace, digest, frame_of, run_stage
from mgrd.store.quarantine import empty_quarantine
from schemas import CLIPS, EVIDENCE, QUARANTINE
from tasks.limits import ErrorLimit
from tasks.progress import Advance, progress
from tasks.run import Run
from tasks.stage_task import stage_task

VERSION = 1
COMMIT_EVERY = 512
"""Clips measured between two commits: what a kill can cost."""
CLIPS_AT_ONCE = 16
"""Clips that a worker of a cluster is given at once."""


@stage_task("measure evidence")
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
    empty_quarantine(store, stage)
    failed = 0
    limit = workspace.settings.runtime.fail_on_error
    errors = ErrorLimit(stage, clips.height, clips.height - owed.height, limit, AudioError)
    with progress("measuring evidence", owed.height) as advance:
        for rows, bad in _parts(workspace, owed, advance):
            store.append(EVIDENCE, rows)
            if bad.height:
                store.append(QUARANTINE, bad.with_columns(stage=pl.lit(stage)))
            failed += bad.height
            errors.count(rows.height, bad)
    return failed


def _parts(workspace: Workspace, owed: pl.DataFrame, advance: Advance) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """(evidence, quarantine) of some clips after the others, as much as is committed at once."""
    for part in owed.iter_slices(COMMIT_EVERY):
        altered = altered_clips(part, workspace.root)
        rows, bad = _measured(workspace, part.filter(~pl.col("clip_id").is_in(list(altered))), advance)
        yield rows, pl.concat([bad, _altered_rows(altered)])


def _measured(workspace: Workspace, clips: pl.DataFrame, advance: Advance) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(evidence, quarantine) of clips, here or on a cluster."""
    runtime = workspace.settings.runtime
    if runtime.executor == "local" or clips.is_empty():
        return measure_clips(clips, workspace.root, runtime.workers, advance, pictures=workspace.pictures)
    work = MeasureClips(workspace.root, workspace.pictures)
    done = list(open_executor(workspace.settings).map(work, clips.iter_slices(CLIPS_AT_ONCE)))
    advance(clips.height)
    return pl.concat(rows for rows, _ in done), pl.concat(bad for _, bad in done)


def _altered_rows(altered: dict[str, str]) -> pl.DataFrame:
    """Quarantine rows of clips whose files were changed since they were ingested."""
    rows = [
        {
            "row_id": content_key("quarantine", "altered", clip_id),
            "stage": "evidence",
            "round": 0,
            "boundary": "hash of a clip's file",
            "message": message,
            "attempts": 1,
            "payload": canonical({"clip_id": clip_id}),
        }
        for clip_id, message in altered.items()
    ]
    return frame_of(QUARANTINE, rows)
