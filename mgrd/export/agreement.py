"""How far the measured check and the judges agree with the reviewers, for the card."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from mgrd.evaluation.raters import cohen
from mgrd.selection.overrides import votes_of


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cohen's kappa over `n` chains that both raters judged; None when one rater never varied or nothing is shared."""

    rater: str
    n: int
    kappa: float | None


def human_agreement(
    overrides: pl.DataFrame, decisions: pl.DataFrame, verdicts: pl.DataFrame, min_grounding: float
) -> list[Agreement]:
    """Agreement of the measured check and of every judge with the reviewers, on whether a chain is grounded.

    What counts is what the reviewers settled, as in the decision itself (`votes_of`).
    """
    human = {trace_id: vote.grounded for trace_id, vote in votes_of(overrides).items()}
    raters: dict[str, list[tuple[bool, bool]]] = {"measured check": []}
    for trace_id, grounded in decisions.select("trace_id", "grounded").iter_rows():
        if trace_id in human:
            raters["measured check"].append((human[trace_id], grounded))
    for row in verdicts.sort("judge", "trace_id").iter_rows(named=True):
        scores = raters.setdefault(f"judge {row['judge']}", [])
        if row["scored"] and row["acoustic_grounding"] is not None and row["trace_id"] in human:
            scores.append((human[row["trace_id"]], row["acoustic_grounding"] >= min_grounding))
    return [Agreement(rater, len(pairs), _kappa(pairs)) for rater, pairs in raters.items()]


def _kappa(pairs: list[tuple[bool, bool]]) -> float | None:
    said = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return cohen(said[:, 0], said[:, 1], 2, clusters=np.arange(len(said)), resamples=1, seed=0).value
