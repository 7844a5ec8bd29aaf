"""An export's identity and its account of where it comes from.

The fingerprint covers the content of the tables that were read, the asked configuration and the
version of this code. The audio root is left out: where files lie is not what they are.
"""

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import polars as pl

from mgrd.export.choices import ExportConfig
from mgrd.export.rows import RoundRows
from mgrd.export.tables import Tables, sampled_chains
from mgrd.ids import content_key
from mgrd.store import Workspace, newest_entries
from prompts import load_prompt
from schemas import LEDGER, VERDICTS

EXPORT_VERSION = 4
"""Raised when the same tables give other rows or other files."""

PACKAGES = ("mgrd", "pyarrow", "polars", "deltalake", "soundfile")
STAGES = ("sample-distill", "ground-distill", "judge-distill", "select")
"""Stages of the round that an export speaks of."""


def export_fingerprint(config: ExportConfig, tables: Tables) -> str:
    """Identity of the export: all that its rows and its card depend on."""
    tables.note_all(config.purpose, config.round)
    return content_key("export", EXPORT_VERSION, config.identity, tables.digests)


def about_export(
    workspace: Workspace, config: ExportConfig, tables: Tables, found: RoundRows, root: str | None
) -> dict[str, Any]:
    """What was asked, from which tables, stages, prompts, models and judges, by which packages."""
    traces = sampled_chains(tables, config)
    verdicts = tables.read(VERDICTS, {"round": config.round}, ("judge", "prompt_id", "prompt_sha"))
    asked = traces.select("prompt_id").unique().sort("prompt_id").collect()["prompt_id"]
    prompts = [{"id": one.id, "version": one.version, "sha": one.sha} for one in map(load_prompt, asked)]
    return {
        "round": config.round,
        "purpose": config.purpose,
        "format": config.format,
        "config": config.identity,
        "audio_root": root,
        "tables": {
            name: {"version": tables.versions[name.split("/")[0]], "digest": digest}
            for name, digest in sorted(tables.digests.items())
        },
        "stages": _stages(workspace, config.round),
        "prompts": [*prompts, *_prompts(verdicts)],
        "models": traces.group_by("model_id", "engine").len("chains").sort("model_id", "engine").collect().to_dicts(),
        "judges": verdicts["judge"].unique().sort().to_list(),
        "refused": found.refused,
        "packages": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "export_version": EXPORT_VERSION,
    }


def _stages(workspace: Workspace, round_: int) -> dict[str, Any]:
    rows = newest_entries(workspace.store.read(LEDGER).filter(pl.col("round") == round_))
    return {
        row["stage"]: {"fingerprint": row["fingerprint"], "counts": json.loads(row["counts"])}
        for row in rows.sort("stage").iter_rows(named=True)
        if row["stage"] in STAGES
    }


def _prompts(verdicts: pl.DataFrame) -> list[dict[str, object]]:
    """Judge prompts as the verdicts record them."""
    rows = verdicts.select("prompt_id", "prompt_sha").unique().sort("prompt_id", "prompt_sha")
    return [{"id": row["prompt_id"], "sha": row["prompt_sha"]} for row in rows.iter_rows(named=True)]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
