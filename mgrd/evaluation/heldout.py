"""Held-out figures of a round: accuracy, grounding and length, with bootstrap intervals by source.

`accuracy` is of the greedy chain; every other figure is of the sampled chains. Grounding is told
twice: by the filter's measurements, and, on clips of known construction, by that truth.
"""

import numpy as np
import polars as pl

from mgrd.evaluation.bootstrap import cluster_bootstrap
from mgrd.grounding.surrogate import DENIAL
from mgrd.settings import EvaluationSpec
from mgrd.store import frame_of
from schemas import METRICS


def heldout_metrics(
    traces: pl.DataFrame,
    claims: pl.DataFrame,
    decisions: pl.DataFrame,
    clips: pl.DataFrame,
    counterfactuals: pl.DataFrame | None = None,
    *,
    round_: int,
    spec: EvaluationSpec,
    seed: int,
) -> pl.DataFrame:
    """Rows of METRICS for each split in the traces; intervals are 95 % percentile bootstrap over sources.

    With `counterfactuals` (of a share of the traces) there are figures of what the sound adds.
    """
    chains = traces.join(decisions.drop("round", "purpose", "question_id", "correct"), on="trace_id").join(
        clips.select("clip_id", "source"), on="clip_id", how="left"
    )
    judged = claims.join(chains.select("trace_id", "split", "source"), on="trace_id")
    contrasted = None
    if counterfactuals is not None:
        contrasted = counterfactuals.join(chains.select("trace_id", "split", "source"), on="trace_id")
    rows: list[dict[str, object]] = []
    for split in sorted(chains["split"].unique()):
        here = pl.col("split") == split
        figures = _figures(chains.filter(here), judged.filter(here))
        if contrasted is not None:
            figures |= _counterfactual_figures(contrasted.filter(here))
        for name, values in figures.items():
            rows += _metric_rows(name, values, split, round_, spec, seed)
    return frame_of(METRICS, rows)


def text_metrics(traces: pl.DataFrame, *, round_: int, spec: EvaluationSpec, seed: int) -> pl.DataFrame:
    """Rows of METRICS named `text_accuracy`: the share of held-out text problems that greedy chains answer rightly."""
    right = traces.select("split", source="question_id", value=pl.col("correct").cast(pl.Float64))
    return _share_metrics("text_accuracy", right.drop_nulls("value"), round_, spec, seed)


def probe_metrics(traces: pl.DataFrame, *, round_: int, spec: EvaluationSpec, seed: int) -> pl.DataFrame:
    """Rows of METRICS named `self_cognition_error`: the share of replies to probes (mgrd/ingest/probes.py) that deny
    hearing, in their reasoning or their answer; intervals over clips."""
    denied = traces.select("split", source="clip_id", value=denies_hearing(traces["raw_text"]).cast(pl.Float64))
    return _share_metrics("self_cognition_error", denied, round_, spec, seed)


def _share_metrics(name: str, values: pl.DataFrame, round_: int, spec: EvaluationSpec, seed: int) -> pl.DataFrame:
    rows: list[dict[str, object]] = []
    for part in values.sort("split", maintain_order=True).partition_by("split", maintain_order=True):
        rows += _metric_rows(name, part, str(part["split"][0]), round_, spec, seed)
    return frame_of(METRICS, rows)


def denies_hearing(replies: pl.Series) -> pl.Series:
    """Per reply whether its writer says that it cannot hear."""
    return pl.Series([bool(DENIAL.search(reply)) for reply in replies], dtype=pl.Boolean)


def _figures(chains: pl.DataFrame, claims: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Per figure a frame of `value` and `source`, one row per thing that is averaged."""
    greedy = chains.filter(pl.col("sample_index") < 0)
    sampled = chains.filter(pl.col("sample_index") >= 0)
    decided = claims.filter(pl.col("verdict") != "unverifiable")
    known = claims.filter(pl.col("truth_verdict").is_in(["supported", "contradicted"]))
    reasoning = pl.col("reasoning_tokens").cast(pl.Float64)
    return {
        "accuracy": _values(greedy, pl.col("correct")),
        "accuracy_sampled": _values(sampled, pl.col("correct")),
        "grounded": _values(sampled, pl.col("grounded")),
        "surrogate": _values(sampled, pl.col("surrogate")),
        "denial": _values(sampled, pl.col("reasons").list.contains("denial")),
        "kept": _values(sampled, pl.col("decision") == "kept"),
        "claim_precision": _values(decided, pl.col("verdict") == "supported"),
        "truth_grounded": _values(sampled, pl.col("truth_grounded")),
        "truth_claim_precision": _values(known, pl.col("truth_verdict") == "supported"),
        "mean_reasoning_tokens": _values(sampled, reasoning),
    }


def _counterfactual_figures(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Of sampled and greedy chains alike; margins in nats per token."""
    return {
        "silence_margin": _values(rows, pl.col("silence_margin")),
        "swap_margin": _values(rows, pl.col("swap_margin")),
        "silence_flips": _values(rows, pl.col("silence_flips")),
        "swap_flips": _values(rows, pl.col("swap_flips")),
    }


def _values(frame: pl.DataFrame, value: pl.Expr) -> pl.DataFrame:
    return frame.select("source", value=value.cast(pl.Float64)).drop_nulls("value")


def _metric_rows(
    name: str, values: pl.DataFrame, split: str, round_: int, spec: EvaluationSpec, seed: int
) -> list[dict[str, object]]:
    if values.is_empty():
        return []
    sources = values["source"].fill_null("").to_numpy()
    mean, low, high = cluster_bootstrap(np.asarray(values["value"]), sources, spec.bootstrap, seed)
    return [
        {"round": round_, "split": split, "name": name, "value": mean, "low": low, "high": high, "n": values.height}
    ]


def figure(metrics: pl.DataFrame, split: str, name: str) -> float | None:
    """One figure of a metrics frame, or None when it was not measured."""
    rows = metrics.filter((pl.col("split") == split) & (pl.col("name") == name))
    return float(rows["value"][0]) if rows.height else None
