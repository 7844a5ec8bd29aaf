"""`load_round`: an export, or a workspace's round, as a PyTorch data set.

Which export is meant, and which share of it is this process's own; `mgrd.export.stream` reads it.
"""

import os
from pathlib import Path

import polars as pl

from mgrd.errors import ConfigError, DataError
from mgrd.export.choices import ExportConfig
from mgrd.export.directory import export_round
from mgrd.export.fingerprint import export_fingerprint
from mgrd.export.formats import Purpose
from mgrd.export.manifest import read_manifest
from mgrd.export.stream import RoundStream, RoundTable
from mgrd.export.tables import Tables
from mgrd.settings import SETTINGS_FILE
from mgrd.store import Workspace
from schemas import LEDGER

READABLE = frozenset({"hf", "trl"})


def load_round(
    source: str | os.PathLike[str],
    split: str = "train",
    *,
    streaming: bool = True,
    config: str | None = None,
    round: int | None = None,  # noqa: A002 - the word of the method
    purpose: Purpose = "sft",
    decode: bool = True,
    shuffle: bool | None = None,
    seed: int = 0,
    rank: int | None = None,
    world_size: int | None = None,
) -> RoundStream | RoundTable:
    """The rows of an export in the formats hf or trl, or of a workspace's round.

    `source` is a directory that `mgrd export` wrote, or a workspace: then `round` (default: the newest)
    and `purpose` say which export, which is made in the workspace's `exports/` when it is not there yet.
    `config` is `distilled` (default for sft), `text`, `preferences` or `curriculum`. With `streaming` an
    IterableDataset, otherwise a map-style Dataset with a length. `shuffle` (default: streaming train
    only) permutes anew each epoch (`set_epoch`). `rank` and `world_size` default to torch.distributed,
    then to the variables RANK and WORLD_SIZE. Audio is decoded with soundfile unless `decode` is False,
    which leaves `{"bytes", "path"}`. Raises DataError when there is no such config or split.
    """
    folder = _directory(Path(source), round, purpose)
    manifest = read_manifest(folder)
    form = manifest.about["format"]
    if form not in READABLE:
        raise DataError(f"{folder} was exported for {form}; load_round reads --format hf or trl")
    name = config or min(manifest.splits, key=lambda known: (known == "text", known))
    files = manifest.of(name, split)
    if not files:
        raise DataError(f"{folder} has no {name}/{split}; there is {manifest.splits}")
    paths = [folder / entry.path for entry in files]
    if not streaming:
        return RoundTable(paths, folder, decode=decode)
    shuffled = split == "train" if shuffle is None else shuffle
    return RoundStream(
        paths, folder, manifest.fingerprint, decode=decode, shuffle=shuffled, seed=seed, place=_place(rank, world_size)
    )


def _directory(source: Path, round_: int | None, purpose: Purpose) -> Path:
    """The export directory: the source itself, or one made in the workspace."""
    if not (source / SETTINGS_FILE).is_file():
        return source
    workspace = Workspace.open(source)
    if round_ is None:
        selected = workspace.store.read(LEDGER).filter((pl.col("stage") == "select") & (pl.col("round") > 0))
        if selected.is_empty():
            raise DataError(f"{source} has no finished round yet; continue with `mgrd run`")
        round_ = int(str(selected["round"].max()))
    config = ExportConfig(round=round_, purpose=purpose, embed_audio=True)
    return _cached_export(workspace, config)


def _cached_export(workspace: Workspace, config: ExportConfig) -> Path:
    fingerprint = export_fingerprint(config, Tables(workspace.store))
    folder = workspace.root / "exports" / f"round-{config.round:02d}-{config.purpose}-{fingerprint}"
    if not folder.exists():
        export_round(workspace, config, folder)
    return folder


def _place(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """(rank, world size) as given, of torch.distributed, or of the launcher's variables."""
    import torch.distributed as dist

    grouped = dist.is_available() and dist.is_initialized()
    if not grouped and rank is None and world_size is None:
        rank, world_size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    own = rank if rank is not None else dist.get_rank() if grouped else 0
    size = world_size if world_size is not None else dist.get_world_size() if grouped else 1
    if not 0 <= own < size:
        raise ConfigError(f"rank {own} of {size} ranks; ranks run from 0 to {size - 1}")
    return own, size
