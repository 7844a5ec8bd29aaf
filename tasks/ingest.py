"""Ingest: clips and questions into the workspace, as a collection that the next ingest replaces."""

from pathlib import Path

import polars as pl

from mgrd.ingest.derive import derive_questions
from mgrd.ingest.embedded import make_embedded
from mgrd.ingest.folder import ingest_folder
from mgrd.ingest.listing import collection_of, listing_digest
from mgrd.store import DatasetRef, Outcome, Stage, Workspace, digest, run_stage
from schemas import CLIPS, EVIDENCE, QUARANTINE, QUESTIONS
from tasks.progress import progress
from tasks.run import Run
from tasks.stage_task import stage_task

VERSION = 1
EMBEDDED = "embedded"


@stage_task("ingest embedded")
def ingest_embedded(run: Run) -> DatasetRef:
    """The default clips and questions, made on this machine; returns the clips."""
    workspace = run.open()
    spec = workspace.settings.spec
    stage = Stage(
        name=f"ingest {EMBEDDED}",
        round=0,
        version=VERSION,
        config={"embedded": spec.embedded.model_dump(), "seed": spec.seed},
        inputs={},
    )
    total = spec.embedded.cold_clips + spec.embedded.pool_clips + spec.embedded.dev_clips + spec.embedded.test_clips

    def work() -> Outcome:
        with progress("making clips", total) as advance:
            clips, questions = make_embedded(
                workspace.audio, "audio", spec.embedded, spec.seed, workspace.settings.runtime.workers, advance
            )
        outputs = _commit(workspace, EMBEDDED, clips, questions)
        return Outcome(outputs, clips.height, {"clips": clips.height}, {"questions": questions.height})

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(CLIPS.name)


@stage_task("ingest folder")
def ingest_path(run: Run, path: str) -> DatasetRef:
    """The audio of a folder or manifest; questions that the manifest gives come with it."""
    workspace = run.open()
    source = Path(path).resolve()
    spec = workspace.settings.spec
    collection = collection_of(source)
    stage = Stage(
        name=f"ingest {collection}",
        round=0,
        version=VERSION,
        config={"ingest": spec.ingest.model_dump(), "seed": spec.seed},
        inputs={"files": listing_digest(source)},
    )

    def work() -> Outcome:
        with progress("reading audio", sum(1 for file in source.rglob("*") if file.is_file())) as advance:
            result = ingest_folder(
                source,
                workspace.audio,
                "audio",
                spec.ingest,
                spec.seed,
                workspace.settings.runtime.workers,
                advance,
                collection,
            )
        outputs = _commit(workspace, collection, result.clips, result.questions)
        workspace.store.replace(
            QUARANTINE, result.quarantine.with_columns(stage=pl.lit(stage.name)), {"stage": stage.name}
        )
        bad = result.quarantine.height
        return Outcome(
            outputs,
            result.clips.height + bad,
            {"clips": result.clips.height, "quarantined": bad},
            {"notes": list(result.notes), **result.counts},
        )

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(CLIPS.name)


@stage_task("derive questions")
def derive(run: Run, clips: DatasetRef) -> DatasetRef:
    """Questions from measured facts, for a collection whose clips came without any."""
    workspace = run.open()
    spec = workspace.settings.spec
    rows = workspace.store.read(CLIPS, clips.partition)
    evidence = workspace.store.read(EVIDENCE).filter(pl.col("clip_id").is_in(rows["clip_id"].implode()))
    collection = f"{clips.partition['collection']}:derived"
    stage = Stage(
        name=f"derive {collection}",
        round=0,
        version=VERSION,
        config={"ingest": spec.ingest.model_dump(), "seed": spec.seed},
        inputs={"clips": clips.digest, "evidence": digest(EVIDENCE, evidence)},
    )

    def work() -> Outcome:
        given = workspace.store.read(QUESTIONS, clips.partition, columns=["clip_id"])["clip_id"]
        bare = rows.filter(~pl.col("clip_id").is_in(given.implode()))
        questions = derive_questions(bare, evidence, spec.ingest, spec.seed)
        asked = questions["clip_id"].n_unique()
        partition = {"collection": collection}
        workspace.store.replace(QUESTIONS, questions.with_columns(collection=pl.lit(collection)), partition)
        return Outcome(
            (workspace.store.reference(QUESTIONS, partition),),
            rows.height,
            {"asked": asked, "given": rows.height - bare.height, "without_question": bare.height - asked},
        )

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(QUESTIONS.name)


def _commit(
    workspace: Workspace, collection: str, clips: pl.DataFrame, questions: pl.DataFrame
) -> tuple[DatasetRef, DatasetRef]:
    """Replace the collection's clips and questions. A clip that another collection holds stays there."""
    partition = {"collection": collection}
    elsewhere = workspace.store.read(CLIPS).filter(pl.col("collection") != collection)["clip_id"]
    clips = clips.with_columns(collection=pl.lit(collection)).select(CLIPS.arrow.names)
    questions = questions.with_columns(collection=pl.lit(collection)).select(QUESTIONS.arrow.names)
    workspace.store.replace(CLIPS, clips.filter(~pl.col("clip_id").is_in(elsewhere.implode())), partition)
    workspace.store.replace(QUESTIONS, questions, partition)
    return workspace.store.reference(CLIPS, partition), workspace.store.reference(QUESTIONS, partition)
