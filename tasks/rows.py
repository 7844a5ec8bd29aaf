"""What tasks read of a workspace: the clips, questions and chains that a stage speaks of."""

import polars as pl

from mgrd.audio.facts import Fact, from_row
from mgrd.store import DatasetRef, Workspace
from schemas import CLIPS, OVERLAPS, QUESTIONS, TRACES
from schemas.clips import HELD_OUT
from schemas.traces import DISTILL


def splits_of(purpose: object) -> tuple[str, ...]:
    """The splits whose clips chains of this purpose are on."""
    return ("pool",) if purpose == DISTILL else HELD_OUT


def questions_of(workspace: Workspace, *splits: str) -> pl.DataFrame:
    """Questions of the splits in key order, at most `spec.limit` of each split.

    Training questions that overlap with something held out (table `overlaps`) are left out.
    """
    rows = workspace.store.read(QUESTIONS).filter(pl.col("split").is_in(splits)).sort("split", "question_id")
    rows = trainable(workspace, rows)
    limit = workspace.settings.spec.limit
    return rows if limit is None else rows.group_by("split", maintain_order=True).head(limit).select(rows.columns)


def trainable(workspace: Workspace, questions: pl.DataFrame) -> pl.DataFrame:
    """The questions without those of training splits that overlap with something held out."""
    overlaps = workspace.store.read(OVERLAPS, columns=["question_id"])["question_id"]
    return questions.filter(pl.col("split").is_in(HELD_OUT) | ~pl.col("question_id").is_in(overlaps.implode()))


def clips_of(workspace: Workspace, *splits: str) -> pl.DataFrame:
    """Clips of the splits in key order."""
    return workspace.store.read(CLIPS).filter(pl.col("split").is_in(splits)).sort("clip_id")


def clip_ids_of(workspace: Workspace, *splits: str) -> pl.Series:
    """`clip_id` of the clips of the splits."""
    clips = workspace.store.scan(CLIPS).filter(pl.col("split").is_in(splits))
    return clips.select("clip_id").collect()["clip_id"]


def asked_of(workspace: Workspace, rows: pl.DataFrame) -> pl.DataFrame:
    """The questions (QUESTIONS) that rows of any table with a `question_id` are about, and no others."""
    wanted = rows["question_id"].unique()
    near = pl.col("question_id").is_between(
        pl.lit(wanted.min()), pl.lit(wanted.max())
    )  # what files hold is known by range
    return workspace.store.scan(QUESTIONS).filter(near & pl.col("question_id").is_in(wanted.implode())).collect()


def chains_of(workspace: Workspace, traces: DatasetRef, rows: pl.DataFrame) -> pl.DataFrame:
    """The traces (TRACES) of rows of any table with `trace_id` and `question_id`."""
    near = pl.col("question_id").is_between(pl.lit(rows["question_id"].min()), pl.lit(rows["question_id"].max()))
    wanted = pl.col("trace_id").is_in(rows["trace_id"].implode())
    return workspace.store.scan(TRACES, traces.partition).filter(near & wanted).collect()


def facts_by_clip(frame: pl.DataFrame, column: str) -> dict[str, list[Fact]]:
    """clip_id -> facts of a clips or evidence frame; clips without any are left out."""
    rows = frame.select("clip_id", column).drop_nulls().iter_rows()
    return {clip_id: [from_row(row) for row in facts] for clip_id, facts in rows}
