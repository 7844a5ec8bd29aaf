"""What every task is told: which workspace, and the settings that this run overrides.

Tasks pass `ModelRef` and `DatasetRef` to each other, never frames: a task can run in any process
that reaches the workspace.
"""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict

from mgrd.store import Entry, Workspace, frame_of
from schemas import CLIPS, MODELS, QUESTIONS

Overrides = dict[str, int | float | str | bool | None]
"""Settings by dotted key that hold for one run, such as {"spec.rounds": 1}."""


class Run(BaseModel):
    """A workspace and this run's overrides of its settings (dotted keys)."""

    model_config = ConfigDict(frozen=True)

    workspace: str
    overrides: Overrides = {}

    def open(self) -> Workspace:
        return Workspace.open(Path(self.workspace), dict(self.overrides))


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A checkpoint: its content id and its folder relative to the workspace."""

    model_id: str
    uri: str
    round: int


def questions_of(workspace: Workspace, *splits: str) -> pl.DataFrame:
    """Questions of the splits in key order, at most `spec.limit` of each split."""
    rows = workspace.store.read(QUESTIONS).filter(pl.col("split").is_in(splits)).sort("split", "question_id")
    limit = workspace.settings.spec.limit
    return rows if limit is None else rows.group_by("split", maintain_order=True).head(limit).select(rows.columns)


def clips_of(workspace: Workspace, *splits: str) -> pl.DataFrame:
    """Clips of the splits in key order."""
    return workspace.store.read(CLIPS).filter(pl.col("split").is_in(splits)).sort("clip_id")


def model_row(workspace: Workspace, model: ModelRef) -> dict[str, object]:
    """The model's row in the models table."""
    rows = workspace.store.read(MODELS, {"round": model.round}).filter(pl.col("model_id") == model.model_id)
    return rows.row(0, named=True)


def put_model(workspace: Workspace, row: dict[str, object]) -> None:
    """Write a model's row beside the other stages' rows of its round."""
    round_ = int(str(row["round"]))
    others = workspace.store.read(MODELS, {"round": round_}).filter(pl.col("stage") != row["stage"])
    workspace.store.replace(MODELS, pl.concat([others, frame_of(MODELS, [row])]), {"round": round_})


def model_entry(entry: Entry, round_: int) -> ModelRef:
    """The checkpoint that a training stage recorded in its counts."""
    return ModelRef(str(entry.counts["model_id"]), str(entry.counts["uri"]), round_)
