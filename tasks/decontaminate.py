"""Decontaminate: which training questions hold the sound or the wording of what the campaign is measured on.

What is found stands in table `overlaps`, and `questions_of` leaves it out of every training split, so that it is
neither sampled nor trained on; `replay_rows` does so with the rows of a text set from a file. Clips that are made
here (`embedded`) are no recordings; their sources keep them apart.
"""

import logging
from collections.abc import Mapping, Sequence

import polars as pl

from mgrd.errors import ConfigError
from mgrd.evaluation.benchmarks import named
from mgrd.evaluation.decontamination import Decontamination, Sample, find_overlaps
from mgrd.ids import content_key
from mgrd.ingest.listing import listing_digest
from mgrd.ingest.text_set import text_set_of
from mgrd.store import DatasetRef, Outcome, Stage, Workspace, digest, frame_of, run_stage
from schemas import CLIPS, OVERLAPS, QUESTIONS
from schemas.clips import HELD_OUT
from tasks.ingest import EMBEDDED
from tasks.run import Run
from tasks.stage_task import stage_task

LOGGER = logging.getLogger("mgrd")
VERSION = 1
OWN = "held-out"
"""The name under which the campaign's own dev and test clips stand in the table."""


@stage_task("decontaminate")
def decontaminate(run: Run) -> DatasetRef:
    """The training questions, on clips and of a text set, that overlap with held-out clips or with named benchmarks."""
    workspace = run.open()
    spec = workspace.settings.spec.decontamination
    clips = workspace.store.read(CLIPS).filter(pl.col("collection") != EMBEDDED).sort("clip_id")
    questions = workspace.store.read(QUESTIONS).filter(~pl.col("split").is_in(HELD_OUT)).sort("question_id")
    folders = {benchmark.name: workspace.resolve(benchmark.data) for benchmark in spec.benchmarks}
    if absent := [f"{name}: {folder}" for name, folder in folders.items() if not folder.exists()]:
        raise ConfigError(f"spec.decontamination.benchmarks: no files at {'; '.join(absent)}; correct `data`")
    texts = _texts(workspace)
    stage = Stage(
        name="decontaminate",
        round=0,
        version=VERSION,
        config={"decontamination": spec.model_dump()},
        inputs={
            "clips": digest(CLIPS, clips),
            "questions": digest(QUESTIONS, questions),
            "benchmarks": content_key(*(listing_digest(folder) for folder in folders.values())),
            **({"texts": content_key(*(part for text in texts.items() for part in text))} if texts else {}),
        },
    )

    def work() -> Outcome:
        training = clips.filter(~pl.col("split").is_in(HELD_OUT))
        asked = {**texts, **dict(questions.select("question_id", "text").iter_rows())}
        held = {
            name: [Sample(item.item_id, item.audio, item.question) for item in items]
            for name, items in (
                (name, named(name).read(folder, workspace.cache / "benchmarks" / name))
                for name, folder in folders.items()
            )
        }
        found = [find_overlaps([Sample(key, question=text) for key, text in asked.items()], held)]
        own = _sounds(workspace, clips.filter(pl.col("split").is_in(HELD_OUT)))
        sounds = {**held, **({OWN: own} if spec.near_duplicates else {})}
        found.append(find_overlaps(_sounds(workspace, training), sounds))
        rows = _rows({**dict.fromkeys(texts), **dict(questions.select("question_id", "clip_id").iter_rows())}, found)
        workspace.store.replace(OVERLAPS, rows, {})
        for key, reason in {key: reason for part in found for key, reason in part.unreadable.items()}.items():
            LOGGER.warning("decontaminate: %s could not be compared: %s", key, reason)
        return _outcome(workspace, len(asked), rows, found)

    entry, _ = run_stage(workspace, stage, work)
    return entry.output(OVERLAPS.name)


def _texts(workspace: Workspace) -> dict[str, str]:
    """question_id -> question of a text set from a file, in key order; none where no benchmark is named."""
    if not workspace.settings.spec.decontamination.benchmarks:
        return {}
    found = text_set_of(workspace)
    return dict(sorted(found.asked.items())) if found is not None else {}


def _sounds(workspace: Workspace, clips: pl.DataFrame) -> list[Sample]:
    rows = clips.select("clip_id", "uri").iter_rows()
    return [Sample(clip_id, workspace.resolve(uri)) for clip_id, uri in rows]


def _rows(clip_of: Mapping[str, str | None], found: Sequence[Decontamination]) -> pl.DataFrame:
    """Rows of table `overlaps`: of what was found by question, and of every question on a clip that was found."""
    on_clip: dict[str | None, list[str]] = {}
    for question_id, clip_id in clip_of.items():
        on_clip.setdefault(clip_id, []).append(question_id)
    rows: dict[tuple[str, str], Mapping[str, object]] = {}
    for overlap in (overlap for part in found for overlap in part.overlaps):
        for question_id in [overlap.key] if overlap.key in clip_of else on_clip.get(overlap.key, []):
            rows[question_id, overlap.benchmark] = {
                "question_id": question_id,
                "clip_id": clip_of[question_id],
                "benchmark": overlap.benchmark,
                "other": overlap.other,
                "reason": overlap.reason,
            }
    return frame_of(OVERLAPS, [rows[key] for key in sorted(rows)])


def _outcome(workspace: Workspace, asked: int, rows: pl.DataFrame, found: Sequence[Decontamination]) -> Outcome:
    overlapping = rows["question_id"].n_unique()
    if overlapping:
        LOGGER.warning("decontaminate: %d questions are left out; `mgrd data show overlaps` names them", overlapping)
    return Outcome(
        (workspace.store.reference(OVERLAPS, {}),),
        asked,
        {"clean": asked - overlapping, "overlapping": overlapping},
        {
            "by_benchmark": dict(rows.group_by("benchmark").len().sort("benchmark").iter_rows()),
            "not_compared": len({key for part in found for key in part.unreadable}),
        },
    )
