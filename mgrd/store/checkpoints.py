"""Which checkpoint a campaign stands at, and which stay on disk.

Rows of table `models` stay always: the registry forgets nothing.
"""

import shutil
from pathlib import Path

import polars as pl

from mgrd.errors import ConfigError
from mgrd.store.workspace import Workspace
from schemas import MODELS


def current_checkpoint(workspace: Workspace) -> Path:
    """The folder of the model that the campaign stands at: the newest that was promoted, or `spec.model.base`.

    Raises ConfigError where there is neither.
    """
    promoted = workspace.store.read(MODELS, columns=["round", "uri", "promoted"]).filter("promoted").sort("round")
    if promoted.height:
        return workspace.root / promoted["uri"][-1]
    base = workspace.settings.spec.model.base
    if base == "embedded":
        raise ConfigError(
            f"{workspace.root}: the campaign has no model yet; `mgrd run --rounds 0` trains one, or name a checkpoint "
            "with --model"
        )
    return Path(base).expanduser().resolve()


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
