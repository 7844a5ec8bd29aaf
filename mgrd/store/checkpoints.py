"""Which checkpoint a campaign has come to, and which stay on disk. Rows of table `models` stay always."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl

from mgrd.store.delta import Store
from mgrd.store.workspace import Workspace
from schemas import MODELS


def newest_model(store: Store) -> dict[str, Any] | None:
    """The row (MODELS) of the checkpoint that the campaign has come to; None before there is one.

    Of the last round it is the one that no other was trained from: its stages train one after another.
    """
    rows = store.read(MODELS)
    last = rows.filter(pl.col("round") == pl.col("round").max())
    reached = last.filter(~pl.col("model_id").is_in(last["parent_id"].drop_nulls().implode()))
    return reached.row(-1, named=True) if reached.height else None


def unneeded_checkpoints(workspace: Workspace, rounds: int) -> list[Path]:
    """Folders of checkpoints that no round to come starts from, oldest first.

    Needed are those of the last `rounds` rounds, of round 0 (the cold start, to which `training.start = "base"` goes
    back), and the newest promoted one, however old.
    """
    models = workspace.store.read(MODELS, columns=["round", "uri", "promoted"]).sort("round")
    if models.is_empty():
        return []
    newest = models["round"].to_list()[-1]
    promoted = models.filter("promoted")["uri"].to_list()[-1:]
    old = models.filter(pl.col("round").is_between(1, newest - rounds) & ~pl.col("uri").is_in(promoted))
    needed = set(models.filter(pl.col("round") > newest - rounds)["uri"]) | set(promoted)
    folders = (workspace.root / uri for uri in old["uri"].unique(maintain_order=True) if uri not in needed)
    return [folder for folder in folders if folder.is_dir() and folder.is_relative_to(workspace.models)]


def retire_checkpoints(workspace: Workspace) -> list[Path]:
    """Delete what `runtime.keep_models` lets go; returns the folders. Nothing where it is not set."""
    rounds = workspace.settings.runtime.keep_models
    folders = [] if rounds is None else unneeded_checkpoints(workspace, rounds)
    for folder in folders:
        shutil.rmtree(folder)
    return folders
