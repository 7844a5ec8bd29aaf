"""Checkpoints between tasks: how one is named, where it lies, and its row in table `models`."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import polars as pl

from mgrd.errors import DataError
from mgrd.store import Entry, Stage, Workspace, frame_of
from schemas import MODELS

if TYPE_CHECKING:
    from mgrd.training.features import FeatureCache


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A checkpoint: its content id and its folder relative to the workspace."""

    model_id: str
    uri: str
    round: int


def new_folder(workspace: Workspace, stage: Stage) -> Path:
    """Where the stage writes its checkpoint, named by its fingerprint; what a killed run left there is removed."""
    folder = workspace.models / f"round-{stage.round:02d}-{stage.name.replace(' ', '-')}-{stage.fingerprint[:8]}"
    shutil.rmtree(folder, ignore_errors=True)
    return folder


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


def model_entry(entry: Entry, round_: int) -> ModelRef:
    """The checkpoint that a training stage recorded in its counts."""
    return ModelRef(str(entry.counts["model_id"]), str(entry.counts["uri"]), round_)


def outside_model(workspace: Workspace) -> ModelRef:
    """`spec.model.base` as the campaign's first model."""
    from mgrd.models import model_sha  # imports torch

    folder = Path(workspace.settings.spec.model.base).expanduser().resolve()
    return ModelRef(model_sha(folder), folder.as_posix(), 0)


def standing_model(workspace: Workspace, round_: int) -> ModelRef:
    """The model that round `round_` samples from: the newest that was promoted before it, or the outside one.

    Raises DataError while the round before is not finished.
    """
    before = workspace.store.read(MODELS).filter(pl.col("round") < round_)
    last, ledger = round_ - 1, workspace.ledger
    trained = before.filter(pl.col("round") == last).height > 0
    finished = ledger.newest(last, "promote" if trained else "evaluate") is not None
    promoted = before.filter("promoted").sort("round")
    outside = workspace.settings.spec.model.base != "embedded"
    if not finished or (promoted.is_empty() and not outside):
        raise DataError(
            f"round {round_} has no model to sample from: round {last} is not finished; run it first, with `mgrd run` "
            "or the deployment distill/round"
        )
    if promoted.is_empty():
        return outside_model(workspace)
    model = promoted.row(-1, named=True)
    return ModelRef(model["model_id"], model["uri"], model["round"])


def features_of(workspace: Workspace, encoder_sha: str) -> "FeatureCache":
    """The workspace's stored outputs of the frozen encoder, as the settings want them kept."""
    from mgrd.training.features import FeatureCache

    model = workspace.settings.spec.model
    return FeatureCache(workspace.features, encoder_sha, model.features, model.long_clips)
