"""Where the report's figures come from: settings, prompts, models, licences."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from mgrd.report.inputs import ReportInputs

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Plain rows for the tables at the report's end."""

    settings: tuple[tuple[str, str], ...]
    prompts: Rows
    models: Rows
    licences: Rows
    as_of: str
    arm: str


def gather_provenance(inputs: ReportInputs) -> Provenance:
    """What stands behind the figures. `as_of` is the end of the last finished stage, not the clock."""
    models = _by_descent(inputs.models.sort("round", "stage", "model_id").to_dicts())
    prompts = inputs.traces.group_by("prompt_id", "prompt_sha", "engine").len("chains")
    used = inputs.clips.join(inputs.traces.select("clip_id").unique(), on="clip_id")
    licences = used.group_by("licence").agg(
        pl.len().alias("clips"),
        pl.col("source").n_unique().alias("sources"),
        pl.col("domain").unique().sort(),
        pl.col("provenance").unique().sort(),
    )
    return Provenance(
        settings=tuple(_flat(inputs.settings)),
        prompts=prompts.sort("prompt_id", "prompt_sha", "engine").to_dicts(),
        models=models,
        licences=licences.sort("clips", "licence", descending=[True, False]).to_dicts(),
        as_of=str(inputs.ledger["finished_at"].max() or ""),
        arm=next((str(model["arm"]) for model in reversed(models) if model["arm"]), ""),
    )


def _by_descent(models: Rows) -> Rows:
    """Parents before their children, rounds in their order."""
    waiting, ordered = list(models), []
    while waiting:
        ids = {model["model_id"] for model in waiting}
        free = next((model for model in waiting if model["parent_id"] not in ids), waiting[0])
        waiting.remove(free)
        ordered.append(free)
    return ordered


def _flat(settings: Mapping[str, object], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        dotted = f"{path}.{name}" if path else str(name)
        if isinstance(value, Mapping):
            yield from _flat(value, dotted)
        else:
            yield dotted, "none" if value is None else str(value)
