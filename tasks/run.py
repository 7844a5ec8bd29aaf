"""What every task is told: which workspace, and the settings that this run overrides.

Tasks pass `ModelRef` and `DatasetRef` to each other, never frames: a task can run in any process
that reaches the workspace.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import polars as pl
from pydantic import BaseModel, ConfigDict

from data_contracts.invariants import HELD_OUT
from mgrd.settings import load_settings
from mgrd.store import DatasetRef, Entry, Stage, Workspace, frame_of
from mgrd.store.logs import join_log
from mgrd.store.running import running
from mgrd.store.telemetry import traced_flow
from schemas import CLIPS, MODELS, OVERLAPS, QUESTIONS, TRACES

if TYPE_CHECKING:
    from mgrd.training.features import FeatureCache

Overrides = dict[str, int | float | str | bool | None]
"""Settings by dotted key that hold for one run, such as {"spec.rounds": 1}."""


class Run(BaseModel):
    """A workspace and this run's overrides of its settings (dotted keys)."""

    model_config = ConfigDict(frozen=True)

    workspace: str
    overrides: Overrides = {}

    def open(self) -> Workspace:
        return Workspace.open(Path(self.workspace), dict(self.overrides))

    @contextmanager
    def traced(self, flow: str, round_: int | None = None) -> Iterator[None]:
        """The block as a flow: observers see its stages below it, and its log is as the settings want it."""
        settings = load_settings(Path(self.workspace), dict(self.overrides))
        join_log(settings)
        with traced_flow(settings, flow, round_), nullcontext() if round_ is None else running(round_):
            yield


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A checkpoint: its content id and its folder relative to the workspace."""

    model_id: str
    uri: str
    round: int


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


def clip_ids_of(workspace: Workspace, *splits: str) -> pl.Series:
    """`clip_id` of the clips of the splits."""
    clips = workspace.store.scan(CLIPS).filter(pl.col("split").is_in(splits))
    return clips.select("clip_id").collect()["clip_id"]


def model_row(workspace: Workspace, model: ModelRef) -> dict[str, object]:
    """The model's row in the models table."""
    return workspace.store.read(MODELS).filter(pl.col("model_id") == model.model_id).row(0, named=True)


def put_model(workspace: Workspace, row: dict[str, object]) -> None:
    """Write a model's row beside the other stages' rows of its round."""
    round_ = int(str(row["round"]))
    others = workspace.store.read(MODELS, {"round": round_}).filter(pl.col("stage") != row["stage"])
    workspace.store.replace(MODELS, pl.concat([others, frame_of(MODELS, [row])]), {"round": round_})


class Trained(Protocol):
    """What every kind of training tells of the checkpoint that it saved."""

    @property
    def model_id(self) -> str: ...

    @property
    def template_sha(self) -> str: ...


def put_trained(
    workspace: Workspace, stage: Stage, parent: ModelRef, folder: Path, report: Trained, metrics: Mapping[str, object]
) -> str:
    """Write the row of a checkpoint that `stage` trained from `parent`, not promoted yet; returns its uri.

    Weights that another stage has reached already (guards keep the model that a run began with; two arms of an
    ablation may train the same) are that checkpoint: it keeps its row, and the second folder goes.
    """
    uri = folder.relative_to(workspace.root).as_posix()
    same = workspace.store.read(MODELS, columns=["model_id", "uri"]).filter(pl.col("model_id") == report.model_id)
    for reached in same["uri"]:
        if reached != uri and (workspace.root / reached).is_dir():
            shutil.rmtree(folder)
            return reached
    put_model(
        workspace,
        {
            "model_id": report.model_id,
            "parent_id": parent.model_id,
            "round": stage.round,
            "stage": stage.name,
            "uri": uri,
            "template_sha": report.template_sha,
            "arm": workspace.settings.spec.selection.arm,
            "promoted": False,
            "metrics": json.dumps(dict(metrics)),
        },
    )
    return uri


def features_of(workspace: Workspace, encoder_sha: str) -> "FeatureCache":
    """The workspace's stored outputs of the frozen encoder, as the settings want them kept."""
    from mgrd.training.features import FeatureCache

    model = workspace.settings.spec.model
    return FeatureCache(workspace.features, encoder_sha, model.features, model.long_clips)


def model_entry(entry: Entry, round_: int) -> ModelRef:
    """The checkpoint that a training stage recorded in its counts."""
    return ModelRef(str(entry.counts["model_id"]), str(entry.counts["uri"]), round_)
