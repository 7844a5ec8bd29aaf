"""Where a campaign stands, as plain data: the document behind `mgrd status` and the report.

Held-out figures are those of the test split. What was not measured is None, never 0.
"""

import json
from typing import Any

import polars as pl

HELDOUT = (
    "accuracy", "accuracy_sampled", "grounded", "claim_precision", "surrogate", "mean_reasoning_tokens",
    "text_accuracy", "self_cognition_error",
)  # fmt: skip
TRUTH = ("truth_grounded", "truth_claim_precision")
FUNNEL = ("sampled", "correct", "grounded", "kept", "rejected", "unscored", "quarantined")
SELECT_STAGE = "select"
REPORTED_SPLIT = "test"
SPLITS = (REPORTED_SPLIT, "dev")


def status_document(metrics: pl.DataFrame, ledger: pl.DataFrame) -> dict[str, Any]:
    """Per round: held-out figures with intervals, the funnel, reasons, and seconds per stage.

    Round 0 is the cold start, which samples nothing for selection: its funnel is zeros. A stage
    that ran more than once is told by its last run. JSON-ready: plain numbers, text, lists, None.
    """
    rounds = sorted({*metrics["round"].to_list(), *ledger["round"].to_list()})
    return {"rounds": [_round(round_, metrics, ledger) for round_ in rounds]}


def figures_of(metrics: pl.DataFrame, round_: int, split: str) -> dict[str, dict[str, Any]]:
    """The figures of a round and split by name, each with value, low, high and n."""
    rows = metrics.filter((pl.col("round") == round_) & (pl.col("split") == split))
    return {row["name"]: row for row in rows.iter_rows(named=True)}


def _round(round_: int, metrics: pl.DataFrame, ledger: pl.DataFrame) -> dict[str, Any]:
    figures = figures_of(metrics, round_, REPORTED_SPLIT)
    finished = ledger.filter(pl.col("round") == round_).sort("finished_at", maintain_order=True)
    stages = {row["stage"]: row for row in finished.iter_rows(named=True)}
    counts = json.loads(stages[SELECT_STAGE]["counts"]) if SELECT_STAGE in stages else {}
    heldout = {name: figures.get(name, {}).get("value") for name in HELDOUT}
    n = figures.get("accuracy", figures.get("accuracy_sampled", {})).get("n")
    return {
        "round": round_,
        "heldout": {**heldout, "n": n},
        "truth": {name: figures.get(name, {}).get("value") for name in TRUTH},
        "intervals": {
            name: [row["low"], row["high"]] for name, row in sorted(figures.items()) if row["low"] is not None
        },
        "funnel": {name: int(counts.get(name, 0)) for name in FUNNEL},
        "reasons": dict(counts.get("reasons", {})),
        "seconds": {stage: row["seconds"] for stage, row in stages.items()},
    }
